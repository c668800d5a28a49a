//! What only an MQTT target has: topics, sessions, wills.

use crate::scenario::model::target::mqtt::{Mqtt, MqttVersion, is_filter, is_topic, refusals};
use crate::scenario::model::target::{Auth, Target, TokenVia};
use crate::scenario::validate::Findings;
use crate::tree::nearest;
use crate::units::Nanos;

/// Most messages without an acknowledgement: each has a number of 16 bits.
const MOST_IN_FLIGHT: u32 = 65_000;
/// Longest silence that the protocol can ask for.
const LONGEST_KEEPALIVE: Nanos = Nanos::from_secs(65_535);
const SECOND: u64 = 1_000_000_000;

pub(super) fn check(path: &str, target: &Target, findings: &mut Findings<'_>) {
    let mqtt = target.mqtt.clone().unwrap_or_default();
    check_identity(path, target, &mqtt, findings);
    for name in target.classify.keys().filter(|name| !refusals().any(|known| known == name.as_str())) {
        let hint = nearest::hint(name, refusals()).unwrap_or_else(|| "write QUOTA_EXCEEDED: throttled".to_owned());
        findings.error(format!("{path}.classify.{name}"), format!("`{name}` is no reason of a broker"), &hint);
    }
    let path = format!("{path}.mqtt");
    for (key, qos) in [("qos", Some(mqtt.qos)), ("will.qos", mqtt.will.as_ref().map(|will| will.qos))] {
        if let Some(qos) = qos.filter(|qos| *qos > 2) {
            findings.error(format!("{path}.{key}"), format!("quality of service is 0, 1 or 2, not {qos}"), "write 1");
        }
    }
    if let Some(topic) = &mqtt.topic {
        check_topic(&format!("{path}.topic"), topic, findings);
    }
    if let Some(will) = &mqtt.will {
        check_topic(&format!("{path}.will.topic"), &will.topic, findings);
    }
    for (index, filter) in mqtt.subscribe.iter().enumerate() {
        // What a template comes to is known when its client connects.
        if !filter.contains("${") && !is_filter(filter) {
            let message = format!("`{filter}` is no filter of topics");
            findings.error(format!("{path}.subscribe[{index}]"), message, "write devices/+/events or devices/#");
        }
    }
    match &mqtt.correlate {
        Some(_) if mqtt.subscribe.is_empty() => {
            let message = "nothing is heard without a subscription";
            findings.error(format!("{path}.correlate"), message, "add subscribe: [topic]");
        }
        Some(field) => {
            let place = format!("$.{}", field.trim_start_matches("$."));
            super::check_place(&format!("{path}.correlate"), &place, "write data.id", findings);
        }
        None => {}
    }
    if let Some(window) = mqtt.window.filter(|window| !(1..=MOST_IN_FLIGHT).contains(window)) {
        let message = format!("{window} is not between 1 and {MOST_IN_FLIGHT}");
        findings.error(format!("{path}.window"), message, "write 256");
    }
    check_session(&path, &mqtt, findings);
}

fn check_identity(path: &str, target: &Target, mqtt: &Mqtt, findings: &mut Findings<'_>) {
    if target.url.as_deref().is_some_and(|url| url.split_once("://").is_some_and(|(_, rest)| rest.contains(['/', '?'])))
    {
        findings.error(format!("{path}.url"), "a broker's address has no path", "write mqtt://host:1883");
    }
    match &target.auth {
        Auth::Bearer { via, .. } if *via == TokenVia::Query => {
            let message = "a broker's address has no query";
            findings.error(format!("{path}.auth.bearer.via"), message, "remove it: the token travels as the password");
        }
        Auth::ApiKey { header, .. } if header != "X-API-Key" => {
            let message = "a broker has no headers";
            findings.error(
                format!("{path}.auth.api_key.header"),
                message,
                "remove it: the key travels as the user name",
            );
        }
        Auth::None | Auth::Basic { .. } | Auth::Bearer { .. } | Auth::ApiKey { .. } => {}
    }
    let several = target.connections.is_some_and(|connections| connections > 1);
    match &mqtt.client_id {
        Some(id) if id.is_empty() => {
            findings.error(format!("{path}.mqtt.client_id"), "a client needs a name", "write device-${index}");
        }
        Some(id) if several && !id.contains("${") => {
            let message = "each client needs a name of its own: the broker throws out the other of the same name";
            findings.error(format!("{path}.mqtt.client_id"), message, &format!("write {id}-${{index}}"));
        }
        Some(_) | None => {}
    }
}

fn check_session(path: &str, mqtt: &Mqtt, findings: &mut Findings<'_>) {
    if let Some(keepalive) = mqtt.keepalive {
        let place = format!("{path}.keepalive");
        if keepalive < Nanos(SECOND) || keepalive > LONGEST_KEEPALIVE {
            findings.error(place, format!("{keepalive} is not between 1s and 65535s"), "write 60s");
        } else if !keepalive.0.is_multiple_of(SECOND) {
            findings.error(place, "the protocol knows whole seconds only", "write 60s");
        }
    }
    if let Some(expiry) = mqtt.session_expiry {
        let place = format!("{path}.session_expiry");
        if mqtt.version != MqttVersion::V5 {
            findings.error(place, "only version 5 can say how long a session is kept", "write version: 5");
        } else if mqtt.clean != Some(false) {
            findings.error(place, "a clean session is not kept", "write clean: false");
        } else if expiry < Nanos(SECOND) || expiry.0 / SECOND > u64::from(u32::MAX - 1) {
            findings.error(place, format!("{expiry} is not between 1s and 49710d"), "write 1h");
        }
    }
}

/// What can be said of a topic before its template is filled in.
fn check_topic(path: &str, topic: &str, findings: &mut Findings<'_>) {
    if topic.is_empty() {
        findings.error(path, "a topic says something", "write devices/events");
    } else if !topic.contains("${") && !is_topic(topic.as_bytes()) {
        findings.error(
            path,
            format!("nobody can publish to `{topic}`: wildcards are for filters"),
            "write devices/events",
        );
    }
}
