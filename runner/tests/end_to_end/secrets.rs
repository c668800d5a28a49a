//! Secrets planted in every place that takes one, and everything that comes out searched for them.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures_util::StreamExt as _;
use serde_json::json;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

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
    let headers = "headers: {X-Planted: \"${env.PLANTED_HEADER}\"}";
    beats(&format!("{{url: \"{url}\", auth: {auth}, {headers}, retry: {{attempts: 1}}}}"))
}

/// A scenario that sends to a target for a moment.
fn beats(target: &str) -> String {
    format!(
        "name: secrets\ntargets: {{t: {target}}}\nevents: {{seen: {{body: {{id: \"${{event.id}}\"}}}}}}\n\
         behaviors: {{b: {{emit: {{event: seen}}}}}}\nworkloads: {{w: {{load: {{rate: 50/s, duration: 1s}}}}}}\n"
    )
}

/// The same scenario with its secrets written out, as nobody should.
fn written_out(scenario: &str) -> String {
    let secrets = [("NAME", NAME), ("PASSWORD", PASSWORD), ("TOKEN", TOKEN), ("KEY", KEY), ("HEADER", HEADER)];
    let text = secrets
        .into_iter()
        .fold(scenario.to_owned(), |text, (name, secret)| text.replace(&format!("${{env.PLANTED_{name}}}"), secret));
    text.replace("X-Planted", "X-Auth-Token")
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

/// Runs with the secrets in the environment and the log at its loudest, and searches what is said.
fn told(home: &Home, name: &str, arguments: &[&str]) -> std::process::Output {
    let output = planted(&mut home.throng(arguments)).env("RUST_LOG", "trace").output().unwrap();
    assert_clean(&format!("standard output of {name}"), &output.stdout);
    assert_clean(&format!("standard error of {name}"), &output.stderr);
    output
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
            let outputs = ["json", "html", "csv", "hlog"].map(|ending| format!("{name}.{ending}"));
            let events = format!("{name}.events.jsonl");
            let mut arguments = vec!["run", &file, "-vv", "--save-events", &events];
            outputs.iter().for_each(|output| arguments.extend(["-o", output]));
            let output = told(&home, &name, &arguments);
            let wanted = if fate == "away" { Some(3) } else { Some(0) };
            assert_eq!(output.status.code(), wanted, "{name}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
    // The secrets did travel: the search is for something that was there.
    let asked = well.asked("POST /?token=");
    assert!(!asked.is_empty() && asked[0].line.contains("planted"), "{:?}", asked.first());
    assert_directory_clean(home.path(""));
}

#[test]
fn no_secret_comes_out_of_a_stream_whatever_becomes_of_it() {
    let home = Home::new();
    let socket = "protocol: ws, url: \"ws://127.0.0.1:1/ws/mobile/sync/\", ws: {correlate: id}, \
                  headers: {X-Planted: \"${env.PLANTED_HEADER}\"}";
    let message = "{bearer: {token: \"${env.PLANTED_TOKEN}\", via: message}}";
    let mut targets: Vec<String> =
        KINDS.into_iter().chain([message]).map(|kind| format!("{{{socket}, auth: {kind}}}")).collect();
    let broker = "protocol: mqtt, url: \"mqtt://127.0.0.1:1\", mqtt: {topic: up}";
    targets.push(format!("{{{broker}, auth: {}}}", KINDS[0]));
    std::thread::scope(|scope| {
        for (number, target) in targets.iter().enumerate() {
            let home = &home;
            scope.spawn(move || {
                for fate in ["well", "away"] {
                    let name = format!("{fate}{number}");
                    let file = home.write(&format!("{name}.yaml"), &beats(target));
                    let result = format!("{name}.json");
                    let mut arguments = vec!["run", &file, "-vv", "-o", &result];
                    arguments.extend((fate == "well").then_some("--practice-target"));
                    let output = told(home, &name, &arguments);
                    let wanted = if fate == "away" { Some(3) } else { Some(0) };
                    assert_eq!(output.status.code(), wanted, "{name}: {}", String::from_utf8_lossy(&output.stderr));
                }
            });
        }
    });
    assert_directory_clean(home.path(""));
}

#[test]
fn no_key_of_a_certificate_comes_out() {
    let home = Home::new();
    let target = Trial::start(|_| (200, String::new()));
    let rcgen::CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["here".to_owned()]).unwrap();
    let key = signing_key.serialize_pem();
    let (certificate, file) = (home.write("client.pem", &cert.pem()), home.write("client.key", &key));
    let secrets: Vec<&str> = key.lines().filter(|line| !line.starts_with("-----")).collect();
    let tls = format!("tls: {{insecure: true, certificate: \"{certificate}\", key: \"{file}\"}}");
    for url in [target.url().replace("http:", "https:"), "https://127.0.0.1:1".to_owned()] {
        let scenario = home.write("tls.yaml", &beats(&format!("{{url: \"{url}\", {tls}}}")));
        let output = told(&home, "tls", &["run", &scenario, "-vv", "-o", "tls.json"]);
        let mut said = [output.stdout, output.stderr].concat();
        said.extend(std::fs::read(home.path("tls.json")).unwrap_or_default());
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains("127.0.0.1"), "{said}");
        for line in &secrets {
            assert!(!said.contains(line), "the key is in {said}");
        }
    }
}

#[test]
fn no_secret_comes_out_of_what_looks_at_a_scenario() {
    let home = Home::new();
    for (number, kind) in KINDS.into_iter().enumerate() {
        let file = home.write(&format!("look{number}.yaml"), &scenario("http://127.0.0.1:1", kind));
        for command in ["validate", "preview", "show", "curl", "try"] {
            let output = told(&home, command, &[command, &file]);
            assert_ne!(output.status.code(), Some(2), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        }
        told(&home, "generate", &["generate", &file, "--count", "5", "-vv"]);
        // A secret that is written out beside a mistake is not shown with it.
        let written = written_out(&scenario("http://planted:plantedDoorFf6@127.0.0.1:1", kind));
        let wrong = home.write("wrong.yaml", &written.replace("retry: {attempts", "retry: {attemps"));
        let output = told(&home, "a mistake", &["validate", &wrong]);
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("attemps") && said.contains("***"), "{said}");
        std::fs::remove_file(wrong).unwrap();
    }
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
    let scenarios = KINDS.map(|kind| scenario(&target.url(), kind));
    let written: Vec<String> = scenarios.iter().map(|text| written_out(text)).collect();
    for text in scenarios.iter().chain(&written) {
        let body = json!({"scenario": {"text": text}});
        for path in ["/api/validate", "/api/try"] {
            let answer = client.post(format!("{address}{path}")).bearer_auth(DOOR).json(&body).send().await.unwrap();
            assert_clean(path, &answer.bytes().await.unwrap());
        }
        let answer = client.post(format!("{address}/api/runs")).bearer_auth(DOOR).json(&body).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert_clean("the answer to a start", text.as_bytes());
        assert_eq!(status, 201, "{text}");
        let started: serde_json::Value = serde_json::from_str(&text).unwrap();
        let id = started["id"].as_str().unwrap();
        let live = format!("{}/api/live/{id}", address.replace("http", "ws"));
        let mut request = live.into_client_request().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {DOOR}").parse().unwrap());
        let (mut stream, answer) = tokio_tungstenite::connect_async(request).await.unwrap();
        assert_clean("the answer to a watcher", format!("{:?}", answer.headers()).as_bytes());
        let mut messages = 0;
        while let Some(Ok(message)) = stream.next().await {
            assert_clean("the live stream", &message.into_data());
            messages += 1;
        }
        assert!(messages > 2, "{messages} messages of the live stream");
        let exports = ["html", "csv", "json", "hdr", "testbench"].map(|format| format!("/export?format={format}"));
        for path in ["", "/result"].into_iter().chain(exports.iter().map(String::as_str)) {
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

#[test]
fn no_secret_of_an_audit_comes_out() {
    let home = Home::new();
    let target = Trial::start(|asked| match asked.line.starts_with("GET") {
        true => (200, "[]".to_owned()),
        false => (200, String::new()),
    });
    let away = "http://127.0.0.1:1".to_owned();
    for (name, sink) in [("well", target.url()), ("away", away)] {
        let search = format!("{sink}/held?limit={{limit}}&api_key=${{env.PLANTED_KEY}}");
        let text = format!(
            "{}checks: [{{audit: {{search: \"{search}\", headers: {{X-Planted: \"${{env.PLANTED_HEADER}}\"}}, lost: 100}}, \
             severity: warn}}]\n",
            beats(&format!("{{url: \"{}\"}}", target.url()))
        );
        let file = home.write(&format!("{name}.yaml"), &text);
        let result = format!("{name}.json");
        let ledger = format!("{name}.ledger");
        told(&home, name, &["run", &file, "-vv", "-o", &result, "--ledger", &ledger]);
        let header = "X-Planted: ${env.PLANTED_HEADER}";
        told(&home, "throng audit", &["audit", &ledger, "--search", &search, "--header", header]);
    }
    assert_directory_clean(home.path(""));
    let asked = target.asked("GET /held?limit=");
    assert!(asked.len() >= 2 && asked.iter().all(|asked| asked.line.contains("planted")), "{asked:?}");
    let missing = home.ended(&["audit", "well.ledger", "--search", "http://127.0.0.1:1?key=${env.NOBODY}"]);
    assert!(missing.code == Some(2) && missing.stderr.contains("`NOBODY`"), "{missing:?}");
}
