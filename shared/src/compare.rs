//! Compares two runs: for each figure the difference, how sure it is, and whether it is real.
//!
//! Answers that come close together share their fate (a slow second is slow for all of them), so that counting them as
//! independent finds differences where there are none. Every interval here is therefore widened by how much the figure
//! varies between blocks of seconds ([`blocks`]). What no single pair of runs can show is how much the same test
//! differs from one day to the next: repeat it before believing a small difference.

mod blocks;
mod interval;
mod latency;
mod sentence;
#[cfg(test)]
pub(crate) mod synthetic;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tree::read::Readable;

use crate::run::{FigureUnit, Latency, Percentiles, RunId, RunResult, TimelineRow, VerdictStatus};
use crate::wording;

use blocks::Blocks;

/// How sure a difference has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CompareOptions {
    /// How often an interval holds the truth (0 to 1). A dozen figures are judged at once, so that 0.99 each leaves
    /// about one comparison in fifteen with a false alarm in one of them.
    pub confidence: f64,
    /// Relative differences up to this size are called none, however sure they are.
    pub tolerance: f64,
}

impl Default for CompareOptions {
    fn default() -> Self {
        Self { confidence: 0.99, tolerance: 0.0 }
    }
}

/// Two runs beside each other.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// The run that is compared with.
    pub baseline: RunId,
    /// The run that is judged.
    pub candidate: RunId,
    /// How often the intervals hold the truth (0 to 1).
    pub confidence: f64,
    /// The worst that was found, or the best if nothing got worse.
    pub verdict: Difference,
    /// What changed, in one sentence.
    pub summary: String,
    /// Figure by figure.
    pub figures: Vec<FigureComparison>,
    /// What to bear in mind: other scenario, other load, commands while it ran.
    pub notes: Vec<String>,
}

/// One figure of two runs.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FigureComparison {
    /// Its name: `throughput`, `error_rate`, `response_time_p95`, `service_time_p999`, ...
    pub name: String,
    /// Its name for people: `p95 response time`.
    pub label: String,
    /// Unit of the numbers.
    pub unit: FigureUnit,
    /// In the baseline.
    pub baseline: Option<Estimate>,
    /// In the candidate.
    pub candidate: Option<Estimate>,
    /// Candidate minus baseline.
    pub difference: Option<Estimate>,
    /// The difference over the baseline's value; none where that is zero.
    pub relative: Option<f64>,
    /// Whether it is real.
    pub verdict: Difference,
    /// Why it cannot be compared: lower case, no full stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A value with the interval that holds the truth.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// Low end.
    pub low: f64,
    /// High end.
    pub high: f64,
}

/// What a difference amounts to.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// Really better.
    Better,
    /// Really worse.
    Worse,
    /// Not more than chance explains.
    NoRealDifference,
    /// Nothing can be said.
    NotComparable,
}

/// Which way is better.
#[derive(Clone, Copy)]
enum Better {
    Higher,
    Lower,
}

/// A figure to compare, before it is measured.
struct Subject {
    name: String,
    label: String,
    unit: FigureUnit,
    better: Better,
}

/// The quantiles that are compared, with their names.
const QUANTILES: [(f64, &str, &str); 5] =
    [(0.5, "p50", "p50"), (0.9, "p90", "p90"), (0.95, "p95", "p95"), (0.99, "p99", "p99"), (0.999, "p999", "p99.9")];

/// Which part of a row a latency is.
type PartOfRow = fn(&TimelineRow) -> (&Percentiles, &[(u16, u32)]);

/// Compares a run with a baseline.
pub fn compare(baseline: &RunResult, candidate: &RunResult, options: CompareOptions) -> Comparison {
    let pair = [baseline, candidate];
    let invalid = pair.iter().find(|run| run.verdict.status == VerdictStatus::Invalid);
    let refusal = invalid.map(|run| format!("run {} is invalid", run.run.info.id));
    let blocks = pair.map(|run| Blocks::of(&run.timeline));

    let mut figures = Vec::new();
    let mut judge = |subject: Subject, estimates: [Result<Estimate, String>; 2]| {
        figures.push(judge(subject, estimates, refusal.as_deref(), options.tolerance));
    };
    let subject = |name: &str, label: &str, unit, better| Subject {
        name: name.to_owned(),
        label: label.to_owned(),
        unit,
        better,
    };
    let throughput = match different_load(baseline, candidate) {
        Some(reason) => [Err(reason.clone()), Err(reason)],
        None => [0, 1].map(|side| throughput(pair[side], &blocks[side], options.confidence)),
    };
    judge(subject("throughput", "throughput", FigureUnit::PerSecond, Better::Higher), throughput);
    let error_rate = [0, 1].map(|side| error_rate(pair[side], &blocks[side], options.confidence));
    judge(subject("error_rate", "error rate", FigureUnit::Ratio, Better::Lower), error_rate);

    let response: PartOfRow = |row| (&row.response_time, &row.heat);
    let service: PartOfRow = |row| (&row.service_time, &[]);
    for (time, words, part) in [("response_time", "response time", response), ("service_time", "service time", service)]
    {
        let measured = pair.map(|run| latency::Measured::read(whole(run, time), &run.timeline, part));
        for (quantile, name, short) in QUANTILES {
            let estimates = [0, 1].map(|side| match &measured[side] {
                Ok(measured) => measured.quantile(quantile, &blocks[side], options.confidence),
                Err(error) => Err(format!("run {}: {error}", pair[side].run.info.id)),
            });
            let (name, label) = (format!("{time}_{name}"), format!("{short} {words}"));
            judge(subject(&name, &label, FigureUnit::Microseconds, Better::Lower), estimates);
        }
    }

    let verdict = overall(&figures);
    let summary = sentence::summary(baseline, candidate, &figures, verdict, options.confidence);
    Comparison {
        baseline: baseline.run.info.id.clone(),
        candidate: candidate.run.info.id.clone(),
        confidence: options.confidence,
        verdict,
        summary,
        figures,
        notes: sentence::notes(baseline, candidate),
    }
}

fn whole<'a>(run: &'a RunResult, time: &str) -> &'a Latency {
    if time == "service_time" { &run.latency.service_time } else { &run.latency.response_time }
}

/// Puts two estimates beside each other.
fn judge(
    subject: Subject,
    estimates: [Result<Estimate, String>; 2],
    refusal: Option<&str>,
    tolerance: f64,
) -> FigureComparison {
    let [baseline, candidate] = estimates;
    let mut reason = refusal.map(str::to_owned);
    for estimate in [&baseline, &candidate] {
        if let (None, Err(error)) = (&reason, estimate) {
            reason = Some(error.clone());
        }
    }
    let (baseline, candidate) = (baseline.ok(), candidate.ok());
    let difference = match (baseline, candidate) {
        (Some(baseline), Some(candidate)) => Some(interval::difference(baseline, candidate)),
        _ => None,
    };
    let relative = difference
        .zip(baseline)
        .and_then(|(difference, baseline)| (baseline.value != 0.0).then(|| difference.value / baseline.value));
    let verdict = match (difference, &reason) {
        (None, _) | (_, Some(_)) => Difference::NotComparable,
        (Some(difference), None) => {
            let real = difference.low > 0.0 || difference.high < 0.0;
            let small = relative.is_some_and(|relative| relative.abs() <= tolerance);
            match (real && !small, subject.better, difference.value > 0.0) {
                (false, _, _) => Difference::NoRealDifference,
                (true, Better::Higher, true) | (true, Better::Lower, false) => Difference::Better,
                (true, Better::Higher, false) | (true, Better::Lower, true) => Difference::Worse,
            }
        }
    };
    let Subject { name, label, unit, better: _ } = subject;
    FigureComparison { name, label, unit, baseline, candidate, difference, relative, verdict, reason }
}

/// The worst verdict of all figures, or the best if nothing got worse.
fn overall(figures: &[FigureComparison]) -> Difference {
    let order = [Difference::Worse, Difference::Better, Difference::NoRealDifference];
    let found = order.into_iter().find(|verdict| figures.iter().any(|figure| figure.verdict == *verdict));
    found.unwrap_or(Difference::NotComparable)
}

/// Why two throughputs cannot be compared: different amounts were asked for.
fn different_load(baseline: &RunResult, candidate: &RunResult) -> Option<String> {
    let [was, is] = [baseline, candidate].map(planned_rate);
    let differs = was > 0.0 && is > 0.0 && (is / was - 1.0).abs() > 0.02;
    differs.then(|| format!("the schedules asked for {} and {}", wording::rate(was), wording::rate(is)))
}

/// The mean of the scheduled rate; 0 where the load is closed and has none.
fn planned_rate(run: &RunResult) -> f64 {
    let covered: f64 = run.timeline.iter().filter(|row| row.target_rate > 0.0).map(|row| row.covered_seconds).sum();
    let planned: f64 = run.timeline.iter().map(|row| row.target_rate * row.covered_seconds).sum();
    if covered > 0.0 { planned / covered } else { 0.0 }
}

/// Events per second with the variation of its distance from the schedule, which is fixed and no chance.
fn throughput(run: &RunResult, blocks: &Blocks, confidence: f64) -> Result<Estimate, String> {
    let elapsed = run.totals.elapsed_seconds;
    if elapsed <= 0.0 || run.totals.events.sent == 0 {
        return Err(format!("run {} sent nothing", run.run.info.id));
    }
    let shortfall = |row: &TimelineRow| row.events.succeeded as f64 - row.target_rate * row.covered_seconds;
    let half = blocks.mean_error(&run.timeline, shortfall, confidence);
    // One event more or less at the edge of the run says nothing.
    let half = half + 1.0 / elapsed;
    let value = run.totals.events_per_second;
    Ok(Estimate { value, low: (value - half).max(0.0), high: value + half })
}

/// Failed over answered: Wilson's score interval with the design effect of the blocks.
fn error_rate(run: &RunResult, blocks: &Blocks, confidence: f64) -> Result<Estimate, String> {
    let events = &run.totals.events;
    let answered = events.succeeded + events.failed;
    if answered == 0 {
        return Err(format!("run {} has no answers", run.run.info.id));
    }
    let value = events.failed as f64 / answered as f64;
    let part = |row: &TimelineRow| (row.events.failed as f64, (row.events.failed + row.events.succeeded) as f64);
    let effect = blocks.design_effect(&run.timeline, part, value);
    let (low, high) = interval::wilson(value, answered as f64 / effect, blocks.critical(confidence));
    Ok(Estimate { value, low, high })
}
