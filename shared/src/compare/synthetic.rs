//! Runs made of dice, for tests: their truth is known.

use crate::metrics::{Histogram, heat_cell};
use crate::random::{Stream, quantile};
use crate::run::{
    Bytes, ConnectionCounts, Counts, Environment, Latencies, Percentiles, RunId, RunInfo, RunRecord, RunResult,
    RunState, TimelineRow, Totals, Verdict,
};

/// What a synthetic run is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recipe {
    pub seed: u64,
    pub seconds: u32,
    pub per_second: u32,
    /// Median latency in milliseconds.
    pub median_ms: f64,
    /// Share of failures.
    pub failing: f64,
    /// Standard deviation of the slow drift of the latency's logarithm.
    pub drift: f64,
    /// How much of a second's drift is left in the next.
    pub memory: f64,
}

impl Default for Recipe {
    fn default() -> Self {
        Self { seed: 1, seconds: 60, per_second: 100, median_ms: 10.0, failing: 0.0, drift: 0.0, memory: 0.0 }
    }
}

impl Recipe {
    /// Draws the run.
    pub(crate) fn run(self) -> RunResult {
        let stream = Stream::root(self.seed);
        let (mut seconds, mut answers) = (stream.child(1).draws(0), stream.child(2).draws(0));
        let mut whole = Histogram::new();
        let mut timeline = Vec::new();
        let mut events = Counts::default();
        let mut level = 0.0;
        for second in 0..self.seconds {
            let fresh = (1.0 - self.memory * self.memory).sqrt();
            level = self.memory * level + fresh * self.drift * quantile::normal(seconds.open_unit());
            let mut times: Vec<u64> = (0..self.per_second)
                .map(|_| {
                    let spread = 0.5 * quantile::normal(answers.open_unit());
                    (self.median_ms * 1_000.0 * libm::exp(level + spread)) as u64
                })
                .collect();
            times.sort_unstable();
            times.iter().for_each(|time| whole.record(*time));
            let failed = (0..self.per_second).filter(|_| answers.happens(self.failing)).count() as u64;
            let sent = u64::from(self.per_second);
            let counts = Counts { offered: sent, sent, succeeded: sent - failed, failed, ..Counts::default() };
            events.add(&counts);
            let percentiles = percentiles(&times);
            timeline.push(TimelineRow {
                second,
                covered_seconds: 1.0,
                target_rate: f64::from(self.per_second),
                events: counts,
                requests: counts,
                response_time: percentiles,
                service_time: percentiles,
                heat: heat(&times),
                ..TimelineRow::default()
            });
        }
        let elapsed_seconds = f64::from(self.seconds);
        let latency = whole.latency();
        RunResult {
            timeline,
            totals: Totals {
                events,
                requests: events,
                bytes: Bytes { sent: 600 * events.sent, received: 90 * events.sent },
                elapsed_seconds,
                events_per_second: events.succeeded as f64 / elapsed_seconds,
                error_rate: events.error_rate(),
            },
            latency: Latencies { response_time: latency.clone(), service_time: latency, ..Latencies::default() },
            ..empty(&format!("run-{}", self.seed))
        }
    }
}

/// A run that sent nothing.
pub(crate) fn empty(id: &str) -> RunResult {
    let info = RunInfo {
        id: RunId(id.to_owned()),
        scenario: "shop".to_owned(),
        profile: None,
        seed: 42,
        state: RunState::Finished,
        started_at: "2026-11-21T10:00:00Z".to_owned(),
        ended_at: Some("2026-11-21T10:01:00Z".to_owned()),
        planned_seconds: Some(60.0),
        targets: vec!["http://127.0.0.1:7979".to_owned()],
        warnings: Vec::new(),
    };
    RunResult {
        schema_version: 1,
        run: RunRecord {
            info,
            scenario: serde_json::Value::Null,
            plan_fingerprint: "feed".to_owned(),
            environment: Environment::default(),
            supplies: Vec::new(),
        },
        verdict: Verdict::default(),
        totals: Totals::default(),
        latency: Latencies::default(),
        workloads: Vec::new(),
        protocols: Vec::new(),
        event_types: Vec::new(),
        status_codes: std::collections::BTreeMap::new(),
        failures: Vec::new(),
        faults: Vec::new(),
        connections: ConnectionCounts::default(),
        streams: Default::default(),
        thresholds: Vec::new(),
        expectations: Vec::new(),
        audits: Vec::new(),
        compressed: Default::default(),
        changes: Vec::new(),
        realism: None,
        timeline: Vec::new(),
    }
}

/// The figures of sorted values.
fn percentiles(sorted: &[u64]) -> Percentiles {
    let count = sorted.len();
    let at = |quantile: f64| {
        let rank = libm::ceil(quantile * count as f64) as usize;
        sorted.get(rank.max(1) - 1).copied().unwrap_or(0)
    };
    Percentiles {
        count: count as u64,
        mean_us: sorted.iter().sum::<u64>() as f64 / count.max(1) as f64,
        min_us: at(0.0),
        p50_us: at(0.5),
        p75_us: at(0.75),
        p90_us: at(0.9),
        p95_us: at(0.95),
        p99_us: at(0.99),
        p999_us: at(0.999),
        max_us: at(1.0),
    }
}

fn heat(sorted: &[u64]) -> Vec<(u16, u32)> {
    let mut cells: Vec<(u16, u32)> = Vec::new();
    for time in sorted {
        let cell = heat_cell(*time);
        match cells.last_mut() {
            Some((last, count)) if *last == cell => *count += 1,
            _ => cells.push((cell, 1)),
        }
    }
    cells
}
