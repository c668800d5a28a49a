//! Targets: where requests go, how they are carried and how answers are understood.

pub mod mqtt;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;

use crate::tree::read::Readable;

use crate::tree::Node;
use crate::units::Nanos;

use mqtt::Mqtt;

/// A system under test.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Target {
    /// How it is spoken to.
    pub protocol: Protocol,
    /// Where it is: `http://host:port`, `ws://host:port/path`, `mqtt://host:port`, or a file's path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Who we are to it.
    pub auth: Auth,
    /// Headers of every request; values may refer to the environment (`${env.NAME}`).
    pub headers: IndexMap<String, String>,
    /// Longest wait for a whole answer; 30 s when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Nanos>,
    /// Longest wait for a connection; 5 s when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<Nanos>,
    /// Connections: how many to hold open (streams), or the most to open (http).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<u32>,
    /// What to do about requests that fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// The request that carries one event.
    pub send: Send,
    /// The request that carries several events; one event per request when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<Batch>,
    /// What a status means where it is not the usual: `200` or `5xx` to an outcome; for a WebSocket what an error's code
    /// means, for an MQTT broker its reason: `RATE_LIMIT_EXCEEDED` or `QUOTA_EXCEEDED` to an outcome.
    pub classify: IndexMap<String, Outcome>,
    /// What an answer means by what stands in it; the first that fits counts, before `classify`.
    pub answers: Vec<AnswerRule>,
    /// What to do when the target asks for a lower rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttle_wait: Option<ThrottleWait>,
    /// A question to ask before the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// What to do when a connection breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reconnect: Option<Reconnect>,
    /// Encryption.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// HTTP only: version, connections, compression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<Http>,
    /// WebSocket only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ws: Option<Ws>,
    /// MQTT only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mqtt: Option<Mqtt>,
}

/// How a target is spoken to.
#[derive(Clone, Copy, Debug, Default, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// HTTP/1.1 or 2.
    #[default]
    Http,
    /// A WebSocket.
    Ws,
    /// An MQTT broker.
    Mqtt,
    /// A file, one event per line.
    File,
    /// Nowhere: rendered, counted and forgotten.
    Discard,
}

impl Protocol {
    /// Its name in a scenario.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Ws => "ws",
            Self::Mqtt => "mqtt",
            Self::File => "file",
            Self::Discard => "discard",
        }
    }

    /// Whether what goes there goes over no network.
    pub fn is_local(self) -> bool {
        match self {
            Self::File | Self::Discard => true,
            Self::Http | Self::Ws | Self::Mqtt => false,
        }
    }

    /// Whether its connections are held open and carry many messages at once.
    pub fn holds_streams(self) -> bool {
        match self {
            Self::Ws | Self::Mqtt => true,
            Self::Http | Self::File | Self::Discard => false,
        }
    }
}

/// Who we are to a target. Secrets are references (`${env.NAME}`) or values that never leave memory.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Auth {
    /// Nobody.
    #[default]
    None,
    /// A name and a password.
    Basic {
        /// The name.
        username: String,
        /// The password, or a reference to it.
        password: String,
    },
    /// A token.
    Bearer {
        /// The token, or a reference to it.
        token: String,
        /// How it travels.
        #[serde(default)]
        via: TokenVia,
    },
    /// A key in a header.
    ApiKey {
        /// The header's name.
        #[serde(default = "api_key_header")]
        header: String,
        /// The key, or a reference to it.
        value: String,
        /// What a key looks like: a regular expression of literals, `.`, classes `[...]`, `\d`, `\w`,
        /// repetition `* + ? {m,n}` and `^ $`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pattern: Option<String>,
    },
}

fn api_key_header() -> String {
    "X-API-Key".to_owned()
}

/// How a token travels.
#[derive(Clone, Copy, Debug, Default, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenVia {
    /// In the `Authorization` header.
    #[default]
    Header,
    /// In the query, as `token`.
    Query,
    /// In a first message (WebSocket only).
    Message,
}

/// What to do about requests that fail.
#[derive(Clone, Debug, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// Attempts in all, the first included.
    pub attempts: u32,
    /// How long to wait between attempts.
    pub backoff: Backoff,
    /// Which failures are worth another attempt.
    pub when: Vec<RetryCause>,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 3,
            backoff: Backoff::default(),
            when: vec![RetryCause::Network, RetryCause::Timeout, RetryCause::ServerError],
        }
    }
}

/// How long to wait before another attempt; a random part is drawn from the event's own stream.
#[derive(Clone, Copy, Debug, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Backoff {
    /// Always the same.
    Constant {
        /// The wait.
        wait: Nanos,
    },
    /// `step`, twice `step`, three times `step`.
    Linear {
        /// The first wait, and what each adds.
        step: Nanos,
    },
    /// `base`, twice `base`, four times `base`.
    Exponential {
        /// The first wait.
        base: Nanos,
        /// The longest wait; 30 s when left out.
        #[serde(default = "longest_wait")]
        max: Nanos,
    },
}

const fn longest_wait() -> Nanos {
    Nanos::from_secs(30)
}

impl Default for Backoff {
    fn default() -> Self {
        Self::Exponential { base: Nanos::from_millis(500), max: longest_wait() }
    }
}

/// A failure that another attempt may mend.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Readable, Serialize)]
pub enum RetryCause {
    /// No connection, or a broken one.
    #[serde(rename = "network")]
    Network,
    /// No answer in time.
    #[serde(rename = "timeout")]
    Timeout,
    /// Asked to slow down.
    #[serde(rename = "429")]
    Throttled,
    /// The target failed.
    #[serde(rename = "5xx")]
    ServerError,
}

/// The request that carries one event (http), or the message (streams).
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Send {
    /// POST when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// Path below the target's url; `/` when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// `application/json` when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

/// A request's method.
#[derive(Clone, Copy, Debug, Default, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// POST
    #[default]
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
    /// GET
    Get,
}

impl Method {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Get => "GET",
        }
    }
}

/// The request that carries several events.
#[derive(Clone, Debug, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Batch {
    /// Most events in one request; 1 sends each alone, by `send`.
    pub size: u32,
    /// Longest wait for a batch to fill.
    pub linger: Nanos,
    /// Path below the target's url; that of `send` when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Template of the request with `${batch}` where the list of events goes; the bare list when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrap: Option<Node>,
    /// Where the answer counts accepted events, as a path such as `$.successful`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ok_count: Option<String>,
    /// Where the answer counts refused events, as a path such as `$.failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_count: Option<String>,
    /// Where the answer says what became of each event, in the order of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub results: Option<ItemResults>,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            size: 50,
            linger: Nanos::from_millis(500),
            path: None,
            wrap: None,
            ok_count: None,
            failed_count: None,
            results: None,
        }
    }
}

/// Where an answer to a batch says what became of each event.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ItemResults {
    /// The list, as a path such as `$.results`.
    pub path: String,
    /// Field of an item that is `true` (or the text `ok`, `success`, `accepted`, `created`) for an accepted event, such
    /// as `success`. The rules of `answers` without a status say more of the others.
    pub ok: String,
}

/// What an answer means by what stands in it. Every condition that is given must hold; one at least is.
#[derive(Clone, Debug, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerRule {
    /// Status, as `400` or `4xx`; any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Text that the body holds, such as `Rate limit exceeded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A place in the body, such as `$.error.code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The value at that place; any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<String>,
    /// What it means.
    pub means: Outcome,
}

/// How HTTP is spoken.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// HTTP/1.1 when left out.
    pub version: HttpVersion,
    /// HTTP/2: requests that share a connection at the same time, at most; 100 when left out, fewer where the target
    /// allows fewer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streams: Option<u32>,
    /// Requests after which a connection is closed; 1 opens one for each request. Without end when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_connection: Option<u32>,
    /// How bodies are compressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compress: Option<Compression>,
    /// How hard to compress: 1 to 9 (gzip, usually 6), 1 to 19 (zstd, usually 3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compress_level: Option<u32>,
}

/// A version of HTTP.
#[derive(Clone, Copy, Debug, Default, Eq, JsonSchema, PartialEq, Readable, Serialize)]
pub enum HttpVersion {
    /// HTTP/1.1.
    #[default]
    #[serde(rename = "http1", alias = "1")]
    One,
    /// HTTP/2: negotiated over TLS, by prior knowledge in the clear.
    #[serde(rename = "http2", alias = "2")]
    Two,
    /// HTTP/2 where a target behind TLS offers it, else HTTP/1.1.
    #[serde(rename = "auto")]
    Auto,
}

/// How bodies are compressed.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// As `gzip`.
    Gzip,
    /// As `zstd`.
    Zstd,
}

impl Compression {
    /// Its name in `Content-Encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// What an answer means.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Accepted.
    Ok,
    /// Already known; counts as accepted.
    Duplicate,
    /// Refused for the rate.
    Throttled,
    /// Refused.
    Failed,
}

/// What to do when the target asks for a lower rate.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ThrottleWait {
    /// Wait as long as `Retry-After` says.
    RetryAfter,
    /// Wait this long.
    Fixed(Nanos),
}

/// A question to ask before the run.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Health {
    /// Path below the target's url.
    pub path: String,
    /// Whether a wrong answer stops the run before it starts.
    pub required: bool,
}

/// What to do when a connection breaks.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reconnect {
    /// How long to wait before another connection; 1 s when left out. It doubles with each attempt that fails, half of
    /// it drawn.
    pub delay: Nanos,
    /// The longest wait; 30 s when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<Nanos>,
}

/// Encryption.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// Accepts any certificate; for test systems only.
    pub insecure: bool,
    /// File of a certificate authority (PEM) to trust as well. Paths lie beside the scenario's own file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    /// File of the client's certificate (PEM), the chain after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// File of the client's key (PEM).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Name that the target's certificate must bear, where it is not the host of the url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
}

/// What only a WebSocket has.
#[derive(Clone, Debug, Default, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ws {
    /// Subprotocol to ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subprotocol: Option<String>,
    /// Sends binary messages instead of text.
    pub binary: bool,
    /// Field that an answer repeats of its message, dotted: pairs them, so that each round trip is measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlate: Option<String>,
    /// How answers are paired with messages where no field does it.
    pub replies: Replies,
    /// Most messages in flight on one connection; 256 when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<u32>,
    /// Field of a target's message that says what kind it is; `type` when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Kind of an error; `error` when left out. `classify` says by its code what it means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Field of an error that names it; `error_code` when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Kinds that answer nothing; `connection_established` and `server_heartbeat` when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore: Option<Vec<String>>,
    /// How often to ask whether the other side is there; never when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ping: Option<Nanos>,
}

/// How answers are paired with messages.
#[derive(Clone, Copy, Debug, Default, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Replies {
    /// There are none: a message that was handed to the network has succeeded.
    #[default]
    None,
    /// Each message has one, in their order.
    Order,
}
