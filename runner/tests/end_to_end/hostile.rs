//! Targets that mean harm: whatever they answer, the run ends in time, in bounded memory, with everything counted.

#![cfg(target_os = "linux")]

use std::io::{Read as _, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::run::FailureKind::{
    self, Aborted, AnswerCut, AnswerTooLarge, ConnectionReset, HandshakeRefused, NoAnswer, Protocol, StreamReset,
    Timeout,
};
use shared::run::RunResult;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::process::{Home, asked, assert_reconciles};

/// Resident memory that a run may need at most, in kB. A bomb that is let off, or a queue that grows with what a target
/// sends, is several times that.
const MOST_MEMORY: u64 = 300_000;
/// Time that one run may take, on a machine that has much else to do.
const MOST_TIME: Duration = Duration::from_secs(40);
/// Runs at the same time.
const TOGETHER: usize = 4;
/// Mutated answers of the short run; `FUZZ_CASES` asks for more.
const CASES: u64 = 150;

/// Makes answers be looked into.
const LOOK: &str = "checks: [{name: looks, severity: warn, expect: {required: [$.a.b]}}]\n";

/// What a target does to each connection; gets its number.
type Play = Arc<dyn Fn(&mut TcpStream, u64) -> std::io::Result<()> + Send + Sync>;

/// One way to be hostile.
struct Case {
    name: &'static str,
    play: Play,
    /// What its failures may be called; none where its answers count.
    kinds: &'static [FailureKind],
}

fn case(
    name: &'static str,
    kinds: &'static [FailureKind],
    play: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static,
) -> Case {
    Case { name, play: Arc::new(move |stream, _number| play(stream)), kinds }
}

/// Listens at a free port until the process ends.
fn listen(play: Play) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for (number, stream) in (0..).zip(listener.incoming()) {
            let (play, Ok(mut stream)) = (Arc::clone(&play), stream) else { return };
            std::thread::spawn(move || {
                // Whoever is played with may leave at any time.
                let _gone = play(&mut stream, number);
            });
        }
    });
    port
}

/// Sends without end, reading nothing.
fn endless(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    let many = bytes.repeat(1 + 64 * 1024 / bytes.len());
    loop {
        stream.write_all(&many)?;
    }
}

/// Takes what comes, until nobody sends any more.
fn linger(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut space = [0; 4096];
    while stream.read(&mut space)? > 0 {}
    Ok(())
}

/// Reads until something stands at the end of it.
fn read_until(stream: &mut TcpStream, end: &[u8]) -> std::io::Result<Vec<u8>> {
    let (mut read, mut byte) = (Vec::new(), [0]);
    while !read.ends_with(end) {
        stream.read_exact(&mut byte)?;
        read.push(byte[0]);
    }
    Ok(read)
}

/// Answers each request with the same bytes.
fn answering(bytes: Vec<u8>) -> impl Fn(&mut TcpStream) -> std::io::Result<()> {
    move |stream| {
        loop {
            read_until(stream, b"}")?;
            stream.write_all(&bytes)?;
        }
    }
}

/// Answers one request with these bytes and closes.
fn then_closing(bytes: Vec<u8>) -> impl Fn(&mut TcpStream) -> std::io::Result<()> {
    move |stream| {
        read_until(stream, b"}")?;
        stream.write_all(&bytes)
    }
}

/// Answers with a beginning, and then without end.
fn going_on(begin: &'static [u8], on: &'static [u8]) -> impl Fn(&mut TcpStream) -> std::io::Result<()> {
    move |stream| {
        read_until(stream, b"}")?;
        stream.write_all(begin)?;
        endless(stream, on)
    }
}

/// Runs against a target; gives its result and the most memory that it had, in kB.
fn run(target: &str, load: &str, name: &str) -> (RunResult, u64) {
    let home = Home::new();
    let text = format!(
        "name: hostile\nseed: 3\ntargets: {{t: {{{target}, connect_timeout: 300ms, timeout: 700ms}}}}\n\
         events: {{beat: {{body: {{id: \"${{event.id}}\"}}}}}}\nbehaviors: {{beats: {{emit: {{event: beat}}}}}}\n\
         workloads: {{main: {{load: {{{load}}}}}}}\n{LOOK}"
    );
    // An acknowledgement of a broker's says nothing that could be looked at.
    let text = if target.contains("mqtt") { text.replace(LOOK, "") } else { text };
    let file = home.write("hostile.yaml", &text);
    let began = Instant::now();
    let running = home.start(&["run", &file, "-o", "r.json", "--data-dir", home.path("data").to_str().unwrap()]);
    let status = format!("/proc/{}/status", running.id());
    let mut peak = 0;
    // A process that has ended, and that nobody has waited for yet, has a status without sizes.
    while let Ok(text) = std::fs::read_to_string(&status) {
        let Some(most) = text.lines().find_map(|line| line.strip_prefix("VmHWM:")) else { break };
        peak = peak.max(most.trim().trim_end_matches(" kB").parse().unwrap_or(0));
        assert!(began.elapsed() < MOST_TIME, "{name}: the run does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
    let ended = running.ended();
    assert!(matches!(ended.code, Some(0 | 3)), "{name}: {ended:?}");
    assert!(!ended.stderr.contains("panicked"), "{name}: {ended:?}");
    let result = home.result("r.json");
    assert_reconciles(&result);
    assert!(peak > 0 && peak < MOST_MEMORY, "{name}: {peak} kB");
    (result, peak)
}

/// Plays every case against a run of its own.
fn play(target: impl Fn(u16) -> String + Sync, cases: &[Case]) {
    for some in cases.chunks(TOGETHER) {
        std::thread::scope(|scope| {
            for case in some {
                let target = &target;
                scope.spawn(move || {
                    let port = listen(Arc::clone(&case.play));
                    let (result, peak) = run(&target(port), "rate: 30/s, duration: 500ms", case.name);
                    let events = result.totals.events;
                    let kinds: Vec<FailureKind> = result.failures.iter().map(|failure| failure.kind).collect();
                    let (opened, named) = (result.connections.attempted, &result.streams.errors);
                    println!("{}: {events:?} {kinds:?} {named:?}, {opened} connections, {peak} kB", case.name);
                    if case.kinds.is_empty() {
                        assert!(events.succeeded > 0, "{}: {events:?}", case.name);
                        return;
                    }
                    assert_eq!(events.succeeded, 0, "{}: {events:?}", case.name);
                    // A machine that has much else to do lets answers be late.
                    let fits = |kind: &FailureKind| case.kinds.contains(kind) || matches!(kind, Timeout | Aborted);
                    assert!(kinds.iter().all(fits), "{}: {kinds:?}", case.name);
                    // But not all of them.
                    let named_so = kinds.is_empty() || kinds.iter().any(|kind| case.kinds.contains(kind));
                    assert!(named_so, "{}: {kinds:?}", case.name);
                    let told = events.failed > 0 || (events.dropped > 0 && !named.is_empty());
                    assert!(told, "{}: {events:?}", case.name);
                    assert!(opened < 1_000, "{}: {opened} connections", case.name);
                });
            }
        });
    }
}

/// Answers that are cut, changed, doubled and mixed up at random.
fn mutate(good: &[u8], seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut draw = |below: usize| {
        // SplitMix64 (Steele, Lea, Flood 2014).
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % below.max(1) as u64) as usize
    };
    if draw(8) == 0 {
        return (0..draw(300)).map(|_| draw(256) as u8).collect();
    }
    let mut bytes = good.to_vec();
    for _ in 0..=draw(5) {
        let at = draw(bytes.len());
        match draw(5) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] = draw(256) as u8,
            2 if at < bytes.len() => bytes[at] ^= 1 << draw(8),
            3 => {
                let piece = bytes[at..].to_vec();
                bytes.extend(piece);
            }
            _ => bytes.splice(at..at, (0..draw(9)).map(|_| draw(256) as u8).collect::<Vec<_>>()).for_each(drop),
        }
    }
    bytes
}

/// Answers each connection with other bytes; every request has an outcome, whatever it is.
fn at_random(target: impl Fn(u16) -> String, prepare: fn(&mut TcpStream) -> std::io::Result<()>, good: Vec<u8>) {
    let cases = asked("FUZZ_CASES", CASES);
    let port = listen(Arc::new(move |stream, number| {
        prepare(stream)?;
        stream.write_all(&mutate(&good, number))
    }));
    // The more there are, the longer it takes: a port is free again only after a while.
    let load = format!("rate: {}/s, duration: {}s", cases.min(400), cases.div_ceil(400));
    let (result, peak) = run(&target(port), &load, "random");
    let kinds: Vec<_> = result.failures.iter().map(|failure| (failure.kind, failure.count)).collect();
    println!("{:?} over {} connections: {kinds:?}, {peak} kB", result.totals.events, result.connections.opened);
    assert!(result.totals.events.sent >= cases / 2, "{:?}", result.totals.events);
    assert!(result.connections.opened > 5, "{:?}", result.connections);
}

/// With more connections: they rest after each that broke.
fn more(target: &str) -> String {
    target.replace("connections: 2", "connections: 40")
}

fn http(port: u16) -> String {
    format!("url: \"http://127.0.0.1:{port}\", connections: 2, send: {{method: POST, path: /}}")
}

fn answer(headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    [format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {length}\r\n\r\n").as_bytes(), body].concat()
}

/// Zeros without end, made small.
fn bomb(kind: &str) -> Vec<u8> {
    let zeros = vec![0; 1024 * 1024];
    match kind {
        "gzip" => {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            (0..48).for_each(|_| gzip.write_all(&zeros).unwrap());
            gzip.finish().unwrap()
        }
        _ => {
            let mut zstd = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
            zstd.window_log(27).unwrap();
            (0..512).for_each(|_| zstd.write_all(&zeros).unwrap());
            zstd.finish().unwrap()
        }
    }
}

#[test]
fn no_http_target_harms_a_run() {
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let with = |rest: &[u8]| [chunked, rest].concat();
    let packed = |kind: &str| answer(&format!("Content-Encoding: {kind}\r\n"), &bomb(kind));
    play(
        http,
        &[
            case("endless headers", &[AnswerTooLarge], going_on(b"HTTP/1.1 200 OK\r\n", b"X-Y: z\r\n")),
            case("endless header", &[AnswerTooLarge], going_on(b"HTTP/1.1 200 OK\r\nX: ", b"y")),
            case("endless status", &[AnswerTooLarge, Protocol], going_on(b"HTTP/1.1 200 ", b"OK")),
            case("endless newlines", &[AnswerTooLarge, Protocol], going_on(b"", b"\r\n")),
            case("endless body", &[AnswerTooLarge, Timeout], going_on(b"HTTP/1.1 200 OK\r\n\r\n", b"body")),
            case("endless chunks", &[AnswerTooLarge, Timeout, Aborted], going_on(chunked, b"4\r\nbody\r\n")),
            case("endless size of a chunk", &[Protocol], going_on(chunked, b"0")),
            case(
                "endless trailers",
                &[AnswerTooLarge],
                going_on(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"A: b\r\n"),
            ),
            case("interim answers", &[Protocol], going_on(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n")),
            case("chunk that overflows", &[Protocol], answering(with(b"FFFFFFFFFFFFFFFFFF\r\n"))),
            case("largest chunk", &[AnswerTooLarge, AnswerCut], then_closing(with(b"FFFFFFFFFFFFFFFF\r\nx"))),
            case("garbage", &[Protocol], answering(b"\x16\x03\x01\x00\xff\xfe\r\n\r\n".to_vec())),
            case("status of garbage", &[Protocol], answering(b"HTTP/1.1 9x9 ?\r\n\r\n".to_vec())),
            case(
                "too long a length",
                &[AnswerCut],
                then_closing(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nx".to_vec()),
            ),
            case("too short a length", &[], answering([answer("", b"{}"), b"more".to_vec()].concat())),
            case("negative length", &[Protocol], answering(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n".to_vec())),
            case(
                "monstrous length",
                &[AnswerTooLarge, Protocol],
                answering(b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n".to_vec()),
            ),
            case("answer before the request", &[], |stream| {
                stream.write_all(&answer("", b"{}")).and_then(|()| linger(stream))
            }),
            case("silence", &[Timeout], linger),
            case(
                "redirect to itself",
                &[FailureKind::UnexpectedStatus],
                answering(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n".to_vec()),
            ),
            case("gzip bomb", &[], answering(packed("gzip"))),
            case("zstd bomb", &[], answering(packed("zstd"))),
            case("deep arrays", &[], answering(answer("", &b"[".repeat(100_000)))),
            case("deep objects", &[], answering(answer("", &b"{\"a\":".repeat(100_000)))),
        ],
    );
}

#[test]
fn no_mutated_http_answer_harms_a_run() {
    let mut good =
        answer("Retry-After: 3\r\nConnection: keep-alive\r\nContent-Encoding: gzip\r\n", &[0x1f, 0x8b, 8, 0, 0]);
    good.extend(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n5\r\n\":\"b\"\r\n0\r\nA: b\r\n\r\n",
    );
    at_random(http, |stream| read_until(stream, b"}").map(drop), good);
}

fn http2(port: u16) -> String {
    format!("{}, http: {{version: http2, streams: 10}}", http(port))
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

/// Welcomes a client of HTTP/2, and waits for its request.
fn welcome(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(&SETTINGS)?;
    read_until(stream, b"}").map(drop)
}

/// Welcomes, sends, and takes whatever comes.
fn framing(bytes: Vec<u8>) -> impl Fn(&mut TcpStream) -> std::io::Result<()> {
    move |stream| {
        welcome(stream)?;
        stream.write_all(&bytes)?;
        linger(stream)
    }
}

/// Welcomes, sends a beginning, and goes on without end.
fn flooding(begin: Vec<u8>, on: Vec<u8>) -> impl Fn(&mut TcpStream) -> std::io::Result<()> {
    move |stream| {
        welcome(stream)?;
        stream.write_all(&begin)?;
        endless(stream, &on)
    }
}

#[test]
fn no_http2_target_harms_a_run() {
    const BROKEN: &[FailureKind] = &[Protocol, ConnectionReset, NoAnswer, Timeout, StreamReset, AnswerCut, Aborted];
    // `:status: 200`, then one header that goes into the table and is named by its number for ever.
    let mut bombs = vec![0x88, 0x40, 1, b'x', 0x7f, 0x81, 0x1e];
    bombs.extend([b'y'; 4_000]);
    bombs.extend([0xbe; 12_000]);
    let begun = frame(1, 0, 1, &[0x88]);
    play(
        http2,
        &[
            case("HTTP/1.1", BROKEN, |stream| {
                stream.write_all(b"HTTP/1.1 400 Bad\r\n\r\n").and_then(|()| linger(stream))
            }),
            case("silence", &[Timeout], linger),
            case("giant frame", BROKEN, framing(vec![0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1])),
            case("settings without end", BROKEN, flooding(Vec::new(), SETTINGS.to_vec())),
            case("pings without end", BROKEN, flooding(Vec::new(), frame(6, 0, 0, &[0; 8]))),
            case("continuations without end", BROKEN, flooding(begun.clone(), frame(9, 0, 1, &[0, 1, b'a', 1, b'b']))),
            case("empty continuations", BROKEN, flooding(begun, frame(9, 0, 1, &[]))),
            case("HPACK bomb", BROKEN, framing(frame(1, 4, 1, &bombs))),
            case("HPACK of garbage", BROKEN, framing(frame(1, 4, 1, &[0xff; 100]))),
            case("resets without end", BROKEN, flooding(Vec::new(), frame(3, 0, 1, &[0, 0, 0, 8]))),
            case("resets of what was never opened", BROKEN, framing(frame(3, 0, 9_999, &[0, 0, 0, 8]))),
            case("good-bye at once", BROKEN, framing(frame(7, 0, 0, &[0; 8]))),
            case("no window", BROKEN, |stream| {
                stream.write_all(&frame(4, 0, 0, &[0, 4, 0, 0, 0, 0]))?;
                linger(stream)
            }),
            case("no streams", BROKEN, |stream| {
                stream.write_all(&frame(4, 0, 0, &[0, 3, 0, 0, 0, 0]))?;
                linger(stream)
            }),
            case("window that overflows", BROKEN, framing(frame(8, 0, 0, &[0x7f, 0xff, 0xff, 0xff]))),
            case("pushes", BROKEN, framing(frame(5, 4, 1, &[0, 0, 0, 2, 0x88]))),
            case("empty data without end", BROKEN, flooding(frame(1, 4, 1, &[0x88]), frame(0, 0, 1, &[]))),
        ],
    );
}

#[test]
fn no_mutated_http2_answer_harms_a_run() {
    let good = [SETTINGS.to_vec(), frame(4, 1, 0, &[]), frame(1, 4, 1, &[0x88]), frame(0, 1, 1, b"{\"a\":1}")].concat();
    at_random(http2, |stream| read_until(stream, b"}").map(drop), good);
}

fn websocket(port: u16) -> String {
    format!(
        "protocol: ws, url: \"ws://127.0.0.1:{port}/\", connections: 2, reconnect: {{delay: 10ms, max: 20ms}}, \
         ws: {{correlate: id}}"
    )
}

#[test]
fn no_websocket_harms_a_run() {
    const BROKEN: &[FailureKind] = &[Protocol, AnswerTooLarge, ConnectionReset, Timeout, Aborted];
    const OUTSIDE: &[FailureKind] = &[Protocol, ConnectionReset, HandshakeRefused, Timeout, AnswerTooLarge];
    let deep = [&[0x81, 127][..], &100_000_u64.to_be_bytes(), &b"[".repeat(100_000)].concat();
    let piece = [&[0, 126][..], &60_000_u16.to_be_bytes(), &[b'x'; 60_000]].concat();
    play(
        websocket,
        &[
            case("frame of 2^63 bytes", BROKEN, open_then(vec![0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0])),
            case("frame of 2^40 bytes", BROKEN, open_then(vec![0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0])),
            case("opcode that is reserved", BROKEN, open_then(vec![0x83, 0])),
            case("bits that are reserved", BROKEN, open_then(vec![0xf1, 0])),
            case("frame with a mask", BROKEN, open_then(vec![0x81, 0x81, 1, 2, 3, 4, b'a'])),
            case("ping in pieces", BROKEN, open_then(vec![0x09, 0])),
            case("ping that is too long", BROKEN, open_then(vec![0x89, 126, 0, 200])),
            case("text that is none", BROKEN, open_then(vec![0x81, 2, 0xc3, 0x28])),
            case("piece of nothing", BROKEN, open_then(vec![0x80, 1, b'a'])),
            case("close code of 0", BROKEN, open_then(vec![0x88, 2, 0, 0])),
            case("close of one byte", BROKEN, open_then(vec![0x88, 1, 0])),
            case("deep JSON", BROKEN, open_then(deep)),
            case("pieces without end", BROKEN, open_flood(vec![0x01, 1, b'x'], piece)),
            case("empty pieces without end", BROKEN, open_flood(vec![0x01, 0], vec![0, 0])),
            case("pings without end", BROKEN, open_flood(Vec::new(), vec![0x89, 4, 1, 2, 3, 4])),
            case("messages without end", BROKEN, open_flood(Vec::new(), vec![0x81, 2, b'{', b'}'])),
            case("handshake of garbage", OUTSIDE, |stream| {
                stream.write_all(&[0xff; 400]).and_then(|()| linger(stream))
            }),
            case("wrong key", OUTSIDE, |stream| {
                read_until(stream, b"\r\n\r\n")?;
                stream.write_all(
                    b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
                )?;
                linger(stream)
            }),
            case("endless handshake", OUTSIDE, |stream| {
                stream.write_all(b"HTTP/1.1 101 S\r\nX: ")?;
                endless(stream, b"y")
            }),
            case("endless headers", OUTSIDE, |stream| {
                stream.write_all(b"HTTP/1.1 101 S\r\n")?;
                endless(stream, b"X: y\r\n")
            }),
        ],
    );
}

/// Lets a WebSocket in, with the answer to its key.
fn open(stream: &mut TcpStream) -> std::io::Result<()> {
    let asked = read_until(stream, b"\r\n\r\n")?;
    let asked = String::from_utf8_lossy(&asked);
    let key = asked.lines().filter_map(|line| line.split_once(": "));
    let key = key.filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key")).map(|(_, key)| key).next_back();
    let accept = derive_accept_key(key.unwrap_or_default().trim().as_bytes());
    let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade";
    stream.write_all(format!("{head}\r\nSec-WebSocket-Accept: {accept}\r\n\r\n").as_bytes())
}

fn open_then(bytes: Vec<u8>) -> impl Fn(&mut TcpStream) -> std::io::Result<()> {
    move |stream| {
        open(stream)?;
        stream.read_exact(&mut [0])?;
        stream.write_all(&bytes)?;
        linger(stream)
    }
}

fn open_flood(begin: Vec<u8>, on: Vec<u8>) -> impl Fn(&mut TcpStream) -> std::io::Result<()> {
    move |stream| {
        open(stream)?;
        stream.read_exact(&mut [0])?;
        stream.write_all(&begin)?;
        endless(stream, &on)
    }
}

#[test]
fn no_mutated_frame_harms_a_run() {
    let good =
        [&[0x81, 10][..], b"{\"id\": 17}", &[0x89, 2, 1, 2, 0x01, 1, b'{', 0x80, 1, b'}', 0x88, 2, 3, 0xe8]].concat();
    let before = |stream: &mut TcpStream| {
        open(stream)?;
        stream.read_exact(&mut [0])
    };
    at_random(|port| more(&websocket(port)), before, good);
}

fn mqtt(port: u16) -> String {
    format!(
        "protocol: mqtt, url: \"mqtt://127.0.0.1:{port}\", connections: 2, reconnect: {{delay: 10ms, max: 20ms}}, \
         mqtt: {{topic: up, qos: 1, version: \"3.1.1\"}}"
    )
}

fn mqtt5(port: u16) -> String {
    mqtt(port).replace("3.1.1", "5")
}

/// Reads an introduction to its end: what is left unread resets the connection, and with it goes the answer.
fn introduction(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut head = [0; 2];
    stream.read_exact(&mut head)?;
    stream.read_exact(&mut vec![0; head[1].into()])
}

/// Answers the introduction with these bytes.
fn introduced(bytes: Vec<u8>) -> impl Fn(&mut TcpStream) -> std::io::Result<()> {
    move |stream| {
        introduction(stream)?;
        stream.write_all(&bytes)?;
        linger(stream)
    }
}

/// Lets a client in and sends these bytes.
fn admitted(bytes: &[u8]) -> impl Fn(&mut TcpStream) -> std::io::Result<()> + use<> {
    introduced([&[0x20, 2, 0, 0], bytes].concat())
}

/// Lets a client in and sends without end, reading nothing.
fn admitted_flood(on: Vec<u8>) -> impl Fn(&mut TcpStream) -> std::io::Result<()> {
    move |stream| {
        introduction(stream)?;
        stream.write_all(&[0x20, 2, 0, 0])?;
        endless(stream, &on)
    }
}

#[test]
fn no_broker_harms_a_run() {
    const BROKEN: &[FailureKind] = &[Protocol, AnswerTooLarge, ConnectionReset, Timeout, Aborted];
    play(
        mqtt,
        &[
            case("welcome of garbage", BROKEN, introduced(vec![0x20, 2, 0xff, 0])),
            case("refusal of no name", &[HandshakeRefused], introduced(vec![0x20, 2, 0, 0x77])),
            case("welcome of 256 MiB", BROKEN, introduced(vec![0x20, 0xff, 0xff, 0xff, 0x7f])),
            case("welcome of no length", BROKEN, introduced(vec![0x20, 0xff, 0xff, 0xff, 0xff, 0xff])),
            case("another protocol", BROKEN, introduced(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())),
            case("message before the welcome", BROKEN, introduced(vec![0x30, 4, 0, 1, b'a', b'b'])),
            case("silence", BROKEN, linger),
            case("message of 256 MiB", BROKEN, admitted(&[0x30, 0xff, 0xff, 0xff, 0x7f])),
            case("length of five bytes", BROKEN, admitted(&[0x30, 0xff, 0xff, 0xff, 0xff, 1])),
            case("packet of no kind", BROKEN, admitted(&[0x00, 0])),
            case("packet with wrong flags", BROKEN, admitted(&[0x4f, 2, 0, 1])),
            case("second welcome", BROKEN, admitted(&[0x20, 2, 0, 0])),
            case("packet that clients send", BROKEN, admitted(&[0xc0, 0])),
            case("topic beyond its packet", BROKEN, admitted(&[0x30, 3, 0xff, 0xff, b'a'])),
            case("quality of 3", BROKEN, admitted(&[0x36, 5, 0, 1, b'a', 0, 1])),
            case("acknowledgements of nothing", BROKEN, admitted(&[0x40, 2, 0xff, 0xfe].repeat(1_000))),
            case("messages without end", BROKEN, admitted_flood(vec![0x30, 4, 0, 1, b'a', b'b'])),
            case("messages to acknowledge without end", BROKEN, admitted_flood(vec![0x32, 6, 0, 1, b'a', 0, 1, b'b'])),
            case("releases without end", BROKEN, admitted_flood(vec![0x62, 2, 0, 1])),
            case("acknowledgements without end", BROKEN, admitted_flood(vec![0x40, 2, 0xff, 0xfe])),
        ],
    );
}

#[test]
fn no_mutated_packet_harms_a_run() {
    let good =
        vec![0x20, 2, 0, 0, 0x40, 2, 0, 1, 0x32, 6, 0, 1, b'a', 0, 1, b'b', 0x62, 2, 0, 1, 0xd0, 0, 0x40, 2, 0, 2];
    at_random(|port| more(&mqtt(port)), introduction, good);
}

/// A welcome of version 5 with these properties.
fn welcomed(properties: &[u8]) -> Vec<u8> {
    let length = u8::try_from(properties.len()).unwrap();
    [&[0x20, length + 3, 0, 0, length], properties].concat()
}

/// Lets a client of version 5 in and sends these bytes.
fn admitted5(bytes: &[u8]) -> impl Fn(&mut TcpStream) -> std::io::Result<()> + use<> {
    introduced([&welcomed(&[]), bytes].concat())
}

#[test]
fn no_broker_of_version_5_harms_a_run() {
    play(
        mqtt5,
        &[
            case("properties beyond the packet", &[Protocol], introduced(vec![0x20, 3, 0, 0, 100])),
            case("properties of no length", &[Protocol], introduced(vec![0x20, 7, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff])),
            case("property of no kind", &[Protocol], introduced(welcomed(&[0x7e, 1]))),
            case("receive maximum of 0", &[Protocol], introduced(welcomed(&[0x21, 0, 0]))),
            case("packets of one byte", &[FailureKind::ClientError], introduced(welcomed(&[0x27, 0, 0, 0, 1]))),
            case("quality of 0 at most", &[Protocol], introduced(welcomed(&[0x24, 0]))),
            case("name that is no text", &[Protocol], introduced(welcomed(&[0x12, 0, 2, 0xc3, 0x28]))),
            case("alias that was never given", &[Protocol], admitted5(&[0x30, 6, 0, 0, 3, 0x23, 0, 9])),
            case("authentication that nobody asked for", &[Protocol], admitted5(&[0xf0, 0])),
        ],
    );
}

#[test]
fn no_mutated_packet_of_version_5_harms_a_run() {
    let mut good = welcomed(&[0x21, 0, 9, 0x22, 0, 3, 0x27, 0, 1, 0, 0, 0x13, 0, 30, 0x12, 0, 1, b'n']);
    good.extend([0x40, 4, 0, 1, 0, 0, 0x32, 9, 0, 1, b'a', 0, 1, 3, 0x23, 0, 1]);
    good.extend([0x40, 9, 0, 2, 0x10, 5, 0x1f, 0, 2, b'n', b'o', 0x62, 2, 0, 1, 0xd0, 0, 0xe0, 2, 0x8b, 0]);
    at_random(|port| more(&mqtt5(port)), introduction, good);
}
