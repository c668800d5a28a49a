//! Nothing that anybody can write breaks the generator: no panic, no endless loop, no unbounded memory; what is accepted
//! gives events that can be read, and says the same twice.
//!
//! By default the same few cases each time; `FUZZ_CASES=20000 cargo test -p shared --test fuzz` looks at as many that
//! nobody has seen, and `FUZZ_CASE=7` at that one. A finding becomes an entry of [`FOUND`].
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod mutate;

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestCaseError};
use shared::compile::compile;
use shared::plan::Share;
use shared::realism::Observer;
use shared::scenario::{LoadOptions, to_yaml};
use shared::units::EpochMicros;

const START: EpochMicros = EpochMicros(1_772_366_400_000_000);
/// Events of each workload that are looked at.
const EVENTS: usize = 40;
/// Longest event: what bounds the work of one event allows.
const LONGEST: usize = 8 << 20;

/// Scenarios that once broke something, each with what it broke.
const FOUND: [(&str, &str); 5] = [
    (
        r#"{"extends": "web-analytics", "workloads": {"web": {"load": {"duration": "forever", "users": 4294967295}}}}"#,
        "all users were made at once, without end of memory",
    ),
    (
        r#"{"extends": "web-analytics", "load": {"users": "$unset", "stagger": "$unset", "duration": "forever", "rate": "1e-12/s"}}"#,
        "an arrival in thirty thousand years is counted in more than 64 bits: sessions began without end",
    ),
    (
        r#"{"extends": "api-monitoring", "workloads": {"calls": {"load": {"count": 900000000000000, "duration": "1s"}}}}"#,
        "a coin was tossed for each of the events before the first was made",
    ),
    (
        r#"{"extends": "commerce-events", "profiles": {"tpcw_browsing": {"population.count": 5000}}}"#,
        "what lay over a profile of the base was not checked",
    ),
    (
        r#"{"extends": "commerce-events", "workloads": {"shop": {"envelope": {"$omit": true}}}}"#,
        "an event without a byte was written",
    ),
];

/// Loads a text and plans it as far as that goes; says what is not as it should be.
fn look_at(text: &str) -> Result<(), String> {
    let compiled = compile(text, &LoadOptions::new("fuzz"), 1);
    for problem in &compiled.problems {
        let told = problem.to_string();
        if problem.message.is_empty() || told.len() > 20_000 || problem.line == Some(0) || problem.column == Some(0) {
            return Err(format!("badly told: {}", told.chars().take(400).collect::<String>()));
        }
    }
    let errors = compiled.problems.iter().filter(|problem| problem.is_error()).count();
    if (errors == 0) != compiled.scenario.is_some() || compiled.scenario.is_some() != compiled.plan.is_some() {
        return Err(format!("{errors} errors, and yet a scenario or a plan, or none and no plan"));
    }
    let (Some(scenario), Some(plan)) = (compiled.scenario, compiled.plan) else { return Ok(()) };
    // What `show --full` prints is the same scenario.
    let again = compile(&to_yaml(&compiled.document), &LoadOptions::new("again"), 1);
    let same = again.plan.as_ref().zip(again.scenario.as_ref()).is_some_and(|(other, its)| {
        other.fingerprint(its, &again.supplies) == plan.fingerprint(&scenario, &compiled.supplies)
    });
    if !same {
        let told: Vec<String> =
            again.problems.iter().filter(|problem| problem.is_error()).map(ToString::to_string).collect();
        // What a scenario leaves unused of the one it extends is no mistake; of a scenario of one's own it is.
        if told.is_empty() || told.iter().any(|told| !told.contains("never used")) {
            return Err(format!("written as YAML it is another scenario: {told:?}"));
        }
    }
    let mut observer = Observer::new(&scenario, &plan, START, 1);
    for number in 0..plan.workloads().len() {
        let schedule = plan.workloads()[number].schedule(START);
        let mut runs = Vec::new();
        for _ in 0..2 {
            let mut cursor = Arc::clone(&plan).cursor(number, Share::WHOLE);
            let (mut all, mut last) = (Vec::new(), None);
            for _ in 0..EVENTS {
                let Some(due) = cursor.next_due(&schedule) else { break };
                if last.is_some_and(|last| due < last) {
                    return Err(format!("event {} goes back in time", all.len()));
                }
                last = Some(due);
                let mut event = Vec::new();
                let planned = cursor.emit(START.plus(due), &mut event);
                if event.len() > LONGEST {
                    return Err(format!("an event of {} bytes", event.len()));
                }
                if let Err(error) = serde_json::from_slice::<serde_json::Value>(&event) {
                    return Err(format!("{error}: {}", String::from_utf8_lossy(&event[..event.len().min(400)])));
                }
                observer.observe(number, &planned, &event);
                all.push(event);
            }
            runs.push(all);
        }
        if runs[0] != runs[1] {
            return Err("the same plan says something else the second time".to_owned());
        }
    }
    let _table = observer.report().map(|report| report.table());
    Ok(())
}

fn config(usual: u32) -> ProptestConfig {
    let asked = std::env::var("FUZZ_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig {
        cases: asked.unwrap_or(usual),
        rng_seed: if asked.is_some() { RngSeed::Random } else { RngSeed::Fixed(1) },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn no_damaged_scenario_breaks_the_generator(seed in any::<u64>()) {
        // The last line before a crash or a hang names the case.
        eprintln!("case {seed}");
        let text = mutate::damaged(seed);
        look_at(&text).map_err(|reason| TestCaseError::fail(format!("{reason}\n{}", &text.chars().take(3_000).collect::<String>())))?;
    }

    #[test]
    fn no_text_at_all_breaks_the_reader(text in "[ -~\\n\\t\u{e9}\u{1f4a5}]{0,300}") {
        look_at(&text).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn no_expression_breaks_an_event(text in expression()) {
        let scenario = serde_json::json!({
            "extends": "commerce-events",
            "events": {"page.view": {"body": {"x": format!("${{{text}}}"), "y": format!("a ${{{text}}} b")}}},
        });
        look_at(&scenario.to_string()).map_err(TestCaseError::fail)?;
    }
}

/// Expressions that mostly parse.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "1",
        "0",
        "-7",
        "2.5",
        "1e300",
        "9223372036854775807",
        "'x'",
        "'12'",
        "''",
        "true",
        "null",
        "time",
        "seq",
        "user.id",
        "cart",
        "cart.quantity",
        "open_orders",
        "event.name",
        "page.type",
        "product.price",
        "nothing",
        "uuid()",
        "hex(4)",
        "int(1, 3)",
        "uniform(0, 1)",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(5, 32, 3, |inner| {
        let function = prop::sample::select(vec![
            "len", "sum", "min", "max", "round", "floor", "ceil", "abs", "sqrt", "int", "number", "text", "seconds",
            "hours", "days", "hour", "weekday", "slug", "url", "title", "upper", "lower", "first", "last", "hash",
        ]);
        let two =
            prop::sample::select(vec!["pow", "contains", "starts_with", "join", "concat", "pad", "format", "coalesce"]);
        let sign = prop::sample::select(vec!["+", "-", "*", "/", "%", "==", "!=", "<", "<=", "and", "or"]);
        prop_oneof![
            (function, inner.clone()).prop_map(|(name, of)| format!("{name}({of})")),
            (two, inner.clone(), inner.clone()).prop_map(|(name, a, b)| format!("{name}({a}, {b})")),
            (inner.clone(), sign, inner.clone()).prop_map(|(a, sign, b)| format!("({a} {sign} {b})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("if({a}, {b}, {c})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("replace({a}, {b}, {c})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}[{b}]")),
            inner.clone().prop_map(|of| format!("not {of}")),
            inner.prop_map(|of| format!("-({of})")),
        ]
    })
}

#[test]
fn the_case_that_is_asked_for_breaks_nothing() {
    let Some(seed) = std::env::var("FUZZ_CASE").ok().and_then(|seed| seed.parse().ok()) else { return };
    let text = mutate::damaged(seed);
    println!("{text}");
    look_at(&text).unwrap();
}

#[test]
fn what_once_broke_something_does_not_any_more() {
    for (text, what) in FOUND {
        look_at(text).unwrap_or_else(|reason| panic!("{what}: {reason}"));
    }
}
