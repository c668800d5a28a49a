//! A run's progress on standard error: one line that changes on a terminal, a line every ten seconds elsewhere.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use shared::run::{RunState, Snapshot};
use shared::wording::{clock, count, latency, rate, share};
use tokio::time::Instant;

/// How often a line is printed where it cannot change.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// Where a run's progress goes.
#[derive(Debug)]
pub struct Progress {
    planned_seconds: Option<f64>,
    display: Display,
}

#[derive(Debug)]
enum Display {
    Line(ProgressBar),
    Plain { next: Instant },
}

impl Progress {
    /// A display that fits what standard error is.
    pub fn new(planned_seconds: Option<f64>) -> Self {
        let display = if std::io::stderr().is_terminal() {
            let bar =
                ProgressBar::with_draw_target(planned_seconds.map(|_| 1_000), ProgressDrawTarget::stderr_with_hz(10));
            let template = if planned_seconds.is_some() { "{bar:24} {wide_msg}" } else { "{spinner} {wide_msg}" };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("━╸─"));
            }
            Display::Line(bar)
        } else {
            Display::Plain { next: Instant::now() + PLAIN_EVERY }
        };
        Self { planned_seconds, display }
    }

    /// Shows where the run stands; call it as often as there is news.
    pub fn show(&mut self, snapshot: &Snapshot) {
        let text = line(snapshot, self.planned_seconds);
        match &mut self.display {
            Display::Line(bar) => {
                if let Some(planned) = self.planned_seconds.filter(|planned| *planned > 0.0) {
                    bar.set_position((snapshot.schedule_seconds / planned * 1_000.0).clamp(0.0, 1_000.0) as u64);
                }
                bar.set_message(text);
            }
            Display::Plain { next } => {
                if Instant::now() >= *next {
                    anstream::eprintln!("{text}");
                    *next += PLAIN_EVERY;
                }
            }
        }
    }

    /// Says something in between.
    pub fn say(&self, text: &str) {
        match &self.display {
            Display::Line(bar) => bar.suspend(|| anstream::eprintln!("{text}")),
            Display::Plain { .. } => anstream::eprintln!("{text}"),
        }
    }

    /// Clears the line.
    pub fn end(self) {
        if let Display::Line(bar) = self.display {
            bar.finish_and_clear();
        }
    }
}

/// One snapshot in one line.
fn line(snapshot: &Snapshot, planned_seconds: Option<f64>) -> String {
    let elapsed = clock(snapshot.elapsed_seconds);
    let time = planned_seconds.map_or_else(|| elapsed.clone(), |planned| format!("{elapsed} / {}", clock(planned)));
    let recent = &snapshot.recent_response_time;
    let mut text = format!(
        "{time}  {} of {}  {} ok  {} failed ({})  p50 {}  p99 {}",
        rate(snapshot.current_rate),
        rate(snapshot.target_rate),
        count(snapshot.events.succeeded),
        count(snapshot.events.failed),
        share(snapshot.events.error_rate()),
        latency(recent.p50_us as f64),
        latency(recent.p99_us as f64),
    );
    match snapshot.state {
        RunState::Running => {}
        state => {
            text.push_str("  ");
            text.push_str(state.name());
        }
    }
    text
}
