//! The built-in scenarios as a whole: each profile of each runs, and what it says is what its guide promises.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "supplies/grocery.rs"]
mod grocery;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use shared::compile::compile_with;
use shared::plan::{Plan, Share};
use shared::scenario::{LoadOptions, built_in, profiles};
use shared::units::EpochMicros;

const START: EpochMicros = EpochMicros(1_772_366_400_000_000);

fn plan(name: &str, profile: Option<&str>) -> Arc<Plan> {
    let text = built_in::find(name).unwrap().text;
    let compiled =
        compile_with(text, &LoadOptions { profile, ..LoadOptions::new(name) }, 1, &|_, _| grocery::supplies());
    compiled.plan.unwrap_or_else(|| panic!("{name} {profile:?}: {:#?}", compiled.problems))
}

/// The first events of every workload, as they are sent.
fn events(plan: &Arc<Plan>, most: usize) -> Vec<Value> {
    let mut events = Vec::new();
    for (index, workload) in plan.workloads().iter().enumerate() {
        let schedule = workload.schedule(START);
        let mut cursor = plan.cursor(index, Share::WHOLE);
        let mut out = Vec::new();
        for _ in 0..most {
            let Some(due) = cursor.next_due(&schedule) else { break };
            out.clear();
            cursor.emit(START.plus(due), &mut out);
            events.push(serde_json::from_slice(&out).unwrap_or_else(|error| {
                panic!("{error}: {}", String::from_utf8_lossy(&out));
            }));
        }
    }
    events
}

/// The share of each value that a function finds in events.
fn shares(events: &[Value], value: impl Fn(&Value) -> String) -> BTreeMap<String, f64> {
    let mut counts: BTreeMap<String, f64> = BTreeMap::new();
    for event in events {
        *counts.entry(value(event)).or_default() += 1.0 / events.len() as f64;
    }
    counts
}

fn text_of(event: &Value, pointer: &str) -> String {
    match event.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "absent".to_owned(),
    }
}

fn close(shares: &BTreeMap<String, f64>, wanted: &[(&str, f64)], tolerance: f64) {
    for (name, share) in wanted {
        let found = shares.get(*name).copied().unwrap_or(0.0);
        assert!((found - share).abs() <= tolerance, "{name}: {found} instead of {share} in {shares:?}");
    }
}

#[test]
fn every_profile_of_every_built_in_emits_json() {
    for built_in in built_in::all() {
        let names = profiles(built_in.text);
        for profile in names.iter().map(|profile| Some(profile.name.as_str())).chain([None]) {
            let events = events(&plan(built_in.name, profile), 500);
            assert!(events.len() >= 40, "{} {profile:?}: {} events", built_in.name, events.len());
        }
    }
}

#[test]
fn api_monitoring_keeps_what_its_guide_promises() {
    let events = events(&plan("api-monitoring", Some("performance")), 40_000);
    let status = |event: &Value| event["metrics"]["status_code"].as_u64().unwrap();
    let classes = shares(&events, |event| format!("{}xx", status(event) / 100));
    close(&classes, &[("2xx", 0.974), ("4xx", 0.0192), ("5xx", 0.0071)], 0.004);
    let regions = shares(&events, |event| text_of(event, "/context/tags/region"));
    close(&regions, &[("NA", 0.40), ("EU", 0.30), ("APAC", 0.25), ("LATAM", 0.05)], 0.01);
    let devices = shares(&events, |event| text_of(event, "/context/tags/device_type"));
    let wanted = [("desktop", 0.45), ("mobile", 0.30), ("api_client", 0.20), ("tablet", 0.04), ("bot", 0.01)];
    close(&devices, &wanted, 0.01);
    close(&shares(&events, |event| text_of(event, "/metrics/cache_hit")), &[("true", 0.25)], 0.01);
    close(&shares(&events, |event| text_of(event, "/context/user_id")), &[("absent", 0.10)], 0.01);
    assert_eq!(shares(&events, |event| text_of(event, "/source/service")).len(), 8);
    for event in &events {
        let (status, error) = (status(event), event.get("error_details"));
        assert_eq!(status >= 400, error.is_some(), "{event}");
        if let Some(error) = error {
            assert!(error["error_code"].as_str().unwrap().starts_with(&format!("ERR_{status}_")), "{event}");
        }
        let severity = match status {
            500.. => "error",
            300.. => "warning",
            _ => "info",
        };
        assert_eq!(text_of(event, "/severity"), severity);
        assert!(!text_of(event, "/source/endpoint").contains('{'), "{event}");
        let agent = text_of(event, "/context/user_agent");
        let phone = agent.contains("iPhone") || agent.contains("Mobile Safari");
        assert_eq!(
            text_of(event, "/context/tags/device_type") == "mobile",
            phone && !agent.contains("iPad"),
            "{event}"
        );
    }
}

#[test]
fn api_monitoring_is_as_fast_and_slow_as_its_services() {
    let events = events(&plan("api-monitoring", Some("performance")), 40_000);
    let mut by_service: BTreeMap<String, (f64, u32)> = BTreeMap::new();
    for event in events.iter().filter(|event| event["metrics"]["status_code"].as_u64().unwrap() < 400) {
        let (sum, count) = by_service.entry(text_of(event, "/source/service")).or_default();
        *sum += event["metrics"]["response_time_ms"].as_f64().unwrap();
        *count += 1;
    }
    let averages = [
        ("auth-service", 150.0),
        ("payment-service", 450.0),
        ("user-service", 85.0),
        ("product-service", 120.0),
        ("order-service", 280.0),
        ("notification-service", 200.0),
        ("analytics-service", 350.0),
        ("search-service", 95.0),
    ];
    for (service, average) in averages {
        let (sum, count) = by_service[service];
        // One call in twenty takes 2 to 10 times as long: 1.25 times on average.
        let found = sum / f64::from(count) / 1.25;
        assert!((found / average - 1.0).abs() < 0.06, "{service}: {found} ms instead of {average}");
    }
}

#[test]
fn web_analytics_keeps_the_probability_table_of_each_profile() {
    let tables: [(&str, &[(&str, f64)]); 3] = [
        (
            "users_100",
            &[
                ("session_created", 0.05),
                ("session_ended", 0.05),
                ("page_visited", 0.25),
                ("page_closed", 0.20),
                ("button_clicked", 0.40),
                ("link_click", 0.05),
            ],
        ),
        (
            "high_interaction",
            &[
                ("session_created", 0.03),
                ("session_ended", 0.03),
                ("page_visited", 0.20),
                ("page_closed", 0.15),
                ("button_clicked", 0.55),
                ("link_click", 0.04),
            ],
        ),
        (
            "custom_events",
            &[
                ("session_created", 0.05),
                ("session_ended", 0.05),
                ("page_visited", 0.20),
                ("page_closed", 0.15),
                ("button_clicked", 0.30),
                ("form_submit", 0.10),
                ("video_play", 0.08),
                ("search_query", 0.07),
            ],
        ),
    ];
    for (profile, table) in tables {
        // Whole sessions of many users, so that the window's edges do not weigh.
        let text = built_in::find("web-analytics").unwrap().text;
        let set = [
            ("workloads.web.load.users".to_owned(), "100".to_owned()),
            ("workloads.web.load.duration".to_owned(), "1h".to_owned()),
        ];
        let options = LoadOptions { profile: Some(profile), set: &set, ..LoadOptions::new("web-analytics") };
        let compiled = compile_with(text, &options, 1, &|_, _| grocery::supplies());
        assert!(compiled.problems.is_empty(), "{profile}: {:#?}", compiled.problems);
        let events = events(&compiled.plan.unwrap(), usize::MAX);
        assert!(events.len() > 20_000, "{profile}: {} events", events.len());
        close(&shares(&events, |event| text_of(event, "/event_type")), table, 0.01);
    }
}

/// The document of a built-in with a profile.
fn document(name: &str, profile: &str) -> Value {
    let options = LoadOptions { profile: Some(profile), ..LoadOptions::new(name) };
    let compiled = compile_with(built_in::find(name).unwrap().text, &options, 1, &|_, _| grocery::supplies());
    compiled.scenario.unwrap_or_else(|| panic!("{name} {profile}: {:#?}", compiled.problems)).to_json()
}

#[test]
fn profiles_have_the_loads_that_their_names_promise() {
    let all = serde_json::json!({
        "commerce-events": {
            "quick_test": {"/workloads/shop/load/rate": "10/s", "/workloads/shop/load/duration": "1m", "/workloads/shop/population/count": 10},
            "medium_load": {"/workloads/shop/load/rate": "100/s", "/workloads/shop/load/duration": "10m", "/workloads/shop/population/count": 100},
            "heavy_load": {"/workloads/shop/load/rate": "500/s", "/workloads/shop/load/duration": "30m", "/workloads/shop/population/count": 1000},
            "stress_test": {"/workloads/shop/load/rate": "1000/s", "/workloads/shop/load/duration": "60m", "/workloads/shop/population/count": 5000},
        },
        "web-analytics": {
            "normal": {"/workloads/web/load/users": 10, "/workloads/web/load/duration": "300s", "/workloads/web/load/stagger": "100ms",
                "/behaviors/browse/session/limits/duration": "600s",
                "/behaviors/browse/session/limits/steps/$geometric/min": 3, "/behaviors/browse/session/limits/steps/$geometric/max": 15,
                "/behaviors/browse/session/step/dwell/clamp": ["10s", "120s"], "/behaviors/browse/session/during/0/count/$geometric/max": 8,
                "/behaviors/browse/session/journeys/0/weight": 30, "/behaviors/browse/session/journeys/1/weight": 20,
                "/behaviors/browse/session/journeys/2/weight": 25, "/behaviors/browse/session/journeys/3/weight": 15,
                "/behaviors/browse/session/journeys/4/weight": 10},
            "users_100": {"/workloads/web/load/users": 100, "/workloads/web/load/duration": "1h"},
            "indefinite": {"/workloads/web/load/users": 20, "/workloads/web/load/duration": "forever"},
            "spike": {"/workloads/web/load/users": 100, "/workloads/web/load/duration": "600s"},
            "browsing": {"/workloads/web/load/users": 20, "/behaviors/browse/session/limits/steps/$geometric/max": 30},
            "quick_visitors": {"/workloads/web/load/users": 50, "/behaviors/browse/session/limits/duration": "120s",
                "/behaviors/browse/session/limits/steps/$geometric/max": 5, "/behaviors/browse/session/during/0/count/$geometric/max": 2},
        },
        "freshmart": {
            "demo": {"/workloads/orders/load/rate": "5/min", "/workloads/orders/load/duration": "30m", "/workloads/orders/load/max_in_flight": 10},
            "standard": {"/workloads/orders/load/rate": "20/min", "/workloads/orders/load/duration": "2h", "/workloads/orders/load/max_in_flight": 50},
            "peak": {"/workloads/orders/load/rate": "60/min", "/workloads/orders/load/duration": "1h", "/workloads/orders/load/max_in_flight": 150},
            "stress": {"/workloads/orders/load/rate": "200/min", "/workloads/orders/load/duration": "30m", "/workloads/orders/load/max_in_flight": 500},
        },
        "api-monitoring": {
            "sample_1k": {"/workloads/calls/load/count": 1000, "/clock/start": "-24h"},
            "sample_5k": {"/workloads/calls/load/count": 5000},
            "sample_10k": {"/workloads/calls/load/count": 10_000, "/clock/start": "-168h"},
            "month_50k": {"/workloads/calls/load/count": 50_000, "/clock/start": "-720h"},
            "month_100k": {"/workloads/calls/load/count": 100_000, "/clock/start": "-720h"},
            "month_1m": {"/workloads/calls/load/count": 1_000_000, "/clock/start": "-720h"},
        },
        "stream-testbench": {
            "mobile_sync": {"/workloads/mobile/load/per_connection": "15/s", "/workloads/mobile/load/duration": "300s",
                "/workloads/mobile/load/burst/factor": 2.5, "/targets/mobile/connections": 50},
            "graphql_mqtt": {"/workloads/mqtt/load/per_connection": "8/s", "/workloads/mqtt/load/duration": "180s", "/targets/broker/connections": 20},
            "mixed": {"/workloads/mobile/load/per_connection": "20/s", "/workloads/mobile/load/duration": "600s",
                "/workloads/mobile/load/burst/factor": 1.5, "/workloads/mobile/load/ramp/up": "60s", "/targets/mobile/connections": 50, "/targets/broker/connections": 50},
            "soak": {"/workloads/mobile/load/per_connection": "2/s", "/workloads/mobile/load/duration": "24h", "/targets/mobile/connections": 20},
            "burst": {"/workloads/mqtt/load/per_connection": "5/s", "/workloads/mqtt/load/burst/factor": 3.0, "/targets/broker/connections": 10},
            "smoke": {"/workloads/mobile/load/per_connection": "2/s", "/workloads/mobile/load/duration": "30s", "/targets/mobile/connections": 5},
        },
    });
    let mut wrong = Vec::new();
    for (name, profiles) in all.as_object().unwrap() {
        for (profile, values) in profiles.as_object().unwrap() {
            let document = document(name, profile);
            for (pointer, wanted) in values.as_object().unwrap() {
                let found = document.pointer(pointer).cloned().unwrap_or_default();
                let same = match (found.as_f64(), wanted.as_f64()) {
                    (Some(found), Some(wanted)) => found == wanted,
                    _ => found == *wanted,
                };
                if !same {
                    wrong.push(format!("{name} {profile} {pointer}: {found} instead of {wanted}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
