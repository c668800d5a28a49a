//! What arrives while the view is held: kept in bounded memory, shown when it is let go.

use shared::run::Tick;

use crate::state::run_board::RunBoard;

/// Ticks kept: about a minute of them. Beyond that the history is asked for anew.
const MOST_TICKS: usize = 600;

/// Messages that wait for the view to be let go.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    ticks: Vec<Tick>,
    overflowed: bool,
}

impl Backlog {
    /// Keeps a tick for later. The run's own state is shown at once, so that its controls stay true.
    pub(crate) fn keep(&mut self, tick: Tick, board: &mut RunBoard) {
        board.run = tick.run.clone();
        if self.ticks.len() < MOST_TICKS && !self.overflowed {
            self.ticks.push(tick);
        } else {
            self.overflowed = true;
            self.ticks.clear();
        }
    }

    /// Shows what was kept; false when it was too much, and the history has to be asked for.
    pub(crate) fn release(&mut self, board: &mut RunBoard) -> bool {
        for tick in self.ticks.drain(..) {
            board.tick(tick);
        }
        !std::mem::take(&mut self.overflowed)
    }
}

#[cfg(test)]
mod tests {
    use shared::run::{RunState, TimelineRow};

    use super::*;
    use crate::state::run_board::tests::hello;

    fn tick(second: u32) -> Tick {
        let hello = hello(RunState::Paused, f64::from(second));
        let rows = vec![TimelineRow { second, covered_seconds: 1.0, ..TimelineRow::default() }];
        Tick { run: hello.run, snapshot: hello.snapshot, rows, changes: vec![], samples: vec![], skipped_ticks: 0 }
    }

    #[test]
    fn a_held_view_stands_still_and_loses_nothing() {
        let mut board = RunBoard::new(hello(RunState::Running, 1.0));
        let mut backlog = Backlog::default();
        let before = board.timeline.end();
        for second in 1..30 {
            backlog.keep(tick(second), &mut board);
        }
        assert_eq!(board.timeline.end(), before);
        assert_eq!(board.run.state, RunState::Paused, "controls must know");
        assert!(backlog.release(&mut board));
        assert_eq!(board.timeline.end(), 30.0);
    }

    #[test]
    fn a_view_held_too_long_asks_for_the_history() {
        let mut board = RunBoard::new(hello(RunState::Running, 1.0));
        let mut backlog = Backlog::default();
        for second in 0..5_000 {
            backlog.keep(tick(second), &mut board);
            assert!(backlog.ticks.len() <= MOST_TICKS);
        }
        assert!(!backlog.release(&mut board));
        assert!(backlog.release(&mut board), "it begins anew");
    }
}
