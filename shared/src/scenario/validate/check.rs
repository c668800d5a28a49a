//! Checks: one claim each, that can hold.

use crate::scenario::model::check::{Check, CheckSeverity};
use crate::scenario::options::Environment;
use crate::threshold::Threshold;

use super::Findings;
use super::target::{check_place, check_references};

pub(super) fn check(index: usize, check: &Check, environment: Environment<'_>, findings: &mut Findings<'_>) {
    let path = format!("checks[{index}]");
    let claims = [
        check.threshold.is_some(),
        check.metric.is_some(),
        check.mix.is_some(),
        check.expect.is_some(),
        check.distribution.is_some(),
        check.audit.is_some(),
    ];
    let hint = "write one of threshold, metric, mix, expect, distribution and audit";
    match claims.iter().filter(|given| **given).count() {
        0 => findings.error(path.as_str(), "what must hold is not said", hint),
        1 => {}
        _ => findings.error(path.as_str(), "makes several claims", "write a check for each"),
    }
    if let Some(text) = &check.threshold
        && let Err(problem) = text.parse::<Threshold>()
    {
        let hint = problem.hint.unwrap_or_default();
        findings.error(format!("{path}.threshold"), problem.message, &hint);
    }
    if check.metric.is_some() {
        match (check.min, check.max) {
            (None, None) => findings.error(path.as_str(), "a metric needs `min`, `max` or both", "write max: 0.1"),
            (Some(min), Some(max)) if min > max => {
                findings.error(path.as_str(), format!("nothing lies between {min} and {max}"), "swap min and max");
            }
            _ => {}
        }
    } else if check.min.is_some() || check.max.is_some() {
        findings.error(path.as_str(), "`min` and `max` have no effect without `metric`", "write metric: error_rate");
    }
    let shares = check
        .mix
        .as_ref()
        .map(|mix| ("mix", mix))
        .or_else(|| check.distribution.as_ref().map(|distribution| ("distribution.shares", &distribution.shares)));
    if let Some((key, shares)) = shares {
        for (name, share) in shares {
            findings.probability(format!("{path}.{key}.{name}"), *share);
        }
        findings.sums_to_one(format!("{path}.{key}"), "shares", shares.values().copied());
    }
    if let Some(mix) = &check.mix {
        for event in mix.keys() {
            findings.refers(format!("{path}.mix.{event}"), "event", "events", event);
        }
    }
    if let Some(tolerance) = check.tolerance {
        findings.probability(format!("{path}.tolerance"), tolerance);
        if shares.is_none() && check.expect.is_none() {
            findings.error(format!("{path}.tolerance"), "has no effect without shares or `expect`", "remove it");
        }
    }
    if check.expect.is_some() || check.audit.is_some() {
        let what = if check.expect.is_some() { "what answers are like" } else { "an audit" };
        if check.severity == CheckSeverity::Abort {
            let message = format!("{what} is judged when the run is over, which then cannot be aborted");
            findings.error(format!("{path}.severity"), message, "write severity: fail");
        }
        for (key, given) in [("window", check.window.is_some()), ("warm_up", check.warm_up.is_some())] {
            if given {
                findings.error(format!("{path}.{key}"), format!("has no effect on {what}"), "remove it");
            }
        }
    }
    if let Some(audit) = &check.audit {
        let sinks = [audit.target.is_some(), audit.jsonl.is_some(), audit.search.is_some()];
        if sinks.iter().filter(|given| **given).count() > 1 {
            let hint = "write one of target, jsonl and search";
            findings.error(format!("{path}.audit"), "looks at several sinks", hint);
        }
        if let Some(search) = &audit.search {
            check_references(&format!("{path}.audit.search"), search, environment, findings);
        }
        for (name, value) in &audit.headers {
            check_references(&format!("{path}.audit.headers.{name}"), value, environment, findings);
        }
    }
    if let Some(expect) = &check.expect {
        for (row, status) in expect.status.iter().enumerate() {
            if !(100..=599).contains(status) {
                findings.error(format!("{path}.expect.status[{row}]"), format!("{status} is no status"), "write 200");
            }
        }
        for (row, place) in expect.required.iter().enumerate() {
            check_place(&format!("{path}.expect.required[{row}]"), &rooted(place), "write $.event_id", findings);
        }
        for (place, value) in &expect.fields {
            let path = format!("{path}.expect.fields.{place}");
            check_place(&path, &rooted(place), "write $.success", findings);
            if value.as_list().is_some() || value.as_map().is_some() {
                findings.error(path, "only a single value can be compared", "name a place inside of it");
            }
        }
    }
}

/// A place in an answer; a field's name alone is one as well.
fn rooted(place: &str) -> String {
    format!("$.{}", place.strip_prefix("$.").unwrap_or(place))
}
