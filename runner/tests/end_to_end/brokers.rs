//! Runs against mosquitto, a broker that nobody here wrote: what arrives is counted by its own subscriber.

use std::collections::HashMap;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustix::process::{Pid, Signal, kill_process};
use shared::run::{FailureKind, RunResult};

use crate::process::{Home, assert_reconciles};

/// How long anything may take before it counts as hung.
const PATIENCE: Duration = Duration::from_secs(20);

/// A program of mosquitto's, wherever Debian puts it.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    places.push("/usr/sbin".into());
    let found = places.into_iter().map(|place| place.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!("{name} is missing: `cargo xtask test` or `apt-get install mosquitto mosquitto-clients`")
    })
}

/// A broker of its own; killed when dropped.
struct Mosquitto {
    child: Child,
    port: u16,
    config: String,
}

impl Mosquitto {
    /// Starts one that listens at a free port; `extra` are lines of its configuration.
    fn start(home: &Home, extra: &str) -> Self {
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let anonymous = if extra.contains("allow_anonymous") { "" } else { "allow_anonymous true\n" };
            let text = format!(
                "listener {port} 127.0.0.1\nset_tcp_nodelay true\nuser root\nmax_queued_messages 0\n{anonymous}{extra}\n"
            );
            let config = home.write("mosquitto.conf", &text);
            let mut broker = Self { child: launch(&config), port, config };
            if broker.answers() {
                return broker;
            }
        }
        panic!("mosquitto does not start");
    }

    fn answers(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    fn signal(&mut self, signal: Signal) {
        kill_process(Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap(), signal).unwrap();
        self.child.wait().unwrap();
    }

    fn again(&mut self) {
        self.child = launch(&self.config);
        assert!(self.answers(), "mosquitto comes back");
    }

    fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _status = self.child.wait();
    }
}

fn launch(config: &str) -> Child {
    Command::new(program("mosquitto")).args(["-c", config]).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap()
}

/// Mosquitto's own subscriber, whose lines go to a file.
struct Subscriber {
    child: Child,
    file: PathBuf,
}

impl Subscriber {
    /// Listens to everything; `extra` are arguments of its own.
    fn start(home: &Home, broker: &Mosquitto, extra: &[&str]) -> Self {
        let file = home.path("heard.txt");
        let heard = std::fs::File::create(&file).unwrap();
        let port = broker.port.to_string();
        let mut command = Command::new(program("mosquitto_sub"));
        command.args(["-h", "127.0.0.1", "-p", &port, "-q", "2", "-F", "%t %r %p", "-t", "#"]).args(extra);
        let child = command.stdout(heard).stderr(Stdio::null()).spawn().unwrap();
        let subscriber = Self { child, file };
        // It listens once it hears.
        let deadline = Instant::now() + PATIENCE;
        while subscriber.lines("listening").is_empty() {
            assert!(Instant::now() < deadline, "the subscriber does not listen");
            publish(broker, "listening", "yes");
            std::thread::sleep(Duration::from_millis(20));
        }
        subscriber
    }

    /// What was heard on topics that begin so.
    fn lines(&self, topic: &str) -> Vec<String> {
        let text = std::fs::read_to_string(&self.file).unwrap();
        text.lines().filter(|line| line.starts_with(topic)).map(str::to_owned).collect()
    }

    /// Waits until so many lines were heard; gives how often each was.
    fn heard(&self, topic: &str, count: u64) -> HashMap<String, u32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let lines = self.lines(topic);
            if lines.len() as u64 >= count || Instant::now() > deadline {
                let mut times = HashMap::new();
                lines.into_iter().for_each(|line| *times.entry(line).or_default() += 1);
                return times;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _status = self.child.wait();
    }
}

fn publish(broker: &Mosquitto, topic: &str, payload: &str) {
    let port = broker.port.to_string();
    let sent = Command::new(program("mosquitto_pub")).args(["-p", &port, "-t", topic, "-m", payload]).status();
    assert!(sent.unwrap().success());
}

fn scenario(url: &str, mqtt: &str, target: &str, load: &str) -> String {
    format!(
        "name: devices\nseed: 5\ntargets: {{broker: {{protocol: mqtt, url: \"{url}\", mqtt: {{topic: up, {mqtt}}}, {target}}}}}\n\
         events: {{beat: {{body: {{id: \"${{event.id}}\", cpu: {{$uniform: [0, 1]}}}}}}}}\n\
         behaviors: {{beats: {{emit: {{event: beat}}}}}}\nworkloads: {{main: {{load: {{{load}}}}}}}\n"
    )
}

fn count_of(result: &RunResult, kind: FailureKind) -> u64 {
    result.failures.iter().find(|failure| failure.kind == kind).map_or(0, |failure| failure.count)
}

#[test]
fn every_message_reaches_mosquitto_at_each_quality_in_both_versions() {
    let home = Home::new();
    let broker = Mosquitto::start(&home, "");
    let witness = Subscriber::start(&home, &broker, &["-V", "5"]);
    for version in ["3.1.1", "5"] {
        for qos in 0..3 {
            let topic = format!("up/{}/{qos}/", version.replace('.', "-"));
            let mqtt = format!("version: \"{version}\", qos: {qos}, subscribe: [\"{topic}#\"], correlate: id");
            let text = scenario(&broker.url(), &mqtt, "connections: 4", "per_connection: 50/s, duration: 1s")
                .replace("topic: up", &format!("topic: \"{topic}${{user.id}}\""));
            let file = home.write("mqtt.yaml", &text);
            let ended = home.ended(&["run", &file, "-o", "result.json"]);
            assert_eq!(ended.code, Some(0), "{ended:?}");
            let result = home.result("result.json");
            assert_reconciles(&result);
            let sent = result.totals.events.sent;
            assert!(sent > 100, "{sent}");
            assert_eq!(result.totals.events.succeeded, sent, "{topic}: {:?}", result.failures);
            let heard = witness.heard(&topic, sent);
            assert_eq!(heard.len() as u64, sent, "{topic}: each event arrived");
            assert!(heard.values().all(|times| *times == 1), "{topic}: once");
            let streams = &result.streams;
            assert_eq!(streams.acknowledged, if qos > 0 { sent } else { 0 });
            assert_eq!((streams.delivered, streams.undelivered), (sent, 0), "{topic}");
            assert_eq!(result.latency.delivery.percentiles.count, sent);
            assert!(streams.errors.is_empty(), "{streams:?}");
        }
    }
}

#[test]
fn a_broker_that_dies_and_returns_costs_what_was_under_way_and_no_more() {
    let home = Home::new();
    let mut broker = Mosquitto::start(&home, "");
    let text = scenario(
        &broker.url(),
        "qos: 1",
        "connections: 5, reconnect: {delay: 100ms, max: 300ms}",
        "rate: 100/s, arrival: uniform, duration: 4s",
    );
    let file = home.write("mqtt.yaml", &text);
    let run = home.start(&["run", &file, "-o", "result.json"]);
    std::thread::sleep(Duration::from_millis(1_500));
    broker.signal(Signal::KILL);
    std::thread::sleep(Duration::from_millis(700));
    broker.again();
    let ended = run.ended();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let result = home.result("result.json");
    assert_reconciles(&result);
    let events = result.totals.events;
    assert!(result.connections.reopened >= 5, "{:?}", result.connections);
    assert!(result.connections.opened >= 10, "all five came back: {:?}", result.connections);
    let explained = count_of(&result, FailureKind::ConnectionReset) + count_of(&result, FailureKind::ConnectionRefused);
    assert_eq!(events.failed, explained, "{:?}", result.failures);
    assert!(events.failed > 0 && events.succeeded > 200, "{events:?}");
    let last = result.timeline.iter().rev().find(|row| row.events.sent > 0).unwrap();
    assert!(last.events.succeeded > 0, "it went on: {last:?}");
}

#[test]
fn a_kept_session_loses_nothing_when_the_broker_restarts() {
    for (version, qos) in [("3.1.1", 1), ("5", 2)] {
        let home = Home::new();
        let folder = format!("persistence true\npersistence_location {}/\n", home.path("").display());
        let mut broker = Mosquitto::start(&home, &folder);
        let witness = Subscriber::start(&home, &broker, &["-c", "-i", "witness"]);
        let mqtt = format!("qos: {qos}, version: \"{version}\", clean: false");
        let target = "connections: 3, reconnect: {delay: 100ms, max: 200ms}";
        let text = scenario(&broker.url(), &mqtt, target, "rate: 100/s, arrival: uniform, duration: 4s");
        let file = home.write("mqtt.yaml", &text);
        let run = home.start(&["run", &file, "-o", "result.json"]);
        std::thread::sleep(Duration::from_millis(1_500));
        // Told to end it writes down what it remembers.
        broker.signal(Signal::TERM);
        broker.again();
        let ended = run.ended();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let result = home.result("result.json");
        let events = result.totals.events;
        assert!(result.connections.reopened >= 3, "{:?}", result.connections);
        // Only what waited for a connection that could not be had has failed, and was never sent.
        assert_eq!(events.failed, count_of(&result, FailureKind::ConnectionRefused), "{:?}", result.failures);
        assert!(events.succeeded > 300, "{events:?}");
        let heard = witness.heard("up", events.succeeded);
        assert_eq!(heard.len() as u64, events.succeeded, "{version} at quality {qos}");
        if qos == 2 {
            assert!(heard.values().all(|times| *times == 1), "exactly once");
        }
    }
}

#[test]
fn who_may_not_enter_is_refused_by_name() {
    let home = Home::new();
    let passwords = home.write("passwords", "");
    let made = Command::new(program("mosquitto_passwd")).args(["-b", &passwords, "ann", "s3cret-w0rd"]).status();
    assert!(made.unwrap().success());
    let broker = Mosquitto::start(&home, &format!("allow_anonymous false\npassword_file {passwords}"));
    for (version, code) in [("3.1.1", 5), ("5", 135)] {
        for (password, fits) in [("s3cret-w0rd", true), ("wr0ng-w0rd", false)] {
            let target =
                format!("auth: {{basic: {{username: ann, password: {password}}}}}, reconnect: {{delay: 50ms}}");
            let mqtt = format!("qos: 1, version: \"{version}\"");
            let text = scenario(&broker.url(), &mqtt, &target, "rate: 50/s, arrival: uniform, duration: 500ms");
            let file = home.write("mqtt.yaml", &text);
            let ended = home.ended(&["run", &file, "-o", "result.json"]);
            assert_eq!(ended.code, Some(0), "{ended:?}");
            let result = home.result("result.json");
            let events = result.totals.events;
            let written = std::fs::read_to_string(home.path("result.json")).unwrap();
            assert!(!format!("{written}{}{}", ended.stdout, ended.stderr).contains(password), "no secret is shown");
            if fits {
                assert_eq!((events.succeeded, events.failed), (25, 0), "{:?}", result.failures);
            } else {
                assert_eq!(count_of(&result, FailureKind::HandshakeRefused), events.failed, "{:?}", result.failures);
                assert!(events.failed > 0 && events.succeeded == 0 && result.streams.refused[&code] >= 1);
                assert!(ended.stdout.contains(&format!("refused with {code} (not authorized)")), "{}", ended.stdout);
            }
        }
    }
}

#[test]
fn messages_are_kept_and_wills_are_done() {
    let home = Home::new();
    let broker = Mosquitto::start(&home, "");
    let witness = Subscriber::start(&home, &broker, &[]);
    let mqtt = "qos: 1, retain: true, client_id: \"phone-${index}\", \
                will: {topic: \"gone/${client.id}\", payload: \"${index} is gone\", qos: 1}";
    let text = scenario(
        &broker.url(),
        mqtt,
        "connections: 2, reconnect: {delay: 10ms}",
        "rate: 200/s, arrival: uniform, duration: 1s",
    )
    .replace(
        "workloads: {main: {",
        "faults: {cuts: [{drop_connection: {p: 0.05}}]}\nworkloads: {main: {faults: cuts, ",
    );
    let file = home.write("mqtt.yaml", &text);
    let ended = home.ended(&["run", &file, "-o", "result.json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let result = home.result("result.json");
    let cut = result.faults.iter().find(|row| row.kind.name() == "drop_connection").unwrap().applied;
    assert!(cut > 0);
    let heard = witness.heard("gone/", cut);
    assert_eq!(heard.values().sum::<u32>() as u64, cut, "one for each connection that was cut: {heard:?}");
    assert!(heard.keys().all(|line| line == "gone/phone-1 0 1 is gone" || line == "gone/phone-2 0 2 is gone"));
    // Who comes later hears the last message, marked as kept.
    let late = Subscriber::start(&home, &broker, &[]);
    assert_eq!(late.heard("up 1 ", 1).len(), 1);
}

#[test]
fn a_broker_behind_tls_is_spoken_to_with_its_authority_checked() {
    let home = Home::new();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    home.write("authority.pem", &issuer.pem());
    let (certificate, key) =
        (home.write("broker.pem", &certificate.pem()), home.write("broker.key", &key.serialize_pem()));
    let broker = Mosquitto::start(&home, &format!("certfile {certificate}\nkeyfile {key}"));
    let url = format!("mqtts://localhost:{}", broker.port);
    for (tls, fits) in [("authority: authority.pem", true), ("insecure: true", true), ("", false)] {
        let target = format!("connections: 2, tls: {{{tls}}}, connect_timeout: 3s");
        let text = scenario(&url, "qos: 1", &target, "rate: 50/s, arrival: uniform, duration: 500ms");
        let file = home.write("mqtt.yaml", &text);
        let ended = home.ended(&["run", &file, "-o", "result.json"]);
        if fits {
            assert_eq!(ended.code, Some(0), "{ended:?}");
            let result = home.result("result.json");
            assert_eq!(
                (result.totals.events.succeeded, result.totals.events.failed),
                (25, 0),
                "{tls}: {:?}",
                result.failures
            );
            assert_eq!(result.latency.tls.percentiles.count, 2);
        } else {
            assert_eq!(ended.code, Some(3), "a certificate that nobody vouches for: {ended:?}");
        }
    }
}
