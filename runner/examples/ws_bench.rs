//! What a message over a WebSocket and its answer cost the generator, beside a plain loop of tokio-tungstenite against the
//! same server.
//!
//! `cargo xtask bench ws` builds and calls it: `ws_bench [--rounds N] [--seconds S] [--connections 1,64,1000]`. Ours
//! renders a message of its own each time and records its moments; the loop sends the same bytes and records nothing.

#[path = "support/bench.rs"]
mod bench_support;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use bench_support::{GENERATOR_CORE, SERVER_CORE, children_used, median, ourself, pinned, say};
use futures_util::{SinkExt as _, StreamExt as _};
use runner::engine::journal::NoJournal;
use runner::engine::prepare::{PrepareOptions, prepare};
use runner::engine::start::start;
use shared::compile::compile;
use shared::scenario::LoadOptions;
use tokio::task::LocalSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{accept_async, client_async};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ANSWER: &str = "{\"status\":200}";
/// Bytes of a message.
const SIZE: usize = 200;
const TOOLS: [&str; 2] = ["ours", "loop"];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve"] => serve(),
        ["ours", address, seconds, connections] => ours(address, seconds, connections),
        ["loop", address, seconds, connections] => plain(address, seconds.parse()?, connections.parse()?),
        options => compared(options),
    }
}

/// Both in turns.
fn compared(options: &[&str]) -> anyhow::Result<()> {
    let value = |name: &str, usual: &'static str| {
        let place = options.iter().position(|word| *word == name);
        place.and_then(|place| options.get(place + 1).copied()).unwrap_or(usual).to_owned()
    };
    let rounds: usize = value("--rounds", "3").parse()?;
    let seconds = value("--seconds", "2");
    let connections = value("--connections", "1,64,1000");
    let mut server = pinned(&[ourself()?, "serve".to_owned()], SERVER_CORE, false).stdout(Stdio::piped()).spawn()?;
    let mut address = String::new();
    BufReader::new(server.stdout.take().context("the server says nothing")?).read_line(&mut address)?;
    let mut figures: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    for _round in 0..rounds {
        for count in connections.split(',') {
            for tool in TOOLS {
                let words = [&ourself()?, tool, address.trim(), &seconds, count].map(str::to_owned);
                let before = children_used()?;
                let output = pinned(&words, GENERATOR_CORE, false).output()?;
                if !output.status.success() {
                    bail!("{tool}: {}", String::from_utf8_lossy(&output.stderr));
                }
                let after = children_used()?;
                let messages: f64 = String::from_utf8_lossy(&output.stdout).trim().parse()?;
                let used = after.user + after.system - before.user - before.system;
                figures.entry((count, tool)).or_default().push(used * 1e6 / messages.max(1.0));
            }
        }
    }
    server.kill()?;
    server.wait()?;
    say(&format!("processor time per message and answer in us, {SIZE} bytes, median of {rounds} interleaved rounds"));
    say(&format!("{:>12} {:>10} {:>20} {:>8}", "connections", "throng", "tokio-tungstenite", "share"));
    for count in connections.split(',') {
        let of = |tool| figures.get(&(count, tool)).map_or(f64::NAN, |values| median(values));
        let (own, other) = (of("ours"), of("loop"));
        say(&format!("{count:>12} {own:>10.2} {other:>20.2} {:>8.2}", own / other));
    }
    Ok(())
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Answers every message at once, one thread.
fn serve() -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        anstream::println!("{}", listener.local_addr()?);
        std::io::stdout().flush()?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(async move {
                let Ok(mut socket) = accept_async(stream).await else { return };
                while let Some(Ok(message)) = socket.next().await {
                    if message.is_text() && socket.send(Message::text(ANSWER)).await.is_err() {
                        return;
                    }
                }
            });
        }
    })
}

/// The plain loop.
fn plain(address: &str, seconds: u64, connections: usize) -> anyhow::Result<()> {
    let text = format!("{{\"id\":\"{}\"}}", "0".repeat(SIZE - 9));
    let until = Instant::now() + Duration::from_secs(seconds);
    let count = Rc::new(std::cell::Cell::new(0_u64));
    let all = LocalSet::new();
    for _ in 0..connections {
        let (count, text, address) = (Rc::clone(&count), text.clone(), address.to_owned());
        all.spawn_local(async move {
            let stream = tokio::net::TcpStream::connect(&address).await?;
            stream.set_nodelay(true)?;
            let (mut socket, _) = client_async(format!("ws://{address}/"), stream).await?;
            while Instant::now() < until {
                socket.send(Message::text(text.as_str())).await?;
                socket.next().await.context("closed")??;
                count.set(count.get() + 1);
            }
            anyhow::Ok(())
        });
    }
    runtime()?.block_on(all);
    anstream::println!("{}", count.get());
    Ok(())
}

/// Ours.
fn ours(address: &str, seconds: &str, connections: &str) -> anyhow::Result<()> {
    let pad = "0".repeat(SIZE - 57);
    let text = format!(
        "{{name: bench, seed: 1,
          targets: {{api: {{protocol: ws, url: 'ws://{address}/', connections: {connections}, ws: {{replies: order}}}}}},
          events: {{view: {{body: {{id: '${{event.id}}', pad: '{pad}'}}}}}},
          behaviors: {{views: {{emit: {{event: view}}}}}},
          workloads: {{main: {{load: {{concurrency: {connections}, duration: {seconds}s}}}}}}}}"
    );
    let compiled = compile(&text, &LoadOptions::new("bench"), 1);
    let scenario = compiled.scenario.with_context(|| format!("{:?}", compiled.problems))?;
    let prepared = prepare(scenario, &PrepareOptions { workers: Some(1), ..PrepareOptions::default() })?;
    let result = runtime()?.block_on(async { start(prepared, Box::new(NoJournal)).wait().await })?;
    let events = result.totals.events;
    if events.failed > 0 {
        bail!("{events:?} {:?}", result.failures);
    }
    anstream::println!("{}", events.succeeded);
    Ok(())
}
