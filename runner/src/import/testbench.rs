//! Scenarios of the stream testbench: WebSocket, MQTT or both, with faults and validation.

use shared::tree::Node;

use super::Notes;
use super::build::{Map, literal_text, rate, slug, span};
use super::config::Config;

const UNKNOWN: &str = "the testbench ignores it too; left out";
/// The answers that an MQTT client listens for.
const ANSWERS: [&str; 3] = ["response/acknowledgement", "response/status", "graphql/mutation/status"];
const TOPIC: &str = "graphql/mutation";

/// The protocols of a scenario.
#[derive(Clone, Copy, PartialEq)]
enum Via {
    WebSocket,
    Mqtt,
    Http,
}

/// The scenario of a testbench's scenario.
///
/// # Errors
///
/// A field that the testbench insists on is missing.
pub(super) fn scenario(root: &Node, secrets: Secrets, notes: &mut Notes) -> Result<Node, String> {
    let mut config = Config::new(root, notes);
    let name = config.text("name").ok_or("it has no `name`")?;
    let description = config.text("description").unwrap_or_default();
    let endpoint = config.text("endpoint").ok_or("it has no `endpoint`")?;
    let ways = match config.text("protocol").ok_or("it has no `protocol`")?.to_ascii_uppercase().as_str() {
        "WEBSOCKET" => vec![Via::WebSocket],
        "MQTT" => vec![Via::Mqtt],
        "HTTP" => vec![Via::Http],
        "MIXED" => vec![Via::WebSocket, Via::Mqtt],
        other => return Err(format!("there is no protocol {other}; write WEBSOCKET, MQTT, HTTP or MIXED")),
    };
    let load = load(&mut config)?;
    let connections = config.count("connections").unwrap_or(1);
    let payloads = payloads(&mut config);
    let faults = faults(&mut config);
    let auth = Auth::of(&mut config, secrets);
    let reconnect = reconnect(&mut config);
    let checks = checks(&mut config);
    let (mut targets, mut events, mut behaviors, mut workloads) = (Map::new(), Map::new(), Map::new(), Map::new());
    if ways.len() > 1 {
        config.notes.add("protocol", "both protocols use the one endpoint, as the testbench does; change one of them");
        if connections > 1 {
            config.notes.add("connections", "each protocol holds half of them");
        }
    }
    let share = (connections / ways.len() as i64).max(1);
    for via in ways {
        let key = via.key();
        let mut target = target(via, &endpoint, share, auth.as_ref(), &mut config);
        if via != Via::Http {
            target.put("reconnect", Map::new().with("delay", reconnect.as_str()));
        }
        targets.put(key, target);
        events.put(via.event(), Map::new().with("body", via.body(&payloads)));
        behaviors.put(key, Map::new().with("emit", Map::new().with("event", via.event())));
        let mut workload = Map::new().with("target", key).with("behavior", key);
        if !faults.is_empty() {
            workload.put("faults", "injected");
        }
        workloads.put(key, workload.with("load", load.clone()));
    }
    config.finish(UNKNOWN);
    let mut document = Map::new().with("version", 1_i64).with("name", slug(&name));
    let described = if description.is_empty() { name.clone() } else { format!("{name}: {description}") };
    document.put("description", described);
    document.put("targets", targets);
    document.put("events", events);
    document.put("behaviors", behaviors);
    if !faults.is_empty() {
        document.put("faults", Map::new().with("injected", faults));
    }
    document.put("workloads", workloads);
    document.put("checks", checks);
    Ok(document.with("outputs", Map::new().with("results", "results.json")).node())
}

fn load(config: &mut Config<'_>) -> Result<Map, String> {
    let per_second = config.amount("rates.messagesPerSecond").ok_or("it has no `rates.messagesPerSecond`")?;
    let seconds = config.amount("duration_seconds").ok_or("it has no `duration_seconds`")?;
    let mut load = Map::new().with("per_connection", rate(per_second)).with("duration", span(seconds));
    let up = config.amount("rates.rampUpSeconds").unwrap_or(10.0);
    let down = config.amount("rates.rampDownSeconds").unwrap_or(10.0);
    if up + down > seconds {
        config.notes.add("rates", "the ramps are longer than the whole; they are left out");
    } else if up + down > 0.0 {
        load.put("ramp", Map::new().with("up", span(up)).with("down", span(down)));
    }
    if let Some(factor) = config.amount("rates.burstMultiplier").filter(|factor| *factor != 1.0) {
        config.notes.add("rates.burstMultiplier", "it has no period: 5 seconds of every minute are a burst");
        load.put("burst", Map::new().with("factor", factor).with("every", "1m").with("lasts", "5s"));
    }
    config.notes.add("rates.messagesPerSecond", "it is meant for each connection, as the testbench does it");
    Ok(load)
}

fn payloads(config: &mut Config<'_>) -> Vec<String> {
    let names = config.texts("payloads").unwrap_or_default();
    let known = ["VOICE_DATA", "BEHAVIORAL_DATA", "SESSION_DATA", "METRICS", "HEARTBEAT", "CUSTOM"];
    let (good, wrong): (Vec<String>, Vec<String>) =
        names.into_iter().partition(|name| known.contains(&name.to_ascii_uppercase().as_str()));
    for name in wrong {
        config.notes.add("payloads", format!("there is no payload {name}; left out"));
    }
    good.into_iter().map(|name| name.to_ascii_uppercase()).collect()
}

impl Via {
    fn key(self) -> &'static str {
        match self {
            Self::WebSocket => "ws",
            Self::Mqtt => "mqtt",
            Self::Http => "http",
        }
    }

    fn event(self) -> &'static str {
        match self {
            Self::WebSocket => "sync_data",
            Self::Mqtt => "graphql_mutation",
            Self::Http => "message",
        }
    }

    fn body(self, payloads: &[String]) -> Map {
        let mqtt = self == Self::Mqtt;
        let now = || Map::new().with("$now", "epoch_ms");
        let uuid = || Map::new().with("$uuid", Map::new().with("v", 4_i64));
        let mut data = Map::new().with("timestamp", now());
        data = match mqtt {
            true => data.with("messageId", uuid()).with("clientId", "${user.id}"),
            false => data.with("message_id", uuid()).with("connection_type", "websocket"),
        };
        for name in payloads {
            let (key, fields) = payload(name, mqtt);
            data.put(key, fields);
        }
        if mqtt {
            return Map::new()
                .with("serviceName", "streamtestbench")
                .with("uuids", vec![uuid()])
                .with("query", "mutation Sync($input: SyncInput!) { sync(input: $input) { id } }")
                .with("variables", Map::new().with("input", data))
                .with("timestamp", now());
        }
        Map::new().with("type", "sync_data").with("correlation_id", uuid()).with("timestamp", now()).with("data", data)
    }
}

/// A payload's key and its draws; the MQTT form has names of its own.
fn payload(name: &str, mqtt: bool) -> (&'static str, Map) {
    let int = |low: i64, high: i64| Map::new().with("$int", vec![low, high]);
    let share = |low: f64, high: f64| Map::new().with("$uniform", vec![low, high]).with("round", 3_i64);
    let pick = |items: &[&str]| Map::new().with("$pick", items.to_vec());
    let key = |snake: &'static str, camel: &'static str| if mqtt { camel } else { snake };
    match name {
        "VOICE_DATA" => {
            let mut fields = Map::new()
                .with(key("quality_score", "qualityScore"), share(0.5, 1.0))
                .with(key("duration_ms", "durationMs"), int(100, 4_999))
                .with(key("confidence_score", "confidenceScore"), share(0.6, 1.0));
            if !mqtt {
                fields.put("verified", Map::new().with("$bool", 0.5));
            }
            (key("voice_data", "voiceData"), fields)
        }
        "BEHAVIORAL_DATA" => {
            let kinds: &[&str] = if mqtt {
                &["interaction", "navigation", "task_completion"]
            } else {
                &["click", "swipe", "tap", "scroll"]
            };
            let fields = Map::new()
                .with(key("event_type", "eventType"), pick(kinds))
                .with(key("interaction_count", "interactionCount"), int(1, 49))
                .with(key("session_duration_ms", "sessionDurationMs"), int(1_000, 59_999));
            (key("behavioral_data", "behavioralData"), fields)
        }
        "SESSION_DATA" => {
            let fields = Map::new()
                .with(key("session_id", "sessionId"), Map::new().with("$uuid", Map::new().with("v", 4_i64)))
                .with("status", pick(&["active", "idle", "terminated"]))
                .with(key("event_count", "eventCount"), int(1, 99));
            (key("session_data", "sessionData"), fields)
        }
        "METRICS" => {
            let fields = Map::new()
                .with(key("cpu_usage", "cpuUsage"), share(0.0, 100.0))
                .with(key("memory_usage", "memoryUsage"), share(0.0, 100.0))
                .with(key("network_latency", "networkLatency"), int(10, 499));
            ("metrics", fields)
        }
        "HEARTBEAT" => {
            let uptime = Map::new().with("$now", "epoch_ms");
            ("heartbeat", Map::new().with("status", "alive").with(key("uptime_ms", "uptimeMs"), uptime))
        }
        _ => {
            let fields = Map::new()
                .with(key("test_field", "testField"), "test_value")
                .with(key("random_number", "randomNumber"), int(i64::from(i32::MIN), i64::from(i32::MAX)));
            (key("custom_data", "customData"), fields)
        }
    }
}

fn target(via: Via, endpoint: &str, connections: i64, auth: Option<&Auth>, config: &mut Config<'_>) -> Map {
    let (scheme, rest) = endpoint.split_once("://").unwrap_or(("", endpoint));
    let secure = matches!(scheme, "wss" | "ssl" | "https" | "mqtts");
    let scheme = match (via, secure) {
        (Via::WebSocket, false) => "ws",
        (Via::WebSocket, true) => "wss",
        (Via::Mqtt, false) => "mqtt",
        (Via::Mqtt, true) => "mqtts",
        (Via::Http, false) => "http",
        (Via::Http, true) => "https",
    };
    let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
    let path = if via == Via::Mqtt || path.is_empty() { String::new() } else { format!("/{path}") };
    let host = if host.contains(':') || via != Via::WebSocket { host.to_owned() } else { format!("{host}:8000") };
    let mut target = Map::new()
        .with("protocol", via.key())
        .with("url", format!("{scheme}://{host}{path}"))
        .with("connections", connections);
    match via {
        Via::Mqtt => {
            let mqtt = Map::new()
                .with("topic", TOPIC)
                .with("qos", 1_i64)
                .with("clean", true)
                .with("keepalive", "1m")
                .with("subscribe", ANSWERS.to_vec())
                // The service repeats them in its acknowledgement.
                .with("correlate", "uuids[0]");
            target.put("mqtt", mqtt);
            target.put("connect_timeout", "30s");
        }
        Via::Http => config.notes.add("protocol", "the testbench never had HTTP; messages are posted to the endpoint"),
        // The service repeats nothing of a message, but answers one after the other.
        Via::WebSocket => target.put("ws", Map::new().with("replies", "order")),
    }
    if let Some(auth) = auth {
        target.put("auth", auth.node(via));
    }
    target
}

/// What becomes of secrets that stand in a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Secrets {
    /// They are left to the environment: the scenario will be written down.
    ToEnvironment,
    /// They are taken as they are: the scenario stays in memory.
    Kept,
}

/// Who the scenario says it is, by secrets or by references to them.
enum Auth {
    Bearer(String),
    Basic(String, String),
    ApiKey(String, String),
}

impl Auth {
    fn of(config: &mut Config<'_>, secrets: Secrets) -> Option<Self> {
        let kind = config.text("authentication.type")?.to_ascii_uppercase();
        let mut secret = |name: &str, what: &str, variable: &str| {
            let path = format!("authentication.credentials.{name}");
            if secrets == Secrets::Kept
                && let Some(value) = config.text(&path)
            {
                return literal_text(&value);
            }
            config.refuse(&path, &format!("the {what} is not written down; set the environment variable {variable}"));
            format!("${{env.{variable}}}")
        };
        match kind.as_str() {
            "NONE" => {
                config.refuse("authentication.credentials", "nobody needs them");
                None
            }
            "BEARER_TOKEN" => Some(Self::Bearer(secret("token", "token", "TOKEN"))),
            "BASIC_AUTH" => {
                let password = secret("password", "password", "PASSWORD");
                let username = config.text("authentication.credentials.username").unwrap_or_default();
                Some(Self::Basic(username, password))
            }
            "API_KEY" => {
                let key = secret("api_key", "key", "API_KEY");
                Some(Self::ApiKey(key, secret("api_secret", "secret", "API_SECRET")))
            }
            other => {
                config.notes.add("authentication.type", format!("there is no type {other}; nobody is authenticated"));
                None
            }
        }
    }

    fn node(&self, via: Via) -> Map {
        match (self, via) {
            (Self::Bearer(token), Via::WebSocket) => {
                Map::new().with("bearer", Map::new().with("token", token.as_str()).with("via", "message"))
            }
            (Self::Bearer(token), Via::Mqtt | Via::Http) => {
                Map::new().with("bearer", Map::new().with("token", token.as_str()))
            }
            (Self::Basic(username, password), _) => {
                let basic = Map::new().with("username", literal_text(username)).with("password", password.as_str());
                Map::new().with("basic", basic)
            }
            // A broker knows names and passwords only.
            (Self::ApiKey(key, secret), Via::Mqtt) => {
                let basic = Map::new().with("username", key.as_str()).with("password", secret.as_str());
                Map::new().with("basic", basic)
            }
            (Self::ApiKey(key, _), Via::WebSocket | Via::Http) => {
                Map::new().with("api_key", Map::new().with("header", "X-API-Key").with("value", key.as_str()))
            }
        }
    }
}

/// A probability, cut to its range.
fn probability(config: &mut Config<'_>, path: &str, usual: f64) -> f64 {
    let p = config.number(path).unwrap_or(usual);
    if !(0.0..=1.0).contains(&p) {
        config.notes.add(path, format!("{p} is no probability; cut to 0..1"));
    }
    p.clamp(0.0, 1.0)
}

fn faults(config: &mut Config<'_>) -> Vec<Map> {
    if config.flag("failureInjection.enabled") != Some(true) {
        config.refuse("failureInjection", "it is not enabled; left out");
        return Vec::new();
    }
    let mut faults = Vec::new();
    if config.flag("failureInjection.networkDelays.enabled") == Some(true) {
        let p = probability(config, "failureInjection.networkDelays.probability", 0.05);
        let low = config.amount("failureInjection.networkDelays.rangeMs.start").unwrap_or(50.0);
        let high = config.amount("failureInjection.networkDelays.rangeMs.endInclusive").unwrap_or(500.0);
        if low > high {
            config.notes.add("failureInjection.networkDelays.rangeMs", "its ends are swapped");
        }
        let (low, high) = (low.min(high), high.max(low));
        let by = Map::new().with("$uniform", vec![span(low / 1_000.0), span(high / 1_000.0)]);
        faults.push(Map::new().with("delay", Map::new().with("p", p).with("by", by)));
    } else {
        config.refuse("failureInjection.networkDelays", "they are not enabled; left out");
    }
    if config.get("failureInjection.duplicateMessages").is_some() {
        let p = probability(config, "failureInjection.duplicateMessages.probability", 0.01);
        let most = config.count("failureInjection.duplicateMessages.maxDuplicates").unwrap_or(3);
        let times = Map::new().with("$int", vec![1, most]);
        faults.push(Map::new().with("duplicate", Map::new().with("p", p).with("times", times)));
        config.notes.add("failureInjection.duplicateMessages", "copies are of the same bytes and id, not new messages");
    }
    if config.get("failureInjection.schemaDrift").is_some() {
        let p = probability(config, "failureInjection.schemaDrift.probability", 0.001);
        let mutations = mutations(config);
        if mutations.is_empty() {
            config.notes.add("failureInjection.schemaDrift", "it has no mutations; left out");
        } else {
            faults.push(Map::new().with("drift", Map::new().with("p", p).with("mutations", mutations)));
        }
    }
    if config.get("failureInjection.connectionDrops").is_some() {
        let p = probability(config, "failureInjection.connectionDrops.probability", 0.001);
        faults.push(Map::new().with("drop_connection", Map::new().with("p", p)));
    }
    faults
}

fn mutations(config: &mut Config<'_>) -> Vec<Map> {
    let mut mutations = Vec::new();
    let path = "failureInjection.schemaDrift.mutations";
    for (index, mutation) in config.get(path).and_then(Node::as_list).unwrap_or_default().iter().enumerate() {
        let place = format!("{path}[{index}]");
        let text = |key: &str| mutation.get(key).and_then(Node::as_str);
        let (Some(kind), Some(field)) = (text("type"), text("fieldPath")) else {
            config.notes.add(place, "it has no type or no fieldPath; left out");
            continue;
        };
        let value = mutation.get("newValue").cloned();
        let made = match kind {
            "ADD_FIELD" => {
                let value = text("newValue").map_or_else(|| "drift".to_owned(), literal_text);
                Map::new().with("add_field", Map::new().with("path", field).with("value", value))
            }
            "REMOVE_FIELD" => Map::new().with("remove_field", Map::new().with("path", field)),
            "CHANGE_TYPE" => {
                let to = text("newValue").map(str::to_ascii_lowercase);
                let known = ["string", "number", "boolean", "null", "list"];
                let to = to.filter(|to| known.contains(&to.as_str())).unwrap_or_else(|| {
                    config.notes.add(&place, "it names no type; the field becomes text");
                    "string".to_owned()
                });
                Map::new().with("change_type", Map::new().with("path", field).with("to", to))
            }
            "RENAME_FIELD" => match text("newValue") {
                Some(to) => Map::new().with("rename_field", Map::new().with("path", field).with("to", to)),
                None => {
                    config.notes.add(place, "it has no newValue to rename the field to; left out");
                    continue;
                }
            },
            other => {
                config.notes.add(place, format!("there is no mutation {other}; left out"));
                continue;
            }
        };
        if value.is_some_and(|value| value.as_str().is_none()) {
            config.notes.add(place, "its newValue is no text; left out");
        }
        mutations.push(made);
    }
    mutations
}

fn reconnect(config: &mut Config<'_>) -> String {
    // The part may have been refused as a whole; then the usual delay holds.
    let millis = config.amount("failureInjection.connectionDrops.reconnectDelayMs").unwrap_or(1_000.0);
    span(millis / 1_000.0)
}

fn checks(config: &mut Config<'_>) -> Vec<Map> {
    let mut checks = Vec::new();
    if config.flag("validation.validateResponses").unwrap_or(true) {
        let status = match config.get("validation.expectedStatusCodes").and_then(Node::as_list) {
            Some(codes) => codes.iter().filter_map(Node::as_f64).map(|code| code as i64).collect(),
            None => vec![200, 201, 202],
        };
        let status: Vec<i64> = status.into_iter().filter(|code| (100..600).contains(code)).collect();
        let latency = config.amount("validation.maxLatencyMs").unwrap_or(1_000.0);
        let mut expect = Map::new().with("status", status).with("max_latency", span(latency / 1_000.0));
        if let Some(fields) = config.texts("validation.requiredFields").filter(|fields| !fields.is_empty()) {
            expect.put("required", fields);
        }
        checks.push(Map::new().with("expect", expect).with("severity", "warn"));
    } else {
        config.refuse("validation", "answers are not validated, as it says");
    }
    let gate = Map::new().with("metric", "error_rate").with("max", 0.1).with("severity", "fail");
    checks.push(gate);
    checks
}
