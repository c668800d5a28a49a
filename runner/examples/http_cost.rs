//! What a request costs the generator: processor time per request and how punctual it leaves, against a server that does
//! next to nothing, each pinned to a core of its own.
//!
//! `cargo run --release -p runner --example http_cost -- RATE SECONDS CONNECTIONS` prints one line. Every request has a
//! body of its own, rendered from a template, and its four moments are recorded.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use anyhow::Context as _;
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

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "serve") {
        return serve();
    }
    let number = |place: usize, usual: f64| arguments.get(place).map_or(Ok(usual), |text| text.parse::<f64>());
    let (rate, seconds, connections) = (number(0, 20_000.0)?, number(1, 5.0)?, number(2, 64.0)? as u32);
    let mut server = Command::new(std::env::current_exe()?).arg("serve").stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(server.stdout.take().context("the server has no output")?).read_line(&mut line)?;
    let measured = measure(line.trim(), rate, seconds, connections);
    server.kill()?;
    server.wait()?;
    measured
}

fn measure(address: &str, rate: f64, seconds: f64, connections: u32) -> anyhow::Result<()> {
    pin(0)?;
    let text = format!(
        "{{name: cost, seed: 1,
          targets: {{api: {{url: 'http://{address}', connections: {connections}, send: {{path: /api/v1/events/ingest}}}}}},
          events: {{view: {{topic: page_events, body: {{
            event_id: '${{event.id}}', user_id: '${{user.id}}', page: {{$pick: [home, cart, search]}},
            price: {{$uniform: [9.99, 499.99], round: 2}}, at: {{$now: rfc3339}},
            a: {{$hex: 32}}, b: {{$hex: 32}}, c: {{$hex: 32}}, d: {{$hex: 32}}, e: {{$hex: 32}}, f: {{$hex: 32}},
            g: {{$hex: 32}}, h: {{$hex: 32}}, i: {{$hex: 32}}, k: {{$hex: 32}} }}}}}},
          behaviors: {{views: {{emit: {{event: view}}}}}},
          workloads: {{main: {{load: {{rate: {rate}/s, arrival: poisson, duration: {seconds}s}}}}}}}}"
    );
    let compiled = compile(&text, &LoadOptions::new("cost"), 1);
    let scenario = compiled.scenario.with_context(|| format!("{:?}", compiled.problems))?;
    let prepared = prepare(scenario, &PrepareOptions { workers: Some(1), ..PrepareOptions::default() })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (before, result) = runtime.block_on(async {
        let before = used();
        (before, start(prepared, Box::new(NoJournal)).wait().await)
    });
    let result = result?;
    let cost = (used() - before) * 1e6 / result.totals.requests.sent as f64;
    let (lag, service) = (result.latency.send_lag.percentiles, result.latency.service_time.percentiles);
    let sent = result.totals.requests.sent as f64 / result.totals.elapsed_seconds;
    let each = result.totals.bytes.sent / result.totals.requests.sent;
    anstream::println!(
        "{sent:.0}/s  {cost:.2} us of processor time each  {each} B  send lag p50 {} p99 {} p99.9 {} max {} us  \
         service p50 {} p99 {} us  {} connections  {} failed  {:?}",
        lag.p50_us,
        lag.p99_us,
        lag.p999_us,
        lag.max_us,
        service.p50_us,
        service.p99_us,
        result.connections.opened,
        result.totals.events.failed,
        result.verdict.status
    );
    Ok(())
}

/// Answers everything at once, one thread.
fn serve() -> anyhow::Result<()> {
    pin(1)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    anstream::println!("{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(answer(stream));
        }
    })
}

/// Requests are small and come one at a time: each read holds a whole one.
async fn answer(stream: tokio::net::TcpStream) -> std::io::Result<()> {
    let mut space = [0; 16 * 1024];
    loop {
        stream.ready(Interest::READABLE).await?;
        match stream.try_read(&mut space) {
            Ok(0) => return Ok(()),
            Ok(_) => drop(stream.try_write(ANSWER)?),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

fn pin(core: usize) -> anyhow::Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    Ok(sched_setaffinity(None, &cores)?)
}

/// Processor time of the whole process, in seconds.
fn used() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
