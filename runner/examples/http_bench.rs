//! What a request costs the generator, and how punctual it leaves, beside other tools against the same server.
//!
//! `cargo xtask bench http` builds and calls it. The server does next to nothing and is the witness: it counts requests
//! and notes when each came. Generators run one after the other, interleaved, pinned to one core, the server to another.
//! Ours renders a body of its own for each request and records all of its moments; the others send one fixed body.
//!
//! - `http_bench cost [--rounds N] [--seconds S] [--connections 1,16,64,256]`: processor time per request, closed loop
//! - `http_bench pace [--rounds N] [--seconds S] [--rates 1000,10000,50000]`: lateness at the server, open loop
//! - `--realtime` before the rest of either: all of them at real-time priority (`chrt -f`), so that what else the
//!   machine does is out of the way

#[path = "support/bench.rs"]
mod bench_support;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use bench_support::{GENERATOR_CORE, SERVER_CORE, Used, children_used, median, ourself, pinned, say};
use runner::engine::journal::NoJournal;
use runner::engine::prepare::{PrepareOptions, prepare};
use runner::engine::start::start;
use rustix::thread::{CpuSet, sched_setaffinity};
use shared::compile::compile;
use shared::scenario::LoadOptions;
use tokio::io::Interest;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ANSWER: &[u8] =
    b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"success\":true}";
const PATH: &str = "/api/v1/events/ingest";
/// Lateness that is looked at begins after this part of a run.
const WARM_UP: f64 = 0.2;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve"] => serve(false),
        ["serve", "awake"] => serve(true),
        ["ours", address, load, seconds, connections] => ours(address, load, seconds.parse()?, connections.parse()?),
        ["cost", options @ ..] => cost(&Options::read(options)?),
        ["pace", options @ ..] => pace(&Options::read(options)?),
        _ => bail!("say `cost` or `pace`; see the head of runner/examples/http_bench.rs"),
    }
}

struct Options {
    rounds: usize,
    seconds: u32,
    connections: Vec<u32>,
    rates: Vec<u32>,
    realtime: bool,
}

impl Options {
    fn read(words: &[&str]) -> anyhow::Result<Self> {
        let mut options = Self {
            rounds: 3,
            seconds: 3,
            connections: vec![1, 16, 64, 256],
            rates: vec![1_000, 10_000, 50_000],
            realtime: false,
        };
        let list = |text: &str| text.split(',').map(str::parse).collect::<Result<Vec<u32>, _>>();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().copied().with_context(|| format!("{word} needs a value"));
            match *word {
                "--realtime" => options.realtime = true,
                "--rounds" => options.rounds = value()?.parse()?,
                "--seconds" => options.seconds = value()?.parse()?,
                "--connections" => options.connections = list(value()?)?,
                "--rates" => options.rates = list(value()?)?,
                other => bail!("`{other}` is not known"),
            }
        }
        Ok(options)
    }
}

/// Processor time per request at each number of connections.
fn cost(options: &Options) -> anyhow::Result<()> {
    let files = Files::new()?;
    let mut figures: BTreeMap<(u32, &str), [Vec<f64>; 2]> = BTreeMap::new();
    let tools = ["throng", "wrk", "h2load", "oha"];
    for _round in 0..options.rounds {
        for &connections in &options.connections {
            for tool in tools {
                let Some(command) = closed(tool, &files, connections, options.seconds)? else { continue };
                let server = Server::start(options.realtime)?;
                let (used, _) = spend(command, &server, options.realtime)?;
                let requests = server.count()?;
                if requests > 0 {
                    let of_tool = figures.entry((connections, tool)).or_default();
                    for (values, seconds) in of_tool.iter_mut().zip([used.user + used.system, used.user]) {
                        values.push(seconds * 1e6 / requests as f64);
                    }
                }
            }
        }
    }
    say(&format!(
        "processor time per request in us, of it outside of the system; median of {} interleaved rounds",
        options.rounds
    ));
    say(&format!("{:>12} {}", "connections", tools.map(|tool| format!("{tool:>14}")).join("")));
    for &connections in &options.connections {
        let cells = tools.map(|tool| match figures.get(&(connections, tool)) {
            Some([all, own]) => format!("{:>8.2} {:>5.2}", median(all), median(own)),
            None => format!("{:>14}", "-"),
        });
        say(&format!("{connections:>12} {}", cells.join("")));
    }
    say("of what others need; the goals are 1.00 of wrk's and 0.50 of oha's");
    for &connections in &options.connections {
        let of = |tool| figures.get(&(connections, tool)).map(|[all, _]| median(all));
        let share = |tool| match (of("throng"), of(tool)) {
            (Some(own), Some(other)) => format!("{:>8.2} of {tool}'s", own / other),
            _ => String::new(),
        };
        say(&format!("{connections:>12} {}{}", share("wrk"), share("oha")));
    }
    Ok(())
}

/// How late requests come, against an even schedule.
fn pace(options: &Options) -> anyhow::Result<()> {
    let files = Files::new()?;
    let tools = ["throng", "oha"];
    let mut figures: BTreeMap<(u32, &str), Vec<[f64; 6]>> = BTreeMap::new();
    for _round in 0..options.rounds {
        for &rate in &options.rates {
            for tool in tools {
                let Some(command) = open(tool, &files, rate, options.seconds)? else { continue };
                let server = Server::awake()?;
                let (used, wall) = spend(command, &server, options.realtime)?;
                let [p50, p99, max, within, sent] = server.lateness(rate)?;
                figures.entry((rate, tool)).or_default().push([
                    p50,
                    p99,
                    max,
                    within,
                    (used.user + used.system) / wall * 100.0,
                    sent,
                ]);
            }
        }
    }
    say(&format!("lateness at the server in us, median of {} interleaved rounds", options.rounds));
    say("the goal at 10,000/s is 99 % within 100 us");
    let head = ["p50", "p99", "max", "< 100 us", "of a core", "requests"].map(|name| format!("{name:>12}"));
    say(&format!("{:>8} {:>8}{}", "rate", "", head.join("")));
    for &rate in &options.rates {
        for tool in tools {
            let Some(rows) = figures.get(&(rate, tool)) else { continue };
            let of = |place: usize| median(&rows.iter().map(|row| row[place]).collect::<Vec<_>>());
            let (within, core) = (format!("{:.2} %", of(3) * 100.0), format!("{:.0} %", of(4)));
            say(&format!(
                "{rate:>8} {tool:>8}{:>12.1}{:>12.1}{:>12.0}{within:>12}{core:>12}{:>12.0}",
                of(0),
                of(1),
                of(2),
                of(5)
            ));
        }
    }
    Ok(())
}

/// What the others send, as files that they read.
struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let fields: Vec<String> =
            "abcdefghik".chars().map(|name| format!("\"{name}\":\"{}\"", "0".repeat(32))).collect();
        let body = format!(
            "{{\"event_id\":\"{}\",\"user_id\":\"u1\",\"page\":\"home\",\"price\":123.45,\
             \"at\":\"2026-11-21T10:00:00.000Z\",{}}}",
            "0".repeat(32),
            fields.join(",")
        );
        std::fs::write(folder.path().join("body.json"), &body)?;
        std::fs::write(
            folder.path().join("post.lua"),
            format!(
                "wrk.method = \"POST\"\nwrk.body = [[{body}]]\nwrk.headers[\"Content-Type\"] = \"application/json\"\n"
            ),
        )?;
        Ok(Self { folder })
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

/// A tool that sends as fast as it gets answers; none if it is not installed.
fn closed(tool: &str, files: &Files, connections: u32, seconds: u32) -> anyhow::Result<Option<Vec<String>>> {
    let (c, s) = (connections.to_string(), seconds.to_string());
    let words: Vec<&str> = match tool {
        "throng" => return Ok(Some(vec![ourself()?, "ours".into(), "ADDRESS".into(), "closed".into(), s, c])),
        "wrk" => vec!["wrk", "-t1", "-c", &c, "-d", &s, "-s", "POST", "URL"],
        "h2load" => vec!["h2load", "--h1", "-t1", "-c", &c, "-D", &s, "-d", "BODY", "URL"],
        _ => vec![
            "oha",
            "--no-tui",
            "-m",
            "POST",
            "-T",
            "application/json",
            "-c",
            &c,
            "-z",
            "SECONDS",
            "-D",
            "BODY",
            "URL",
        ],
    };
    Ok(found(tool).then(|| filled(&words, files, seconds)))
}

/// A tool that sends at a rate; none if it is not installed.
fn open(tool: &str, files: &Files, rate: u32, seconds: u32) -> anyhow::Result<Option<Vec<String>>> {
    let (rate, s) = (rate.to_string(), seconds.to_string());
    if tool == "throng" {
        return Ok(Some(vec![ourself()?, "ours".into(), "ADDRESS".into(), rate, s, "64".into()]));
    }
    let words = [
        "oha",
        "--no-tui",
        "-m",
        "POST",
        "-T",
        "application/json",
        "-c",
        "64",
        "-q",
        &rate,
        "-z",
        "SECONDS",
        "-D",
        "BODY",
        "URL",
    ];
    Ok(found(tool).then(|| filled(&words, files, seconds)))
}

fn filled(words: &[&str], files: &Files, seconds: u32) -> Vec<String> {
    let fill = |word: &&str| match *word {
        "BODY" => files.path("body.json"),
        "POST" if words.contains(&"wrk") => files.path("post.lua"),
        "SECONDS" => format!("{seconds}s"),
        other => other.to_owned(),
    };
    words.iter().map(fill).collect()
}

fn found(tool: &str) -> bool {
    Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Runs a generator to its end; gives the processor time that it used and how long it took, in seconds.
fn spend(command: Vec<String>, server: &Server, realtime: bool) -> anyhow::Result<(Used, f64)> {
    let url = format!("http://{}{PATH}", server.address);
    let fill = |word: String| match word.as_str() {
        "URL" => url.clone(),
        "ADDRESS" => server.address.to_string(),
        _ => word,
    };
    let words: Vec<String> = command.into_iter().map(fill).collect();
    let (before, began) = (children_used()?, Instant::now());
    let output = pinned(&words, GENERATOR_CORE, realtime).stdout(Stdio::null()).stderr(Stdio::piped()).output()?;
    if !output.status.success() {
        bail!("{} ended with {}: {}", words.join(" "), output.status, String::from_utf8_lossy(&output.stderr));
    }
    let after = children_used()?;
    let used = Used { user: after.user - before.user, system: after.system - before.system };
    Ok((used, began.elapsed().as_secs_f64()))
}

/// Ours, as a process of its own: `load` is `closed` or a rate.
fn ours(address: &str, load: &str, seconds: u32, connections: u32) -> anyhow::Result<()> {
    let load = match load {
        "closed" => format!("concurrency: {connections}, duration: {seconds}s"),
        rate => format!("rate: {rate}/s, arrival: uniform, duration: {seconds}s"),
    };
    let text = format!(
        "{{name: bench, seed: 1,
          targets: {{api: {{url: 'http://{address}', connections: {connections}, send: {{path: {PATH}}}}}}},
          events: {{view: {{body: {{
            event_id: '${{event.id}}', user_id: '${{user.id}}', page: {{$pick: [home, cart, search]}},
            price: {{$uniform: [9.99, 499.99], round: 2}}, at: {{$now: rfc3339}},
            a: {{$hex: 32}}, b: {{$hex: 32}}, c: {{$hex: 32}}, d: {{$hex: 32}}, e: {{$hex: 32}}, f: {{$hex: 32}},
            g: {{$hex: 32}}, h: {{$hex: 32}}, i: {{$hex: 32}}, k: {{$hex: 32}} }}}}}},
          behaviors: {{views: {{emit: {{event: view}}}}}},
          workloads: {{main: {{load: {{{load}}}}}}}}}"
    );
    let compiled = compile(&text, &LoadOptions::new("bench"), 1);
    let scenario = compiled.scenario.with_context(|| format!("{:?}", compiled.problems))?;
    let prepared = prepare(scenario, &PrepareOptions { workers: Some(1), ..PrepareOptions::default() })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async { start(prepared, Box::new(NoJournal)).wait().await })?;
    let events = result.totals.events;
    if events.failed > 0 {
        bail!("{events:?} {:?}", result.failures);
    }
    Ok(())
}

/// The server as a process of its own.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(realtime: bool) -> anyhow::Result<Self> {
        Self::spawn(&["serve"], realtime)
    }

    /// A server that never sleeps, so that it sees a request when it comes and not when it wakes up.
    fn awake() -> anyhow::Result<Self> {
        // At real-time priority the system would take a twentieth of each second from it.
        Self::spawn(&["serve", "awake"], false)
    }

    fn spawn(words: &[&str], realtime: bool) -> anyhow::Result<Self> {
        let mut all = vec![ourself()?];
        all.extend(words.iter().map(|&word| word.to_owned()));
        let mut child = pinned(&all, SERVER_CORE, realtime).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("the server has no output")?).read_line(&mut line)?;
        Ok(Self { child, address: line.trim().parse()? })
    }

    fn ask(&self, what: &str) -> anyhow::Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.write_all(format!("GET /{what} HTTP/1.1\r\n\r\n").as_bytes())?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    }

    fn count(&self) -> anyhow::Result<u64> {
        Ok(self.ask("count")?.trim().parse()?)
    }

    /// p50, p99 and greatest lateness in microseconds, the share below 100, and how many requests there were.
    fn lateness(&self, rate: u32) -> anyhow::Result<[f64; 5]> {
        let text = self.ask(&format!("lateness/{rate}"))?;
        let figures: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        figures.try_into().map_err(|got| anyhow::anyhow!("not five figures: {got:?}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _killed = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// When each request came, in nanoseconds since the server's start.
type Arrivals = Arc<Mutex<Vec<u64>>>;

/// Answers everything at once, one thread.
fn serve(awake: bool) -> anyhow::Result<()> {
    let mut cores = CpuSet::new();
    cores.set(SERVER_CORE);
    sched_setaffinity(None, &cores)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    anstream::println!("{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    listener.set_nonblocking(true)?;
    let began = Instant::now();
    let arrivals: Arrivals = Arc::new(Mutex::new(Vec::with_capacity(4_000_000)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        if awake {
            tokio::spawn(async {
                loop {
                    tokio::task::yield_now().await;
                }
            });
        }
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(answer(stream, began, Arc::clone(&arrivals)));
        }
    })
}

/// Requests are small and come one at a time: each read holds a whole one, or the head and then the body of one.
async fn answer(stream: tokio::net::TcpStream, began: Instant, arrivals: Arrivals) -> std::io::Result<()> {
    let mut space = [0; 16 * 1024];
    loop {
        stream.ready(Interest::READABLE).await?;
        match stream.try_read(&mut space) {
            Ok(0) => return Ok(()),
            Ok(count) if space[..count].starts_with(b"GET /") => {
                let asked = String::from_utf8_lossy(&space[5..count]).into_owned();
                let said = figures(asked.split(' ').next().unwrap_or_default(), &arrivals);
                return stream.try_write(said.as_bytes()).map(|_written| ());
            }
            Ok(count) => {
                // A body that travels apart from its head ends the request; ours and the others' end with a brace.
                if space[count - 1] == b'}' {
                    let at = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
                    arrivals.lock().unwrap_or_else(PoisonError::into_inner).push(at);
                    stream.try_write(ANSWER)?;
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// `count`, or `lateness/RATE`: against the even schedule of that rate which the most punctual request kept.
fn figures(asked: &str, arrivals: &Arrivals) -> String {
    let arrivals = arrivals.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(rate) = asked.strip_prefix("lateness/").and_then(|rate| rate.parse::<f64>().ok()) else {
        return arrivals.len().to_string();
    };
    let skipped = (arrivals.len() as f64 * WARM_UP) as usize;
    let offset = |(number, at): (usize, &u64)| *at as f64 - number as f64 * 1e9 / rate;
    let mut late: Vec<f64> = arrivals.iter().enumerate().skip(skipped).map(offset).collect();
    late.sort_by(f64::total_cmp);
    let first = late.first().copied().unwrap_or(0.0);
    late.iter_mut().for_each(|late| *late = (*late - first) / 1e3);
    let at = |share: f64| late.get((late.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN);
    let within = late.partition_point(|late| *late < 100.0) as f64 / late.len().max(1) as f64;
    format!("{} {} {} {within} {}", at(0.5), at(0.99), late.last().copied().unwrap_or(f64::NAN), arrivals.len())
}
