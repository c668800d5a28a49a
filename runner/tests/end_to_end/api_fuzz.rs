//! Every route of the OpenAPI document under input that nobody should send: each gets an answer that says what is wrong,
//! and the server goes on.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use shared::api::{ErrorBody, Status};

use crate::journey::client;
use crate::process::{Home, asked};

/// Requests where nobody says otherwise (`FUZZ_CASES`).
const CASES: usize = 1_500;
/// What is put where an id, a name or a value belongs.
const NASTY: &[&str] = &[
    "",
    ".",
    "..",
    "../../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e%2f%2e%2e%2f",
    "%00",
    "a%00b",
    "%0d%0aX-Injected:%20yes",
    "%ff%fe",
    "-",
    "latest",
    "commerce-events",
    "' OR 1=1 --",
    "%27;DROP%20TABLE%20runs;--",
    "${env.HOME}",
    "%24%7Benv.HOME%7D",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "con",
    "18446744073709551616",
    "-1",
    "1e309",
    "NaN",
    "\u{1f40d}\u{202e}",
];

/// Numbers that look random and are the same each time (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below a number.
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len() as u64) as usize)
    }
}

/// Draws values that fit a schema, and others that do not.
struct Drawer<'a> {
    schemas: &'a Value,
    random: Random,
}

impl Drawer<'_> {
    fn nasty(&mut self) -> String {
        if self.random.chance(5) {
            return "x".repeat(self.random.below(9_000) as usize);
        }
        (*self.random.one_of(NASTY).unwrap()).to_owned()
    }

    /// A value that nobody asked for.
    fn anything(&mut self, depth: u32) -> Value {
        match self.random.below(if depth > 4 { 7 } else { 9 }) {
            0 => Value::Null,
            1 => json!(true),
            2 => json!(self.random.next() as i64),
            3 => json!(f64::MAX),
            4 => json!(-0.0),
            5 | 6 => Value::String(self.nasty()),
            7 => (0..self.random.below(4)).map(|_| self.anything(depth + 1)).collect(),
            _ => Value::Object((0..3).map(|_| (self.nasty(), self.anything(depth + 1))).collect()),
        }
    }

    /// A value of a schema, wrong here and there.
    fn value(&mut self, schema: &Value, depth: u32) -> Value {
        if depth > 8 || self.random.chance(8) {
            return self.anything(depth);
        }
        if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
            let schemas = self.schemas;
            return self.value(&schemas[name], depth + 1);
        }
        for key in ["oneOf", "anyOf", "allOf"] {
            if let Some(one) = schema[key].as_array().and_then(|all| self.random.one_of(all)).cloned() {
                return self.value(&one, depth + 1);
            }
        }
        if let Some(one) = schema["enum"].as_array().and_then(|all| self.random.one_of(all)) {
            return one.clone();
        }
        if !schema["const"].is_null() {
            return schema["const"].clone();
        }
        let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
        match kind {
            Some("object") => {
                let mut object = serde_json::Map::new();
                for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                    if self.random.chance(80) {
                        let value = self.value(property, depth + 1);
                        object.insert(name.clone(), value);
                    }
                }
                if self.random.chance(10) {
                    let (name, value) = (self.nasty(), self.anything(depth + 1));
                    object.insert(name, value);
                }
                Value::Object(object)
            }
            Some("array") => (0..self.random.below(4)).map(|_| self.value(&schema["items"], depth + 1)).collect(),
            Some("integer") => json!(self.random.below(1_000_003) as i64 - 3),
            Some("number") => json!(self.random.below(1_000_000_000) as f64 / 1e3 - 10.0),
            Some("boolean") => json!(self.random.chance(50)),
            Some("string") => Value::String(self.nasty()),
            _ => self.anything(depth),
        }
    }
}

#[tokio::test]
async fn no_request_breaks_the_server_and_every_refusal_says_why() {
    let home = Home::new();
    let (server, address) = home.serve(&[]);
    let client = client();
    let document: Value = client.get(format!("{address}/api/openapi.json")).send().await.unwrap().json().await.unwrap();
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            routes.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    assert!(routes.len() > 20, "{}", routes.len());
    let cases = asked("FUZZ_CASES", CASES);
    let seed = 20_261_126;
    let mut drawer = Drawer { schemas: &document["components"]["schemas"], random: Random(seed) };
    let mut statuses: BTreeSet<u16> = BTreeSet::new();
    for case in 0..cases {
        let (method, path, operation) = drawer.random.one_of(&routes).unwrap().clone();
        let mut filled = path.clone();
        while let (Some(open), Some(close)) = (filled.find('{'), filled.find('}')) {
            let value = drawer.nasty().replace(['{', '}', '#', '?'], "");
            filled.replace_range(open..=close, &value);
        }
        if drawer.random.chance(30) {
            filled.push_str(&format!("?{}={}", drawer.nasty(), drawer.nasty()).replace('#', ""));
        }
        let Ok(url) = format!("{address}{filled}").parse::<reqwest::Url>() else { continue };
        // Dots are resolved by whoever asks: the path may lead elsewhere then.
        let below_api = url.path().starts_with("/api/");
        let mut request =
            client.request(Method::from_bytes(method.as_bytes()).unwrap(), url).timeout(Duration::from_secs(20));
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        if !schema.is_null() || drawer.random.chance(20) {
            let body = match drawer.random.below(12) {
                0 => "[".repeat(20_000),
                1 => "{\"a\":".repeat(3_000),
                2 => String::new(),
                3 => "\u{0}\u{1}garbage".to_owned(),
                4 => drawer.anything(0).to_string(),
                _ => drawer.value(schema, 0).to_string(),
            };
            request = request.body(body);
            if drawer.random.chance(90) {
                request = request.header("content-type", "application/json");
            }
        }
        if drawer.random.chance(10) {
            request = request.header("x-nasty", "a".repeat(drawer.random.below(8_000) as usize));
        }
        let what = format!("case {case} of seed {seed}: {method} {filled}");
        let answer = request.send().await.unwrap_or_else(|error| panic!("{what}: {error}"));
        let status = answer.status().as_u16();
        statuses.insert(status);
        assert!(answer.headers().get("x-injected").is_none(), "{what}");
        // Too fast is an answer like others; here it only means to wait.
        if status == 429 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let declared = operation["responses"].as_object().unwrap();
        assert!(status < 500 || declared.contains_key(&status.to_string()), "{what}: {status}");
        if status >= 400 && below_api {
            let text = answer.text().await.unwrap();
            let error: ErrorBody =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{what}: {status} {error}: {text}"));
            assert!(!error.message.is_empty() && !error.code.is_empty(), "{what}");
            assert!(!text.contains("root:x:0"), "{what}");
        } else {
            let body = answer.bytes().await.unwrap();
            assert!(!body.windows(8).any(|part| part == b"root:x:0"), "{what}");
        }
        // A run that was started by chance must not stand in the way of the next one.
        if case % 50 == 0 {
            stop(&client, &address).await;
        }
    }
    assert!(statuses.contains(&404) && statuses.contains(&422) && statuses.contains(&400), "{statuses:?}");
    stop(&client, &address).await;
    let answer = client.get(format!("{address}/api/status")).send().await.unwrap();
    assert!(answer.status().is_success());
    server.signal(rustix::process::Signal::INT);
    let ended = server.ended();
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    // Nothing was written outside of the data directory.
    let outside: Vec<_> = std::fs::read_dir(home.path("")).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(outside, [".local"], "{outside:?}");
}

async fn stop(client: &reqwest::Client, address: &str) {
    let status: Status = client.get(format!("{address}/api/status")).send().await.unwrap().json().await.unwrap();
    if let Some(run) = status.active_run {
        let url = format!("{address}/api/runs/{run}/commands");
        let _answer = client.post(url).json(&json!("abort")).send().await;
    }
}
