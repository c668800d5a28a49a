//! The shown run: what its stream said so far, in bounded memory.

use std::collections::VecDeque;

use shared::chart::ticks::time_end;
use shared::order;
use shared::run::{
    Change, Command, EventTypeRow, FailureKind, Hello, RunId, RunInfo, RunState, Sample, Snapshot, Tick,
};

use crate::state::timeline::Timeline;

/// How many of the newest requests and answers are kept for the tail.
const KEPT_SAMPLES: usize = 200;
/// How many changes are kept; a person makes fewer.
const KEPT_CHANGES: usize = 1_000;

/// The shortest axis of time of a run that goes on, unless its plan is shorter.
const NEAR_SECONDS: f64 = 60.0;

/// The shown run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RunBoard {
    /// What it is.
    pub(crate) run: RunInfo,
    /// What it looks like now.
    pub(crate) snapshot: Snapshot,
    /// Its history.
    pub(crate) timeline: Timeline,
    /// What was changed, in order.
    pub(crate) changes: Vec<Change>,
    /// The newest requests and answers, newest first.
    pub(crate) samples: VecDeque<Sample>,
    /// The runner's version.
    pub(crate) version: String,
    /// Ticks that this page was too slow for.
    pub(crate) skipped_ticks: u64,
}

/// What tables of the shown run follow: it changes when there is something to see, but at most twice a second, so that
/// figures can be read and a page that stays open costs little.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Beat {
    run: RunId,
    state: RunState,
    half_seconds: u64,
    has_rows: bool,
    has_samples: bool,
}

impl RunBoard {
    /// A board from the first message of a connection, whatever was known before.
    pub(crate) fn new(hello: Hello) -> Self {
        let mut board = Self {
            run: hello.run,
            snapshot: hello.snapshot,
            timeline: Timeline::new(&hello.timeline, hello.resolution_seconds),
            changes: hello.changes,
            samples: VecDeque::new(),
            version: hello.version,
            skipped_ticks: 0,
        };
        board.take_samples(hello.samples);
        board
    }

    /// Takes in what happened since the last message.
    pub(crate) fn tick(&mut self, tick: Tick) {
        self.run = tick.run;
        self.snapshot = tick.snapshot;
        self.timeline.take(&tick.rows);
        for change in tick.changes {
            if !self.changes.contains(&change) {
                self.changes.push(change);
            }
        }
        let surplus = self.changes.len().saturating_sub(KEPT_CHANGES);
        self.changes.drain(..surplus);
        self.take_samples(tick.samples);
        self.skipped_ticks = tick.skipped_ticks;
    }

    fn take_samples(&mut self, mut samples: Vec<Sample>) {
        order::sort_by_key(&mut samples, |sample| sample.number);
        for sample in samples {
            if self.samples.front().is_none_or(|newest| newest.number < sample.number) {
                self.samples.push_front(sample);
            }
        }
        self.samples.truncate(KEPT_SAMPLES);
    }

    /// The beat that tables follow.
    pub(crate) fn beat(&self) -> Beat {
        Beat {
            run: self.run.id.clone(),
            state: self.run.state,
            half_seconds: (self.snapshot.elapsed_seconds * 2.0) as u64,
            has_rows: !self.snapshot.event_types.is_empty(),
            has_samples: !self.samples.is_empty(),
        }
    }

    /// Whether nothing more will happen.
    pub(crate) fn is_over(&self) -> bool {
        self.run.state.is_over()
    }

    /// Where the axis of time ends: the planned end where that is near, else the next round length, so that it moves
    /// seldom.
    pub(crate) fn axis_end(&self) -> f64 {
        let reached = self.timeline.end().max(self.snapshot.elapsed_seconds).max(1.0);
        if self.is_over() {
            return reached;
        }
        // Pauses push the end of the schedule back.
        let paused = (self.snapshot.elapsed_seconds - self.snapshot.schedule_seconds).max(0.0).ceil();
        let growing = time_end(reached.max(NEAR_SECONDS));
        match self.run.planned_seconds {
            Some(planned) if planned + paused >= reached => growing.min(planned + paused),
            Some(_) | None => growing,
        }
    }

    /// The whole run's rate so far, in events succeeded per second of schedule.
    pub(crate) fn overall_rate(&self) -> f64 {
        let seconds = self.snapshot.schedule_seconds;
        if seconds > 0.0 { self.snapshot.events.succeeded as f64 / seconds } else { 0.0 }
    }

    /// How much of the plan is done, 0 to 1; none for a run without end.
    pub(crate) fn progress(&self) -> Option<f64> {
        let planned = self.run.planned_seconds.filter(|planned| *planned > 0.0)?;
        Some((self.snapshot.schedule_seconds / planned).clamp(0.0, 1.0))
    }

    /// The failures that happened, most frequent first.
    pub(crate) fn failures(&self) -> Vec<(FailureKind, u64)> {
        let mut failures: Vec<(FailureKind, u64)> = self
            .snapshot
            .failures
            .iter()
            .map(|(kind, count)| (*kind, *count))
            .filter(|(_, count)| *count > 0)
            .collect();
        order::sort_by(&mut failures, |a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        failures
    }
}

/// What a command did, in words.
pub(crate) fn describe(command: &Command) -> String {
    match command {
        Command::Pause => "paused".to_owned(),
        Command::Resume => "resumed".to_owned(),
        Command::Stop => "stopped".to_owned(),
        Command::Abort => "aborted".to_owned(),
        Command::SetRateMultiplier { multiplier } => format!("rate {}", crate::format::multiplier(*multiplier)),
        Command::SetWeights { .. } | Command::SetUsers { .. } | Command::SetFault { .. } => command.in_words(),
    }
}

/// A column by which the table of event types can be ordered.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum EventColumn {
    /// By name.
    Name,
    /// By events sent.
    #[default]
    Sent,
    /// By share of the mix.
    Share,
    /// By median response time.
    P50,
    /// By 95th percentile.
    P95,
    /// By 99th percentile.
    P99,
    /// By share of failed events.
    Errors,
}

/// The event types' names in the order of a column; ties and names ascend, figures descend, `reversed` turns it round.
pub(crate) fn ordered(rows: &[EventTypeRow], column: EventColumn, reversed: bool) -> Vec<String> {
    let mut rows: Vec<&EventTypeRow> = rows.iter().collect();
    order::sort_by(&mut rows, |a, b| {
        let by_column = match column {
            EventColumn::Name => a.name.cmp(&b.name),
            EventColumn::Sent => b.events.sent.cmp(&a.events.sent),
            EventColumn::Share => {
                b.declared_share.unwrap_or(b.actual_share).total_cmp(&a.declared_share.unwrap_or(a.actual_share))
            }
            EventColumn::P50 => b.response_time.p50_us.cmp(&a.response_time.p50_us),
            EventColumn::P95 => b.response_time.p95_us.cmp(&a.response_time.p95_us),
            EventColumn::P99 => b.response_time.p99_us.cmp(&a.response_time.p99_us),
            EventColumn::Errors => b.events.error_rate().total_cmp(&a.events.error_rate()),
        };
        let by_column = if reversed { by_column.reverse() } else { by_column };
        by_column.then_with(|| a.name.cmp(&b.name))
    });
    rows.into_iter().map(|row| row.name.clone()).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use shared::run::{Counts, RunId, RunState, TimelineRow};

    use super::*;

    pub(crate) fn hello(state: RunState, elapsed: f64) -> Hello {
        Hello {
            version: "0.1.0".to_owned(),
            run: RunInfo {
                id: RunId("r1".to_owned()),
                scenario: "commerce-events".to_owned(),
                profile: Some("quick_test".to_owned()),
                seed: 42,
                state,
                started_at: "2026-11-20T14:03:22Z".to_owned(),
                ended_at: None,
                planned_seconds: Some(60.0),
                targets: vec!["http://127.0.0.1:7979".to_owned()],
                warnings: Vec::new(),
            },
            snapshot: Snapshot {
                state,
                elapsed_seconds: elapsed,
                schedule_seconds: elapsed,
                rate_multiplier: 1.0,
                target_rate: 10.0,
                current_rate: 9.98,
                in_flight: 1,
                ..Snapshot::default()
            },
            timeline: vec![TimelineRow { covered_seconds: 1.0, ..TimelineRow::default() }],
            resolution_seconds: 1,
            changes: Vec::new(),
            samples: Vec::new(),
        }
    }

    fn sample(number: u64) -> Sample {
        Sample {
            number,
            elapsed_seconds: 0.0,
            label: "page.view".to_owned(),
            events: 1,
            request: "POST /".to_owned(),
            request_body: "{}".to_owned(),
            status: Some(200),
            answer_body: "{}".to_owned(),
            failure: None,
            response_time_us: 400,
        }
    }

    fn tick(samples: Vec<Sample>, changes: Vec<Change>) -> Tick {
        let hello = hello(RunState::Running, 2.0);
        Tick { run: hello.run, snapshot: hello.snapshot, rows: Vec::new(), changes, samples, skipped_ticks: 3 }
    }

    #[test]
    fn tables_beat_twice_a_second_and_at_once_when_something_new_is_there() {
        let at = |state, elapsed| RunBoard::new(hello(state, elapsed)).beat();
        assert_eq!(at(RunState::Running, 1.0), at(RunState::Running, 1.4));
        assert_ne!(at(RunState::Running, 1.4), at(RunState::Running, 1.5));
        assert_ne!(at(RunState::Running, 1.4), at(RunState::Finished, 1.4), "the end is told at once");
        let mut board = RunBoard::new(hello(RunState::Running, 2.0));
        let before = board.beat();
        board.tick(tick(vec![sample(1)], Vec::new()));
        assert_ne!(board.beat(), before, "the first request is told at once");
    }

    #[test]
    fn the_tail_is_newest_first_without_doubles_and_bounded() {
        let mut board = RunBoard::new(hello(RunState::Running, 1.0));
        board.tick(tick(vec![sample(2), sample(1)], Vec::new()));
        board.tick(tick(vec![sample(2), sample(3)], Vec::new()));
        assert_eq!(board.samples.iter().map(|sample| sample.number).collect::<Vec<_>>(), [3, 2, 1]);
        board.tick(tick((4..1_000).map(sample).collect(), Vec::new()));
        assert_eq!(board.samples.len(), KEPT_SAMPLES);
        assert_eq!(board.skipped_ticks, 3);
    }

    #[test]
    fn a_change_told_twice_is_one_change() {
        let change = Change { elapsed_seconds: 1.5, command: Command::Pause, origin: "panel".to_owned() };
        let mut board = RunBoard::new(hello(RunState::Running, 1.0));
        board.tick(tick(Vec::new(), vec![change.clone()]));
        board.tick(tick(Vec::new(), vec![change]));
        assert_eq!(board.changes.len(), 1);
    }

    #[test]
    fn the_axis_is_steady_for_a_short_run_and_grows_for_a_long_one() {
        let mut board = RunBoard::new(hello(RunState::Running, 31.0));
        assert_eq!(board.axis_end(), 60.0);
        board.run.planned_seconds = None;
        assert_eq!(board.axis_end(), 60.0);
        board.snapshot.elapsed_seconds = 61.0;
        assert_eq!(board.axis_end(), 120.0);
        board.run.state = RunState::Stopped;
        assert_eq!(board.axis_end(), 61.0);
    }

    #[test]
    fn a_pause_pushes_the_planned_end_back() {
        let mut board = RunBoard::new(hello(RunState::Paused, 50.0));
        board.snapshot.schedule_seconds = 40.0;
        board.snapshot.elapsed_seconds = 65.0;
        assert_eq!(board.axis_end(), 85.0);
        assert_eq!(board.progress(), Some(40.0 / 60.0));
    }

    #[test]
    fn event_types_are_ordered_as_asked() {
        let row = |name: &str, sent, failed| EventTypeRow {
            name: name.to_owned(),
            events: Counts { sent, failed, ..Counts::default() },
            ..EventTypeRow::default()
        };
        let rows = [row("b", 5, 0), row("a", 5, 5), row("c", 9, 1)];
        assert_eq!(ordered(&rows, EventColumn::Sent, false), ["c", "a", "b"]);
        assert_eq!(ordered(&rows, EventColumn::Errors, false), ["a", "c", "b"]);
        assert_eq!(ordered(&rows, EventColumn::Name, true), ["c", "b", "a"]);
    }
}
