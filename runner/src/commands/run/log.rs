//! The log of a run (`outputs.log`): what happened when, one line each, for whoever looks afterwards.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use shared::run::{FailureKind, RunInfo, RunResult, RunState, Snapshot};
use shared::units::EpochMicros;
use shared::wording::{clock, count, latency, rate, share};

use crate::engine::clock::rfc3339;
use crate::engine::prepare::today;
use crate::report::progress::breakdown;

/// A log that is being written.
#[derive(Debug)]
pub(in crate::commands) struct RunLog {
    file: File,
    every: Duration,
    next: f64,
    state: Option<RunState>,
    multiplier: f64,
    kinds: BTreeSet<FailureKind>,
    doubts: usize,
}

impl RunLog {
    /// Opens the file, with a line on what runs; figures follow so often.
    pub(super) fn open(path: &Path, info: &RunInfo, every: Duration) -> io::Result<Self> {
        let file = File::create(path)?;
        let mut log = Self {
            file,
            every,
            next: every.as_secs_f64(),
            state: None,
            multiplier: 1.0,
            kinds: BTreeSet::new(),
            doubts: 0,
        };
        let profile = info.profile.as_ref().map(|profile| format!(" ({profile})")).unwrap_or_default();
        log.line(&format!(
            "run {} of {}{profile}, seed {}, to {}",
            info.id,
            info.scenario,
            info.seed,
            info.targets.join(", ")
        ))?;
        Ok(log)
    }

    /// Notes what is new.
    pub(super) fn note(&mut self, snapshot: &Snapshot) -> io::Result<()> {
        if self.state != Some(snapshot.state) {
            self.state = Some(snapshot.state);
            self.line(&format!("{} at {}", snapshot.state.name(), clock(snapshot.elapsed_seconds)))?;
        }
        if (self.multiplier - snapshot.rate_multiplier).abs() > f64::EPSILON {
            self.multiplier = snapshot.rate_multiplier;
            self.line(&format!("rate multiplied by {}", self.multiplier))?;
        }
        for (kind, events) in &snapshot.failures {
            if self.kinds.insert(*kind) {
                self.line(&format!("first failure of its kind: {} ({} so far)", kind.label(), count(*events)))?;
            }
        }
        if snapshot.verdict.reasons.len() != self.doubts {
            self.doubts = snapshot.verdict.reasons.len();
            let reasons = snapshot.verdict.reasons.join("; ");
            self.line(&format!("{}: {reasons}", snapshot.verdict.status.name()))?;
        }
        if snapshot.elapsed_seconds >= self.next {
            self.next += self.every.as_secs_f64();
            self.line(&figures(snapshot))?;
        }
        Ok(())
    }

    /// Notes how it ended.
    pub(super) fn end(&mut self, result: &RunResult) -> io::Result<()> {
        for change in &result.changes {
            let command = serde_json::to_string(&change.command).unwrap_or_default();
            self.line(&format!("changed at {}: {command} from {}", clock(change.elapsed_seconds), change.origin))?;
        }
        for failure in &result.failures {
            self.line(&format!(
                "{} failed with {}, from {} to {}",
                count(failure.count),
                failure.kind.label(),
                clock(failure.first_seconds),
                clock(failure.last_seconds)
            ))?;
        }
        for threshold in &result.thresholds {
            let passed = if threshold.passed { "holds" } else { "does not hold" };
            self.line(&format!("{} {passed}", threshold.threshold))?;
        }
        let (totals, times) = (&result.totals, &result.latency.response_time.percentiles);
        self.line(&format!(
            "{} after {}, {}: {} sent, {} succeeded, {} failed, {}, p50 {}, p95 {}, p99 {}",
            result.run.info.state.name(),
            clock(totals.elapsed_seconds),
            result.verdict.status.name(),
            count(totals.events.sent),
            count(totals.events.succeeded),
            count(totals.events.failed),
            rate(totals.events_per_second),
            latency(times.p50_us as f64),
            latency(times.p95_us as f64),
            latency(times.p99_us as f64)
        ))
    }

    fn line(&mut self, text: &str) -> io::Result<()> {
        let EpochMicros(now) = today();
        writeln!(self.file, "{} {text}", rfc3339(EpochMicros(now / 1_000 * 1_000)))
    }
}

fn figures(snapshot: &Snapshot) -> String {
    let times = &snapshot.recent_response_time;
    format!(
        "{}: {} of {}, {} ok, {} failed ({}), p50 {}, p99 {}; {}",
        clock(snapshot.elapsed_seconds),
        rate(snapshot.current_rate),
        rate(snapshot.target_rate),
        count(snapshot.events.succeeded),
        count(snapshot.events.failed),
        share(snapshot.events.error_rate()),
        latency(times.p50_us as f64),
        latency(times.p99_us as f64),
        breakdown(snapshot)
    )
}
