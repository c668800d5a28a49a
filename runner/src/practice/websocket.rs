//! WebSockets of the practice target: the messages of a mobile synchronisation service, with its refusals, heartbeats,
//! rate limit and close codes.
//!
//! Kinder than the service it is modelled on in two things: a device need not name itself, and answers repeat the
//! `correlation_id` of the message, so that both kinds of pairing can be tried. Framing is tungstenite's, not that of
//! the generator: two implementations watch each other.

use std::collections::{HashSet, VecDeque};
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::{SinkExt as _, StreamExt as _};
use serde::de::IgnoredAny;
use shared::encode::Pointer;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};

use super::gate::{Decision, Fate};
use super::intake::Verdict;
use super::site::Site;

/// Header lines read of a handshake.
const MAX_HEADERS: usize = 64;
/// The longest message.
const MAX_MESSAGE: usize = 1024 * 1024;
/// Bytes read at a time: thousands of connections must fit.
const READ: usize = 8 * 1024;
/// Sync sessions remembered for one connection.
const MAX_SESSIONS: usize = 1_000;
/// Refusals for the rate after which the connection is closed.
const REFUSALS: u32 = 3;
/// How often the target says that it is there, and how long it waits for anything of the client.
const HEARTBEAT: Duration = Duration::from_secs(30);
const SILENCE: Duration = Duration::from_secs(300);
/// Close codes: too many messages, silence, a message that the service trips over, an end that the settings draw.
const TOO_MANY: u16 = 4429;
const TOO_QUIET: u16 = 4408;
const TRIPPED: u16 = 1011;
const GOING_AWAY: u16 = 1001;

/// Serves a connection whose first request asks for a WebSocket; `head` is that request, `rest` what came after it.
pub(super) async fn serve(mut stream: TcpStream, head: &[u8], rest: &[u8], site: Rc<Site>) {
    let answer = match Asked::read(head) {
        Ok(asked) => asked,
        Err(status) => {
            let refusal = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _gone = stream.write_all(refusal.as_bytes()).await;
            return;
        }
    };
    if stream.write_all(answer.accepted().as_bytes()).await.is_err() {
        return;
    }
    let config = WebSocketConfig::default()
        .read_buffer_size(READ)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    let socket = WebSocketStream::from_partially_read(stream, rest.to_vec(), Role::Server, Some(config)).await;
    Connection::new(socket, answer.device, site).run().await;
}

/// What a handshake asks for.
struct Asked {
    key: String,
    protocol: Option<String>,
    device: String,
}

impl Asked {
    /// Reads a handshake; the status line of the refusal otherwise.
    fn read(head: &[u8]) -> Result<Self, &'static str> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        if parsed.parse(head).is_err() {
            return Err("400 Bad Request");
        }
        let target = parsed.path.unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let place = path.trim_matches('/');
        // Scenarios of the testbench that name no path mean the only one that there is.
        let known = ["", "ws/mobile/sync", "ws/streamlab/metrics"].contains(&place)
            || ["ws/mobile/device/", "ws/mobile/user/"].iter().any(|start| place.starts_with(start));
        // These are for the staff only.
        let staff = ["ws/mobile/system", "ws/streamlab/anomalies"].contains(&place);
        let device = query.split('&').find_map(|pair| pair.strip_prefix("device_id=")).unwrap_or_default();
        let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        let named = query.contains("device_id=");
        if staff || (named && (device.is_empty() || device.len() > 255 || !device.bytes().all(sound))) {
            return Err("403 Forbidden");
        }
        if !known {
            return Err("404 Not Found");
        }
        let header = |name: &str| {
            let found = parsed.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
            found.and_then(|header| std::str::from_utf8(header.value).ok()).map(str::to_owned)
        };
        let key = header("sec-websocket-key").ok_or("400 Bad Request")?;
        let protocol =
            header("sec-websocket-protocol").and_then(|all| all.split(',').next().map(|one| one.trim().to_owned()));
        Ok(Self { key, protocol, device: device.to_owned() })
    }

    fn accepted(&self) -> String {
        let key = derive_accept_key(self.key.as_bytes());
        let protocol =
            self.protocol.as_ref().map(|name| format!("sec-websocket-protocol: {name}\r\n")).unwrap_or_default();
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
             sec-websocket-accept: {key}\r\n{protocol}\r\n"
        )
    }
}

/// What a connection does next.
enum Next {
    Answer(String),
    Silence,
    Close(u16),
    Drop,
}

/// Something to do at its moment.
struct Due {
    at: Instant,
    next: Next,
    /// Messages that it acknowledges; none where it answers no message.
    acknowledged: Option<u64>,
}

struct Connection {
    socket: WebSocketStream<TcpStream>,
    device: String,
    site: Rc<Site>,
    sessions: HashSet<Vec<u8>>,
    refused: u32,
    /// Answers in the order of their messages, each with its moment.
    answers: VecDeque<Due>,
    places: Places,
}

/// Where things stand in a message.
struct Places {
    kind: Pointer,
    correlation: Pointer,
    sync: Pointer,
    request: Pointer,
    conflict: Pointer,
    strategy: Pointer,
    client_time: Pointer,
    events: Pointer,
}

impl Places {
    fn new() -> Option<Self> {
        let place = |name: &str| name.parse().ok();
        Some(Self {
            kind: place("type")?,
            correlation: place("correlation_id")?,
            sync: place("sync_id")?,
            request: place("request_id")?,
            conflict: place("conflict_id")?,
            strategy: place("resolution_strategy")?,
            client_time: place("client_time")?,
            events: place("event_types")?,
        })
    }
}

impl Connection {
    fn new(socket: WebSocketStream<TcpStream>, device: String, site: Rc<Site>) -> Self {
        #[expect(clippy::expect_used, reason = "the paths are written above and parse")]
        let places = Places::new().expect("the paths are sound");
        Self { socket, device, site, sessions: HashSet::new(), refused: 0, answers: VecDeque::new(), places }
    }

    async fn run(mut self) {
        self.exchange().await;
        // What is still to be said reaches nobody.
        for due in self.answers.drain(..) {
            if let Some(acknowledged) = due.acknowledged {
                self.site.answered(matches!(due.next, Next::Silence), acknowledged);
            }
        }
    }

    async fn exchange(&mut self) {
        let features = r#"{"real_time_sync":true,"push_notifications":true,"bi_directional_sync":true,"conflict_resolution":true}"#;
        let device = serde_json::Value::from(self.device.as_str());
        let greeting = format!(
            r#"{{"type":"connection_established","user_id":1,"device_id":{device},"server_time":{},"features":{features}}}"#,
            now()
        );
        if self.socket.send(Message::text(greeting)).await.is_err() {
            return;
        }
        let mut heartbeat = tokio::time::interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        let mut heard = Instant::now();
        loop {
            let due = self.answers.front().map_or_else(|| Instant::now() + SILENCE, |due| due.at);
            tokio::select! {
                message = self.socket.next() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => self.hear(text.as_bytes()).await,
                        Some(Ok(Message::Binary(bytes))) => self.hear(&bytes).await,
                        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                        Some(Ok(Message::Close(_)) | Err(_)) | None => {
                            // Lets the answer to the close go out.
                            let _gone = self.socket.flush().await;
                            return;
                        }
                    }
                }
                () = tokio::time::sleep_until(due), if !self.answers.is_empty() => {
                    if self.answer().await.is_err() {
                        return;
                    }
                }
                _tick = heartbeat.tick() => {
                    let beat = format!(r#"{{"type":"server_heartbeat","server_time":{}}}"#, now());
                    if heard.elapsed() >= SILENCE {
                        self.close(TOO_QUIET).await;
                        return;
                    }
                    if self.socket.send(Message::text(beat)).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Sends every answer whose moment has come; an error ends the connection.
    async fn answer(&mut self) -> Result<(), ()> {
        let now = Instant::now();
        let (mut fed, mut outcome) = (Vec::new(), Ok(()));
        while outcome.is_ok()
            && let Some(Due { next, acknowledged, .. }) = self.answers.pop_front_if(|due| due.at <= now)
        {
            match next {
                Next::Answer(text) => {
                    outcome = self.socket.feed(Message::text(text)).await.map_err(|_gone| ());
                    fed.extend(acknowledged);
                }
                Next::Silence => fed.extend(acknowledged),
                Next::Close(code) => {
                    self.close(code).await;
                    acknowledged.into_iter().for_each(|acknowledged| self.site.answered(true, acknowledged));
                    outcome = Err(());
                    // What was fed before it went out with it.
                    fed.drain(..).for_each(|acknowledged| self.site.answered(true, acknowledged));
                }
                Next::Drop => {
                    acknowledged.into_iter().for_each(|acknowledged| self.site.answered(false, acknowledged));
                    let _gone = self.socket.flush().await;
                    outcome = Err(());
                }
            }
        }
        if outcome.is_ok() {
            outcome = self.socket.flush().await.map_err(|_gone| ());
        }
        fed.into_iter().for_each(|acknowledged| self.site.answered(outcome.is_ok(), acknowledged));
        outcome
    }

    async fn close(&mut self, code: u16) {
        let frame = CloseFrame { code: CloseCode::from(code), reason: "".into() };
        let _gone = self.socket.close(Some(frame)).await;
        // Until the client has answered, so that it reads the code and not a reset.
        let patience = Duration::from_secs(1);
        let _late = tokio::time::timeout(patience, async { while self.socket.next().await.is_some() {} }).await;
    }

    /// Takes a message in and queues what comes of it.
    async fn hear(&mut self, message: &[u8]) {
        self.site.count_request();
        self.site.thaw().await;
        if self.answers.iter().any(|due| matches!(due.next, Next::Close(_) | Next::Drop)) {
            // Nobody would hear the answer any more.
            self.site.answered(false, 0);
            return;
        }
        let Decision { fate, delay, close } = self.site.decide();
        let (next, acknowledged) = match fate {
            Fate::Pass => self.pass(message),
            Fate::LoseAnswer => (Next::Drop, self.pass(message).1),
            Fate::Throttle { .. } => {
                self.site.count(|counts| counts.throttled += 1);
                self.refused += 1;
                match self.refused >= REFUSALS {
                    true => (Next::Close(TOO_MANY), 0),
                    false => (self.error(message, "RATE_LIMIT_EXCEEDED"), 0),
                }
            }
            Fate::Fail(_status) => {
                self.site.count(|counts| counts.failed += 1);
                (self.error(message, "INTERNAL_ERROR"), 0)
            }
            Fate::Drop => {
                self.site.count(|counts| counts.dropped += 1);
                (Next::Drop, 0)
            }
        };
        // Answers keep the order of their messages.
        let at = (Instant::now() + delay).max(self.answers.back().map_or_else(Instant::now, |due| due.at));
        self.answers.push_back(Due { at, next, acknowledged: Some(acknowledged) });
        if close {
            self.answers.push_back(Due { at, next: Next::Close(GOING_AWAY), acknowledged: None });
        }
    }

    /// What is said to a message, and how many it acknowledges.
    fn pass(&mut self, message: &[u8]) -> (Next, u64) {
        let rejected = |connection: &Self| connection.site.count(|counts| counts.rejected += 1);
        if serde_json::from_slice::<IgnoredAny>(message).is_err() {
            rejected(self);
            return (self.error(message, "JSON_DECODE_ERROR"), 0);
        }
        if message.trim_ascii_start().first() != Some(&b'{') {
            rejected(self);
            return (Next::Close(TRIPPED), 0);
        }
        let raw = |place: &Pointer| place.find(message).map(String::from_utf8_lossy);
        let places = &self.places;
        let kind = places.kind.find(message).and_then(|kind| serde_json::from_slice::<String>(kind).ok());
        let field = |name: &str, value: Option<std::borrow::Cow<'_, str>>| match value {
            Some(value) => format!(r#","{name}":{value}"#),
            None => String::new(),
        };
        let correlation = field("correlation_id", raw(&places.correlation));
        let sync = places.sync.find(message);
        let answer = match kind.as_deref() {
            Some("heartbeat") => {
                let client_time = field("client_time", raw(&places.client_time));
                format!(r#"{{"type":"heartbeat_response","server_time":{}{client_time}{correlation}}}"#, now())
            }
            Some("start_sync") => match sync {
                None => {
                    rejected(self);
                    return (self.error(message, "MISSING_SYNC_ID"), 0);
                }
                Some(sync) => {
                    if self.sessions.len() < MAX_SESSIONS {
                        self.sessions.insert(sync.to_vec());
                    }
                    let info = r#"{"supported_data_types":["voice","behavioral","session","metrics"],"max_batch_size":100,"timeout_seconds":300}"#;
                    let sync = field("sync_id", Some(String::from_utf8_lossy(sync)));
                    format!(
                        r#"{{"type":"sync_session_started","server_time":{}{sync},"session_info":{info}{correlation}}}"#,
                        now()
                    )
                }
            },
            Some("sync_data") => {
                let known = sync.map_or(!correlation.is_empty(), |sync| self.sessions.contains(sync));
                if !known {
                    rejected(self);
                    return (self.error(message, "INVALID_SYNC_SESSION"), 0);
                }
                let sync = field("sync_id", sync.map(String::from_utf8_lossy));
                let progress = r#""progress":{"synced_items":1,"failed_items":0,"total_items":1},"batch_results":{}"#;
                format!(r#"{{"type":"sync_progress"{sync},{progress}{correlation}}}"#)
            }
            Some("request_server_data") => {
                let request = field("request_id", raw(&places.request));
                format!(
                    r#"{{"type":"server_data_response"{request},"data":{{}},"server_timestamp":{}{correlation}}}"#,
                    now()
                )
            }
            Some("resolve_conflict") => {
                let (conflict, strategy) = (raw(&places.conflict), raw(&places.strategy));
                let (conflict, strategy) = (field("conflict_id", conflict), field("resolution_strategy", strategy));
                format!(r#"{{"type":"conflict_resolved"{conflict}{strategy},"result":{{}}{correlation}}}"#)
            }
            Some("subscribe_events") => {
                let events = field("subscribed_events", raw(&places.events));
                format!(r#"{{"type":"subscription_confirmed"{events}{correlation}}}"#)
            }
            Some("device_status") => String::new(),
            // Not a message of its own: who has authenticated is heard like everybody else.
            Some("authenticate") => return (Next::Answer(r#"{"type":"authenticated","user_id":1}"#.to_owned()), 0),
            Some(_) | None => {
                rejected(self);
                return (self.error(message, "UNKNOWN_MESSAGE_TYPE"), 0);
            }
        };
        match self.site.take_message(message, kind.as_deref().unwrap_or_default(), &self.device) {
            Verdict::Conflict | Verdict::Refused(_) => (self.error(message, "DUPLICATE"), 0),
            Verdict::Taken(_) | Verdict::Known if answer.is_empty() => (Next::Silence, 1),
            Verdict::Taken(_) | Verdict::Known => (Next::Answer(answer), 1),
        }
    }

    fn error(&self, message: &[u8], code: &str) -> Next {
        let id = self.places.correlation.find(message).map(String::from_utf8_lossy);
        // Of a message that is no JSON nothing can be repeated safely.
        let id = id.filter(|id| serde_json::from_str::<IgnoredAny>(id).is_ok());
        let id = id.map(|id| format!(r#","correlation_id":{id}"#)).unwrap_or_default();
        Next::Answer(format!(
            r#"{{"type":"error","error_code":"{code}","message":"the message was refused","timestamp":{}{id}}}"#,
            now()
        ))
    }
}

/// Milliseconds since 1970.
fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis())
}

/// Whether a request's head asks for a WebSocket.
pub(super) fn is_asked_for(value: &[u8]) -> bool {
    value.eq_ignore_ascii_case(b"websocket")
}
