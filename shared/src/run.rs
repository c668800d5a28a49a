//! One execution of a scenario as everybody sees it: its state, commands, snapshots, timeline and result.
//!
//! The same types travel over the live stream, rest in the store and make up `results.json`.

pub mod audit;
pub mod fault;
pub mod realism;
pub mod stream;

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tree::read::Readable;

use audit::AuditRecord;
use fault::{FaultKind, FaultRow};
use stream::StreamCounts;

/// A run's identity: unique in one data directory, sortable by start.
#[derive(Clone, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Readable, Serialize)]
#[serde(transparent)]
pub struct RunId(pub String);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a run stands: `Ready → Running ⇄ Paused → Draining → Finished | Stopped | Failed`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Prepared, nothing sent yet.
    #[default]
    Ready,
    /// Sending.
    Running,
    /// Holding back; what is in flight comes home.
    Paused,
    /// The schedule is over; waiting for the last answers.
    Draining,
    /// Ran to its planned end.
    Finished,
    /// Ended early by a person or a signal.
    Stopped,
    /// Ended early by an error of its own.
    Failed,
    /// The runner died; known up to its last second.
    Interrupted,
}

impl RunState {
    /// Whether nothing more will happen.
    pub fn is_over(self) -> bool {
        match self {
            Self::Ready | Self::Running | Self::Paused | Self::Draining => false,
            Self::Finished | Self::Stopped | Self::Failed | Self::Interrupted => true,
        }
    }

    /// The state in words, as the wire writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Draining => "draining",
            Self::Finished => "finished",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// What a person can ask of a running run.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Hold back new requests; the schedule waits too.
    Pause,
    /// Go on where the pause began.
    Resume,
    /// End the schedule now, wait for what is in flight.
    Stop,
    /// End now; what is in flight counts as failed (`aborted`).
    Abort,
    /// Multiply every workload's rate from now on, above 0 and up to 1,000.
    SetRateMultiplier {
        /// 1 is the scenario's own rate.
        multiplier: f64,
    },
    /// Give events of a mix other weights from now on; the others keep theirs.
    SetWeights {
        /// The workload; may be left out when the run has just one with a mix.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        workload: Option<String>,
        /// Weight by event, 0 or above.
        weights: BTreeMap<String, f64>,
    },
    /// Let virtual users join or leave; at the target's own pace, have more or fewer requests at once.
    SetUsers {
        /// The workload; may be left out when the run has just one with users or concurrency.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        workload: Option<String>,
        /// How many from now on, above 0.
        users: u32,
    },
    /// Make faults stronger or weaker from now on, from 0 (off) to 1,000.
    SetFault {
        /// A list of faults by its name in the scenario, or one kind of it: `flaky`, `flaky.delay`.
        fault: String,
        /// Every probability is multiplied by it; 1 is the scenario's own.
        factor: f64,
    },
}

impl Command {
    /// What it did, in words.
    pub fn in_words(&self) -> String {
        match self {
            Self::Pause => "paused".to_owned(),
            Self::Resume => "resumed".to_owned(),
            Self::Stop => "stopped".to_owned(),
            Self::Abort => "aborted".to_owned(),
            Self::SetRateMultiplier { multiplier } => format!("rate ×{multiplier}"),
            Self::SetWeights { workload, weights } => {
                let list: Vec<String> = weights.iter().map(|(name, weight)| format!("{name} {weight}")).collect();
                format!("weights{} {}", of(workload), list.join(", "))
            }
            Self::SetUsers { workload, users } => format!("users{} {users}", of(workload)),
            Self::SetFault { fault, factor } => format!("faults {fault} ×{factor}"),
        }
    }
}

/// The workload that a command is about, as words put it.
fn of(workload: &Option<String>) -> String {
    workload.as_ref().map_or_else(String::new, |name| format!(" of {name}"))
}

/// A command as it took effect, so that the run can be drawn and replayed.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Run time at which it took effect, in seconds since the run's start (pauses included).
    pub elapsed_seconds: f64,
    /// The command.
    pub command: Command,
    /// Who asked: `panel`, `terminal`, `api`, `signal`, `replay`; or the threshold that ended the run.
    pub origin: String,
}

/// Counts of events; `offered = sent + dropped + withheld` and `sent = succeeded + failed` once a run is over.
///
/// A fault that sends an event again makes it two events: each copy is offered, sent and answered like any other.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default)]
pub struct Counts {
    /// Due by the schedule so far.
    pub offered: u64,
    /// Handed to the network at least once.
    pub sent: u64,
    /// Acknowledged by the target.
    pub succeeded: u64,
    /// Sent, but not acknowledged.
    pub failed: u64,
    /// Extra attempts, beyond the first of each.
    pub retried: u64,
    /// Acknowledged as already known; contained in `succeeded`.
    pub duplicate: u64,
    /// Refused for the rate; contained in `failed` unless a retry succeeded.
    pub throttled: u64,
    /// Sent later than the scenario's tolerance; contained in `sent`.
    pub late: u64,
    /// Never sent: too late, or the run was stopped before their turn.
    pub dropped: u64,
    /// Never sent on purpose: a fault of the scenario kept them back.
    pub withheld: u64,
}

/// A count's name and its value.
pub type NamedCount = (&'static str, fn(&Counts) -> u64);

impl Counts {
    /// Each count with its name, in the order of tables.
    pub const NAMED: [NamedCount; 10] = [
        ("offered", |counts| counts.offered),
        ("sent", |counts| counts.sent),
        ("succeeded", |counts| counts.succeeded),
        ("failed", |counts| counts.failed),
        ("retried", |counts| counts.retried),
        ("duplicate", |counts| counts.duplicate),
        ("throttled", |counts| counts.throttled),
        ("late", |counts| counts.late),
        ("dropped", |counts| counts.dropped),
        ("withheld", |counts| counts.withheld),
    ];

    /// Adds another count to this one.
    pub fn add(&mut self, other: &Self) {
        self.offered += other.offered;
        self.sent += other.sent;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.retried += other.retried;
        self.duplicate += other.duplicate;
        self.throttled += other.throttled;
        self.late += other.late;
        self.dropped += other.dropped;
        self.withheld += other.withheld;
    }

    /// Failed over sent; 0 before anything was sent.
    pub fn error_rate(&self) -> f64 {
        if self.sent == 0 { 0.0 } else { self.failed as f64 / self.sent as f64 }
    }
}

/// Bytes on the wire, heads included.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default)]
pub struct Bytes {
    /// Written to targets.
    pub sent: u64,
    /// Read from targets.
    pub received: u64,
}

/// A latency distribution in microseconds.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default)]
pub struct Percentiles {
    /// How many values.
    pub count: u64,
    /// Arithmetic mean.
    pub mean_us: f64,
    /// Smallest value.
    pub min_us: u64,
    /// Median.
    pub p50_us: u64,
    /// 75th percentile.
    pub p75_us: u64,
    /// 90th percentile.
    pub p90_us: u64,
    /// 95th percentile.
    pub p95_us: u64,
    /// 99th percentile.
    pub p99_us: u64,
    /// 99.9th percentile.
    pub p999_us: u64,
    /// Largest value.
    pub max_us: u64,
}

/// A distribution with the histogram it came from, so that any later tool can recompute and merge it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default)]
pub struct Latency {
    /// The usual figures.
    pub percentiles: Percentiles,
    /// The HDR histogram (V2, base64), 1 µs to 1 h with 3 significant digits.
    pub hdr: String,
}

/// The times that every run measures.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default)]
pub struct Latencies {
    /// From the moment a request was due to its complete answer.
    pub response_time: Latency,
    /// From the moment it was sent to its complete answer.
    pub service_time: Latency,
    /// From the moment it was due to the moment it was sent: the generator's own delay.
    pub send_lag: Latency,
    /// Time to establish a connection.
    pub connect: Latency,
    /// Time of the TLS handshake.
    pub tls: Latency,
    /// From the moment a message was due to the moment it came back on a topic that is listened to.
    pub delivery: Latency,
}

/// Why a request or an event failed: a closed list, so that nothing a target says becomes a key.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// No answer within the target's timeout.
    Timeout,
    /// The host's name has no address.
    NameNotResolved,
    /// Nothing listens there.
    ConnectionRefused,
    /// The connection broke before the answer was complete.
    ConnectionReset,
    /// No connection for another reason.
    ConnectionFailed,
    /// This machine has no file handle or port left.
    ResourcesExhausted,
    /// The target's certificate is not valid at this date.
    CertificateExpired,
    /// The target's certificate bears another name.
    CertificateName,
    /// The target's certificate comes from an authority that is not trusted.
    CertificateUntrusted,
    /// The TLS handshake failed for another reason.
    Tls,
    /// The connection was closed before any of the answer came.
    NoAnswer,
    /// The connection was closed inside the answer.
    AnswerCut,
    /// HTTP/2: the target reset the request's stream, the connection goes on.
    StreamReset,
    /// The answer is not the protocol's.
    Protocol,
    /// The answer is longer than the runner reads.
    AnswerTooLarge,
    /// Refused for want of valid credentials (401, 403).
    Unauthorized,
    /// Refused for the rate (429, or the target's own way to say it).
    Throttled,
    /// Another 4xx answer.
    ClientError,
    /// A 5xx answer.
    ServerError,
    /// An answer of a status class that the scenario does not expect.
    UnexpectedStatus,
    /// Refused inside a batch that was otherwise accepted.
    EventRejected,
    /// The target refused to open a stream.
    HandshakeRefused,
    /// Answered with a message that says that something went wrong.
    ErrorAnswer,
    /// In flight when the run was aborted.
    Aborted,
}

impl FailureKind {
    /// Every kind, in the order in which charts stack them.
    pub const ALL: [Self; 24] = [
        Self::Timeout,
        Self::NameNotResolved,
        Self::ConnectionRefused,
        Self::ConnectionReset,
        Self::ConnectionFailed,
        Self::ResourcesExhausted,
        Self::CertificateExpired,
        Self::CertificateName,
        Self::CertificateUntrusted,
        Self::Tls,
        Self::NoAnswer,
        Self::AnswerCut,
        Self::StreamReset,
        Self::Protocol,
        Self::AnswerTooLarge,
        Self::Unauthorized,
        Self::Throttled,
        Self::ClientError,
        Self::ServerError,
        Self::UnexpectedStatus,
        Self::EventRejected,
        Self::HandshakeRefused,
        Self::ErrorAnswer,
        Self::Aborted,
    ];

    /// Whether a request that failed so may have reached the target all the same.
    pub const fn may_have_arrived(self) -> bool {
        match self {
            Self::Timeout
            | Self::ConnectionReset
            | Self::NoAnswer
            | Self::AnswerCut
            | Self::StreamReset
            | Self::Protocol
            | Self::AnswerTooLarge
            | Self::Aborted => true,
            Self::NameNotResolved
            | Self::ConnectionRefused
            | Self::ConnectionFailed
            | Self::ResourcesExhausted
            | Self::CertificateExpired
            | Self::CertificateName
            | Self::CertificateUntrusted
            | Self::Tls
            | Self::Unauthorized
            | Self::Throttled
            | Self::ClientError
            | Self::ServerError
            | Self::UnexpectedStatus
            | Self::HandshakeRefused
            | Self::ErrorAnswer
            | Self::EventRejected => false,
        }
    }

    /// The kind in words for people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::NameNotResolved => "name not resolved",
            Self::ConnectionRefused => "connection refused",
            Self::ConnectionReset => "connection reset",
            Self::ConnectionFailed => "connection failed",
            Self::ResourcesExhausted => "ports or file handles exhausted",
            Self::CertificateExpired => "certificate expired or not yet valid",
            Self::CertificateName => "certificate of another name",
            Self::CertificateUntrusted => "certificate not trusted",
            Self::Tls => "TLS handshake failed",
            Self::NoAnswer => "closed without an answer",
            Self::AnswerCut => "answer cut short",
            Self::StreamReset => "stream reset",
            Self::Protocol => "not a valid answer",
            Self::AnswerTooLarge => "answer too large",
            Self::Unauthorized => "unauthorized",
            Self::Throttled => "throttled",
            Self::ClientError => "client error (4xx)",
            Self::ServerError => "server error (5xx)",
            Self::UnexpectedStatus => "unexpected status",
            Self::EventRejected => "event rejected in batch",
            Self::HandshakeRefused => "handshake refused",
            Self::ErrorAnswer => "answered with an error",
            Self::Aborted => "aborted",
        }
    }
}

/// One second of a run (or several, merged for a long history).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default)]
pub struct TimelineRow {
    /// The first second that the row covers, since the run's start.
    pub second: u32,
    /// How much time the row covers; below 1 while its second is not over.
    pub covered_seconds: f64,
    /// The scheduled rate over the row, in events per second.
    pub target_rate: f64,
    /// Events of this row.
    pub events: Counts,
    /// Requests of this row.
    pub requests: Counts,
    /// Requests in flight at its end.
    pub in_flight: u64,
    /// Response times of the answers that came in it.
    pub response_time: Percentiles,
    /// Service times of the answers that came in it.
    pub service_time: Percentiles,
    /// Send lags of the requests sent in it.
    pub send_lag: Percentiles,
    /// Failed events by kind.
    pub failures: BTreeMap<FailureKind, u64>,
    /// Faults that came to pass, by kind.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub faults: BTreeMap<FaultKind, u64>,
    /// Response times for the heat map: (cell, count), cells as [`crate::metrics::heat_cell`] numbers them.
    pub heat: Vec<(u16, u32)>,
    /// Virtual users or connections at work at its end.
    pub users: u64,
}

/// What is known of one event type or one kind of request so far.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default)]
pub struct EventTypeRow {
    /// The event type's name.
    pub name: String,
    /// Its share of the mix as the scenario declares it (0 to 1), where it does.
    pub declared_share: Option<f64>,
    /// Its share of the events sent so far (0 to 1).
    pub actual_share: f64,
    /// Counts so far.
    pub events: Counts,
    /// Response times so far: those of the requests that carried it.
    pub response_time: Percentiles,
}

/// What one protocol carried.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProtocolRow {
    /// Its name: `http`, `ws`, `mqtt`.
    pub protocol: String,
    /// Where it led.
    pub targets: Vec<String>,
    /// Its events.
    pub events: Carried,
    /// Its response times.
    pub response_time: Latency,
}

/// Events that were carried somewhere.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Carried {
    /// Sent, each once however often it was tried.
    pub sent: u64,
    /// Accepted.
    pub succeeded: u64,
    /// Not accepted.
    pub failed: u64,
}

impl Carried {
    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
    }
}

/// A request and its answer, kept as a sample; secrets are replaced.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Counts up within a run; a later sample has a larger number.
    pub number: u64,
    /// Seconds since the run's start at which the answer came.
    pub elapsed_seconds: f64,
    /// The event type, or `batch of 50`.
    pub label: String,
    /// Events carried.
    pub events: u32,
    /// Method and address.
    pub request: String,
    /// The request's body, cut at 4 KiB.
    pub request_body: String,
    /// The answer's status, where there was one.
    pub status: Option<u16>,
    /// The answer's body, cut at 4 KiB.
    pub answer_body: String,
    /// Why it failed, if it did.
    pub failure: Option<FailureKind>,
    /// Response time in microseconds.
    pub response_time_us: u64,
}

/// A failure kind with its count, times and a kept sample.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The kind.
    pub kind: FailureKind,
    /// Events that failed so.
    pub count: u64,
    /// Seconds since the run's start of the first.
    pub first_seconds: f64,
    /// Seconds since the run's start of the last.
    pub last_seconds: f64,
    /// One of them.
    pub sample: Option<Sample>,
}

/// What answers must be like, and how many were not.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default)]
pub struct Expectation {
    /// The check's name.
    pub name: String,
    /// The check's place in the scenario's `checks`, from 0.
    pub check: u32,
    /// Answers looked at: the last of each request.
    pub answers: u64,
    /// Answers that were not as expected.
    pub failed: u64,
    /// Share of answers that may be otherwise.
    pub tolerance: f64,
    /// Whether the run fails where it does not hold.
    pub required: bool,
    /// Whether it holds.
    pub passed: bool,
    /// Seconds since the run's start of the first and the last of those.
    pub first_seconds: Option<f64>,
    /// See `first_seconds`.
    pub last_seconds: Option<f64>,
    /// What was wrong with one of them, in words.
    pub reason: Option<String>,
    /// That one.
    pub sample: Option<Sample>,
}

impl Expectation {
    /// Judges itself by its counts.
    #[must_use]
    pub fn judged(self) -> Self {
        let passed = self.failed as f64 <= self.answers as f64 * self.tolerance;
        Self { passed, ..self }
    }
}

/// What compressing the bodies of requests did.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default)]
pub struct Compressed {
    /// Requests with a compressed body.
    pub requests: u64,
    /// Bytes of their bodies before.
    pub bytes_before: u64,
    /// Bytes of their bodies as they were sent.
    pub bytes_after: u64,
    /// The generator's time for it, in microseconds.
    pub cost_us: u64,
}

/// Connections of a run.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default)]
pub struct ConnectionCounts {
    /// Tried to open.
    pub attempted: u64,
    /// Opened.
    pub opened: u64,
    /// Could not be opened.
    pub failed: u64,
    /// Opened to replace one that broke or was closed by the target.
    pub reopened: u64,
}

/// Whether a run's numbers can be trusted.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictStatus {
    /// The generator kept its schedule: what was measured is the target.
    #[default]
    Valid,
    /// The generator fell behind at times: read the numbers with care.
    Degraded,
    /// The generator was the bottleneck: the numbers say nothing about the target.
    Invalid,
}

impl VerdictStatus {
    /// The verdict in a word, as the wire writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Degraded => "degraded",
            Self::Invalid => "invalid",
        }
    }
}

/// The verdict with its reasons in words.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The worst of the reasons.
    pub status: VerdictStatus,
    /// One sentence each; empty for a valid run.
    pub reasons: Vec<String>,
}

/// What the numbers of a figure mean.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FigureUnit {
    /// Time in microseconds.
    Microseconds,
    /// A share, 0 to 1.
    Ratio,
    /// A rate per second.
    PerSecond,
    /// A number of things.
    Count,
}

/// What became of one threshold.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ThresholdResult {
    /// The threshold in its own notation.
    pub threshold: String,
    /// Unit of the numbers.
    pub unit: FigureUnit,
    /// What the figure is compared with.
    pub bound: f64,
    /// What was observed: of the whole scope, or of the worst window; none when nothing was measured.
    pub observed: Option<f64>,
    /// Whether it holds, and the run is one whose numbers can be trusted.
    pub passed: bool,
    /// The worst second's value, or the worst window's.
    pub worst: Option<f64>,
    /// Seconds since the run's start at which the worst second or window ended.
    pub worst_at_seconds: Option<f64>,
    /// Whether the run has failed when this does not pass.
    pub required: bool,
    /// Why it did not pass, where the numbers do not say it: lower case, no full stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a run is: known from its first second, small enough for lists.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RunInfo {
    /// Its identity.
    pub id: RunId,
    /// The scenario's name.
    pub scenario: String,
    /// The profile, where one was chosen.
    pub profile: Option<String>,
    /// The seed, chosen or drawn.
    pub seed: u64,
    /// Where it stands.
    pub state: RunState,
    /// Start, RFC 3339 in UTC.
    pub started_at: String,
    /// End, RFC 3339 in UTC, once it is over.
    pub ended_at: Option<String>,
    /// Planned length in seconds without pauses; none for a run without end.
    pub planned_seconds: Option<f64>,
    /// Each target's address.
    pub targets: Vec<String>,
    /// What a person must know of it: certificates that are not checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What a run looked like in one tick: the whole run so far, and the last moments of it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// Where the run stands.
    pub state: RunState,
    /// Seconds since its start, pauses included.
    pub elapsed_seconds: f64,
    /// Seconds of schedule done, pauses not included; compare with `planned_seconds`.
    pub schedule_seconds: f64,
    /// The multiplier in force.
    pub rate_multiplier: f64,
    /// The scheduled rate now, events per second.
    pub target_rate: f64,
    /// Events succeeded per second over the last full second.
    pub current_rate: f64,
    /// Requests in flight now.
    pub in_flight: u64,
    /// Events of the whole run so far.
    pub events: Counts,
    /// Requests of the whole run so far.
    pub requests: Counts,
    /// Response time over the last full second.
    pub recent_response_time: Percentiles,
    /// Response time of the whole run so far.
    pub response_time: Percentiles,
    /// Send lag of the whole run so far.
    pub send_lag: Percentiles,
    /// By workload, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workloads: Vec<WorkloadRow>,
    /// By event type.
    pub event_types: Vec<EventTypeRow>,
    /// Failed events by kind.
    pub failures: BTreeMap<FailureKind, u64>,
    /// Faults so far; empty where the scenario has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultRow>,
    /// Thresholds as they stand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<ThresholdResult>,
    /// Connections so far.
    #[serde(default)]
    pub connections: ConnectionCounts,
    /// What happened on streams (WebSocket, MQTT) beside their messages.
    #[serde(default, skip_serializing_if = "StreamCounts::is_empty")]
    pub streams: StreamCounts,
    /// The verdict as it stands.
    pub verdict: Verdict,
}

/// A message of the live stream, server to watcher.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LiveMessage {
    /// The first message of every connection: all that a watcher needs to draw the run so far.
    Hello(Box<Hello>),
    /// Then 5 to 10 times a second.
    Tick(Box<Tick>),
}

/// State and history on connect.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// The runner's version; a panel of another version asks to be reloaded.
    pub version: String,
    /// What the run is.
    pub run: RunInfo,
    /// What it looks like now.
    pub snapshot: Snapshot,
    /// Its history, each row `resolution_seconds` long.
    pub timeline: Vec<TimelineRow>,
    /// Length of a history row.
    pub resolution_seconds: u32,
    /// What was changed so far.
    pub changes: Vec<Change>,
    /// The newest requests and answers.
    pub samples: Vec<Sample>,
}

/// What happened since the last message.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tick {
    /// What the run is now (its state, its end).
    pub run: RunInfo,
    /// What it looks like now.
    pub snapshot: Snapshot,
    /// Seconds that are new or have changed: a row replaces the one of the same second.
    pub rows: Vec<TimelineRow>,
    /// New changes.
    pub changes: Vec<Change>,
    /// New samples.
    pub samples: Vec<Sample>,
    /// Ticks that this watcher was too slow for, so far.
    pub skipped_ticks: u64,
}

/// What ran and where, inside a result.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RunRecord {
    /// Identity, times, state, seed.
    #[serde(rename = "info")]
    pub info: RunInfo,
    /// The scenario as it ran: everything resolved, secrets replaced.
    pub scenario: serde_json::Value,
    /// Fingerprint of the plan: same scenario and seed, same value.
    pub plan_fingerprint: String,
    /// Runner's version, cores, operating system.
    pub environment: Environment,
    /// What was read and fetched for it, so that a repetition can be held against it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supplies: Vec<SupplyRecord>,
}

/// Something that a run was given from outside.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SupplyRecord {
    /// The field of the scenario that asked for it (`pools.customers`).
    pub path: String,
    /// Where it came from: a file or an address.
    pub source: String,
    /// Items, events or points.
    pub items: u64,
    /// Hash of its content.
    pub hash: String,
    /// When a target gave it, in RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched_at: Option<String>,
}

/// Where a run ran.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default)]
pub struct Environment {
    /// Throng's version.
    pub version: String,
    /// Operating system and architecture.
    pub platform: String,
    /// Cores that the runner may use.
    pub cores: u32,
    /// Engine workers.
    pub workers: u32,
}

/// Totals of a run.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default)]
pub struct Totals {
    /// Events.
    pub events: Counts,
    /// Requests.
    pub requests: Counts,
    /// Bytes on the wire.
    pub bytes: Bytes,
    /// From start to end, pauses included.
    pub elapsed_seconds: f64,
    /// Events succeeded per second of schedule.
    pub events_per_second: f64,
    /// Failed events over sent events.
    pub error_rate: f64,
}

/// What decided how much a workload sent.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadKind {
    /// The schedule alone: a slow target does not slow it.
    #[default]
    Open,
    /// Virtual users, each of whom waits for the answers.
    Users,
    /// The target's own pace: so many requests at once.
    Concurrency,
}

/// One workload of a run: what decided how much it sent, and with that what its response times mean.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(default)]
pub struct WorkloadRow {
    /// Its name in the scenario.
    pub name: String,
    /// What decided how much it sent. A request of an open load is due by the schedule; one of users when the user is
    /// ready; one by concurrency when one of those before it is answered: there, response time is service time, and a
    /// target that slows down is asked less.
    pub load: LoadKind,
    /// Users, or requests at once; none of an open load.
    pub at_once: Option<u64>,
    /// The target's name in the scenario.
    pub target: String,
    /// How the target is spoken to: `http`, `ws`, `mqtt`, `file`, `discard`.
    pub protocol: String,
    /// Events sent.
    pub sent: u64,
    /// Of these, acknowledged.
    pub succeeded: u64,
    /// Of these, failed.
    pub failed: u64,
    /// Response times of its requests; of merged results not known.
    pub response_time: Percentiles,
}

/// The whole of a run: `results.json`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RunResult {
    /// Version of this shape; 1.
    pub schema_version: u32,
    /// What ran.
    pub run: RunRecord,
    /// Whether to trust it.
    pub verdict: Verdict,
    /// Totals.
    pub totals: Totals,
    /// Times.
    pub latency: Latencies,
    /// By workload.
    #[serde(default)]
    pub workloads: Vec<WorkloadRow>,
    /// By protocol.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protocols: Vec<ProtocolRow>,
    /// By event type.
    pub event_types: Vec<EventTypeRow>,
    /// Answers by status code.
    pub status_codes: BTreeMap<u16, u64>,
    /// Failures by kind.
    pub failures: Vec<Failure>,
    /// Faults by kind: decided and come to pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultRow>,
    /// Connections.
    pub connections: ConnectionCounts,
    /// What happened on streams (WebSocket, MQTT) beside their messages.
    #[serde(default, skip_serializing_if = "StreamCounts::is_empty")]
    pub streams: StreamCounts,
    /// What became of each threshold.
    #[serde(default)]
    pub thresholds: Vec<ThresholdResult>,
    /// What answers had to be like, by check.
    #[serde(default)]
    pub expectations: Vec<Expectation>,
    /// What came of the audits that the scenario asks for; none before they were made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audits: Vec<AuditRecord>,
    /// Compression of bodies; zero where none was asked for.
    #[serde(default)]
    pub compressed: Compressed,
    /// What was changed while it ran.
    pub changes: Vec<Change>,
    /// What the scenario declares against what was emitted; none for a run that broke off, and for merged results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realism: Option<realism::Report>,
    /// One row per second.
    pub timeline: Vec<TimelineRow>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_stands_in_tables_under_its_name() {
        let counts: Counts = serde_json::from_str(
            r#"{"offered":1,"sent":2,"succeeded":3,"failed":4,"retried":5,"duplicate":6,"throttled":7,"late":8,"dropped":9,
                "withheld":10}"#,
        )
        .unwrap();
        let named: serde_json::Map<_, _> =
            Counts::NAMED.into_iter().map(|(name, count)| (name.to_owned(), count(&counts).into())).collect();
        assert_eq!(serde_json::to_value(counts).unwrap(), serde_json::Value::Object(named));
    }
}
