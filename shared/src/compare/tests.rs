//! Statistical tests on synthetic runs: how often there is a false alarm, how often a real shift is found.

use super::synthetic::{Recipe, empty};
use super::*;
use crate::run::Verdict;

const AT_95: CompareOptions = CompareOptions { confidence: 0.95, tolerance: 0.0 };

/// How often each figure's verdict is a real difference, over pairs of runs of these recipes.
fn alarms(pairs: u64, baseline: Recipe, candidate: Recipe) -> impl Fn(&str) -> f64 {
    let mut counts = std::collections::BTreeMap::<String, u64>::new();
    for pair in 0..pairs {
        let one = Recipe { seed: 2 * pair, ..baseline }.run();
        let other = Recipe { seed: 2 * pair + 1, ..candidate }.run();
        for figure in compare(&one, &other, AT_95).figures {
            let real = matches!(figure.verdict, Difference::Better | Difference::Worse);
            *counts.entry(figure.name).or_default() += u64::from(real);
        }
    }
    move |name| counts.get(name).copied().unwrap_or(u64::MAX) as f64 / pairs as f64
}

#[test]
fn equal_runs_raise_about_as_many_false_alarms_as_agreed() {
    let recipe = Recipe { failing: 0.02, ..Recipe::default() };
    let rate = alarms(250, recipe, recipe);
    for name in ["response_time_p50", "response_time_p90", "response_time_p95", "response_time_p99", "error_rate"] {
        assert!((0.015..=0.09).contains(&rate(name)), "{name}: {} instead of 0.05", rate(name));
    }
}

#[test]
fn seconds_that_share_their_fate_raise_hardly_more() {
    let recipe = Recipe { seconds: 120, per_second: 50, drift: 0.2, memory: 0.6, ..Recipe::default() };
    let rate = alarms(200, recipe, recipe);
    for name in ["response_time_p50", "response_time_p90", "service_time_p95", "response_time_p99"] {
        assert!(rate(name) <= 0.11, "{name}: {} instead of 0.05", rate(name));
    }
}

#[test]
fn a_real_shift_is_found() {
    let calm = Recipe { failing: 0.01, ..Recipe::default() };
    let rate = alarms(40, calm, Recipe { median_ms: 10.8, failing: 0.02, ..calm });
    for name in ["response_time_p50", "response_time_p90", "service_time_p95", "error_rate"] {
        assert!(rate(name) >= 0.9, "{name}: {}", rate(name));
    }
}

#[test]
fn the_direction_and_the_sentence_are_right() {
    let baseline = Recipe { seed: 1, ..Recipe::default() }.run();
    let slower = Recipe { seed: 2, median_ms: 15.0, ..Recipe::default() }.run();
    let found = compare(&baseline, &slower, CompareOptions::default());
    assert_eq!(found.verdict, Difference::Worse);
    assert!(found.summary.starts_with("p95 response time rose from "), "{}", found.summary);
    assert!(found.summary.contains("also worse: p99 response time"), "{}", found.summary);
    assert_eq!(compare(&slower, &baseline, CompareOptions::default()).verdict, Difference::Better);
    let p50 = found.figures.iter().find(|figure| figure.name == "response_time_p50").unwrap();
    assert!((p50.relative.unwrap() - 0.5).abs() < 0.05);
    let difference = p50.difference.unwrap();
    assert!(difference.low < 5_000.0 && 5_000.0 < difference.high, "{difference:?}");
}

#[test]
fn a_run_compared_with_itself_does_not_differ() {
    let run = Recipe::default().run();
    let found = compare(&run, &run, CompareOptions::default());
    assert_eq!(found.verdict, Difference::NoRealDifference);
    assert!(found.figures.iter().all(|figure| figure.difference.is_none_or(|difference| difference.value == 0.0)));
    assert!(found.summary.starts_with("no real difference"), "{}", found.summary);
    assert!(found.notes.is_empty(), "{:?}", found.notes);
}

#[test]
fn an_invalid_run_is_not_compared() {
    let run = Recipe::default().run();
    let verdict = Verdict { status: VerdictStatus::Invalid, reasons: vec!["the generator was stopped".to_owned()] };
    let invalid = RunResult { verdict, ..Recipe { seed: 9, median_ms: 90.0, ..Recipe::default() }.run() };
    let found = compare(&run, &invalid, CompareOptions::default());
    assert_eq!(found.verdict, Difference::NotComparable);
    assert!(found.figures.iter().all(|figure| figure.verdict == Difference::NotComparable));
    assert!(found.summary.contains("run-9 is invalid"), "{}", found.summary);
    assert!(found.notes[0].contains("the generator was stopped"));
}

#[test]
fn too_few_answers_are_no_ground_for_a_percentile() {
    let few = Recipe { seconds: 20, per_second: 5, ..Recipe::default() };
    let found = compare(&few.run(), &Recipe { seed: 2, ..few }.run(), CompareOptions::default());
    let p999 = found.figures.iter().find(|figure| figure.name == "response_time_p999").unwrap();
    assert_eq!(p999.verdict, Difference::NotComparable);
    assert!(p999.reason.as_ref().unwrap().contains("too few answers"));
    let p50 = found.figures.iter().find(|figure| figure.name == "response_time_p50").unwrap();
    assert_ne!(p50.verdict, Difference::NotComparable);
}

#[test]
fn other_loads_are_not_a_difference_in_throughput() {
    let slow = Recipe::default().run();
    let fast = Recipe { seed: 2, per_second: 200, ..Recipe::default() }.run();
    let found = compare(&slow, &fast, CompareOptions::default());
    assert_eq!(found.figures[0].verdict, Difference::NotComparable);
    assert!(found.notes.iter().any(|note| note == "the schedules asked for 100/s and 200/s"), "{:?}", found.notes);
}

#[test]
fn a_target_that_keeps_up_less_is_a_difference_in_throughput() {
    let baseline = Recipe::default().run();
    let failing = Recipe { seed: 2, failing: 0.1, ..Recipe::default() }.run();
    let found = compare(&baseline, &failing, CompareOptions::default());
    assert_eq!(found.figures[0].verdict, Difference::Worse);
    assert!(found.summary.starts_with("error rate rose from 0 % to "), "{}", found.summary);
}

#[test]
fn what_is_small_enough_not_to_matter_can_be_said() {
    let baseline = Recipe::default().run();
    let slower = Recipe { seed: 2, median_ms: 10.8, ..Recipe::default() }.run();
    let found = compare(&baseline, &slower, CompareOptions { tolerance: 0.25, ..CompareOptions::default() });
    assert_eq!(found.verdict, Difference::NoRealDifference);
}

#[test]
fn runs_without_anything_compare_without_a_panic() {
    let found = compare(&empty("a"), &empty("b"), CompareOptions::default());
    assert_eq!(found.verdict, Difference::NotComparable);
    let mut broken = Recipe::default().run();
    broken.latency.response_time.hdr = "no histogram".to_owned();
    let found = compare(&broken, &Recipe::default().run(), CompareOptions::default());
    assert!(found.figures[2].reason.as_ref().unwrap().contains("not base64"));
}
