//! A run to test reports with: two minutes, a target that freezes for two seconds, errors, commands, hostile names.

use std::collections::BTreeMap;

use shared::metrics::Histogram;
use shared::random::{Draws, Stream, quantile};
use shared::run::realism::{Fit, Judgement, Part, Report, Row, RuleRow};
use shared::run::{
    Bytes, Change, Command, ConnectionCounts, Counts, Environment, EventTypeRow, Failure, FailureKind, FigureUnit,
    Latencies, RunId, RunInfo, RunRecord, RunResult, RunState, Sample, ThresholdResult, TimelineRow, Totals, Verdict,
    VerdictStatus, WorkloadRow,
};

/// What a hostile target or scenario would like to get into a page.
pub(super) const HOSTILE: &str =
    "</style></svg><script>alert(1)</script><img src=x onerror=\"alert('2')\">&amp;\u{202e}";

/// The run: 120 s at 200/s, doubled from second 60, frozen in seconds 20 and 21.
pub(super) fn frozen() -> RunResult {
    let mut draws = Stream::root(7).draws(0);
    let mut whole = [const { None }; 3].map(|_: Option<Histogram>| Histogram::new());
    let mut events = Counts::default();
    let mut failures: BTreeMap<FailureKind, u64> = BTreeMap::new();
    let mut timeline = Vec::new();
    for second in 0..120_u32 {
        let row = second_of(second, &mut draws, &mut whole);
        events.add(&row.events);
        for (kind, count) in &row.failures {
            *failures.entry(*kind).or_default() += count;
        }
        timeline.push(row);
    }
    let mut connect = Histogram::new();
    connect.record_n(310, 12);
    connect.record_n(1_250, 4);
    let [response, service, lag] = whole;
    RunResult {
        schema_version: 1,
        run: record(),
        verdict: Verdict {
            status: VerdictStatus::Degraded,
            reasons: vec![
                "the generator sent 1.2 % of its events late, between 00:20 and 00:22".to_owned(),
                HOSTILE.to_owned(),
            ],
        },
        totals: Totals {
            events,
            requests: events,
            bytes: Bytes { sent: events.sent * 742, received: events.sent * 148 },
            elapsed_seconds: 120.0,
            events_per_second: events.succeeded as f64 / 120.0,
            error_rate: events.error_rate(),
        },
        latency: Latencies {
            response_time: response.latency(),
            service_time: service.latency(),
            send_lag: lag.latency(),
            connect: connect.latency(),
            ..Latencies::default()
        },
        workloads: vec![WorkloadRow { name: "shop".to_owned(), ..WorkloadRow::default() }],
        protocols: Vec::new(),
        event_types: event_types(&events, &response),
        status_codes: BTreeMap::from([(200, events.succeeded), (429, 40), (503, 90)]),
        failures: failures.iter().map(|(kind, count)| failure(*kind, *count)).collect(),
        faults: Vec::new(),
        streams: Default::default(),
        connections: ConnectionCounts { attempted: 16, opened: 16, failed: 0, reopened: 4 },
        thresholds: thresholds(&response),
        expectations: Vec::new(),
        audits: Vec::new(),
        compressed: Default::default(),
        changes: vec![
            change(60.0, Command::SetRateMultiplier { multiplier: 2.0 }, "panel"),
            change(90.0, Command::SetRateMultiplier { multiplier: 1.5 }, HOSTILE),
        ],
        realism: Some(realism()),
        timeline,
    }
}

/// A mix that fits, a place that is off, an order that came too early.
fn realism() -> Report {
    let part =
        |name: &str, declared: f64, emitted: f64| Part { name: name.to_owned(), declared: Some(declared), emitted };
    let row = |what: &str, judgement, distance, parts: Vec<Part>| Row {
        what: what.to_owned(),
        count: 34_800,
        parts,
        shares: true,
        fit: Some(Fit { chi_squared: 6.2, degrees: 4, p_value: 0.184, distance }),
        distance: Some(distance),
        judgement,
    };
    let mix = vec![part("page.view", 0.4, 0.401), part("cart.add", 0.15, 0.149)];
    let rows = vec![
        row("event mix of shop", Judgement::Fits, 0.002, mix),
        row("country in page.view", Judgement::Off, 0.31, vec![part("DE", 0.6, 0.29), part("<b>FR</b>", 0.4, 0.71)]),
    ];
    let rule = RuleRow {
        rule: "no order is touched before it begins".to_owned(),
        checked: 812,
        broken: 1,
        undecided: 0,
        example: Some("order ord_000017".to_owned()),
    };
    Report { one_in: Some(4), ..Report::new(rows, vec![rule]) }
}

/// A run in which everything is empty.
pub(super) fn empty() -> RunResult {
    RunResult {
        totals: Totals::default(),
        latency: Latencies::default(),
        event_types: Vec::new(),
        status_codes: BTreeMap::new(),
        failures: Vec::new(),
        faults: Vec::new(),
        streams: Default::default(),
        connections: ConnectionCounts::default(),
        thresholds: Vec::new(),
        changes: Vec::new(),
        realism: None,
        timeline: Vec::new(),
        verdict: Verdict::default(),
        ..frozen()
    }
}

fn second_of(second: u32, draws: &mut Draws, whole: &mut [Histogram; 3]) -> TimelineRow {
    let target: u64 = match second {
        0..60 => 200,
        60..90 => 400,
        _ => 300,
    };
    let (mut response, mut service, mut lag) = (Histogram::new(), Histogram::new(), Histogram::new());
    let frozen = (20..22).contains(&second);
    // What was due while nothing was answered comes home when the freeze ends.
    let waiting = if second == 22 { 2 * target } else { 0 };
    let level = if second >= 60 { 0.5 } else { 0.0 };
    if !frozen {
        for number in 0..target + waiting {
            let own = (800.0 * f64::exp(level + 0.45 * quantile::normal(draws.open_unit()))) as u64;
            let behind = if number < waiting { 2_000_000 * (waiting - number) / waiting } else { 0 };
            service.record(own);
            response.record(own + behind);
        }
    }
    for _ in 0..target {
        lag.record((18.0 * f64::exp(0.6 * quantile::normal(draws.open_unit()))) as u64);
    }
    let mut failures = BTreeMap::new();
    if (40..50).contains(&second) {
        failures.insert(FailureKind::ServerError, 9);
        failures.insert(FailureKind::Throttled, 4);
    }
    if second == 75 {
        failures.insert(FailureKind::ConnectionReset, 31);
    }
    let failed: u64 = failures.values().sum();
    let answered = if frozen { 0 } else { target + waiting };
    let events = Counts { offered: target, sent: target, succeeded: answered - failed, failed, ..Counts::default() };
    for (whole, part) in whole.iter_mut().zip([&response, &service, &lag]) {
        whole.merge(part);
    }
    TimelineRow {
        second,
        covered_seconds: 1.0,
        target_rate: target as f64,
        events,
        requests: events,
        in_flight: if frozen { target * u64::from(second - 19) } else { 1 },
        response_time: response.percentiles(),
        service_time: service.percentiles(),
        send_lag: lag.percentiles(),
        failures,
        faults: BTreeMap::new(),
        heat: response.heat(),
        users: 16,
    }
}

fn record() -> RunRecord {
    RunRecord {
        info: RunInfo {
            id: RunId("20261121-100000-k3v9".to_owned()),
            scenario: format!("commerce-events {HOSTILE}"),
            profile: Some("quick_test".to_owned()),
            seed: 42,
            state: RunState::Finished,
            started_at: "2026-11-21T10:00:00.000Z".to_owned(),
            ended_at: Some("2026-11-21T10:02:00.000Z".to_owned()),
            planned_seconds: Some(120.0),
            targets: vec!["http://127.0.0.1:7979".to_owned()],
            warnings: Vec::new(),
        },
        scenario: serde_json::json!({ "name": HOSTILE }),
        plan_fingerprint: "9f2c41d07be3a855".to_owned(),
        environment: Environment {
            version: "0.1.0".to_owned(),
            platform: "linux x86_64".to_owned(),
            cores: 8,
            workers: 4,
        },
        supplies: Vec::new(),
    }
}

fn event_types(events: &Counts, response: &Histogram) -> Vec<EventTypeRow> {
    let mut rows = Vec::new();
    for (name, declared, actual) in [
        ("page.view", Some(0.4), 0.402),
        ("cart.add", Some(0.25), 0.247),
        ("page.click", Some(0.2), 0.203),
        ("order.created", None, 0.148),
        (HOSTILE, None, 0.0),
    ] {
        let part = |count: u64| (count as f64 * actual) as u64;
        rows.push(EventTypeRow {
            name: name.to_owned(),
            declared_share: declared,
            actual_share: actual,
            events: Counts {
                offered: part(events.offered),
                sent: part(events.sent),
                succeeded: part(events.succeeded),
                failed: part(events.failed),
                ..Counts::default()
            },
            response_time: response.percentiles(),
        });
    }
    rows
}

fn failure(kind: FailureKind, count: u64) -> Failure {
    Failure {
        kind,
        count,
        first_seconds: 40.2,
        last_seconds: 49.8,
        sample: Some(Sample {
            number: 1,
            elapsed_seconds: 40.2,
            label: HOSTILE.to_owned(),
            events: 1,
            request: "POST http://127.0.0.1:7979/api/v1/events/ingest".to_owned(),
            request_body: format!("{{\"topic\":\"cart_events\",\"event_type\":\"cart.add\",\"note\":\"{HOSTILE}\"}}"),
            status: Some(503),
            answer_body: format!("<html>{HOSTILE}</html>"),
            failure: Some(kind),
            response_time_us: 1_830,
        }),
    }
}

fn thresholds(response: &Histogram) -> Vec<ThresholdResult> {
    let p95 = response.quantile_us(0.95) as f64;
    let threshold = |text: &str, unit, bound, observed, passed| ThresholdResult {
        threshold: text.to_owned(),
        unit,
        bound,
        observed: Some(observed),
        passed,
        worst: Some(observed * 3.0),
        worst_at_seconds: Some(23.0),
        required: true,
        reason: None,
    };
    vec![
        threshold("p(95)<20ms", FigureUnit::Microseconds, 20_000.0, p95, p95 < 20_000.0),
        threshold("error_rate<1%", FigureUnit::Ratio, 0.01, 0.004, true),
        threshold(HOSTILE, FigureUnit::PerSecond, 190.0, 265.0, true),
    ]
}

fn change(elapsed_seconds: f64, command: Command, origin: &str) -> Change {
    Change { elapsed_seconds, command, origin: origin.to_owned() }
}
