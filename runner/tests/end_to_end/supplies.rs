//! What scenarios need from outside: files beside them, lists that targets give, what earlier runs were given.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::Value;

use super::process::{Home, assert_reconciles};
use super::trial::{Asked, Trial};

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const FROM_FILES: &str = "
name: from-files
seed: 4
targets: {t: {url: http://localhost:1}}
pools:
  lamps: {file: {csv: data/lamps.csv}, pick: {weighted: stock}}
  people: {file: {jsonl: data/people.jsonl}}
events: {sold: {body: {lamp: {$pool: lamps}, by: {$pool: people}}}}
behaviors: {sell: {emit: {event: sold}}}
workloads: {w: {load: {rate: 100/s, arrival: uniform, duration: 10s, shape: [{csv: data/rush.csv}]}}}
";

#[test]
fn pools_and_curves_are_read_beside_the_scenario() {
    let home = Home::new();
    std::fs::create_dir(home.path("shop")).unwrap();
    std::fs::create_dir(home.path("shop/data")).unwrap();
    home.write("shop/data/lamps.csv", "id,name,stock\n1,Small,0\n2,\"Tall, brass\",5\n");
    home.write("shop/data/people.jsonl", "{\"name\": \"Ada\"}\n{\"name\": \"Bo\"}\n");
    home.write("shop/data/rush.csv", "seconds,factor\n0,1\n5,1\n5.001,0\n10,0\n");
    let file = home.write("shop/scenario.yaml", FROM_FILES);
    let ended = home.ended(&["validate", &file]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let ended = home.ended(&["generate", &file, "--start", "2026-01-05T00:00:00Z"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let events = lines(&ended.stdout);
    assert!((495..=505).contains(&events.len()), "{} events: the curve ends after half of the time", events.len());
    assert!(events.iter().all(|event| event["lamp"]["name"] == "Tall, brass" && event["lamp"]["id"] == 2));
    let names: BTreeSet<&str> = events.iter().map(|event| event["by"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, BTreeSet::from(["Ada", "Bo"]));
}

#[test]
fn a_file_that_is_missing_or_garbled_is_a_problem_with_its_place() {
    let home = Home::new();
    std::fs::create_dir(home.path("data")).unwrap();
    home.write("data/people.jsonl", "{\"name\": \"Ada\"}\n{\"name\": \n");
    home.write("data/rush.csv", "0,1\nfive,2\n");
    let file = home.write("scenario.yaml", FROM_FILES);
    for arguments in [vec!["validate", &file], vec!["preview", &file], vec!["run", &file, "--practice-target"]] {
        let ended = home.ended(&arguments);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        for told in [
            "data/lamps.csv: No such file",
            "scenario.yaml:6:23",
            "data/people.jsonl: line 2: not JSON",
            "scenario.yaml:7:26",
            "data/rush.csv: row 2 is `five,2`",
            "at: workloads.w.load.shape[0].csv",
        ] {
            assert!(ended.stderr.contains(told), "{told}\n{}", ended.stderr);
        }
    }
}

const FETCHED: &str = "
name: fetched
seed: 9
targets: {shop: {url: URL, timeout: 5s, send: {path: /orders}}}
pools:
  customers: {fetch: {target: shop, path: /customers, select: $.items, paging: {offset: {size: 2}}, min: 3}}
events: {order: {body: {id: \"${event.id}\", by: {$pool: customers}}}}
behaviors: {order: {emit: {event: order}}}
workloads: {w: {load: {rate: 40/s, arrival: uniform, duration: 1s}}}
";

/// A shop with five customers, or others after a switch was turned.
fn shop(others: Arc<AtomicBool>) -> Trial {
    Trial::start(move |asked: &Asked| {
        let Some(offset) = asked.line.split("offset=").nth(1) else { return (201, String::new()) };
        let offset: usize = offset.parse().unwrap();
        let name = if others.load(Ordering::SeqCst) { "other" } else { "customer" };
        let page: Vec<String> = (offset..5.min(offset + 2)).map(|n| format!("\"{name}-{n}\"")).collect();
        (200, format!("{{\"items\": [{}]}}", page.join(",")))
    })
}

#[test]
fn what_a_target_gave_is_recorded_kept_and_used_again() {
    let home = Home::new();
    let others = Arc::new(AtomicBool::new(false));
    let shop = shop(Arc::clone(&others));
    let file = home.write("fetched.yaml", &FETCHED.replace("URL", &shop.url()));
    let ended = home.ended(&["validate", &file]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(shop.asked("").is_empty(), "validating asks nobody");
    let ended = home.ended(&["run", &file, "-o", "first.json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let first = home.result("first.json");
    assert_reconciles(&first);
    assert_eq!(shop.asked("GET /customers?limit=2&offset=").len(), 3);
    let record = &first.run.supplies[0];
    assert_eq!((record.path.as_str(), record.items), ("pools.customers", 5));
    assert!(record.source.starts_with(&shop.url()) && record.fetched_at.is_some(), "{record:?}");
    let sent: Vec<Value> =
        shop.asked("POST /orders").iter().map(|asked| serde_json::from_slice(&asked.body).unwrap()).collect();
    assert_eq!(sent.len(), 40);
    assert!(sent.iter().all(|event| event["by"].as_str().unwrap().starts_with("customer-")));

    others.store(true, Ordering::SeqCst);
    let run = home.ended(&["run", &file, "-o", "second.json", "--pools-from", &first.run.info.id.0]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let second = home.result("second.json");
    assert_eq!(second.run.supplies[0].hash, first.run.supplies[0].hash);
    assert_eq!(second.run.plan_fingerprint, first.run.plan_fingerprint);
    let id = sent[0]["id"].as_str().unwrap();
    let explained = home.ended(&["explain", id, &file, "--pools-from", "latest"]);
    assert_eq!(explained.code, Some(0), "{}", explained.stderr);
    let by = format!("\"by\":{}", sent[0]["by"]);
    assert!(explained.stdout.contains(&by), "{by}\n{}", explained.stdout);
    // Without it the target is asked again, and has others by now.
    let explained = home.ended(&["explain", id, &file]);
    assert!(explained.stdout.contains("\"by\":\"other-"), "{explained:?}");
    let preview = home.ended(&["preview", &file]);
    assert!(preview.stdout.contains("\"by\":\"other-"), "{preview:?}");

    let ended = home.ended(&["runs", "delete", &first.run.info.id.0]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let kept = home.path(".local/share/throng/supplies").read_dir().unwrap().count();
    assert_eq!(kept, 1, "what a run was given goes with it");
}

#[test]
fn a_target_that_cannot_fill_a_pool_stops_the_run_before_it_begins() {
    let home = Home::new();
    let shop = Trial::start(|asked| {
        if asked.line.starts_with("GET") { (200, "{\"items\": [1]}".into()) } else { (201, String::new()) }
    });
    let few = home.write("few.yaml", &FETCHED.replace("URL", &shop.url()));
    let nobody = home.write("nobody.yaml", &FETCHED.replace("URL", "http://127.0.0.1:9"));
    for command in ["run", "generate", "preview", "curl"] {
        let ended = home.ended(&[command, &few]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("pools.customers.fetch.min") && ended.stderr.contains("1 items"), "{ended:?}");
        let ended = home.ended(&[command, &nobody]);
        assert_eq!(ended.code, Some(3), "{ended:?}");
        assert!(ended.stderr.contains("pools.customers.fetch: http://127.0.0.1:9/customers"), "{ended:?}");
    }
    assert!(shop.asked("POST").is_empty());
}

#[tokio::test]
async fn a_scenario_from_the_network_reads_only_files_of_the_data_directory() {
    let home = Home::new();
    let files = home.path("data/files");
    std::fs::create_dir_all(&files).unwrap();
    std::fs::write(files.join("good.csv"), "id\n1\n").unwrap();
    std::fs::write(home.path("data/secret.csv"), "id\nhunter2\n").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(home.path("data/secret.csv"), files.join("link.csv")).unwrap();
    let data = home.path("data");
    let (_server, address) = home.serve(&["--data-dir", data.to_str().unwrap()]);
    let tls = runner::transport::tls::TlsConfig::public_roots().unwrap().to_config();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).build().unwrap();
    let check = async |path: &str| {
        let text = format!(
            "name: t\ntargets: {{t: {{url: http://localhost:1}}}}\npools: {{p: {{file: {{csv: {path}}}}}}}\n\
             events: {{e: {{body: {{p: {{$pool: p}}}}}}}}\nbehaviors: {{b: {{emit: {{event: e}}}}}}\n\
             workloads: {{w: {{load: {{rate: 1/s, duration: 1s}}}}}}\n"
        );
        let body = serde_json::json!({ "text": text });
        let answer = client.post(format!("{address}/api/validate")).json(&body).send().await.unwrap();
        answer.text().await.unwrap()
    };
    let told = check("good.csv").await;
    assert!(told.contains("\"problems\":[]"), "{told}");
    for path in ["../secret.csv", "/etc/passwd", "link.csv", "deep/../../secret.csv", "../throng.db"] {
        let told = check(path).await;
        assert!(told.contains("pools.p.file.csv") && told.contains("only files in"), "{path}: {told}");
        assert!(!told.contains("hunter2") && !told.contains("root:"), "{path}: {told}");
    }
}

const REFRESHED: &str = "
name: refreshed
seed: 9
targets: {shop: {url: URL, timeout: 5s, send: {path: /orders}}}
pools:
  items: {fetch: {target: shop, path: /items, select: $.items, refresh: 400ms}}
events: {order: {body: {n: '${seq}', item: {$pool: items}}}}
behaviors: {buy: {emit: {event: order}}}
workloads: {w: {load: {rate: 100/s, arrival: uniform, duration: 3s}}}
";

#[test]
fn a_list_is_asked_for_again_while_the_run_goes_on() {
    let home = Home::new();
    let asked = AtomicU64::new(0);
    let trial = Trial::start(move |request| {
        if !request.line.starts_with("GET") {
            return (200, String::new());
        }
        match asked.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => (200, r#"{"items": [{"id": "old", "tags": ["x", "y"]}]}"#.to_owned()),
            2 => (500, String::new()),
            _ => (200, r#"{"items": [{"id": "new"}, {"id": "newer", "price": 2.5}]}"#.to_owned()),
        }
    });
    let file = home.write("refreshed.yaml", &REFRESHED.replace("URL", &trial.url()));
    let ended = home.ended(&["run", &file, "-o", "result.json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let result = home.result("result.json");
    assert_reconciles(&result);
    let orders: Vec<Value> =
        trial.asked("POST").iter().map(|asked| serde_json::from_slice(&asked.body).unwrap()).collect();
    assert_eq!(orders.len(), 300);
    let with = |id: &str| orders.iter().filter(|order| order["item"]["id"] == id).count();
    assert_eq!(with("old") + with("new") + with("newer"), 300);
    assert!(with("old") > 20 && with("new") > 20 && with("newer") > 20, "{} {}", with("old"), with("new"));
    assert!(orders.iter().all(|order| order["item"]["id"] != "old" || order["item"]["tags"][1] == "y"));
    let last_old = orders.iter().filter(|order| order["item"]["id"] == "old").map(|order| order["n"].as_u64()).max();
    let first_new = orders.iter().filter(|order| order["item"]["id"] != "old").map(|order| order["n"].as_u64()).min();
    assert!(last_old < first_new, "from one moment on: {last_old:?} {first_new:?}");
    // The same answer is nothing new, and one that fails leaves what is there.
    let given: Vec<u64> = result.run.supplies.iter().map(|given| given.items).collect();
    assert_eq!(given, [1, 2], "{:?}", result.run.supplies);
    assert!(result.run.info.warnings.iter().any(|warning| warning.contains("500")), "{:?}", result.run.info.warnings);

    // What the run was given at its start is enough to do it again, without asking anybody.
    let asked_before = trial.asked("GET").len();
    let again = home.ended(&["run", &file, "--pools-from", "latest", "-o", "again.json"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(trial.asked("GET").len(), asked_before);
}
