//! What a comparison says in words.

use crate::run::{FigureUnit, RunResult, VerdictStatus};
use crate::wording;

use super::{Difference, FigureComparison, different_load};

/// Figures in the order in which they matter to a reader.
const HEADLINES: [&str; 12] = [
    "error_rate",
    "throughput",
    "response_time_p95",
    "response_time_p99",
    "response_time_p50",
    "response_time_p90",
    "response_time_p999",
    "service_time_p95",
    "service_time_p99",
    "service_time_p50",
    "service_time_p90",
    "service_time_p999",
];

/// What changed, in one sentence.
pub(super) fn summary(
    baseline: &RunResult,
    candidate: &RunResult,
    figures: &[FigureComparison],
    verdict: Difference,
    confidence: f64,
) -> String {
    match verdict {
        Difference::NotComparable => {
            let reason = figures.iter().find_map(|figure| figure.reason.clone());
            format!("nothing can be compared: {}", reason.unwrap_or_else(|| "the runs have no figures".to_owned()))
        }
        Difference::NoRealDifference => format!(
            "no real difference between {} and {}: chance explains what is there (at {} confidence)",
            baseline.run.info.id,
            candidate.run.info.id,
            wording::share(confidence),
        ),
        Difference::Better | Difference::Worse => {
            let of = |wanted| {
                HEADLINES
                    .into_iter()
                    .filter_map(|name| figures.iter().find(|figure| figure.name == name))
                    .filter(move |figure| figure.verdict == wanted)
            };
            let mut sentence = of(verdict).next().map(moved).unwrap_or_default();
            let labels = |figures: &mut dyn Iterator<Item = &FigureComparison>| {
                figures.map(|figure| figure.label.as_str()).collect::<Vec<_>>().join(", ")
            };
            let alike = labels(&mut of(verdict).skip(1));
            let (also, opposite) = if verdict == Difference::Worse {
                ("also worse", labels(&mut of(Difference::Better)))
            } else {
                ("also better", String::new())
            };
            for (words, labels) in [(also, alike), ("better", opposite)] {
                if !labels.is_empty() {
                    sentence.push_str(&format!("; {words}: {labels}"));
                }
            }
            sentence
        }
    }
}

/// How one figure moved, with its interval.
fn moved(figure: &FigureComparison) -> String {
    let (Some(baseline), Some(candidate), Some(difference)) = (figure.baseline, figure.candidate, figure.difference)
    else {
        return figure.label.clone();
    };
    let say = |value: f64| match figure.unit {
        FigureUnit::Microseconds => wording::latency(value),
        FigureUnit::Ratio => wording::share(value),
        FigureUnit::PerSecond => wording::rate(value),
        FigureUnit::Count => wording::digits(value),
    };
    let verb = if difference.value > 0.0 { "rose" } else { "fell" };
    let how_much = if figure.unit == FigureUnit::Ratio || baseline.value == 0.0 {
        format!("between {} and {}", signed(difference.low, say), signed(difference.high, say))
    } else {
        let of_it = |value: f64| signed(value / baseline.value, wording::share);
        let [value, low, high] = [difference.value, difference.low, difference.high].map(of_it);
        format!("{value}, between {low} and {high}")
    };
    format!("{} {verb} from {} to {} ({how_much})", figure.label, say(baseline.value), say(candidate.value))
}

fn signed(value: f64, say: impl Fn(f64) -> String) -> String {
    let sign = if value > 0.0 { "+" } else { "" };
    format!("{sign}{}", say(value))
}

/// What to bear in mind when reading the comparison.
pub(super) fn notes(baseline: &RunResult, candidate: &RunResult) -> Vec<String> {
    let mut notes = Vec::new();
    let (was, is) = (&baseline.run.info, &candidate.run.info);
    if was.scenario != is.scenario {
        notes.push(format!("the scenarios differ: {} and {}", was.scenario, is.scenario));
    } else if was.profile != is.profile {
        let name = |profile: &Option<String>| profile.clone().unwrap_or_else(|| "none".to_owned());
        notes.push(format!("the profiles differ: {} and {}", name(&was.profile), name(&is.profile)));
    } else if baseline.run.plan_fingerprint != candidate.run.plan_fingerprint {
        let why = if was.seed == is.seed { "the scenario was changed" } else { "the seeds differ" };
        notes.push(format!("the plans differ: {why}"));
    }
    if was.targets != is.targets {
        notes.push(format!("the targets differ: {} and {}", was.targets.join(", "), is.targets.join(", ")));
    }
    notes.extend(different_load(baseline, candidate));
    let (one, other) = (&baseline.run.environment, &candidate.run.environment);
    if (&one.platform, one.cores) != (&other.platform, other.cores) {
        notes.push("the runs came from different machines".to_owned());
    } else if one.version != other.version {
        notes.push(format!("the runs came from versions {} and {} of throng", one.version, other.version));
    }
    for run in [baseline, candidate] {
        let id = &run.run.info.id;
        match run.verdict.status {
            VerdictStatus::Valid => {}
            VerdictStatus::Degraded => notes.push(format!("run {id} is degraded: {}", run.verdict.reasons.join("; "))),
            VerdictStatus::Invalid => notes.push(format!("run {id} is invalid: {}", run.verdict.reasons.join("; "))),
        }
        if !run.changes.is_empty() {
            notes.push(format!("run {id} was changed while it ran ({} commands)", run.changes.len()));
        }
        if run.timeline.len() < 6 {
            notes.push(format!("run {id} is too short to show how much it varies"));
        }
    }
    notes
}
