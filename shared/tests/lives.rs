//! Sessions and lives of real scenarios: complete, in order, in the declared proportions, the same for all workers.
#![expect(clippy::panic, reason = "a test fails by panicking")]

#[path = "supplies/grocery.rs"]
mod grocery;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use shared::plan::supply::Supplies;
use shared::plan::{Plan, Planned, Share};
use shared::scenario::{LoadOptions, load};
use shared::units::{EpochMicros, Nanos};

const START: EpochMicros = EpochMicros(1_772_366_400_000_000);
const WEB: &str = include_str!("../scenarios/web-analytics.yaml");
const FRESHMART: &str = include_str!("../scenarios/freshmart.yaml");

fn plan(text: &str, set: &[(&str, &str)], supplies: &Supplies) -> Arc<Plan> {
    let set: Vec<(String, String)> =
        set.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect();
    let loaded = load(text, &LoadOptions { set: &set, ..LoadOptions::new("test") });
    let scenario = loaded.scenario.unwrap_or_else(|| panic!("{:#?}", loaded.problems));
    Arc::new(Plan::compile_with(&scenario, 42, supplies).unwrap_or_else(|problems| panic!("{problems:#?}")))
}

/// The events of a share of a workload, in the order in which they are due.
fn events(plan: &Arc<Plan>, workload: usize, share: Share) -> Vec<(Planned, Value)> {
    let schedule = plan.workloads()[workload].schedule(START);
    let mut cursor = plan.cursor(workload, share);
    let mut events = Vec::new();
    let mut last = Nanos::ZERO;
    while let Some(due) = cursor.next_due(&schedule) {
        assert!(due >= last, "{due} after {last}");
        last = due;
        let mut out = Vec::new();
        let planned = cursor.emit(START.plus(due), &mut out);
        let value =
            serde_json::from_slice(&out).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&out)));
        events.push((planned, value));
    }
    events
}

fn same_for_all_workers(plan: &Arc<Plan>, workload: usize) {
    let mut whole = events(plan, workload, Share::WHOLE);
    whole.sort_by_key(|(planned, _)| (planned.due, planned.id));
    for count in [2, 7, 16] {
        let mut shared = Vec::new();
        for index in 0..count {
            shared.extend(events(plan, workload, Share { index, count }));
        }
        shared.sort_by_key(|(planned, _)| (planned.due, planned.id));
        assert_eq!(whole.len(), shared.len());
        assert!(whole == shared, "{count} workers send something else");
    }
}

#[test]
fn sessions_run_from_their_first_event_to_their_last() {
    let plan = plan(WEB, &[("workloads.web.load.duration", "2h")], &Supplies::default());
    let mut sessions: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut counts: BTreeMap<String, f64> = BTreeMap::new();
    let all = events(&plan, 0, Share::WHOLE);
    for (_, event) in &all {
        sessions.entry(event["session_id"].as_str().unwrap().to_owned()).or_default().push(event.clone());
    }
    let mut complete = 0;
    for session in sessions.values() {
        let kind = |index: usize| session[index]["event_type"].as_str().unwrap();
        assert_eq!(kind(0), "session_created");
        let mut open: Option<&str> = None;
        for event in session {
            let page = event["page_path"].as_str();
            match event["event_type"].as_str().unwrap() {
                "page_visited" => open = page,
                "page_closed" => {
                    assert_eq!(open, page, "closed a page that was not open");
                    open = None;
                }
                "button_clicked" | "link_click" => assert_eq!(open, page, "clicked on a page that was not open"),
                _ => assert_eq!(page, None),
            }
        }
        if kind(session.len() - 1) == "session_ended" {
            complete += 1;
            for event in session {
                *counts.entry(event["event_type"].as_str().unwrap().to_owned()).or_default() += 1.0;
            }
        }
    }
    // Ten users; at most one session of each is cut by the end.
    assert!(complete + 10 >= sessions.len(), "{complete} of {}", sessions.len());
    let total: f64 = counts.values().sum();
    for (name, share) in [
        ("session_created", 0.05),
        ("page_visited", 0.25),
        ("page_closed", 0.20),
        ("button_clicked", 0.40),
        ("link_click", 0.05),
        ("session_ended", 0.05),
    ] {
        let got = counts[name] / total;
        println!("{name} {got:.4} of {share}");
        assert!((got - share).abs() < 0.02, "{name}: {got}, declared {share}");
    }
}

#[test]
fn every_worker_count_walks_the_same_sessions() {
    same_for_all_workers(&plan(WEB, &[], &Supplies::default()), 0);
    let arriving = [("workloads.web.load", "{rate: 2/s, duration: 3m}")];
    same_for_all_workers(&plan(WEB, &arriving, &Supplies::default()), 0);
}

#[test]
fn sessions_without_pauses_take_turns() {
    let set = [("workloads.web.human_delays", "false"), ("workloads.web.load.users", "4")];
    let plan = plan(WEB, &set, &Supplies::default());
    let schedule = plan.workloads()[0].schedule(START);
    let mut cursor = plan.cursor(0, Share::WHOLE);
    let mut users: BTreeMap<u64, u32> = BTreeMap::new();
    for _ in 0..400 {
        assert_eq!(cursor.next_due(&schedule), Some(Nanos::ZERO));
        *users.entry(cursor.emit(START, &mut Vec::new()).entity).or_default() += 1;
    }
    assert_eq!(users.len(), 4);
    assert!(users.values().all(|count| (90..=110).contains(count)), "{users:?}");
}

#[test]
fn pages_of_a_graph_follow_its_edges() {
    let graph = "
name: graph
targets: {t: {url: http://localhost:1}}
events: {seen: {body: {session: \"${session.id}\", page: \"${page}\", from: \"${prev.page}\"}}}
behaviors:
  walk:
    session:
      step: {enter: seen, dwell: 1s}
      graph:
        $start: {home: 1}
        home: {products: 0.5, $end: 0.5}
        products: {home: 0.3, products: 0.2, $end: 0.5}
workloads: {w: {target: t, behavior: walk, load: {rate: 5/s, duration: 5m}}}
";
    let plan = plan(graph, &[], &Supplies::default());
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    let mut edges: BTreeMap<(String, String), u32> = BTreeMap::new();
    for (_, event) in events(&plan, 0, Share::WHOLE) {
        let (session, page) =
            (event["session"].as_str().unwrap().to_owned(), event["page"].as_str().unwrap().to_owned());
        let before = last.insert(session, page.clone());
        assert_eq!(before.as_deref(), event["from"].as_str());
        *edges.entry((before.unwrap_or_default(), page)).or_default() += 1;
    }
    let count = |from: &str, to: &str| f64::from(*edges.get(&(from.to_owned(), to.to_owned())).unwrap_or(&0));
    assert_eq!(count("home", "home"), 0.0);
    assert_eq!(count("", "products"), 0.0);
    let (home, products) = (count("", "home") + count("products", "home"), count("home", "products"));
    assert!((products / home - 0.5).abs() < 0.05, "{products} of {home}");
}

/// Grocery orders with pools that a target would have served.
fn freshmart(set: &[(&str, &str)]) -> Arc<Plan> {
    let unset = [("checks", "[]"), ("workloads.orders.load.max_in_flight", "$unset")];
    plan(FRESHMART, &[set, &unset].concat(), &grocery::supplies())
}

#[test]
fn orders_live_their_life() {
    let plan = freshmart(&[("workloads.orders.load", "{rate: 20/min, duration: 10h}")]);
    let all = events(&plan, 0, Share::WHOLE);
    let mut orders: BTreeMap<u64, Vec<(Nanos, String)>> = BTreeMap::new();
    let mut totals: BTreeMap<String, f64> = BTreeMap::new();
    for (planned, event) in &all {
        let triples = event.as_array().unwrap();
        for triple in triples {
            assert!(triple["object_value"].is_string(), "{triple}");
            assert!(triple["subject_id"].as_str().unwrap().contains(':'));
        }
        let value = |predicate: &str| {
            let found = triples.iter().find(|triple| triple["predicate"] == predicate);
            found.map(|triple| triple["object_value"].as_str().unwrap().to_owned())
        };
        if let Some(total) = value("order_total_amount")
            && value("order_status").is_some()
        {
            let lines: f64 = triples
                .iter()
                .filter(|triple| triple["predicate"] == "line_amount")
                .map(|triple| triple["object_value"].as_str().unwrap().parse::<f64>().unwrap())
                .sum();
            let total: f64 = total.parse().unwrap();
            assert!((lines - total).abs() < 0.005, "{total} is not the sum {lines}");
            totals.insert(triples[0]["subject_id"].as_str().unwrap().to_owned(), total);
        }
        if let Some(status) = value("order_status") {
            orders.entry(planned.entity).or_default().push((planned.due, status));
        }
    }
    let minutes = |from: Nanos, to: Nanos| (to.0 - from.0) as f64 / 60e9;
    let (mut delivered, mut cancelled) = (0, 0);
    for history in orders.values() {
        assert_eq!(history[0].1, "CREATED");
        for pair in history.windows(2) {
            let stay = minutes(pair[0].0, pair[1].0);
            let bounds = match (pair[0].1.as_str(), pair[1].1.as_str()) {
                ("CREATED", "PICKING") => 5.0..=30.0,
                ("CREATED", "CANCELLED") => 1.0..=30.0,
                ("PICKING", "OUT_FOR_DELIVERY") => 10.0..=20.0,
                ("PICKING", "CANCELLED") => 1.0..=20.0,
                ("OUT_FOR_DELIVERY", "DELIVERED") => 20.0..=45.0,
                other => panic!("{other:?} is no way"),
            };
            assert!(bounds.contains(&stay), "{stay} minutes from {} to {}", pair[0].1, pair[1].1);
        }
        match history[history.len() - 1].1.as_str() {
            "DELIVERED" => delivered += 1,
            "CANCELLED" => cancelled += 1,
            _ => {}
        }
    }
    // Five per cent in each of two states: 9.75 % in all.
    let share = f64::from(cancelled) / f64::from(cancelled + delivered);
    assert!((share - 0.0975).abs() < 0.01, "{share} cancelled");
    assert!(orders.len() > 11_000, "{}", orders.len());
    assert!(totals.values().all(|total| *total > 3.0));
}

#[test]
fn every_worker_count_lives_the_same_lives() {
    let plan = freshmart(&[("workloads.orders.load", "{rate: 60/min, duration: 2h}")]);
    for workload in 0..3 {
        same_for_all_workers(&plan, workload);
    }
    // Tied to the orders: 12.5 and 25 for a hundred of them.
    let counts: Vec<usize> = (1..3).map(|workload| events(&plan, workload, Share::WHOLE).len()).collect();
    assert!((800..1_000).contains(&counts[0]), "{counts:?}");
    assert!((1_650..1_950).contains(&counts[1]), "{counts:?}");
}

#[test]
fn a_live_change_of_rate_keeps_each_session_in_order() {
    let plan = plan(WEB, &[("workloads.web.load", "{rate: 2/s, duration: 10m}")], &Supplies::default());
    let mut schedule = plan.workloads()[0].schedule(START);
    let mut cursor = plan.cursor(0, Share::WHOLE);
    let mut steps: BTreeMap<u64, u32> = BTreeMap::new();
    let mut last = Nanos::ZERO;
    for number in 0..3_000 {
        let Some(due) = cursor.next_due(&schedule) else { break };
        assert!(due >= last);
        last = due;
        let planned = cursor.emit(START.plus(due), &mut Vec::new());
        let step = steps.entry(planned.id.origin().entity).or_default();
        assert_eq!(planned.step, *step);
        *step += 1;
        if number % 500 == 499 {
            schedule.set_multiplier(due, f64::from(1 + number % 3));
        }
    }
    assert!(steps.len() > 50);
}
