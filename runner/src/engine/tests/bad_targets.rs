//! The table of bad targets: whatever a target does wrong is counted under a name that says so, and nothing stops the
//! run but its own limits.

use std::io::Write as _;
use std::sync::atomic::Ordering;

use shared::run::{FailureKind, RunResult, RunState};

use super::http::LOAD;
use super::{count_of, run, scenario};
use crate::transport::trial_server::{Reply, TrialServer};
use crate::transport::trial_tls::{TrialAuthority, TrialTls, answer_all};

/// Bytes of an answer that nobody wants.
const HUGE: usize = 100 * 1024 * 1024;

fn raw(text: &str) -> Reply {
    Reply::Raw(text.as_bytes().to_vec())
}

/// A run that went on to its end although every request failed in one way.
fn assert_all_failed(result: &RunResult, kind: FailureKind, what: &str) {
    assert_eq!(result.run.info.state, RunState::Finished, "{what}");
    assert_eq!(result.totals.events.offered, 100, "{what}");
    assert_eq!(count_of(result, kind), 100, "{what}: {:?}", result.failures);
}

#[tokio::test]
async fn every_bad_answer_has_a_name_and_the_run_goes_on() {
    for (what, reply, kind) in [
        ("garbage", raw("\u{0}\u{1}garbage\r\n\r\n"), FailureKind::Protocol),
        ("another protocol", raw("SSH-2.0-OpenSSH_9.9\r\n"), FailureKind::Protocol),
        ("a length that is none", raw("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"), FailureKind::Protocol),
        ("half a head", raw("HTTP/1.1 20"), FailureKind::AnswerCut),
        ("half a body", raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"), FailureKind::AnswerCut),
        (
            "half a chunk",
            raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf"),
            FailureKind::AnswerCut,
        ),
        ("an end without a word", raw(""), FailureKind::NoAnswer),
        ("a reset", Reply::Reset, FailureKind::ConnectionReset),
        ("silence", Reply::Nothing, FailureKind::Timeout),
        ("a status that is none", raw("HTTP/1.1 999999 Oh\r\n\r\n"), FailureKind::Protocol),
    ] {
        let server = TrialServer::start(move |_, _, _| reply.clone());
        // Only silence is to be waited for, and not for long: a busy machine is slow to read the others.
        let timeout = if kind == FailureKind::Timeout { "250ms" } else { "60s" };
        let text = scenario(&server.url(), &format!("timeout: {timeout}, connections: 200"), LOAD);
        assert_all_failed(&*run(&text, 1).await, kind, what);
        assert_eq!(server.requests.load(Ordering::SeqCst), 100, "{what}: each was really sent");
    }
}

#[tokio::test]
async fn an_answer_of_a_hundred_megabytes_is_given_up_and_the_next_one_counts() {
    let server = TrialServer::start(|number, _, _| match number % 5 {
        0 => {
            let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {HUGE}\r\n\r\n").into_bytes();
            answer.resize(answer.len() + HUGE, b'x');
            Reply::Raw(answer)
        }
        _ => Reply::status(200),
    });
    let text = scenario(&server.url(), "", "rate: 20/s, arrival: uniform, duration: 1s");
    let result = run(&text, 1).await;
    assert_eq!(count_of(&result, FailureKind::AnswerTooLarge), 4, "{:?}", result.failures);
    assert_eq!(result.totals.events.succeeded, 16);
    assert!(result.totals.bytes.received < HUGE as u64, "{:?}", result.totals.bytes);
}

#[tokio::test]
async fn a_name_that_has_no_address_is_told_as_such() {
    let text = scenario("http://no-such-host.invalid", "connect_timeout: 50s, timeout: 50s", LOAD);
    let result = run(&text, 1).await;
    assert_all_failed(&result, FailureKind::NameNotResolved, "a name without an address");
    assert!(result.connections.opened == 0 && result.connections.failed > 0, "{:?}", result.connections);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_certificate_that_does_not_fit_is_told_by_what_is_wrong_with_it() {
    let authority = TrialAuthority::new();
    let files = tempfile::tempdir().unwrap();
    std::fs::write(files.path().join("ca.pem"), authority.pem()).unwrap();
    let ours = format!("tls: {{authority: '{}'}}", files.path().join("ca.pem").display());
    let plain = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let plain_port = plain.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in plain.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 400 Not encrypted\r\n\r\n");
        }
    });
    let fitting = || TrialTls { name: "127.0.0.1", ..TrialTls::default() };
    let other = authority.serve(TrialTls { name: "api.example.org", ..TrialTls::default() }, answer_all).await;
    let expired = authority.serve(TrialTls { expired: true, ..fitting() }, answer_all).await;
    let good = authority.serve(fitting(), answer_all).await;
    for (what, port, target, kind) in [
        ("another name", other, ours.as_str(), FailureKind::CertificateName),
        ("an old certificate", expired, ours.as_str(), FailureKind::CertificateExpired),
        ("an authority that nobody knows", good, "", FailureKind::CertificateUntrusted),
        ("no TLS at all", plain_port, "", FailureKind::Tls),
    ] {
        let result = run(&scenario(&format!("https://127.0.0.1:{port}"), target, LOAD), 1).await;
        assert_all_failed(&result, kind, what);
    }
    let result = run(&scenario(&format!("https://127.0.0.1:{good}"), &ours, LOAD), 1).await;
    assert_eq!(result.totals.events.succeeded, 100, "{:?}", result.failures);
}
