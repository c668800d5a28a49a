//! One golden scenario per kind, each of which loads; and texts that are broken in every way.

use proptest::prelude::*;
use shared::compile::compile;
use shared::scenario::LoadOptions;

use super::*;

const COMMERCE: &str = include_str!("fixtures/commerce.yaml");
const ANALYTICS: &str = include_str!("fixtures/analytics.yaml");
const TESTBENCH: &str = include_str!("fixtures/testbench.json");
const CURL: &str = include_str!("fixtures/requests.sh");
const HAR: &str = include_str!("fixtures/recording.har");
const OPENAPI: &str = include_str!("fixtures/openapi.yaml");

/// An import whose scenario is sound as a whole, templates included.
fn sound(text: &str, kind: Kind) -> Imported {
    let imported = import(text, None).unwrap();
    assert_eq!(imported.kind, kind);
    let compiled = compile(&imported.scenario, &LoadOptions::new("imported"), 1);
    assert!(compiled.problems.is_empty(), "{:#?}\n{}", compiled.problems, imported.scenario);
    assert!(compiled.plan.is_some());
    imported
}

/// The scenario and the notes as one text, after making sure that the scenario is sound.
fn golden(text: &str, kind: Kind) -> String {
    let imported = sound(text, kind);
    let notes: Vec<String> = imported.notes.iter().map(|note| format!("# {note}\n")).collect();
    format!("{}\n{}", imported.scenario, notes.concat())
}

#[test]
fn a_shop_event_configuration_becomes_an_overlay_of_the_built_in() {
    insta::assert_snapshot!(golden(COMMERCE, Kind::Commerce));
}

#[test]
fn a_web_analytics_configuration_becomes_sessions_that_keep_its_table() {
    insta::assert_snapshot!(golden(ANALYTICS, Kind::Analytics));
}

#[test]
fn every_configuration_of_the_simulator_becomes_a_sound_scenario() {
    let journeys = "user_journeys:\n  - {name: shopping, probability: 0.3, path: [/home, /cart], likely_clicks: [buy]}\n  \
                    - {name: random, probability: 0.1, path: [], likely_clicks: []}\n";
    for text in [
        // As its guide prints it, and cut down to next to nothing.
        "simulation: {num_users: 10, duration_seconds: 300, api_url: 'http://localhost:8000/api/events'}\n",
        "simulation: {duration_seconds: 0}\nadvanced: {verbose: false}\n",
        "simulation: {num_users: 3}\nadvanced: {stats_interval: 0}\n",
        "user_behavior: {pages_per_session_min: 1, pages_per_session_max: 1, clicks_per_page_max: 0}\n",
        "event_probabilities: {session_start: 0.5, session_end: 0.5}\n",
        journeys,
    ] {
        let imported = sound(text, Kind::Analytics);
        assert!(!imported.scenario.contains("console:\nprofiles") && !imported.scenario.ends_with("console:\n"));
    }
    let left_out = sound(&format!("{journeys}  - {{probability: 0.6, path: [/a], hue: red}}\n"), Kind::Analytics).notes;
    assert!(left_out.iter().any(|note| note.path == "user_journeys.journey_3.hue"), "{left_out:?}");
}

#[test]
fn a_shop_configuration_keeps_how_often_people_come_back() {
    let users = "users: {total_count: 100, session_duration_minutes: 30, sessions_per_user: 3}\n\
                 events: {events_per_second: 100, duration_minutes: 10}\nscenarios: {}\n";
    let imported = sound(users, Kind::Commerce);
    // 516 of a user's 600 events are of sessions: three of about 172.
    assert!(imported.scenario.contains("length: {$int: [86, 258]}"), "{}", imported.scenario);
    assert!(imported.notes.iter().any(|note| note.path == "users.sessions_per_user"), "{:?}", imported.notes);
}

#[test]
fn a_testbench_scenario_keeps_its_load_faults_and_validation() {
    insta::assert_snapshot!(golden(TESTBENCH, Kind::Testbench));
}

#[test]
fn curl_commands_become_events_without_their_secrets() {
    let golden = golden(CURL, Kind::Curl);
    for secret in ["proj_demo_project_s3cret", "hunter2", "eyJhbGciOi"] {
        assert!(!golden.contains(secret), "{golden}");
    }
    insta::assert_snapshot!(golden);
}

#[test]
fn a_recording_keeps_its_proportions_and_its_pace() {
    insta::assert_snapshot!(golden(HAR, Kind::Har));
}

#[test]
fn an_openapi_document_becomes_an_event_per_operation() {
    insta::assert_snapshot!(golden(OPENAPI, Kind::Openapi));
}

#[test]
fn every_key_of_a_testbench_scenario_is_carried_over_or_said() {
    // Each scalar of the fixture, changed to something unlikely, must show up in the scenario or in a note.
    let whole: serde_json::Value = serde_json::from_str(TESTBENCH).unwrap();
    let before = import(TESTBENCH, None).unwrap();
    let mut silent = Vec::new();
    change_each(&whole, &mut Vec::new(), &mut |path, changed| {
        let after = import(&changed.to_string(), Some(Kind::Testbench));
        let same = after.is_ok_and(|after| after.scenario == before.scenario && after.notes == before.notes);
        if same {
            silent.push(path.join("."));
        }
    });
    // Secrets are never written down, and what nobody knows is named, not quoted.
    silent.retain(|path| !matches!(path.as_str(), "authentication.credentials.token" | "owner"));
    assert_eq!(silent, [] as [String; 0]);

    fn change_each(
        whole: &serde_json::Value,
        path: &mut Vec<String>,
        visit: &mut dyn FnMut(&[String], &serde_json::Value),
    ) {
        let mut at = whole;
        for step in path.iter() {
            at = &at[step.as_str()];
        }
        if let Some(map) = at.as_object() {
            for key in map.keys() {
                path.push(key.clone());
                change_each(whole, path, visit);
                path.pop();
            }
            return;
        }
        let other = match at {
            serde_json::Value::Bool(value) => (!value).into(),
            serde_json::Value::Number(number) => (number.as_f64().unwrap() * 2.0 + 1.0).into(),
            serde_json::Value::String(_) => "MIXED".into(),
            _ => serde_json::json!([]),
        };
        let mut changed = whole.clone();
        let mut place = &mut changed;
        for step in path.iter() {
            place = &mut place[step.as_str()];
        }
        *place = other;
        visit(path, &changed);
    }
}

#[test]
fn the_kind_is_told_by_the_content() {
    assert_eq!(Kind::of("# a comment\n$ curl http://localhost"), Ok(Kind::Curl));
    assert_eq!(Kind::of("openapi: 3.1.0"), Ok(Kind::Openapi));
    assert_eq!(Kind::of("targets: {}"), Err(ImportError::Scenario));
    for text in ["", "hello", "[1, 2]", "a: 1", "{\"a\": ", "\u{0}"] {
        assert_eq!(Kind::of(text), Err(ImportError::Unknown), "{text:?}");
    }
}

#[test]
fn broken_texts_are_said_to_be_broken() {
    for (text, kind, reason) in [
        ("{}", Kind::Testbench, "it has no `name`"),
        ("[]", Kind::Commerce, "a map was expected, not a list"),
        ("curl 'http://x", Kind::Curl, "a quote ' is never closed"),
        ("curl ftp://x", Kind::Curl, "none of its requests can be sent by a scenario"),
        ("openapi: 3.0.0", Kind::Openapi, "it has no paths"),
        ("a: [", Kind::Analytics, "cannot be read as YAML or JSON"),
    ] {
        let error = import(text, Some(kind)).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    let circle = r##"{"openapi": "3.0.0", "paths": {"/a": {"post": {"requestBody": {"content": {"application/json":
        {"schema": {"$ref": "#/components/schemas/A"}}}}}}},
        "components": {"schemas": {"A": {"type": "object", "properties": {"a": {"$ref": "#/components/schemas/A"},
        "b": {"$ref": "#/components/schemas/A"}}}, "B": {"$ref": "#/components/schemas/B"}}}}"##;
    let imported = import(circle, None).unwrap();
    assert!(imported.notes.iter().any(|note| note.message.contains("deeper or larger")), "{:?}", imported.notes);
}

/// Cuts a text somewhere and puts something else in between.
fn damaged(text: &'static str) -> impl Strategy<Value = String> {
    (0..text.len(), 0..text.len(), "[ -~\n]{0,12}").prop_map(move |(a, b, between)| {
        let at = |place: usize| (0..=place).rev().find(|place| text.is_char_boundary(*place)).unwrap_or(0);
        let (from, to) = (at(a.min(b)), at(a.max(b)));
        format!("{}{between}{}", &text[..from], &text[to..])
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::fuzz::cases(96)))]

    #[test]
    fn no_text_makes_it_panic(
        text in prop_oneof![
            damaged(COMMERCE), damaged(ANALYTICS), damaged(TESTBENCH), damaged(CURL), damaged(HAR), damaged(OPENAPI),
            "[ -~\n]{0,200}",
        ],
        kind in prop_oneof![
            Just(None), Just(Some(Kind::Commerce)), Just(Some(Kind::Analytics)), Just(Some(Kind::Testbench)),
            Just(Some(Kind::Curl)), Just(Some(Kind::Har)), Just(Some(Kind::Openapi)),
        ],
    ) {
        if let Ok(imported) = import(&text, kind) {
            // Whatever became of it, it is a scenario in form: its text reads back.
            prop_assert!(read_tree(&imported.scenario, "").is_ok(), "{}", imported.scenario);
        }
    }
}
