//! What a message over MQTT costs the generator, beside mosquitto's own publisher, against the same broker.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::screen;
use crate::workspace::{Workspace, found_on_path, said};

/// Bytes of a message of the publisher's; those of the generator are as long.
const SIZE: usize = 200;
/// Longest wait for a broker to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// Measures both at qualities 0 and 1.
///
/// # Errors
/// When something is not installed or ends otherwise than it should.
pub(super) fn measure(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let number = |name: &str, usual: u64| -> Result<u64> {
        let Some(place) = arguments.iter().position(|word| word == name) else { return Ok(usual) };
        let value = arguments.get(place + 1).with_context(|| format!("{name} needs a value"))?;
        value.parse().with_context(|| format!("{name} is a whole number, not {value}"))
    };
    let (rounds, messages, seconds) = (number("--rounds", 3)?, number("--messages", 200_000)?, number("--seconds", 5)?);
    let folder = workspace.target().join("tmp/bench-mqtt");
    fs::create_dir_all(&folder)?;
    let line = format!("{{\"id\":\"{}\"}}\n", "0".repeat(SIZE - 9));
    fs::write(folder.join("lines"), line.repeat(usize::try_from(messages)?))?;
    screen::line(format_args!("messages per second of processor time, {SIZE} bytes each, one connection"));
    screen::line(format_args!("{:>8} {:>6} {:>14} {:>14}", "quality", "round", "throng", "mosquitto_pub"));
    for qos in [0, 1] {
        for round in 1..=rounds {
            let broker = Broker::start(&folder)?;
            let (used, sent) = ours(workspace, &folder, &broker, qos, seconds)?;
            let own = sent as f64 / used;
            let used = theirs(&folder, &broker, qos)?;
            let theirs = messages as f64 / used;
            screen::line(format_args!("{qos:>8} {round:>6} {own:>14.0} {theirs:>14.0}"));
        }
    }
    Ok(())
}

/// The generator as fast as the broker lets it: processor time and messages.
fn ours(workspace: &Workspace, folder: &Path, broker: &Broker, qos: u32, seconds: u64) -> Result<(f64, u64)> {
    let text = format!(
        "{{name: bench, seed: 1,
          targets: {{broker: {{protocol: mqtt, url: 'mqtt://127.0.0.1:{}', connections: 1,
            mqtt: {{topic: bench, qos: {qos}, window: 64}}}}}},
          events: {{e: {{body: {{id: '${{event.id}}', pad: '{}'}}}}}},
          behaviors: {{all: {{emit: {{event: e}}}}}},
          workloads: {{w: {{load: {{concurrency: 64, duration: {seconds}s}}}}}}}}",
        broker.port,
        "0".repeat(SIZE - 44)
    );
    fs::write(folder.join("bench.yaml"), text)?;
    let before = children_used()?;
    let mut command = Command::new(workspace.throng());
    command.args(["run", "bench.yaml", "-o", "result.json"]).current_dir(folder).env("HOME", folder);
    let ended = command.stdout(Stdio::null()).stderr(Stdio::null()).status().context("cannot start throng")?;
    if !ended.success() {
        bail!("throng ended with {ended}");
    }
    let used = children_used()? - before;
    let result = fs::read_to_string(folder.join("result.json"))?;
    let totals = result.split_once("\"totals\"").context("a result without totals")?.1;
    let sent = totals.split_once("\"succeeded\":").context("totals without a count")?.1;
    let digits: String = sent.trim_start().chars().take_while(char::is_ascii_digit).collect();
    Ok((used, digits.parse()?))
}

/// Mosquitto's publisher: processor time for every line of the file.
fn theirs(folder: &Path, broker: &Broker, qos: u32) -> Result<f64> {
    let (port, qos) = (broker.port.to_string(), qos.to_string());
    let before = children_used()?;
    let mut command = Command::new(program("mosquitto_pub")?);
    command.args(["-h", "127.0.0.1", "-p", &port, "-t", "bench", "-q", &qos, "-l"]);
    let ended = command.stdin(fs::File::open(folder.join("lines"))?).status()?;
    if !ended.success() {
        bail!("mosquitto_pub ended with {ended}");
    }
    Ok(children_used()? - before)
}

/// Seconds of processor time of the children that have ended.
fn children_used() -> Result<f64> {
    let text = fs::read_to_string("/proc/self/stat")?;
    // Behind the name in parentheses: fields 3 and on; 16 and 17 are the children's.
    let after = text.rsplit_once(')').context("no name in /proc/self/stat")?.1;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|ticks| ticks.parse::<f64>().ok()).context("no ticks");
    let per_second: f64 = said(Command::new("getconf").arg("CLK_TCK"))?.trim().parse()?;
    Ok((ticks(13)? + ticks(14)?) / per_second)
}

/// A program of mosquitto's, wherever Debian puts it.
fn program(name: &str) -> Result<PathBuf> {
    let elsewhere = Path::new("/usr/sbin").join(name);
    let found = found_on_path(name).or_else(|| elsewhere.is_file().then_some(elsewhere));
    found.with_context(|| format!("{name} is missing: apt-get install mosquitto mosquitto-clients"))
}

/// A broker of its own; ended when dropped.
struct Broker {
    child: Child,
    port: u16,
}

impl Broker {
    fn start(folder: &Path) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let config = folder.join("mosquitto.conf");
        let text = format!("listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n");
        fs::write(&config, text)?;
        let child = Command::new(program("mosquitto")?).arg("-c").arg(config).stderr(Stdio::null()).spawn()?;
        let broker = Self { child, port };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if began.elapsed() > PATIENCE {
                bail!("mosquitto does not listen");
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(broker)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _killed = self.child.kill();
        let _status = self.child.wait();
    }
}
