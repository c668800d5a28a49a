//! What a server is put to that is left running: run after run, those who watch and never read, several at once.

#![cfg(unix)]

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use reqwest::{Client, StatusCode};
use rustix::process::Signal;
use serde_json::{Value, json};
use shared::run::{RunResult, RunState};

use super::journey::client;
use super::process::{Home, asked, assert_reconciles};

/// Watchers that never read; `SOAK_WATCHERS` asks for more.
const WATCHERS: usize = 300;
/// Runs of the short soak; `SOAK_RUNS` asks for more.
const RUNS: usize = 15;

/// A runner that is asked over HTTP.
struct Server {
    client: Client,
    address: String,
}

impl Server {
    fn at(address: &str) -> Self {
        Self { client: client(), address: address.to_owned() }
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> (StatusCode, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let answer = self.client.request(method, format!("{}{path}", self.address)).json(body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or_default())
    }

    /// Starts a run; the status of the answer, and the run's id or the error's code.
    async fn start(&self, rate: &str, length: &str) -> (StatusCode, String) {
        let load = format!("{{rate: {rate}, duration: {length}}}");
        let text = format!("extends: commerce-events\nworkloads: {{shop: {{load: {load}}}}}\n");
        let (status, answer) =
            self.send("POST", "/api/runs", &json!({"scenario": {"text": text}, "practice_target": true})).await;
        let said = answer.get("id").or(answer.get("code")).and_then(Value::as_str).unwrap_or_default();
        (status, said.to_owned())
    }

    async fn state(&self, id: &str) -> String {
        let (_, run) = self.send("GET", &format!("/api/runs/{id}"), &Value::Null).await;
        run["info"]["state"].as_str().unwrap_or_default().to_owned()
    }

    async fn until(&self, id: &str, states: &[&str]) {
        for _ in 0..400 {
            if states.contains(&self.state(id).await.as_str()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("run {id} is {}, never {states:?}", self.state(id).await);
    }

    async fn result(&self, id: &str) -> RunResult {
        let answer = self.client.get(format!("{}/api/runs/{id}/result", self.address)).send().await.unwrap();
        answer.json().await.unwrap()
    }
}

#[tokio::test]
async fn a_second_run_waits_its_turn_also_while_one_drains() {
    let home = Home::new();
    let (running, address) = home.serve(&[]);
    let server = Server::at(&address);
    server.send("PUT", "/api/target/settings", &json!({"frozen": true})).await;
    let (status, first) = server.start("200/s", "20s").await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(server.start("1/s", "1s").await, (StatusCode::CONFLICT, "run_active".to_owned()));
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    server.send("POST", &format!("/api/runs/{first}/commands"), &json!("stop")).await;
    server.until(&first, &["draining"]).await;
    assert_eq!(server.start("1/s", "1s").await, (StatusCode::CONFLICT, "run_active".to_owned()));
    server.send("PUT", "/api/target/settings", &json!({"frozen": false})).await;
    server.until(&first, &["stopped"]).await;
    let (status, second) = server.start("20/s", "1s").await;
    assert_eq!(status, StatusCode::CREATED, "{second}");
    server.until(&second, &["finished"]).await;
    for id in [&first, &second] {
        let result = server.result(id).await;
        assert_reconciles(&result);
        assert_eq!(result.totals.events.failed, 0, "what was under way had its answer");
    }
    running.signal(Signal::TERM);
    assert_eq!(running.ended().code, Some(0));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn watchers_that_never_read_cost_the_run_nothing() {
    let home = Home::new();
    let (running, address) = home.serve(&[]);
    let server = Server::at(&address);
    let count = asked("SOAK_WATCHERS", WATCHERS);
    rlimit::increase_nofile_limit(16_384).unwrap();
    let (_, id) = server.start("200/s", &format!("{}s", 4 + count / 150)).await;
    let host = address.strip_prefix("http://").unwrap();
    let mut watchers = Vec::new();
    let before = held_by(running.id()).0;
    for _ in 0..count {
        let mut watcher = TcpStream::connect(host).unwrap();
        let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        watcher.write_all(format!("GET /api/live/{id} HTTP/1.1\r\nHost: {host}\r\n{upgrade}").as_bytes()).unwrap();
        watchers.push(watcher);
    }
    server.until(&id, &["finished"]).await;
    let memory = held_by(running.id()).0.saturating_sub(before);
    println!("{} watchers: {memory} kB", watchers.len());
    assert!(memory < 64 * 1024 + 1024 * watchers.len() as u64, "{memory} kB for {} watchers", watchers.len());
    let result = server.result(&id).await;
    assert_reconciles(&result);
    assert_eq!(result.run.info.state, RunState::Finished);
    assert_eq!(result.totals.events.succeeded, result.totals.events.offered, "{:?}", result.totals);
    println!("{:?}", result.verdict);
    running.signal(Signal::TERM);
    assert_eq!(running.ended().code, Some(0), "they do not hold up its end either");
}

#[tokio::test]
async fn two_servers_share_a_directory_and_lose_no_run() {
    let home = Home::new();
    let (one, first) = home.serve(&[]);
    let (other, second) = home.serve(&[]);
    let (here, there) = (Server::at(&first), Server::at(&second));
    let (status, mine) = here.start("50/s", "2s").await;
    assert_eq!(status, StatusCode::CREATED);
    let (status, theirs) = there.start("50/s", "2s").await;
    assert_eq!(status, StatusCode::CREATED, "{theirs}");
    here.until(&mine, &["finished"]).await;
    there.until(&theirs, &["finished"]).await;
    for server in [&here, &there] {
        for id in [&mine, &theirs] {
            assert_reconciles(&server.result(id).await);
        }
    }
    for running in [one, other] {
        running.signal(Signal::TERM);
        assert_eq!(running.ended().code, Some(0));
    }
}

#[tokio::test]
async fn a_server_whose_directory_goes_away_says_so_before_it_starts_a_run() {
    let home = Home::new();
    let data = home.path("data");
    let (running, address) = home.serve(&["--data-dir", data.to_str().unwrap()]);
    let server = Server::at(&address);
    std::fs::remove_dir_all(&data).unwrap();
    assert_eq!(server.start("50/s", "1s").await, (StatusCode::INTERNAL_SERVER_ERROR, "store_failed".to_owned()));
    let status = server.client.get(format!("{address}/api/status")).send().await.unwrap().status();
    assert_eq!(status, StatusCode::OK, "it goes on");
    running.signal(Signal::TERM);
    assert_eq!(running.ended().code, Some(0));
}

/// Resident memory in kB and open handles of a process.
fn held_by(process: u32) -> (u64, usize) {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let memory = resident.trim().trim_end_matches(" kB").parse().unwrap();
    (memory, std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().count())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_server_that_is_left_running_holds_its_memory_and_handles() {
    let runs = asked("SOAK_RUNS", RUNS);
    let home = Home::new();
    let (running, address) = home.serve(&[]);
    let server = Server::at(&address);
    let mut after_a_third = (0, 0);
    for number in 1..=runs {
        let (status, id) = server.start("2000/s", "200ms").await;
        assert_eq!(status, StatusCode::CREATED, "run {number}: {id}");
        server.until(&id, &["finished"]).await;
        assert_reconciles(&server.result(&id).await);
        if number == runs / 3 {
            after_a_third = held_by(running.id());
        }
    }
    let (memory, handles) = held_by(running.id());
    println!("after {} runs {after_a_third:?}, after {runs} {:?} (kB, handles)", runs / 3, (memory, handles));
    assert!(handles <= after_a_third.1 + 4, "handles: {} and {handles}", after_a_third.1);
    assert!(memory <= after_a_third.0 * 5 / 4 + 16_384, "memory: {} and {memory} kB", after_a_third.0);
    running.signal(Signal::TERM);
    assert_eq!(running.ended().code, Some(0));
}
