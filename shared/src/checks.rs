//! What a scenario's checks ask for, ready to be watched: thresholds, and shares of events and values.

mod shares;

pub use shares::{ShareCheck, Subject};

use crate::encode::Pointer;
use crate::problem::Problem;
use crate::scenario::model::Scenario;
use crate::scenario::model::check::{Check, CheckSeverity, Metric};
use crate::threshold::watch::{OnBreach, StageSpan, Watch};
use crate::threshold::{Comparison, Counter, Figure, Scope, Statistic, Threshold, Time};
use crate::tree::{Node, Value};
use crate::units::{Length, Nanos};

/// What is to be watched during a run.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    /// One for each threshold; a metric with `min` and `max` is two.
    pub watches: Vec<Watch>,
    /// Shares of events and of the values of fields.
    pub shares: Vec<ShareCheck>,
}

/// Reads a scenario's checks. Those of answers and audits are judged elsewhere.
///
/// # Errors
///
/// Every threshold that cannot be read or names a stage that is not there, and every field that cannot be found, with
/// the path of its check.
pub fn checks(scenario: &Scenario) -> Result<Checks, Vec<Problem>> {
    let stages = stages(scenario);
    let (mut checks, mut problems) = (Checks::default(), Vec::new());
    for (index, check) in scenario.checks.iter().enumerate() {
        let path = format!("checks[{index}]");
        let severity = on_breach(check.severity);
        match thresholds(check) {
            Ok(thresholds) => {
                for threshold in thresholds {
                    match Watch::new(threshold, severity, &stages) {
                        Ok(watch) => checks.watches.push(watch),
                        Err(problem) => problems.push(Problem { path: format!("{path}.threshold"), ..problem }),
                    }
                }
            }
            // The column is one inside the threshold's text, not in the document.
            Err(problem) => {
                problems.push(Problem { path: format!("{path}.threshold"), line: None, column: None, ..problem });
            }
        }
        let share_check = |subject, shares: &indexmap::IndexMap<String, f64>| {
            let shares = shares.iter().map(|(value, share)| (value.clone(), *share)).collect();
            ShareCheck::new(subject, shares, check.tolerance, severity)
        };
        if let Some(mix) = &check.mix {
            checks.shares.push(share_check(Subject::EventTypes, mix));
        }
        if let Some(distribution) = &check.distribution {
            match places(scenario, &distribution.field) {
                Ok(places) => {
                    let subject = Subject::Field { name: distribution.field.clone(), places };
                    checks.shares.push(share_check(subject, &distribution.shares));
                }
                Err(message) => problems.push(
                    Problem::error(format!("{path}.distribution.field"), message)
                        .with_hint("write the names on the way to it, as in device.kind"),
                ),
            }
        }
    }
    if problems.is_empty() { Ok(checks) } else { Err(problems) }
}

/// Where a field of an event's body is in what is sent: inside each envelope that has the body, and as it is.
fn places(scenario: &Scenario, field: &str) -> Result<Vec<Pointer>, String> {
    let mut paths: Vec<String> = Vec::new();
    for envelope in scenario.workloads.values().filter_map(|workload| workload.envelope.as_ref()) {
        if let Some(body) = path_to_body(envelope)
            && !body.is_empty()
        {
            paths.push(format!("{body}.{field}"));
        }
    }
    paths.push(field.to_owned());
    paths.dedup();
    let wrong = |_error| format!("`{field}` is not a field of an event");
    if field.trim().is_empty() {
        return Err("no field is named".to_owned());
    }
    paths.iter().map(|path| path.parse().map_err(wrong)).collect()
}

/// The names on the way to `${event.body}` in an envelope.
fn path_to_body(envelope: &Node) -> Option<String> {
    match &envelope.value {
        Value::String(text) => (text.trim() == "${event.body}").then(String::new),
        Value::Map(entries) => entries.iter().find_map(|entry| {
            let below = path_to_body(&entry.node)?;
            Some(if below.is_empty() { entry.key.clone() } else { format!("{}.{below}", entry.key) })
        }),
        _ => None,
    }
}

fn on_breach(severity: CheckSeverity) -> OnBreach {
    match severity {
        CheckSeverity::Warn => OnBreach::Warn,
        CheckSeverity::Fail => OnBreach::Fail,
        CheckSeverity::Abort => OnBreach::Abort,
    }
}

/// The thresholds of one check; what stands beside a threshold wins over what stands in it.
fn thresholds(check: &Check) -> Result<Vec<Threshold>, Problem> {
    let mut thresholds = Vec::new();
    if let Some(text) = &check.threshold {
        thresholds.push(text.parse()?);
    }
    if let Some(metric) = check.metric {
        let (figure, factor) = figure(metric);
        for (bound, comparison) in [(check.min, Comparison::AtLeast), (check.max, Comparison::AtMost)] {
            if let Some(bound) = bound {
                thresholds.push(Threshold { figure, comparison, bound: bound * factor, scope: Scope::default() });
            }
        }
    }
    for threshold in &mut thresholds {
        threshold.scope.window = check.window.or(threshold.scope.window);
        threshold.scope.warm_up = check.warm_up.or(threshold.scope.warm_up);
    }
    Ok(thresholds)
}

/// A metric's figure, and what its numbers are to be multiplied by.
fn figure(metric: Metric) -> (Figure, f64) {
    let percentile = |percent| Figure::Time(Time::ResponseTime, Statistic::Percentile(percent));
    match metric {
        Metric::ErrorRate => (Figure::ErrorRate, 1.0),
        Metric::SuccessRate => (Figure::SuccessRate, 1.0),
        Metric::Throughput => (Figure::PerSecond(Counter::Succeeded), 1.0),
        Metric::ResponseTimeP50Ms => (percentile(50.0), 1_000.0),
        Metric::ResponseTimeP95Ms => (percentile(95.0), 1_000.0),
        Metric::ResponseTimeP99Ms => (percentile(99.0), 1_000.0),
    }
}

/// The stages of the load: `ramp_up`, `hold` and `ramp_down`, where every workload with a ramp has the same.
fn stages(scenario: &Scenario) -> Vec<StageSpan> {
    let mut ramps = scenario.workloads.values().filter_map(|workload| {
        let load = &workload.load;
        load.ramp.map(|ramp| (ramp, load.duration))
    });
    let Some((ramp, duration)) = ramps.next() else { return Vec::new() };
    if ramps.any(|other| other != (ramp, duration)) {
        return Vec::new();
    }
    let held = match (ramp.hold, duration) {
        (Some(hold), _) => Some(hold),
        (None, Some(Length::For(whole))) => Some(whole.saturating_sub(ramp.up).saturating_sub(ramp.down)),
        (None, Some(Length::Forever) | None) => None,
    };
    let span = |name: &str, from: Nanos, length: Nanos| StageSpan {
        name: name.to_owned(),
        from,
        to: from.saturating_add(length),
    };
    let mut stages = vec![span("ramp_up", Nanos::ZERO, ramp.up)];
    match held {
        Some(held) => {
            stages.push(span("hold", ramp.up, held));
            stages.push(span("ramp_down", ramp.up.saturating_add(held), ramp.down));
        }
        None => stages.push(span("hold", ramp.up, Nanos(u64::MAX))),
    }
    stages.retain(|stage| stage.to > stage.from);
    stages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::load::{Load, Ramp};

    fn scenario(checks: Vec<Check>) -> Scenario {
        let mut scenario = Scenario { checks, ..Scenario::default() };
        let ramp = Ramp { up: Nanos::from_secs(30), hold: None, down: Nanos::from_secs(30) };
        let load = Load { ramp: Some(ramp), duration: Some(Length::For(Nanos::from_secs(300))), ..Load::default() };
        scenario.workloads.entry("shop".to_owned()).or_default().load = load;
        scenario
    }

    fn threshold(text: &str) -> Check {
        Check { threshold: Some(text.to_owned()), ..Check::default() }
    }

    #[test]
    fn every_threshold_and_metric_is_watched() {
        let metric = Check {
            metric: Some(Metric::ResponseTimeP99Ms),
            min: Some(1.0),
            max: Some(500.0),
            window: Some(Nanos::from_secs(30)),
            severity: CheckSeverity::Abort,
            ..Check::default()
        };
        let warm = Check { warm_up: Some(Nanos::from_secs(10)), ..threshold("error_rate<1% after 3s") };
        let watches =
            checks(&scenario(vec![threshold("p(95)<300"), metric, warm, threshold("med<5 in hold")])).unwrap().watches;
        let said: Vec<String> = watches.iter().map(|watch| watch.threshold().to_string()).collect();
        assert_eq!(
            said,
            [
                "p(95)<300ms",
                "p(99)>=1ms over 30s",
                "p(99)<=500ms over 30s",
                "error_rate<0.01 after 10s",
                "med<5ms in hold"
            ]
        );
        assert_eq!(watches[1].on_breach(), OnBreach::Abort);
    }

    #[test]
    fn stages_follow_the_ramp() {
        let seconds = |stage: &StageSpan| (stage.name.clone(), stage.from.as_secs_f64(), stage.to.as_secs_f64());
        let found: Vec<_> = stages(&scenario(Vec::new())).iter().map(seconds).collect();
        assert_eq!(
            found,
            [
                ("ramp_up".to_owned(), 0.0, 30.0),
                ("hold".to_owned(), 30.0, 270.0),
                ("ramp_down".to_owned(), 270.0, 300.0)
            ]
        );
        assert!(stages(&Scenario::default()).is_empty());
    }

    #[test]
    fn a_field_is_looked_for_inside_the_envelope() {
        let text = "\
extends: commerce-events
checks:
  - {mix: {page.view: 0.5, cart.add: 0.5}, severity: warn}
  - {distribution: {field: currency, shares: {USD: 1}}, tolerance: 0.1}
";
        let loaded = crate::scenario::load(text, &crate::scenario::LoadOptions::new("test"));
        let checks = checks(&loaded.scenario.unwrap()).unwrap();
        assert_eq!(checks.shares.len(), 2);
        assert_eq!((checks.shares[0].tolerance, checks.shares[0].on_breach), (0.02, OnBreach::Warn));
        let event = br#"{"topic":"cart_events","event_type":"cart.add","data":{"currency":"USD"}}"#;
        assert_eq!(checks.shares[1].place_in(event), Some(0));
        assert_eq!(checks.shares[1].place_in(br#"{"currency":"EUR"}"#), Some(1));
    }

    #[test]
    fn every_wrong_threshold_is_named_with_its_path() {
        let problems = checks(&scenario(vec![threshold("p(95)<fast"), threshold("med<5 in peak")])).expect_err("both");
        assert_eq!(problems.len(), 2);
        assert_eq!((problems[0].path.as_str(), problems[0].column), ("checks[0].threshold", None));
        assert!(problems[1].message.contains("`peak`") && problems[1].hint.is_some());
    }
}
