//! Stories that are told in order, and every way to tell them wrong.

use super::*;
use crate::compile::compile;
use crate::scenario::LoadOptions;

const SCENARIO: &str = r#"
targets: {api: {url: "http://localhost:1"}}
events:
  order.created: {body: {order_id: {$hex: 6}, total: 10}}
  order.updated: {body: {order_id: {$hex: 6}}}
  cart.add: {body: {user_id: "${user.id}", product_id: p}}
  cart.remove: {body: {user_id: "${user.id}", product_id: p}}
behaviors: {shop: {mix: {weights: {order.created: 1, order.updated: 1, cart.add: 1, cart.remove: 1}}}}
workloads: {shop: {load: {rate: 1/s, duration: 1m}}}
"#;

/// Tells events (type and body) and gives the rows.
fn told(events: &[(usize, &str)]) -> Vec<RuleRow> {
    told_by(SCENARIO, events)
}

fn told_by(scenario: &str, events: &[(usize, &str)]) -> Vec<RuleRow> {
    let compiled = compile(scenario, &LoadOptions::new("test"), 1);
    assert!(compiled.problems.is_empty(), "{:?}", compiled.problems);
    let rules = Rules::of(compiled.scenario.as_ref().unwrap(), compiled.plan.as_ref().unwrap());
    let mut causality = Causality::new(rules);
    for (event_type, body) in events {
        causality.observe(0, *event_type, body.as_bytes());
    }
    causality.rows()
}

fn counts(rows: &[RuleRow]) -> Vec<(u64, u64)> {
    rows.iter().map(|row| (row.checked, row.broken)).collect()
}

#[test]
fn an_update_needs_its_creation() {
    let right = [(0, r#"{"order_id": "a"}"#), (1, r#"{"order_id": "a"}"#), (1, r#"{"order_id": "a"}"#)];
    assert_eq!(counts(&told(&right)), [(2, 0)]);
    let wrong = told(&[(0, r#"{"order_id": "a"}"#), (1, r#"{"order_id": "b"}"#)]);
    assert_eq!(counts(&wrong), [(1, 1)]);
    assert!(wrong[0].example.as_ref().unwrap().contains("\"b\""));
    assert_eq!(wrong[0].rule, "no order is touched before it begins");
}

#[test]
fn a_cart_belongs_to_its_user() {
    let ann = r#"{"user_id": "ann", "product_id": "p"}"#;
    let bob = r#"{"user_id": "bob", "product_id": "p"}"#;
    assert_eq!(counts(&told(&[(2, ann), (3, ann)])), [(1, 0)]);
    assert_eq!(counts(&told(&[(2, ann), (3, bob)])), [(1, 1)]);
    // An event without the fields is nobody's.
    assert_eq!(counts(&told(&[(3, "{}"), (3, "no json")])), [] as [(u64, u64); 0]);
}

#[test]
fn totals_are_looked_at_wherever_they_stand() {
    let rows = told(&[(0, r#"{"order_id": "a", "total": 5, "items": [{"price": 2, "quantity": 2}]}"#)]);
    assert_eq!(counts(&rows), [(1, 1)]);
    assert!(rows[0].rule.contains("sums of their lines"));
}

#[test]
fn a_visit_is_followed_from_page_to_page() {
    let mut probe = super::super::probe::Probe::default();
    probe.want(&["s".to_owned()], 0);
    probe.want(&["page".to_owned()], 1);
    let roles = [Role::First, Role::Enter, Role::During, Role::Leave, Role::Last];
    let story = Story {
        noun: "session".to_owned(),
        workload: 0,
        keys: 1,
        roles: roles.iter().map(|role| Some(*role)).collect(),
        probes: vec![probe; roles.len()],
        ends: true,
    };
    let rules = Rules { stories: vec![story], event_types: roles.len() };
    let follow = |events: &[(usize, &str)]| {
        let mut causality = Causality::new(rules.clone());
        for (event_type, page) in events {
            let body = format!(r#"{{"s": 1, "page": "{page}"}}"#);
            causality.observe(0, *event_type, body.as_bytes());
        }
        let broken: Vec<String> =
            causality.rows().into_iter().filter(|row| row.broken > 0).map(|row| row.rule).collect();
        broken
    };
    assert_eq!(follow(&[(0, ""), (1, "/a"), (2, "/a"), (3, "/a"), (1, "/b"), (3, "/b"), (4, "")]), [] as [String; 0]);
    assert_eq!(follow(&[(0, ""), (1, "/a"), (2, "/b")]), ["no click on a page that is not open in its session"]);
    assert_eq!(follow(&[(0, ""), (1, "/a"), (3, "/b")]), ["no page is left that is not open in its session"]);
    assert_eq!(follow(&[(0, ""), (4, ""), (1, "/a")]), ["nothing happens to a session after its end"]);
    assert_eq!(follow(&[(1, "/a"), (2, "/a")]), ["no session is touched before it begins"]);
}

/// Orders as triples whose changes name a line first.
const TRIPLES: &str = r#"
targets: {api: {url: "http://localhost:1"}}
events:
  made: {body: {$triples: [{subject: "${order.id}", set: {status: NEW, total_amount: 3}},
                           {subject: "line:1", set: {line_amount: 3}}]}}
  changed: {body: {$triples: [{subject: "line:1", set: {line_amount: 4}}, {subject: "${order.id}", set: {total_amount: 4}}]}}
  over: {body: {$triples: [{subject: "${order.id}", set: {status: DONE}}]}}
behaviors:
  order:
    lifecycle:
      noun: order
      id: {$template: "order:${hex(6)}"}
      initial: NEW
      states:
        NEW: {enter: made, tick: {emit: changed, p: 1}, next: [{to: DONE, p: 1, after: 5s}]}
        DONE: {enter: over}
workloads: {shop: {load: {rate: 1/s, duration: 1m}}}
"#;

#[test]
fn a_change_that_names_its_line_first_belongs_to_its_order_all_the_same() {
    let triple = |subject: &str, predicate: &str, value: &str| {
        format!(r#"{{"subject_id": "{subject}", "predicate": "{predicate}", "object_value": "{value}"}}"#)
    };
    let made = |order: &str| {
        let (status, total) = (triple(order, "status", "NEW"), triple(order, "total_amount", "3"));
        format!("[{status},{total},{}]", triple("line:1", "line_amount", "3"))
    };
    let changed = |order: &str, total: &str| {
        format!("[{},{}]", triple("line:1", "line_amount", "4"), triple(order, "total_amount", total))
    };
    let told = |events: &[(usize, String)]| {
        let events: Vec<(usize, &str)> = events.iter().map(|(kind, body)| (*kind, body.as_str())).collect();
        counts(&told_by(TRIPLES, &events))
    };
    assert_eq!(told(&[(0, made("order:a")), (1, changed("order:a", "4"))]), [(1, 0), (2, 0)]);
    // Another order's change, and a total that is not the sum of its lines.
    assert_eq!(told(&[(0, made("order:a")), (1, changed("order:b", "4"))]), [(1, 1), (1, 0)]);
    assert_eq!(told(&[(0, made("order:a")), (1, changed("order:a", "5"))]), [(1, 0), (2, 1)]);
}
