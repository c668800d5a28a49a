//! Loading as a whole: what people write, what they are told.

use super::*;

fn load_text(text: &str) -> Loaded {
    load(text, &LoadOptions::new("shop.yaml"))
}

fn told(text: &str) -> String {
    load_text(text).problems.iter().map(|problem| format!("{problem}\n")).collect()
}

#[test]
fn a_profile_of_the_base_that_is_changed_is_checked_where_it_was_changed() {
    let text = "extends: commerce-events\nprofiles: {tpcw_browsing: {populatoin.count: 5}}\n";
    let told: Vec<String> = load_text(text).problems.iter().map(ToString::to_string).collect();
    assert!(told.len() == 1 && told[0].contains("2:28: profiles.tpcw_browsing.populatoin: "), "{told:?}");
}

#[test]
fn every_built_in_is_sound_in_every_profile() {
    for built_in in built_in::all() {
        let names = profiles(built_in.text);
        for profile in names.iter().map(|profile| Some(profile.name.as_str())).chain([None]) {
            let loaded = load(built_in.text, &LoadOptions { profile, ..LoadOptions::new(built_in.name) });
            // Warnings are about what the engine cannot do yet.
            let errors: Vec<&Problem> = loaded.problems.iter().filter(|problem| problem.is_error()).collect();
            assert!(errors.is_empty(), "{} {profile:?}: {errors:#?}", built_in.name);
            let scenario = loaded.scenario.unwrap();
            assert_eq!((scenario.name.as_str(), scenario.description.as_str()), (built_in.name, built_in.description));
        }
    }
}

#[test]
fn a_small_scenario_over_a_built_in_says_only_what_differs() {
    let text =
        "extends: commerce-events\nprofile: quick_test\ntarget: {url: 'http://localhost:9000'}\nload: {rate: 25/s}\n";
    let scenario = load_text(text).scenario.unwrap();
    let shop = &scenario.workloads["shop"];
    assert_eq!(scenario.targets["api"].url.as_deref(), Some("http://localhost:9000"));
    assert_eq!((shop.load.rate.unwrap().per_second(), shop.population.count), (25.0, 10));
    assert_eq!(scenario.profile(), Some("quick_test"));
}

#[test]
fn what_results_show_loads_again_and_holds_no_secret() {
    let text = "extends: commerce-events\ntargets.api: {}\n";
    assert!(load_text(text).scenario.is_none(), "dotted keys belong to profiles");
    let text = "{extends: commerce-events, target: {auth: {api_key: {value: proj_0123456789_s3cret}}}}";
    let scenario = load_text(text).scenario.unwrap();
    let json = scenario.to_json().to_string();
    assert!(!json.contains("s3cret"), "{json}");
    let again = load(&json, &LoadOptions::new("result"));
    // The hidden key is refused as the placeholder that it is; nothing else is wrong.
    assert_eq!(again.problems.len(), 1, "{:?}", again.problems);
    assert_eq!(again.problems[0].path, "targets.api.auth.api_key.value");
}

#[test]
fn a_placeholder_or_missing_key_is_refused() {
    for key in ["proj_YOUR_PROJECT_ID_YOUR_SECRET", "secret", "proj_short_x", ""] {
        let text = format!("{{extends: commerce-events, target: {{auth: {{api_key: {{value: '{key}'}}}}}}}}");
        let loaded = load_text(&text);
        assert_eq!(loaded.problems.len(), 1, "{key}: {:?}", loaded.problems);
    }
    let environment = |name: &str| (name == "API_KEY").then(|| "proj_YOUR_KEY".to_owned());
    let options = LoadOptions { environment: Some(&environment), ..LoadOptions::new("commerce-events") };
    let loaded = load("extends: commerce-events", &options);
    assert_eq!(loaded.problems.len(), 1);
    let nothing = |_: &str| None;
    let options = LoadOptions { environment: Some(&nothing), ..options };
    let loaded = load("extends: commerce-events", &options);
    assert_eq!(loaded.problems[0].message, "the environment has no `API_KEY`");
}

#[test]
fn settings_win_and_their_errors_name_them() {
    let set = |path: &str, value: &str| [(path.to_owned(), value.to_owned())];
    let load_with = |set: &[(String, String)]| {
        load("extends: commerce-events", &LoadOptions { set, profile: Some("heavy_load"), ..LoadOptions::new("x") })
    };
    let scenario = load_with(&set("load.rate", "7/s")).scenario.unwrap();
    assert_eq!(scenario.workloads["shop"].load.rate.unwrap().per_second(), 7.0);
    assert_eq!(scenario.workloads["shop"].population.count, 1000);
    let scenario = load_with(&set("behaviors.shopper.mix.weights.cart.add", "99")).scenario.unwrap();
    let Some(model::behavior::Behavior::Mix(mix)) = scenario.behaviors.get("shopper") else { panic!("no mix") };
    assert_eq!(mix.weights["cart.add"], 99.0);
    let loaded = load_with(&set("load.rate", "fast"));
    assert_eq!(
        loaded.problems[0].to_string(),
        "--set:workloads.shop.load.rate: `fast` is not a rate (write 10/s, 20/min or 600/h)"
    );
    let loaded = load_with(&set("workloads.shop.laod.rate", "1/s"));
    assert_eq!(loaded.problems[0].hint.as_deref(), Some("did you mean `load`?"));
}

#[test]
fn dead_configuration_is_an_error_where_it_was_written() {
    let text = "extends: commerce-events\npools: {spare: {inline: [1]}}\nevents: {odd: {body: {a: 1}}}\n";
    assert_eq!(
        told(text),
        "shop.yaml:2:16: pools.spare: the pool `spare` is declared and never used (use it or remove it)\n\
         shop.yaml:3:15: events.odd: the event `odd` is declared and never used (use it or remove it)\n"
    );
}

#[test]
fn nothing_unsupported_is_accepted_and_ignored() {
    let text = "extends: commerce-events\ntargets: {api: {reconnect: {delay: 1s}}}\n";
    assert!(told(text).contains("reconnect"), "{}", told(text));
    assert!(load_text("extends: web-analytics\nload: {users: 5}\n").scenario.is_some());
    // What only runs need does not keep anybody from looking.
    let text = "extends: stream-testbench\n";
    let options = LoadOptions::new("shop.yaml");
    assert!(load(text, &options).scenario.is_some());
    let to_run = load(text, &LoadOptions { to_run: true, ..options });
    for problem in to_run.problems {
        assert!(problem.is_error() && problem.message.starts_with("not supported yet"), "{problem}");
    }
}

fn broker(url: &str, target: &str, mqtt: &str) -> String {
    format!(
        "{{name: trial, targets: {{broker: {{protocol: mqtt, url: '{url}', {target}, mqtt: {{topic: t, {mqtt}}}}}}},
          events: {{beat: {{body: {{id: 1}}}}}}, behaviors: {{beats: {{emit: {{event: beat}}}}}},
          workloads: {{main: {{load: {{rate: 1/s, duration: 1s}}}}}}}}"
    )
}

#[test]
fn everything_that_a_broker_takes_can_be_said() {
    for (target, mqtt) in [
        ("connections: 2", "qos: 2, version: 5, clean: false, session_expiry: 2h, client_id: 'c-${index}'"),
        ("auth: {basic: {username: u, password: p4ss}}", "version: 3.1.1, retain: true, keepalive: 30s, window: 10"),
        (
            "auth: {api_key: {value: k3y-1234}}",
            "version: 4, subscribe: ['a/+/b', '$SYS/#', '${client.id}/down'], correlate: 'ids[0]'",
        ),
        (
            "auth: {bearer: {token: t0ken}}",
            "will: {topic: 'gone/${index}', payload: bye, qos: 1, retain: true}, client_id: x",
        ),
        ("classify: {QUOTA_EXCEEDED: throttled, NOT_AUTHORIZED: ok}, reconnect: {delay: 1s}", "qos: 1"),
        ("timeout: 5s, connect_timeout: 1s, retry: {attempts: 2}", "topic: 'a/${event.id}/${user.id}'"),
    ] {
        let text = broker("mqtt://localhost:1883", target, mqtt).replace("topic: t, topic", "topic");
        assert_eq!(told(&text), "", "{text}");
    }
    assert_eq!(told(&broker("mqtts://localhost", "tls: {insecure: true}", "qos: 0")), "");
}

#[test]
fn what_a_broker_cannot_do_is_refused_with_its_place_and_a_hint() {
    let sound = "mqtt://localhost:1883";
    for (url, target, mqtt, place) in [
        ("http://localhost:1883", "timeout: 1s", "qos: 1", "url"),
        ("mqtt://localhost:1883/path", "timeout: 1s", "qos: 1", "url"),
        (sound, "headers: {A: b}", "qos: 1", "headers"),
        (sound, "batch: {size: 5}", "qos: 1", "batch"),
        (sound, "health: {path: /}", "qos: 1", "health"),
        (sound, "auth: {bearer: {token: t0ken, via: query}}", "qos: 1", "auth.bearer.via"),
        (sound, "auth: {bearer: {token: t0ken, via: message}}", "qos: 1", "auth.bearer.via"),
        (sound, "auth: {api_key: {header: X-Other, value: k3y-1234}}", "qos: 1", "auth.api_key.header"),
        (sound, "classify: {SLOWER: throttled}", "qos: 1", "classify.SLOWER"),
        (sound, "connections: 2", "client_id: same", "mqtt.client_id"),
        (sound, "timeout: 1s", "client_id: ''", "mqtt.client_id"),
        (sound, "timeout: 1s", "qos: 3", "mqtt.qos"),
        (sound, "timeout: 1s", "version: 3", "mqtt.version"),
        (sound, "timeout: 1s", "keepalive: 1500ms", "mqtt.keepalive"),
        (sound, "timeout: 1s", "keepalive: 20h", "mqtt.keepalive"),
        (sound, "timeout: 1s", "session_expiry: 1h", "mqtt.session_expiry"),
        (sound, "timeout: 1s", "version: 5, session_expiry: 1h", "mqtt.session_expiry"),
        (sound, "timeout: 1s", "window: 0", "mqtt.window"),
        (sound, "timeout: 1s", "window: 70000", "mqtt.window"),
        (sound, "timeout: 1s", "subscribe: ['a/#/b']", "mqtt.subscribe[0]"),
        (sound, "timeout: 1s", "correlate: id", "mqtt.correlate"),
        (sound, "timeout: 1s", "subscribe: [a], correlate: 'a..b'", "mqtt.correlate"),
        (sound, "timeout: 1s", "will: {payload: x}", "mqtt.will.topic"),
        (sound, "timeout: 1s", "will: {topic: 'a/+', payload: x}", "mqtt.will.topic"),
        (sound, "timeout: 1s", "will: {topic: a, qos: 7}", "mqtt.will.qos"),
        (sound, "timeout: 1s", "qqos: 1", "mqtt.qqos"),
    ] {
        let text = broker(url, target, mqtt);
        let loaded = load_text(&text);
        let there = |problem: &&Problem| problem.path.starts_with(&format!("targets.broker.{place}"));
        let problem = loaded.problems.iter().find(there).unwrap_or_else(|| panic!("{place}: {:#?}", loaded.problems));
        assert!(problem.is_error() && problem.hint.is_some(), "{problem}");
    }
    let text = broker(sound, "timeout: 1s", "qos: 1").replace("topic: t", "topic: 'a/#'");
    assert!(told(&text).contains("targets.broker.mqtt.topic: nobody can publish to `a/#`"), "{}", told(&text));
    let text =
        broker(sound, "timeout: 1s", "qos: 1").replace("workloads", "checks: [{expect: {required: [id]}}], workloads");
    assert!(told(&text).contains("targets.broker.mqtt: a check looks into answers"), "{}", told(&text));
}

#[test]
fn a_file_with_many_mistakes_gets_them_all() {
    let text = r#"
version: 2
name: broken
targets:
  api: {url: localhost:8010, auth: {api_key: {value: YOUR_KEY}}, batch: {size: 0, wrap: {events: []}}}
  spare: {url: "http://spare:99999"}
pools:
  empty: {inline: []}
  both: {inline: [1], generate: {count: 0, item: 1}}
events:
  a: {body: {x: {$pool: empty}, y: {$pool: both}}}
  b: {extends: aa, body: {x: 1}}
behaviors:
  mixed: {mix: {weights: {a: -1, b: 0, c: 3}}}
workloads:
  w:
    target: apo
    behaviour: mixed
    population: {count: 0}
    load: {rate: 0/s, duration: 10s, ramp: {up: 8s, down: 8s}, burst: {every: 1s, lasts: 2s}, delay: 1s}
profiles:
  slow: {workloads.w.load.rate: slow}
"#;
    insta::assert_snapshot!(told(text));
}
