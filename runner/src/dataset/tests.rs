//! The same bytes for any number of workers, whatever the format and the limit.

use proptest::prelude::*;
use shared::compile::compile;
use shared::realism::Rules;
use shared::scenario::LoadOptions;

use super::*;

const SCENARIO: &str = r#"
targets: {api: {url: "http://localhost:1"}}
events:
  view: {body: {event: view, id: "${event.id}", user: "${user.id}", at: {$now: rfc3339}, page: {path: {$pick: [a, "b,c"]}}}}
  buy: {body: {event: buy, user: "${user.id}", price: {$uniform: [1, 9], round: 2}}}
behaviors: {shop: {mix: {weights: {view: 3, buy: 1}}}, ping: {mix: {weights: {view: 1}}}}
workloads:
  people: {target: api, behavior: shop, population: {count: 50}, load: {rate: 40/s, duration: 30s}}
  robots: {target: api, behavior: ping, population: {count: 3}, load: {rate: 7/s, arrival: uniform, duration: 20s}}
"#;

fn dataset(format: Format, workers: u32, limit: Option<u64>) -> (Dataset, shared::scenario::ValidScenario) {
    let compiled = compile(SCENARIO, &LoadOptions::new("test"), 7);
    assert!(compiled.problems.is_empty(), "{:?}", compiled.problems);
    let plan = compiled.plan.unwrap();
    let start = EpochMicros(1_767_225_600_000_000);
    (Dataset { plan, start, format, workers, limit }, compiled.scenario.unwrap())
}

fn bytes(format: Format, workers: u32, limit: Option<u64>) -> Vec<u8> {
    let mut out = Vec::new();
    dataset(format, workers, limit).0.write(&mut out, None, &mut |_| true).unwrap();
    out
}

#[test]
fn every_worker_count_writes_the_same_bytes() {
    for format in [Format::Jsonl, Format::Json, Format::Csv] {
        let alone = bytes(format, 1, None);
        assert!(alone.len() > 50_000);
        for workers in [2, 3, 7, 16] {
            assert!(bytes(format, workers, None) == alone, "{format:?} by {workers} workers");
        }
    }
}

#[test]
fn events_are_in_the_order_of_time_and_the_list_is_json() {
    let lines = String::from_utf8(bytes(Format::Jsonl, 3, None)).unwrap();
    let events: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let list: Vec<serde_json::Value> = serde_json::from_slice(&bytes(Format::Json, 2, None)).unwrap();
    assert_eq!(events, list);
    let moments: Vec<&str> = events.iter().filter_map(|event| event["at"].as_str()).collect();
    assert!(moments.is_sorted());
    let empty: Vec<serde_json::Value> = serde_json::from_slice(&bytes(Format::Json, 2, Some(0))).unwrap();
    assert!(empty.is_empty());
}

#[test]
fn a_table_has_a_column_for_every_field_of_any_event() {
    let table = String::from_utf8(bytes(Format::Csv, 2, None)).unwrap();
    let mut header: Vec<&str> = table.lines().next().unwrap().split(',').collect();
    header.sort_unstable();
    assert_eq!(header, ["at", "event", "id", "page.path", "price", "user"]);
    assert!(table.contains("\"b,c\""));
    assert_eq!(table.lines().count(), String::from_utf8(bytes(Format::Jsonl, 1, None)).unwrap().lines().count() + 1);
}

#[test]
fn what_is_watched_is_what_is_written() {
    for (workers, limit) in [(1, None), (3, None), (3, Some(500))] {
        let (dataset, scenario) = dataset(Format::Csv, workers, limit);
        let census = Census::new(&scenario, &dataset.plan, dataset.start);
        let mut watch = Watch::new(census, Causality::new(Rules::of(&scenario, &dataset.plan)));
        let written = dataset.write(&mut io::sink(), Some(&mut watch), &mut |_| true).unwrap();
        assert_eq!(watch.census.events(), written.events);
        assert!(watch.report().holds(), "{}", watch.report().table());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::fuzz::cases(24)))]

    #[test]
    fn a_limit_cuts_the_same_bytes_short(limit in 0_u64..1_500, workers in 1_u32..6) {
        let whole = String::from_utf8(bytes(Format::Jsonl, 1, None)).unwrap();
        let cut = String::from_utf8(bytes(Format::Jsonl, workers, Some(limit))).unwrap();
        let expected: String = whole.split_inclusive('\n').take(limit as usize).collect();
        prop_assert!(cut == expected);
    }
}
