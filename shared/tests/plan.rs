//! The plan of real scenarios: the same events for every number of workers, in the declared mix, in causal order.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use shared::plan::{Plan, Planned, Share};
use shared::scenario::{LoadOptions, load};
use shared::units::{EpochMicros, Nanos};

const START: EpochMicros = EpochMicros(1_772_366_400_000_000);

fn plan(text: &str, seed: u64) -> Arc<Plan> {
    let loaded = load(text, &LoadOptions::new("test"));
    let scenario = loaded.scenario.unwrap_or_else(|| panic!("{:#?}", loaded.problems));
    Arc::new(Plan::compile(&scenario, seed).unwrap_or_else(|problems| panic!("{problems:#?}")))
}

/// The first events of a share of a workload.
fn events(plan: &Arc<Plan>, workload: usize, share: Share, most: usize) -> Vec<(Planned, String)> {
    let schedule = plan.workloads()[workload].schedule(START);
    let mut cursor = plan.cursor(workload, share);
    let mut events = Vec::new();
    let mut out = Vec::new();
    while events.len() < most
        && let Some(due) = cursor.next_due(&schedule)
    {
        out.clear();
        let planned = cursor.emit(START.plus(due), &mut out);
        assert_eq!(planned.due, due);
        events.push((planned, String::from_utf8(out.clone()).unwrap()));
    }
    events
}

const SHOP: &str = "{extends: commerce-events, profile: medium_load}";

#[test]
fn every_worker_count_sends_the_same_events() {
    for (text, until) in [
        (SHOP, Nanos::from_secs(20)),
        ("{extends: commerce-events, profile: stress_test}", Nanos::from_secs(4)),
        ("{extends: commerce-events, profile: quick_test}", Nanos::from_secs(60)),
    ] {
        let plan = plan(text, 42);
        let mut whole: Vec<(Planned, String)> = events(&plan, 0, Share::WHOLE, 5_000);
        whole.retain(|(planned, _)| planned.due < until);
        assert!(whole.len() > 300, "{}", whole.len());
        for count in [2, 7, 16] {
            let mut shared = Vec::new();
            for index in 0..count {
                shared.extend(events(&plan, 0, Share { index, count }, 5_000));
            }
            shared.retain(|(planned, _)| planned.due < until);
            shared.sort_by_key(|(planned, _)| (planned.due, planned.id));
            let mut sorted = whole.clone();
            sorted.sort_by_key(|(planned, _)| (planned.due, planned.id));
            assert_eq!(sorted.len(), shared.len());
            assert!(sorted == shared, "{count} workers send something else");
        }
    }
}

#[test]
fn the_declared_mix_holds() {
    let plan = plan(SHOP, 42);
    let sent = events(&plan, 0, Share::WHOLE, 50_000);
    let mut chi_squared = 0.0;
    for (index, info) in plan.event_types().iter().enumerate() {
        let count = sent.iter().filter(|(planned, _)| usize::from(planned.event_type.0) == index).count() as f64;
        let expected = info.declared_share.unwrap() * sent.len() as f64;
        chi_squared += (count - expected) * (count - expected) / expected;
        println!("{:16} {count:6} of {expected:8.1}", info.name);
    }
    // 11 degrees of freedom: 1 in 10,000 lies above 37.4.
    assert!(chi_squared < 37.4, "{chi_squared}");
}

#[test]
fn carts_and_orders_are_causal() {
    let plan = plan(SHOP, 7);
    let mut carts: BTreeMap<String, Vec<(String, i64, f64)>> = BTreeMap::new();
    let mut orders: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut largest = 0;
    let mut users = BTreeSet::new();
    for (planned, text) in events(&plan, 0, Share::WHOLE, 40_000) {
        let event: Value = serde_json::from_str(&text).unwrap();
        let data = &event["data"];
        let user = data["user_id"].as_str().unwrap().to_owned();
        users.insert(user.clone());
        assert_eq!(data["event_id"], planned.id.to_string());
        let cart = carts.entry(user.clone()).or_default();
        let orders = orders.entry(user).or_default();
        let product = data["product_id"].as_str().unwrap_or_default().to_owned();
        let total = |cart: &[(String, i64, f64)]| cart.iter().map(|(_, n, price)| *n as f64 * price).sum::<f64>();
        let count = |cart: &[(String, i64, f64)]| cart.iter().map(|(_, n, _)| n).sum::<i64>();
        match event["event_type"].as_str().unwrap() {
            "cart.add" => {
                cart.push((product, data["quantity"].as_i64().unwrap(), data["price"].as_f64().unwrap()));
                largest = largest.max(cart.len());
            }
            "cart.remove" => {
                let quantity = data["quantity"].as_i64().unwrap();
                let line = cart.iter().position(|(id, n, _)| *id == product && *n == quantity);
                cart.remove(line.expect("removed what was not in the cart"));
            }
            "cart.update" => {
                let old = data["old_quantity"].as_i64().unwrap();
                let line = cart.iter_mut().find(|(id, n, _)| *id == product && *n == old);
                line.expect("changed what was not in the cart").1 = data["new_quantity"].as_i64().unwrap();
                assert_ne!(data["old_quantity"], data["new_quantity"]);
            }
            "cart.checkout" => {
                assert!((data["cart_total"].as_f64().unwrap() - total(cart)).abs() < 0.005, "{text}");
                assert_eq!(data["item_count"].as_i64().unwrap(), count(cart));
            }
            "order.created" => {
                assert!((data["total_amount"].as_f64().unwrap() - total(cart)).abs() < 0.005, "{text}");
                assert_eq!(data["item_count"].as_i64().unwrap(), count(cart));
                cart.clear();
                orders.insert(data["order_id"].as_str().unwrap().to_owned(), "pending".to_owned());
            }
            "order.updated" => {
                let status = orders.get_mut(data["order_id"].as_str().unwrap()).expect("updated an unknown order");
                assert_eq!(*status, data["old_status"].as_str().unwrap());
                *status = data["new_status"].as_str().unwrap().to_owned();
            }
            "order.fulfilled" => {
                assert!(orders.remove(data["order_id"].as_str().unwrap()).is_some(), "delivered an unknown order");
            }
            _ => {}
        }
    }
    assert_eq!(users.len(), 100, "every user is used");
    assert!((5..40).contains(&largest), "the largest cart had {largest} lines");
}

#[test]
fn adding_a_field_changes_no_other_field() {
    let (before, after) = (plan(SHOP, 42), {
        let more = "{extends: commerce-events, profile: medium_load, events: {_base: {body: {weather: {$pick: [sun, rain]}}}}}";
        plan(more, 42)
    });
    let without = |text: &str| {
        let mut event: Value = serde_json::from_str(text).unwrap();
        event["data"].as_object_mut().unwrap().remove("weather");
        event
    };
    let (before, after) = (events(&before, 0, Share::WHOLE, 500), events(&after, 0, Share::WHOLE, 500));
    for ((_, one), (_, other)) in before.iter().zip(&after) {
        assert!(other.contains("weather"));
        assert_eq!(without(one), without(other));
    }
}

#[test]
fn a_live_change_of_rate_changes_neither_events_nor_their_order() {
    let plan = plan(SHOP, 42);
    let steady = events(&plan, 0, Share::WHOLE, 2_000);
    let mut schedule = plan.workloads()[0].schedule(START);
    let mut cursor = plan.cursor(0, Share::WHOLE);
    let mut out = Vec::new();
    let mut last = Nanos::ZERO;
    for (number, (planned, _)) in steady.iter().enumerate() {
        let due = cursor.next_due(&schedule).unwrap();
        assert!(due >= last);
        last = due;
        let now = cursor.emit(START, &mut out);
        assert_eq!((now.id, now.event_type, now.entity), (planned.id, planned.event_type, planned.entity));
        if number % 300 == 0 {
            schedule.set_multiplier(due, 0.5 + (number % 7) as f64);
        }
    }
}

#[test]
fn ids_decode_to_the_run_they_came_from() {
    let plan = plan(SHOP, 42);
    let sent = events(&plan, 0, Share::WHOLE, 1_000);
    let ids: BTreeSet<_> = sent.iter().map(|(planned, _)| planned.id).collect();
    assert_eq!(ids.len(), sent.len());
    assert!(ids.iter().all(|id| id.belongs_to(42) && !id.belongs_to(43) && id.origin().workload == 0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_long_plan_needs_no_more_memory_than_a_short_one() {
    let resident = || -> u64 {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        statm.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4_096
    };
    let plan = plan("{extends: commerce-events, profile: heavy_load}", 42);
    let schedule = plan.workloads()[0].schedule(START);
    let mut cursor = plan.cursor(0, Share::WHOLE);
    let mut out = Vec::new();
    let mut walk = |events: u32| {
        for _ in 0..events {
            out.clear();
            let due = cursor.next_due(&schedule).unwrap();
            cursor.emit(START.plus(due), &mut out);
        }
    };
    // Every user has filled a cart by then, and everything that grows has grown.
    walk(100_000);
    let before = resident();
    walk(300_000);
    let grown = resident().saturating_sub(before);
    // Other tests of this file run beside it: their plans are a few megabytes.
    assert!(grown < 64 << 20, "{grown} bytes more");
}

#[test]
fn what_users_remember_cannot_depend_on_the_time() {
    let text = "
name: timed
targets: {t: {url: http://localhost:1}}
events: {seen: {body: {a: 1}, effect: {set: {last: \"${time}\"}}}}
behaviors: {b: {mix: {weights: {seen: 1}, state: {last: null}}}}
workloads: {w: {target: t, behavior: b, load: {rate: 5/s, duration: 5m}}}
";
    let scenario = load(text, &LoadOptions::new("test")).scenario.unwrap();
    let problems = Plan::compile(&scenario, 1).unwrap_err();
    assert!(problems.iter().any(|problem| problem.message.contains("cannot depend on the time")), "{problems:?}");
}
