//! A request on its way: its bytes, the events in it, its moments.

use std::ops::{Deref, DerefMut};

use shared::fault::decision::Decision;
use shared::plan::EventId;
use shared::run::FailureKind;
use shared::run::fault::FaultKind;
use shared::units::Nanos;

use crate::engine::footprint::Note;
use crate::engine::packing::{Packed, Packer};
use crate::engine::target::Route;
use crate::transport::http::request::RequestHead;

/// Jobs kept for reuse by one worker.
const MOST_SPARE: usize = 4_096;
/// A buffer that grew beyond this is not kept.
const LARGEST_SPARE: usize = 256 * 1024;

/// One request. It goes from hand to hand, so that only its address moves.
#[derive(Debug, Default)]
pub(crate) struct Job(Box<Request>);

impl Deref for Job {
    type Target = Request;

    fn deref(&self) -> &Request {
        &self.0
    }
}

impl DerefMut for Job {
    fn deref_mut(&mut self) -> &mut Request {
        &mut self.0
    }
}

/// What a job holds.
#[derive(Debug, Default)]
pub(crate) struct Request {
    /// Room for the head, then the body.
    pub(crate) buffer: Vec<u8>,
    /// Where it is published, where that matters.
    pub(crate) topic: Vec<u8>,
    /// Where the request starts in the buffer, once it is complete.
    start: usize,
    /// Its target's protocol, by its place among those of the run.
    pub(crate) protocol: u8,
    /// Which of its target's routes it takes.
    pub(crate) route: usize,
    /// Where each event stands in the buffer, if that is to be known.
    pub(crate) places: Vec<(usize, usize)>,
    /// Type of each event in it, in their order.
    pub(crate) types: Vec<u16>,
    /// What a ledger will say of each event in it; empty where none is kept.
    pub(crate) notes: Vec<Note>,
    /// Whether an attempt had no answer: the target may have it.
    pub(crate) unanswered: bool,
    /// When it was due, in run time.
    pub(crate) due: Nanos,
    /// When a worker took it up.
    pub(crate) taken: Nanos,
    /// When it was first sent.
    pub(crate) first_sent: Option<Nanos>,
    /// Attempts made.
    pub(crate) attempts: u32,
    /// Whether an attempt was refused for the rate.
    pub(crate) throttled: bool,
    /// Why it is to be sent again, once an attempt has failed.
    pub(crate) retry_of: Option<FailureKind>,
    /// Whether it had to wait for a connection.
    pub(crate) waited: bool,
    /// What compressing its body did, if it was.
    pub(crate) packed: Option<Packed>,
    /// Decides the random part of its waits.
    pub(crate) key: u64,
    /// Sent later than this after its moment, it is late.
    pub(crate) late_after: Nanos,
    /// Not sent this long after its moment, it is dropped.
    pub(crate) drop_after: Option<Nanos>,
    /// The feed that it comes from, by its number in the worker.
    pub(crate) feed: u16,
    /// Whether the feed counts it among those on their way and wants to know of its end.
    pub(crate) admitted: bool,
    /// Whether it had to wait for others of its workload.
    pub(crate) held: bool,
    /// Whom it is about, where its place among others about the same matters.
    pub(crate) entity: Option<u64>,
    /// Users who wait for its answer.
    pub(crate) waiters: Vec<u64>,
    /// Whether the connection is to be closed instead of sending it: a fault.
    pub(crate) cuts: bool,
    /// Whether its credentials are not to be valid: a fault.
    pub(crate) expired: bool,
    /// How fast it goes over the wire, where a fault makes that slow.
    pub(crate) bytes_per_second: Option<u64>,
}

impl Request {
    /// Compresses the body; to be called before the request is complete. A body that cannot be is sent as it is, which
    /// the target will refuse.
    pub(crate) fn pack(&mut self, packer: &mut Packer) {
        self.packed = packer.pack(&mut self.buffer, self.start).ok();
    }

    /// Writes the head in front of the body; from then on it is complete.
    pub(crate) fn complete(&mut self, route: &Route) {
        // The head of this route may need less room than the longest.
        let head = self.head(route);
        let room = head.room();
        let spare = self.room().saturating_sub(room);
        self.start = spare + head.place(&mut self.buffer[spare..]);
    }

    /// The head that it goes with.
    pub(crate) fn head<'a>(&self, route: &'a Route) -> &'a RequestHead {
        if self.expired { route.expired.as_ref().unwrap_or(&route.head) } else { &route.head }
    }

    /// The request as it goes over the wire.
    pub(crate) fn request(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// The events in it, as they were rendered.
    pub(crate) fn events(&self) -> impl Iterator<Item = &[u8]> {
        self.places.iter().filter_map(|(from, to)| self.buffer.get(*from..*to))
    }

    /// Bytes that it takes in memory.
    pub(crate) fn size(&self) -> usize {
        self.buffer.len()
    }

    /// Gets ready for the events of a new request, with room for the longest head.
    pub(crate) fn begin(&mut self, room: usize) {
        self.buffer.clear();
        self.buffer.resize(room, 0);
        self.start = room;
        self.topic.clear();
        self.types.clear();
        self.notes.clear();
        self.unanswered = false;
        self.places.clear();
        self.first_sent = None;
        self.attempts = 0;
        self.throttled = false;
        self.retry_of = None;
        self.waited = false;
        self.packed = None;
        self.key = 0;
        self.admitted = false;
        self.held = false;
        self.entity = None;
        self.waiters.clear();
        self.cuts = false;
        self.expired = false;
        self.bytes_per_second = None;
    }

    /// Takes over what was decided for its event and touches the sending itself.
    pub(crate) fn suffers(&mut self, decision: &Decision) {
        self.cuts = decision.drops_connection;
        self.expired = decision.expired;
        self.bytes_per_second = decision.bytes_per_second;
    }

    /// The faults that its sending brings to pass.
    pub(crate) fn faults(&self) -> impl Iterator<Item = FaultKind> {
        let sent = !self.cuts;
        [
            (self.cuts, FaultKind::DropConnection),
            (sent && self.expired, FaultKind::AuthExpire),
            (sent && self.bytes_per_second.is_some(), FaultKind::SlowSend),
        ]
        .into_iter()
        .filter_map(|(happens, kind)| happens.then_some(kind))
    }

    /// Becomes a copy of another that is not complete yet: the same bytes, the same events.
    pub(crate) fn copy(&mut self, other: &Self) {
        self.buffer.clear();
        self.buffer.extend_from_slice(&other.buffer);
        self.topic.clone_from(&other.topic);
        self.types.clone_from(&other.types);
        self.places.clone_from(&other.places);
        self.notes.clone_from(&other.notes);
        self.key = other.key;
        self.expired = other.expired;
        self.bytes_per_second = other.bytes_per_second;
    }

    /// Notes an event whose bytes are in the buffer.
    pub(crate) fn holds(&mut self, event_type: u16, id: EventId) {
        if self.types.is_empty() {
            self.key = id.0 as u64 ^ (id.0 >> 64) as u64;
        }
        self.types.push(event_type);
    }

    /// The body.
    pub(crate) fn body(&self, room: usize) -> &[u8] {
        self.buffer.get(room..).unwrap_or_default()
    }

    /// Room in front of the body; meaningful before it is complete.
    fn room(&self) -> usize {
        self.start
    }
}

/// Jobs to use again, so that a running worker allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct Spare(Vec<Job>);

impl Spare {
    /// A job, used or new, ready for its events.
    pub(crate) fn take(&mut self, room: usize) -> Job {
        let mut job = self.0.pop().unwrap_or_default();
        job.begin(room);
        job
    }

    /// Keeps a job for later.
    pub(crate) fn give(&mut self, job: Job) {
        if self.0.len() < MOST_SPARE && job.buffer.capacity() <= LARGEST_SPARE {
            self.0.push(job);
        }
    }
}
