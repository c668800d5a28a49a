//! Messages that are not HTTP, as commands of the tools that people have for them: websocat and the clients of Mosquitto.

use crate::scenario::model::target::mqtt::MqttVersion;
use crate::scenario::model::target::{Auth, Target, TokenVia};

use super::{literal, quoted};

/// Where brokers listen, without and with TLS.
const PORTS: [(&str, &str); 2] = [("mqtt://", "1883"), ("mqtts://", "8883")];

/// A message over a WebSocket.
pub(super) fn websocket(target: &Target, body: &[u8], api_key: Option<&str>) -> String {
    let mut url = target.url.clone().unwrap_or_else(|| "ws://localhost".to_owned());
    let mut messages = vec![literal(&String::from_utf8_lossy(body))];
    // One message in, one answer out.
    let mut parts = vec!["websocat -n1".to_owned()];
    // The equals sign keeps websocat from taking what follows for another header.
    let header = |name: &str, value: &str| format!("-H={}", quoted(&format!("{name}: {value}")));
    if target.tls.as_ref().is_some_and(|tls| tls.insecure) {
        parts.push("-k".to_owned());
    }
    if let Some(protocol) = target.ws.as_ref().and_then(|ws| ws.subprotocol.as_ref()) {
        parts.push(format!("--protocol {}", literal(protocol)));
    }
    match &target.auth {
        Auth::None => {}
        Auth::Basic { username, password } => {
            parts.push(format!("--basic-auth {}", quoted(&format!("{username}:{password}"))));
        }
        Auth::Bearer { token, via: TokenVia::Query } => {
            let join = if url.contains('?') { '&' } else { '?' };
            url = format!("{url}{join}token={token}");
        }
        Auth::Bearer { token, via: TokenVia::Header } => {
            parts.push(header("Authorization", &format!("Bearer {token}")))
        }
        Auth::Bearer { token, via: TokenVia::Message } => {
            messages.insert(0, quoted(&format!("{{\"type\":\"authenticate\",\"token\":\"{token}\"}}")));
            // Who says who he is gets more than one answer, or none to that.
            parts[0] = "websocat -n".to_owned();
        }
        Auth::ApiKey { header: name, value, .. } => parts.push(header(name, api_key.unwrap_or(value))),
    }
    parts.extend(target.headers.iter().map(|(name, value)| header(name, value)));
    parts.push(quoted(&url));
    format!("printf '%s\\n' {} \\\n  | {}", messages.join(" "), parts.join(" "))
}

/// A message through a broker, to the topic that it is published to.
pub(super) fn mqtt(target: &Target, topic: &[u8], body: &[u8], api_key: Option<&str>) -> String {
    let url = target.url.as_deref().unwrap_or("mqtt://localhost");
    let secure = url.starts_with("mqtts://");
    let (scheme, port) = PORTS[usize::from(secure)];
    let address = url.strip_prefix(scheme).unwrap_or(url).split('/').next().unwrap_or_default();
    let (host, port) = address.rsplit_once(':').unwrap_or((address, port));
    let mut parts = vec![format!("mosquitto_pub -h {} -p {}", literal(host), literal(port))];
    let settings = target.mqtt.clone().unwrap_or_default();
    if settings.version == MqttVersion::V5 {
        parts.push("-V 5".to_owned());
    }
    match &target.auth {
        Auth::None => {}
        Auth::Basic { username, password } => {
            parts.push(format!("-u {} -P {}", quoted(username), quoted(password)));
        }
        // A broker knows a name and a password: a key is the one, a token the other.
        Auth::ApiKey { value, .. } => parts.push(format!("-u {}", quoted(api_key.unwrap_or(value)))),
        Auth::Bearer { token, .. } => parts.push(format!("-u token -P {}", quoted(token))),
    }
    if let Some(tls) = target.tls.as_ref().filter(|_| secure) {
        for (flag, file) in [("--cafile", &tls.authority), ("--cert", &tls.certificate), ("--key", &tls.key)] {
            parts.extend(file.as_ref().map(|file| format!("{flag} {}", literal(file))));
        }
        if tls.insecure {
            parts.push("--insecure".to_owned());
        }
    }
    let retain = if settings.retain { " -r" } else { "" };
    parts.push(format!("-q {}{retain} -t {}", settings.qos, literal(&String::from_utf8_lossy(topic))));
    parts.push(format!("-m {}", literal(&String::from_utf8_lossy(body))));
    parts.join(" \\\n  ")
}

#[cfg(test)]
mod tests {
    use crate::compile::compile;
    use crate::scenario::LoadOptions;

    use super::*;

    fn target(text: &str) -> Target {
        let scenario = format!(
            "{{targets: {{t: {text}}}, events: {{e: {{topic: from/event, body: {{n: 1}}}}}}, \
             behaviors: {{b: {{emit: {{event: e}}}}}}, workloads: {{w: {{load: {{rate: 1/s, duration: 1m}}}}}}}}"
        );
        let compiled = compile(&scenario, &LoadOptions::new("test"), 1);
        assert!(compiled.scenario.is_some(), "{:#?}", compiled.problems);
        compiled.scenario.unwrap().targets["t"].clone()
    }

    #[test]
    fn a_message_for_a_websocket_keeps_its_address_and_says_who_sends_it() {
        let plain = target("{protocol: ws, url: 'ws://localhost:8000/sync/?device=a'}");
        let command = websocket(&plain, b"{\"n\":\"it's\"}", None);
        assert_eq!(
            command,
            "printf '%s\\n' '{\"n\":\"it'\\''s\"}' \\\n  | websocat -n1 'ws://localhost:8000/sync/?device=a'"
        );
        let auth = "{protocol: ws, url: 'ws://localhost:8000', auth: {bearer: {token: '${env.TOKEN}', via: message}}}";
        let command = websocket(&target(auth), b"{}", None);
        let first = r#""{\"type\":\"authenticate\",\"token\":\"${TOKEN}\"}""#;
        assert!(command.contains(first) && command.contains("websocat -n 'ws:"), "{command}");
    }

    #[test]
    fn a_message_for_a_broker_has_its_topic_and_quality() {
        let auth = "auth: {basic: {username: me, password: '${env.PASSWORD}'}}";
        let broker =
            target(&format!("{{protocol: mqtt, url: 'mqtt://localhost', {auth}, mqtt: {{topic: a/b, qos: 1}}}}"));
        let command = mqtt(&broker, b"a/b", b"{}", None);
        assert!(command.starts_with("mosquitto_pub -h 'localhost' -p '1883' "), "{command}");
        assert!(command.contains("-u 'me' -P \"${PASSWORD}\"") && command.contains("-q 1 -t 'a/b'"), "{command}");
        let own = target("{protocol: mqtt, url: 'mqtt://localhost:1999'}");
        assert!(mqtt(&own, b"from/event", b"{}", None).contains("-p '1999' \\\n  -q 0 -t 'from/event'"));
    }
}
