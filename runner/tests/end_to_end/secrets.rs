//! Secrets planted in every place that takes one, and everything that comes out searched for them.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::process::Home;
use super::trial::Trial;

const NAME: &str = "plantedNameAa1";
const PASSWORD: &str = "planted+Word/Bb2=";
const TOKEN: &str = "planted+Token/Cc3=";
const KEY: &str = "planted+Key/Dd4=";
const HEADER: &str = "planted+Header/Ee5=";
const DOOR: &str = "plantedDoorFf6";

/// A scenario with a secret of each kind, given through the environment.
fn scenario(url: &str, auth: &str) -> String {
    format!(
        "name: secrets\ntargets: {{t: {{url: \"{url}\", auth: {auth}, headers: {{X-Planted: \"${{env.PLANTED_HEADER}}\"}}, \
         retry: {{attempts: 1}}}}}}\nevents: {{seen: {{body: {{id: \"${{event.id}}\"}}}}}}\n\
         behaviors: {{b: {{emit: {{event: seen}}}}}}\nworkloads: {{w: {{load: {{rate: 50/s, duration: 1s}}}}}}\n"
    )
}

const KINDS: [&str; 4] = [
    "{basic: {username: \"${env.PLANTED_NAME}\", password: \"${env.PLANTED_PASSWORD}\"}}",
    "{bearer: {token: \"${env.PLANTED_TOKEN}\"}}",
    "{bearer: {token: \"${env.PLANTED_TOKEN}\", via: query}}",
    "{api_key: {value: \"${env.PLANTED_KEY}\"}}",
];

fn planted(command: &mut std::process::Command) -> &mut std::process::Command {
    command
        .env("PLANTED_NAME", NAME)
        .env("PLANTED_PASSWORD", PASSWORD)
        .env("PLANTED_TOKEN", TOKEN)
        .env("PLANTED_KEY", KEY)
        .env("PLANTED_HEADER", HEADER)
}

/// The secrets as they are and as they travel.
fn needles() -> Vec<String> {
    let mut all = vec![STANDARD.encode(format!("{NAME}:{PASSWORD}"))];
    for secret in [PASSWORD, TOKEN, KEY, HEADER, DOOR] {
        let percent = secret.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        all.extend([secret.to_owned(), percent, STANDARD.encode(secret), URL_SAFE_NO_PAD.encode(secret)]);
    }
    all
}

fn assert_clean(place: &str, bytes: &[u8]) {
    for needle in needles() {
        assert!(!bytes.windows(needle.len()).any(|window| window == needle.as_bytes()), "{needle} is in {place}");
    }
}

/// Searches every file below a directory.
fn assert_directory_clean(directory: PathBuf) {
    let mut directories = vec![directory];
    let mut files = 0;
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                files += 1;
                assert_clean(&path.display().to_string(), &bytes);
            }
        }
    }
    assert!(files > 0, "there was nothing to search");
}

#[test]
fn no_secret_of_the_environment_comes_out_of_a_run_whatever_becomes_of_it() {
    let home = Home::new();
    let well = Trial::start(|_| (200, String::new()));
    let ill = Trial::start(|_| (401, "who are you".to_owned()));
    for (number, kind) in KINDS.into_iter().enumerate() {
        for (fate, url) in [("well", well.url()), ("ill", ill.url()), ("away", "http://127.0.0.1:1".to_owned())] {
            let name = format!("{fate}{number}");
            let file = home.write(&format!("{name}.yaml"), &scenario(&url, kind));
            let (result, page, events) =
                (format!("{name}.json"), format!("{name}.html"), format!("{name}.events.jsonl"));
            let arguments = ["run", &file, "-vv", "-o", &result, "-o", &page, "--save-events", &events];
            let output = planted(&mut home.throng(&arguments)).env("RUST_LOG", "trace").output().unwrap();
            assert_clean(&format!("standard output of {name}"), &output.stdout);
            assert_clean(&format!("standard error of {name}"), &output.stderr);
            let wanted = if fate == "away" { Some(3) } else { Some(0) };
            assert_eq!(output.status.code(), wanted, "{name}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
    // The secrets did travel: the search is for something that was there.
    let asked = well.asked("POST /?token=");
    assert!(!asked.is_empty() && asked[0].line.contains("planted"), "{:?}", asked.first());
    assert_directory_clean(home.path(""));
}

#[tokio::test]
async fn no_secret_comes_out_of_the_server() {
    let home = Home::new();
    let target = Trial::start(|_| (401, "who are you".to_owned()));
    let mut command = home.throng(&["serve", "--bind", "127.0.0.1:0", "--no-practice-target"]);
    planted(&mut command).env("THRONG_TOKEN", DOOR).env("RUST_LOG", "trace");
    let log = std::fs::File::create(home.path("log")).unwrap();
    let child = command.stdout(std::process::Stdio::piped()).stderr(log).spawn().unwrap();
    let mut server = super::process::Running::of(child);
    let line = server.line();
    let address = line.split_once("/?").map_or(line.as_str(), |(base, _query)| base).to_owned();
    let client = super::journey::client();
    let command_line = std::fs::read(format!("/proc/{}/cmdline", server.id())).unwrap();
    assert_clean("the list of processes", &command_line);
    for kind in KINDS {
        let body = json!({"scenario": {"text": scenario(&target.url(), kind)}});
        for path in ["/api/validate", "/api/try"] {
            let answer = client.post(format!("{address}{path}")).bearer_auth(DOOR).json(&body).send().await.unwrap();
            assert_clean(path, &answer.bytes().await.unwrap());
        }
        let answer = client.post(format!("{address}/api/runs")).bearer_auth(DOOR).json(&body).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert_clean("the answer to a start", text.as_bytes());
        if status != 201 {
            // The operator's environment is not lent to whoever writes a scenario.
            assert!(status.is_client_error(), "{status}: {text}");
            continue;
        }
        let started: serde_json::Value = serde_json::from_str(&text).unwrap();
        let id = started["id"].as_str().unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(1_600)).await;
        for path in ["", "/result", "/export?format=html", "/export?format=csv", "/export?format=json"] {
            let answer = client.get(format!("{address}/api/runs/{id}{path}")).bearer_auth(DOOR).send().await.unwrap();
            assert_clean(path, &answer.bytes().await.unwrap());
        }
    }
    for path in ["/", "/api/status", "/api/runs", "/api/scenarios", "/api/openapi.json", "/metrics", "/api/nothing"] {
        let answer = client.get(format!("{address}{path}")).bearer_auth(DOOR).send().await.unwrap();
        assert_clean(path, &answer.bytes().await.unwrap());
    }
    server.signal(rustix::process::Signal::TERM);
    server.ended();
    assert_directory_clean(home.path(""));
}
