//! A run's progress on standard error: a few lines that change on a terminal, now and then a line elsewhere.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use shared::run::{Counts, RunState, Snapshot};
use shared::scenario::model::output::Console;
use shared::wording::{clock, count, digits, latency, rate, share};
use tokio::time::Instant;

use super::seconds;
use super::sessions::Sessions;
use super::terminal;

/// How often a line is printed where it cannot change, unless the scenario says how often.
const PLAIN_EVERY: Duration = Duration::from_secs(60);
/// Seconds of the achieved rate that are drawn.
const DRAWN: usize = 48;
/// Event types in a breakdown; the others are summed up.
const MOST_TYPES: usize = 8;
/// Heights of the drawn rate.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Where a run's progress goes.
#[derive(Debug)]
pub struct Progress {
    planned_seconds: Option<f64>,
    verbose: bool,
    sessions: Sessions,
    display: Display,
    /// Shown below the figures on a terminal.
    prompt: String,
    /// Achieved rates, a second each, and the second of the newest.
    rates: VecDeque<f64>,
    second: u64,
}

#[derive(Debug)]
enum Display {
    Lines(ProgressBar),
    Plain { every: Duration, next: Instant, told: Told },
}

/// What was known when a line was printed last.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    elapsed_seconds: f64,
    events: Counts,
    answers: u64,
    time_sum_us: f64,
}

impl Progress {
    /// A display that fits what standard error is.
    pub fn new(planned_seconds: Option<f64>, console: Option<Console>) -> Self {
        let display = if std::io::stderr().is_terminal() {
            let bar =
                ProgressBar::with_draw_target(planned_seconds.map(|_| 1_000), ProgressDrawTarget::stderr_with_hz(10));
            let template =
                if planned_seconds.is_some() { "{bar:28} {prefix}\n{msg}" } else { "{spinner} {prefix}\n{msg}" };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("━╸─"));
            }
            Display::Lines(bar)
        } else {
            let every = console.map_or(PLAIN_EVERY, |console| Duration::from_nanos(console.every.0));
            let every = every.max(Duration::from_secs(1));
            Display::Plain { every, next: Instant::now() + every, told: Told::default() }
        };
        Self {
            planned_seconds,
            verbose: console.is_some_and(|console| console.verbose),
            sessions: Sessions::default(),
            display,
            prompt: String::new(),
            rates: VecDeque::new(),
            second: 0,
        }
    }

    /// Says more: the events by type.
    pub fn verbose(mut self, verbose: bool) -> Self {
        self.verbose |= verbose;
        self
    }

    /// Counts sessions as well.
    pub fn with_sessions(mut self, sessions: Sessions) -> Self {
        self.sessions = sessions;
        self
    }

    /// Shows where the run stands; call it as often as there is news.
    pub fn show(&mut self, snapshot: &Snapshot) {
        let second = snapshot.elapsed_seconds as u64;
        if second > self.second {
            self.second = second;
            self.rates.push_back(snapshot.current_rate);
            let surplus = self.rates.len().saturating_sub(DRAWN);
            self.rates.drain(..surplus);
        }
        let (planned, sessions, verbose) = (self.planned_seconds, &self.sessions, self.verbose);
        match &mut self.display {
            Display::Lines(bar) => {
                if let Some(planned) = planned.filter(|planned| *planned > 0.0) {
                    bar.set_position((snapshot.schedule_seconds / planned * 1_000.0).clamp(0.0, 1_000.0) as u64);
                }
                bar.set_prefix(head(snapshot, planned));
                let mut text = figures(snapshot, sessions);
                if !self.rates.is_empty() {
                    let _written = write!(text, "\n  {}", drawn(self.rates.iter().copied()));
                }
                if verbose {
                    let _written = write!(text, "\n  {}", breakdown(snapshot));
                }
                if !self.prompt.is_empty() {
                    let _written = write!(text, "\n  {}", self.prompt);
                }
                bar.set_message(fitting(&text));
            }
            Display::Plain { every, next, told } => {
                if Instant::now() >= *next {
                    anstream::eprintln!("{}", line(snapshot, planned, told, sessions));
                    if verbose {
                        anstream::eprintln!("  {}", breakdown(snapshot));
                    }
                    *told = Told::of(snapshot);
                    *next += *every;
                }
            }
        }
    }

    /// What stands below the figures on a terminal.
    pub fn prompt(&mut self, text: &str) {
        text.clone_into(&mut self.prompt);
    }

    /// Says something in between.
    pub fn say(&self, text: &str) {
        match &self.display {
            Display::Lines(bar) => bar.suspend(|| anstream::eprintln!("{text}")),
            Display::Plain { .. } => anstream::eprintln!("{text}"),
        }
    }

    /// Clears the lines.
    pub fn end(self) {
        if let Display::Lines(bar) = self.display {
            bar.finish_and_clear();
        }
    }
}

impl Told {
    fn of(snapshot: &Snapshot) -> Self {
        let times = &snapshot.response_time;
        Self {
            elapsed_seconds: snapshot.elapsed_seconds,
            events: snapshot.events,
            answers: times.count,
            time_sum_us: times.mean_us * times.count as f64,
        }
    }
}

/// Lines cut where the terminal ends: a line that wraps would not be cleared.
fn fitting(text: &str) -> String {
    let most = terminal::columns().saturating_sub(1);
    text.lines().map(|line| line.chars().take(most).collect::<String>()).collect::<Vec<_>>().join("\n")
}

fn time(snapshot: &Snapshot, planned_seconds: Option<f64>) -> String {
    let elapsed = clock(snapshot.elapsed_seconds);
    planned_seconds.map_or_else(|| elapsed.clone(), |planned| format!("{elapsed} / {}", clock(planned)))
}

fn head(snapshot: &Snapshot, planned_seconds: Option<f64>) -> String {
    let mut text = format!(
        "{}  {} of {}",
        time(snapshot, planned_seconds),
        rate(snapshot.current_rate),
        rate(snapshot.target_rate)
    );
    match snapshot.state {
        RunState::Running => {}
        state => {
            text.push_str("  ");
            text.push_str(state.name());
        }
    }
    if !snapshot.verdict.reasons.is_empty() {
        let _written = write!(text, "  {}", snapshot.verdict.status.name());
    }
    text
}

fn figures(snapshot: &Snapshot, sessions: &Sessions) -> String {
    let recent = &snapshot.recent_response_time;
    let mut text = format!(
        "  {} ok  {} failed ({})  p50 {}  p95 {}  p99 {}  {} in flight",
        count(snapshot.events.succeeded),
        count(snapshot.events.failed),
        share(snapshot.events.error_rate()),
        latency(recent.p50_us as f64),
        latency(recent.p95_us as f64),
        latency(recent.p99_us as f64),
        count(snapshot.in_flight),
    );
    if let Some(sessions) = sessions.counted(&snapshot.event_types) {
        let _written =
            write!(text, "  sessions {} active, {} completed", count(sessions.active), count(sessions.completed));
    }
    text
}

/// Rates as a line of blocks, the highest of them as tall as it gets.
fn drawn(rates: impl Iterator<Item = f64> + Clone) -> String {
    let most = rates.clone().fold(0.0, f64::max);
    let block = |rate: f64| {
        let level = if most > 0.0 { (rate / most * (BLOCKS.len() - 1) as f64).round() as usize } else { 0 };
        BLOCKS[level.min(BLOCKS.len() - 1)]
    };
    rates.map(block).collect()
}

/// Events by type, the most frequent first: `page.view 473 (40.1 %), cart.add 180 (15.2 %)`.
pub fn breakdown(snapshot: &Snapshot) -> String {
    let mut rows: Vec<_> = snapshot.event_types.iter().filter(|row| row.events.sent > 0).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.events.sent));
    let mut parts: Vec<String> = rows
        .iter()
        .take(MOST_TYPES)
        .map(|row| format!("{} {} ({})", row.name, count(row.events.sent), share(row.actual_share)))
        .collect();
    let others: u64 = rows.iter().skip(MOST_TYPES).map(|row| row.events.sent).sum();
    if others > 0 {
        parts.push(format!("others {}", count(others)));
    }
    if parts.is_empty() { "no events yet".to_owned() } else { parts.join(", ") }
}

/// What happened since a line was printed last, and where the run stands, in one line.
fn line(snapshot: &Snapshot, planned_seconds: Option<f64>, told: &Told, sessions: &Sessions) -> String {
    let now = Told::of(snapshot);
    let span = (now.elapsed_seconds - told.elapsed_seconds).max(0.001);
    let ok = now.events.succeeded.saturating_sub(told.events.succeeded);
    let failed = now.events.failed.saturating_sub(told.events.failed);
    let answers = now.answers.saturating_sub(told.answers);
    let mean = if answers > 0 { (now.time_sum_us - told.time_sum_us) / answers as f64 } else { 0.0 };
    let per_second = (ok + failed) as f64 / span;
    let pace = if per_second < 1.0 { format!("{}/min", digits(per_second * 60.0)) } else { rate(per_second) };
    let last =
        if (span - 60.0).abs() < 1.5 { "last minute".to_owned() } else { format!("last {}", seconds(span.round())) };
    let success = if ok + failed > 0 { share(ok as f64 / (ok + failed) as f64) } else { "–".to_owned() };
    let mut text = format!(
        "{}  {last}: {}, {pace}, {} mean, {success} ok; so far {} ok, {} failed",
        time(snapshot, planned_seconds),
        super::counted(ok + failed, "event"),
        latency(mean),
        count(now.events.succeeded),
        count(now.events.failed),
    );
    if let Some(sessions) = sessions.counted(&snapshot.event_types) {
        let _written =
            write!(text, "; sessions {} active, {} completed", count(sessions.active), count(sessions.completed));
    }
    match snapshot.state {
        RunState::Running => {}
        state => {
            let _written = write!(text, "; {}", state.name());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::run::{EventTypeRow, Percentiles};

    fn snapshot(elapsed: f64, ok: u64, failed: u64, mean_us: f64) -> Snapshot {
        let events = Counts { offered: ok + failed, sent: ok + failed, succeeded: ok, failed, ..Counts::default() };
        let row = |name: &str, sent: u64| EventTypeRow {
            name: name.to_owned(),
            actual_share: sent as f64 / (ok + failed) as f64,
            events: Counts { sent, offered: sent, ..Counts::default() },
            ..EventTypeRow::default()
        };
        Snapshot {
            state: RunState::Running,
            elapsed_seconds: elapsed,
            schedule_seconds: elapsed,
            rate_multiplier: 1.0,
            target_rate: 20.0,
            current_rate: 18.0,
            in_flight: 3,
            events,
            requests: events,
            recent_response_time: Percentiles::default(),
            response_time: Percentiles { count: ok + failed, mean_us, ..Percentiles::default() },
            send_lag: Percentiles::default(),
            event_types: vec![row("rare", 1), row("page.view", ok)],
            ..Snapshot::default()
        }
    }

    #[test]
    fn a_line_tells_the_last_minute_and_everything_so_far() {
        let told = Told::of(&snapshot(60.0, 50, 0, 100_000.0));
        let text = line(&snapshot(120.0, 68, 0, 135_470.588), Some(300.0), &told, &Sessions::default());
        assert_eq!(
            text,
            "02:00 / 05:00  last minute: 18 events, 18/min, 234 ms mean, 100 % ok; so far 68 ok, 0 failed"
        );
        let text = line(&snapshot(10.0, 90, 10, 1_000.0), None, &Told::default(), &Sessions::default());
        assert_eq!(text, "00:10  last 10 s: 100 events, 10/s, 1 ms mean, 90 % ok; so far 90 ok, 10 failed");
    }

    #[test]
    fn the_breakdown_begins_with_the_most_frequent() {
        assert_eq!(breakdown(&snapshot(1.0, 99, 1, 1.0)), "page.view 99 (99 %), rare 1 (1 %)");
    }

    #[test]
    fn rates_are_drawn_to_scale() {
        assert_eq!(drawn([0.0, 50.0, 100.0].into_iter()), "▁▅█");
        assert_eq!(drawn([0.0, 0.0].into_iter()), "▁▁");
    }
}
