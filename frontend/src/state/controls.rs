//! Which of the run's controls can be used, and what the main key does, by the state of the shown run.

use shared::run::RunState;

/// What a person can do now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Controls {
    /// Start another run.
    pub(crate) start: bool,
    /// Hold back.
    pub(crate) pause: bool,
    /// Go on.
    pub(crate) resume: bool,
    /// End the schedule, wait for answers.
    pub(crate) stop: bool,
    /// End without waiting.
    pub(crate) abort: bool,
    /// Change the rate.
    pub(crate) rate: bool,
    /// Download the result.
    pub(crate) download: bool,
}

impl Controls {
    /// By the state of the shown run, if one is shown, whether the runner can be reached, and whether what is chosen
    /// is known to exist: a Start before that would name nothing.
    pub(crate) fn of(state: Option<RunState>, reachable: bool, chosen: bool) -> Self {
        let over = state.is_none_or(RunState::is_over);
        let running = matches!(state, Some(RunState::Running | RunState::Ready));
        let paused = state == Some(RunState::Paused);
        Self {
            start: over && reachable && chosen,
            pause: running && reachable,
            resume: paused && reachable,
            stop: (running || paused) && reachable,
            abort: state == Some(RunState::Draining) && reachable,
            rate: (running || paused) && reachable,
            download: state.is_some_and(RunState::is_over) && reachable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_of_start_pause_resume_and_abort_can_be_used() {
        for state in [
            None,
            Some(RunState::Ready),
            Some(RunState::Running),
            Some(RunState::Paused),
            Some(RunState::Draining),
            Some(RunState::Finished),
            Some(RunState::Stopped),
            Some(RunState::Failed),
            Some(RunState::Interrupted),
        ] {
            let controls = Controls::of(state, true, true);
            let usable = [controls.start, controls.pause, controls.resume, controls.abort];
            assert_eq!(usable.iter().filter(|usable| **usable).count(), 1, "{state:?}");
            let none = Controls::of(state, false, true);
            assert!(!none.start && !none.pause && !none.stop && !none.download);
            assert!(!Controls::of(state, true, false).start, "nothing is started before it is known what");
        }
    }
}
