//! The row of figures above the charts, in words.

use shared::run::{Percentiles, RunState, Verdict, VerdictStatus};

use crate::format;
use crate::state::run_board::RunBoard;

/// One figure.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Tile {
    /// What people look at.
    pub(crate) value: String,
    /// Its unit, set smaller.
    pub(crate) unit: &'static str,
    /// What it is to be compared with.
    pub(crate) note: String,
    /// Whether it asks for attention.
    pub(crate) alarming: bool,
}

impl Tile {
    /// A figure not known yet; it keeps its place so that nothing jumps.
    fn unknown(unit: &'static str) -> Self {
        Self { value: "–".to_owned(), unit, ..Self::default() }
    }
}

/// Events per second: of the last second while running, of the whole run after it.
pub(crate) fn rate(board: Option<&RunBoard>) -> Tile {
    let Some(board) = board else { return Tile::unknown("/s") };
    if board.is_over() {
        let sent = format!("{} sent", format::counted(board.snapshot.events.sent, "event"));
        return Tile { value: format::figure(board.overall_rate()), unit: "/s", note: sent, alarming: false };
    }
    let note = match board.run.state {
        RunState::Paused => "paused".to_owned(),
        RunState::Draining => "waiting for answers".to_owned(),
        _ => format!("of {} planned", format::figure(board.snapshot.target_rate)),
    };
    Tile { value: format::figure(board.snapshot.current_rate), unit: "/s", note, alarming: false }
}

/// A percentile of the response time: of the last second while running, of the whole run after it.
pub(crate) fn response_time(board: Option<&RunBoard>, of: fn(&Percentiles) -> u64) -> Tile {
    let Some(board) = board else { return Tile::unknown("ms") };
    let whole = &board.snapshot.response_time;
    if whole.count == 0 {
        return Tile { note: "no answer yet".to_owned(), ..Tile::unknown("ms") };
    }
    let recent = &board.snapshot.recent_response_time;
    let (shown, note) = if board.is_over() {
        (whole, "whole run".to_owned())
    } else {
        (recent, format!("run {}", format::latency(of(whole) as f64)))
    };
    if shown.count == 0 {
        return Tile { note, ..Tile::unknown("ms") };
    }
    let (value, unit) = format::latency_parts(of(shown) as f64);
    Tile { value, unit, note, alarming: false }
}

/// Share of failed events of the whole run.
pub(crate) fn errors(board: Option<&RunBoard>) -> Tile {
    let Some(board) = board else { return Tile::unknown("%") };
    let events = &board.snapshot.events;
    let text = format::percent(events.error_rate());
    let mut note = format!("{} failed", format::count(events.failed));
    if events.dropped > 0 {
        note.push_str(&format!(", {} never sent", format::count(events.dropped)));
    }
    Tile { value: text.trim_end_matches(" %").to_owned(), unit: "%", note, alarming: events.failed > 0 }
}

/// Requests that wait for their answer.
pub(crate) fn in_flight(board: Option<&RunBoard>) -> Tile {
    let Some(board) = board else { return Tile::unknown("") };
    let note =
        format!("{} answered", format::count(board.snapshot.requests.succeeded + board.snapshot.requests.failed));
    Tile { value: format::count(board.snapshot.in_flight), unit: "", note, alarming: false }
}

/// The verdict's word and what it means.
pub(crate) fn verdict_words(verdict: &Verdict) -> (&'static str, &'static str) {
    match verdict.status {
        VerdictStatus::Valid => ("valid", "The generator kept its schedule: what was measured is the target."),
        VerdictStatus::Degraded => ("degraded", "The generator fell behind at times: read the numbers with care."),
        VerdictStatus::Invalid => {
            ("invalid", "The generator was the bottleneck: the numbers say nothing about the target.")
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::run::Counts;

    use super::*;
    use crate::state::run_board::tests::hello;

    #[test]
    fn without_a_run_every_tile_keeps_its_place() {
        for tile in [rate(None), response_time(None, |p| p.p50_us), errors(None), in_flight(None)] {
            assert_eq!(tile.value, "–");
        }
    }

    #[test]
    fn a_running_run_shows_its_last_second_beside_the_whole() {
        let mut board = RunBoard::new(hello(RunState::Running, 5.0));
        board.snapshot.response_time = Percentiles { count: 50, p99_us: 9_000, ..Default::default() };
        board.snapshot.recent_response_time = Percentiles { count: 10, p99_us: 4_030, ..Default::default() };
        let tile = response_time(Some(&board), |p| p.p99_us);
        assert_eq!((tile.value.as_str(), tile.unit, tile.note.as_str()), ("4.03", "ms", "run 9 ms"));
        assert_eq!(rate(Some(&board)).note, "of 10 planned");
        board.run.state = RunState::Finished;
        assert_eq!(response_time(Some(&board), |p| p.p99_us).note, "whole run");
    }

    #[test]
    fn failures_alarm_and_dropped_events_are_told() {
        let mut board = RunBoard::new(hello(RunState::Running, 5.0));
        board.snapshot.events = Counts { offered: 110, sent: 100, failed: 2, dropped: 10, ..Counts::default() };
        let tile = errors(Some(&board));
        assert_eq!((tile.value.as_str(), tile.note.as_str(), tile.alarming), ("2.00", "2 failed, 10 never sent", true));
    }
}
