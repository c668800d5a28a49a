//! A run's figures in Prometheus's text format. Names and labels are ours, values are numbers: nothing that a target
//! said, and no secret, can be in it.

use std::fmt::Write as _;

use shared::run::{Counts, Percentiles, RunInfo, RunState, Snapshot, VerdictStatus};

/// Media type of the format.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A quantile with its label.
type Quantile = (&'static str, fn(&Percentiles) -> u64);

const QUANTILES: [Quantile; 6] = [
    ("0.5", |times| times.p50_us),
    ("0.75", |times| times.p75_us),
    ("0.9", |times| times.p90_us),
    ("0.95", |times| times.p95_us),
    ("0.99", |times| times.p99_us),
    ("0.999", |times| times.p999_us),
];

const STATES: [RunState; 8] = [
    RunState::Ready,
    RunState::Running,
    RunState::Paused,
    RunState::Draining,
    RunState::Finished,
    RunState::Stopped,
    RunState::Failed,
    RunState::Interrupted,
];

const VERDICTS: [VerdictStatus; 3] = [VerdictStatus::Valid, VerdictStatus::Degraded, VerdictStatus::Invalid];

/// What is known of the program and of its newest run, if there is one.
pub fn text(run: Option<(&RunInfo, &Snapshot)>) -> String {
    let mut out = Page::default();
    out.family("throng_build_info", "gauge", "Version of Throng.");
    out.value("throng_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    if let Some((info, snapshot)) = run {
        write_run(&mut out, info, snapshot);
    }
    out.0
}

fn write_run(out: &mut Page, info: &RunInfo, snapshot: &Snapshot) {
    let run = ("run", info.id.0.as_str());
    let labels = [run, ("scenario", &info.scenario), ("profile", info.profile.as_deref().unwrap_or_default())];
    out.family("throng_run_info", "gauge", "The newest run.");
    out.value("throng_run_info", &labels, 1.0);
    out.family("throng_run_state", "gauge", "1 for the state that the run is in.");
    for state in STATES {
        out.value("throng_run_state", &[run, ("state", state.name())], f64::from(state == snapshot.state));
    }
    out.family("throng_run_verdict", "gauge", "1 for the verdict on the run as it stands.");
    for verdict in VERDICTS {
        let holds = f64::from(verdict == snapshot.verdict.status);
        out.value("throng_run_verdict", &[run, ("verdict", verdict.name())], holds);
    }
    for (name, help, value) in [
        ("throng_elapsed_seconds", "Seconds since the run's start, pauses included.", snapshot.elapsed_seconds),
        ("throng_schedule_seconds", "Seconds of schedule done, pauses not included.", snapshot.schedule_seconds),
        ("throng_rate_multiplier", "Multiplier of the scheduled rate.", snapshot.rate_multiplier),
        ("throng_target_rate", "Scheduled rate, in events per second.", snapshot.target_rate),
        ("throng_current_rate", "Events succeeded per second, over the last full second.", snapshot.current_rate),
        ("throng_requests_in_flight", "Requests without an answer.", snapshot.in_flight as f64),
    ] {
        out.family(name, "gauge", help);
        out.value(name, &[run], value);
    }
    for (name, help, counts) in [
        ("throng_events_total", "Events so far, by outcome.", &snapshot.events),
        ("throng_requests_total", "Requests so far, by outcome.", &snapshot.requests),
    ] {
        out.family(name, "counter", help);
        for (outcome, count) in Counts::NAMED {
            out.value(name, &[run, ("outcome", outcome)], count(counts) as f64);
        }
    }
    out.family("throng_event_type_events_total", "counter", "Events so far, by event type and outcome.");
    for row in &snapshot.event_types {
        for (outcome, count) in Counts::NAMED {
            let labels = [run, ("event_type", row.name.as_str()), ("outcome", outcome)];
            out.value("throng_event_type_events_total", &labels, count(&row.events) as f64);
        }
    }
    out.family("throng_failures_total", "counter", "Failed events so far, by kind.");
    for (kind, count) in &snapshot.failures {
        let kind = serde_json::to_value(kind).ok();
        let kind = kind.as_ref().and_then(|kind| kind.as_str()).unwrap_or_default();
        out.value("throng_failures_total", &[run, ("kind", kind)], *count as f64);
    }
    for (name, help, times) in [
        ("throng_response_time_seconds", "From due to answered, over the whole run.", &snapshot.response_time),
        ("throng_send_lag_seconds", "From due to sent, over the whole run.", &snapshot.send_lag),
    ] {
        out.family(name, "summary", help);
        for (quantile, figure) in QUANTILES {
            let value = if times.count > 0 { figure(times) as f64 / 1e6 } else { f64::NAN };
            out.value(name, &[run, ("quantile", quantile)], value);
        }
        out.value(&format!("{name}_sum"), &[run], times.mean_us * times.count as f64 / 1e6);
        out.value(&format!("{name}_count"), &[run], times.count as f64);
    }
    out.family("throng_event_type_response_time_seconds", "summary", "From due to answered, by event type.");
    for row in &snapshot.event_types {
        let (name, times) = ("throng_event_type_response_time_seconds", &row.response_time);
        let event_type = ("event_type", row.name.as_str());
        for (quantile, figure) in QUANTILES {
            let value = if times.count > 0 { figure(times) as f64 / 1e6 } else { f64::NAN };
            out.value(name, &[run, event_type, ("quantile", quantile)], value);
        }
        out.value(&format!("{name}_sum"), &[run, event_type], times.mean_us * times.count as f64 / 1e6);
        out.value(&format!("{name}_count"), &[run, event_type], times.count as f64);
    }
}

/// Text that is being written.
#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _written = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str(name);
        for (number, (label, text)) in labels.iter().enumerate() {
            self.0.push_str(if number == 0 { "{" } else { "," });
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _written = write!(self.0, "{label}=\"{text}\"");
        }
        self.0.push_str(if labels.is_empty() { " " } else { "} " });
        if value.is_nan() {
            self.0.push_str("NaN\n");
        } else {
            let _written = writeln!(self.0, "{value}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::run::{EventTypeRow, FailureKind, RunId};
    use std::collections::BTreeSet;

    fn run() -> (RunInfo, Snapshot) {
        let info = RunInfo {
            id: RunId("20261121-100000-k3v9".to_owned()),
            scenario: "shop \"one\"\nand\\more".to_owned(),
            profile: None,
            seed: 1,
            state: RunState::Running,
            started_at: String::new(),
            ended_at: None,
            planned_seconds: None,
            targets: vec!["http://secret-host".to_owned()],
            warnings: Vec::new(),
        };
        let events = Counts { offered: 12, sent: 10, succeeded: 9, failed: 1, dropped: 2, ..Counts::default() };
        let times = Percentiles { count: 10, mean_us: 1_500.0, p50_us: 1_000, p99_us: 4_000, ..Percentiles::default() };
        let row =
            EventTypeRow { name: "page.view".to_owned(), events, response_time: times, ..EventTypeRow::default() };
        let snapshot = Snapshot {
            state: RunState::Running,
            elapsed_seconds: 2.5,
            schedule_seconds: 2.0,
            rate_multiplier: 1.0,
            target_rate: 5.0,
            current_rate: 4.0,
            in_flight: 0,
            events,
            requests: events,
            recent_response_time: times,
            response_time: times,
            send_lag: Percentiles::default(),
            event_types: vec![row],
            failures: [(FailureKind::ServerError, 1)].into(),
            ..Snapshot::default()
        };
        (info, snapshot)
    }

    /// Name, labels as text, value: the grammar of the format, written down once more.
    fn sample(line: &str) -> (&str, &str, f64) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) =
            series.split_once('{').map_or((series, ""), |(name, rest)| (name, rest.strip_suffix('}').unwrap()));
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{line}");
        (name, labels, value.parse().unwrap())
    }

    #[test]
    fn every_line_is_of_the_format_and_every_sample_has_its_family() {
        let (info, snapshot) = run();
        let text = text(Some((&info, &snapshot)));
        let (mut families, mut seen) = (BTreeSet::new(), BTreeSet::new());
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                assert!(families.insert(rest.split(' ').next().unwrap().to_owned()), "{line} comes twice");
            } else if !line.starts_with('#') {
                let (name, labels, _) = sample(line);
                let family = name.strip_suffix("_sum").or_else(|| name.strip_suffix("_count")).unwrap_or(name);
                assert!(families.contains(family) || families.contains(name), "{line} has no family");
                assert!(seen.insert((name.to_owned(), labels.to_owned())), "{line} comes twice");
            }
        }
        let value = |wanted: &str| {
            let line = text.lines().find(|line| line.starts_with(wanted)).unwrap_or_else(|| panic!("{wanted}: {text}"));
            sample(line).2
        };
        let run = "run=\"20261121-100000-k3v9\"";
        assert_eq!(value(&format!("throng_events_total{{{run},outcome=\"succeeded\"}}")), 9.0);
        assert_eq!(value(&format!("throng_response_time_seconds{{{run},quantile=\"0.99\"}}")), 0.004);
        assert_eq!(value(&format!("throng_response_time_seconds_sum{{{run}}}")), 0.015);
        assert_eq!(value(&format!("throng_failures_total{{{run},kind=\"server_error\"}}")), 1.0);
        assert_eq!(value(&format!("throng_run_state{{{run},state=\"running\"}}")), 1.0);
        assert!(text.contains(r#"scenario="shop \"one\"\nand\\more""#), "{text}");
        assert!(!text.contains("secret-host"));
    }

    #[test]
    fn without_a_run_there_is_only_the_program() {
        assert_eq!(text(None).lines().filter(|line| !line.starts_with('#')).count(), 1);
    }
}
