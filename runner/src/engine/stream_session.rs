//! One connection's time: messages go out, answers come in, until it is over or breaks.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use shared::run::FailureKind;
use shared::units::Nanos;
use tokio::time::Sleep;

use crate::engine::deliveries::Deliveries;
use crate::engine::flights::{Flight, Flights};
use crate::engine::hub::Hub;
use crate::engine::job::Job;
use crate::engine::outcome::{self, Attempt, Told};
use crate::engine::stream::{StreamLane, StreamPool};
use crate::engine::stream_setup::{Heard, Pairing, StreamSetup, closed};
use crate::engine::target::TargetSetup;
use crate::mqtt::packet::Step;
use crate::transport::channel::Channel;
use crate::transport::exchange::Answer;
use crate::transport::failure::TransportError;
use crate::transport::traffic::{Incoming, Message};

/// Things done in a row before other tasks get their turn.
const TURNS: u32 = 64;
/// How long a run that is over waits for messages that are to come back.
const GRACE: Duration = Duration::from_secs(1);
/// What is counted of acknowledgements that belong to no message.
const UNEXPECTED: &str = "UNEXPECTED_ACKNOWLEDGEMENT";

/// Which connection of whom it is.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) hub: &'a Hub,
    pub(crate) target: usize,
    pub(crate) target_setup: &'a TargetSetup,
    pub(crate) setup: &'a StreamSetup,
    pub(crate) pool: &'a StreamPool,
    pub(crate) lane: &'a StreamLane,
    /// Its number among all connections of the target, from 0.
    pub(crate) number: u64,
}

/// How a connection came to its end.
pub(crate) enum End {
    /// The run is over.
    Over,
    /// A fault wants it closed, without a word.
    Cut,
    /// It is of no more use; messages under way fail for this reason.
    Broken(TransportError),
}

/// One connection's time.
pub(crate) struct Session<'a> {
    place: Place<'a>,
    pub(crate) connection: Channel,
    flights: Flights,
    deliveries: Deliveries,
    /// Most messages without an answer.
    window: usize,
    /// Whether the first message of the connection, one of its own, still waits for its answer.
    first_unanswered: bool,
    /// A message that closes the connection once everything before it is answered.
    cut: Option<Job>,
    unflushed: bool,
    /// Whether a message is under way that a fault slows down: nothing overtakes it.
    slow: bool,
    /// How often the target is asked whether it is there.
    ping: Option<Nanos>,
    next_ping: Option<Nanos>,
    /// Whether the last ping is unanswered.
    asked: bool,
    /// The time that is left once the run is over.
    grace: Option<Pin<Box<Sleep>>>,
}

impl<'a> Session<'a> {
    /// Begins with an open connection; what an earlier one left goes on where the target remembers it.
    pub(crate) fn new(place: Place<'a>, connection: Channel, kept: Flights) -> Self {
        let setup = place.setup;
        // Well within the silence that the target allows, as with the one that was offered.
        let insisted = connection.longest_silence().map(|seconds| Nanos(Nanos::from_secs(seconds.into()).0 / 2));
        let ping = setup.ping.into_iter().chain(insisted).min();
        let next_ping = ping.map(|every| place.hub.clock.now().saturating_add(every));
        let allowed = if matches!(setup.pairing, Pairing::Number) { connection.most_unanswered() } else { usize::MAX };
        let mut session = Self {
            place,
            window: setup.window.min(allowed).max(1),
            connection,
            flights: kept,
            deliveries: Deliveries::default(),
            first_unanswered: setup.first.is_some() && matches!(setup.pairing, Pairing::Order),
            cut: None,
            // The first message, if there is one.
            unflushed: true,
            slow: false,
            ping,
            next_ping,
            asked: false,
            grace: None,
        };
        session.go_on();
        session
    }

    /// Sends again what an earlier connection left unanswered.
    fn go_on(&mut self) {
        if self.flights.is_empty() {
            return;
        }
        if !self.connection.is_resumed() {
            let why = "the broker has forgotten the session";
            let error = TransportError::new(FailureKind::ConnectionReset, why);
            return self.fail_all(&error);
        }
        let now = self.place.hub.clock.now();
        for (id, flight) in self.flights.all() {
            if flight.released {
                self.connection.release(id);
                continue;
            }
            let message = Message { topic: &flight.job.topic, payload: flight.job.request(), id, again: true };
            if let Ok(bytes) = self.connection.send(&message) {
                self.place.hub.record(now).bytes(bytes, 0);
            }
        }
    }

    /// Sends what waits, takes in what comes; ready when the connection has come to its end.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let hub = self.place.hub;
        self.place.lane.lane.remember(cx.waker());
        for _ in 0..TURNS {
            if hub.aborted.get() {
                return Poll::Ready(End::Broken(TransportError::new(FailureKind::Aborted, "the run was aborted")));
            }
            if hub.closing.get() && self.flights.is_empty() && self.is_done(cx) {
                return Poll::Ready(End::Over);
            }
            let heard = match self.connection.poll_incoming(cx) {
                Poll::Ready((incoming, size)) => {
                    hub.record(hub.clock.now()).bytes(0, size);
                    if let Err(end) = self.take(incoming) {
                        return Poll::Ready(end);
                    }
                    true
                }
                Poll::Pending => false,
            };
            let sent = match self.send(cx) {
                Ok(sent) => sent,
                Err(error) => return Poll::Ready(End::Broken(error)),
            };
            if let Err(error) = self.watch() {
                return Poll::Ready(End::Broken(error));
            }
            if self.cut.is_some() && self.flights.is_empty() {
                return Poll::Ready(End::Cut);
            }
            if !heard && !sent {
                self.place.lane.lane.deadline.set(self.deadline());
                return Poll::Pending;
            }
        }
        // More to do, but not before others had their turn.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Whether nothing is to come back any more, or the time for it is over.
    fn is_done(&mut self, cx: &mut Context<'_>) -> bool {
        if self.deliveries.is_empty() {
            return true;
        }
        let grace = self.grace.get_or_insert_with(|| Box::pin(tokio::time::sleep(GRACE)));
        grace.as_mut().poll(cx).is_ready()
    }

    /// Sends what waits while there is room; says whether anything moved.
    fn send(&mut self, cx: &mut Context<'_>) -> Result<bool, TransportError> {
        let Place { hub, setup, pool, lane, .. } = self.place;
        let mut moved = false;
        while self.cut.is_none() && !self.slow && self.flights.len() < self.window && self.flights.has_number() {
            let Some(job) = pool.next_at(lane) else { break };
            let sent = hub.clock.now();
            let Some(job) = outcome::in_time(hub, job, sent) else { continue };
            if self.connection.poll_room(cx)?.is_pending() {
                pool.put_back(lane, job);
                break;
            }
            // What goes slowly begins once everything before it is on its way.
            if job.bytes_per_second.is_some()
                && (self.unflushed || self.connection.has_output())
                && self.connection.poll_flush(cx)?.is_pending()
            {
                pool.put_back(lane, job);
                break;
            }
            moved = true;
            if job.cuts {
                self.cut = Some(job);
                break;
            }
            self.hand_over(job, sent)?;
        }
        if (self.unflushed || self.connection.has_output()) && self.connection.poll_flush(cx)?.is_ready() {
            self.unflushed = false;
            if std::mem::take(&mut self.slow) {
                self.connection.set_speed(None);
                moved = true;
            }
            if matches!(setup.pairing, Pairing::None) {
                let done = hub.clock.now();
                while let Some(flight) = self.flights.oldest() {
                    moved = true;
                    self.settle(flight, done, &[], Ok(false));
                }
            }
        }
        Ok(moved)
    }

    /// Hands one message to the connection.
    fn hand_over(&mut self, mut job: Job, sent: Nanos) -> Result<(), TransportError> {
        let Place { hub, target, setup, target_setup, .. } = self.place;
        outcome::begin(hub, &mut job, sent);
        let numbered = matches!(setup.pairing, Pairing::Number);
        let id = if numbered { self.flights.next_id() } else { 0 };
        let message = Message { topic: &job.topic, payload: job.request(), id, again: false };
        if let Some(name) = self.connection.objection(&message) {
            hub.record(sent).streams().error_named(name, 1);
            let error = TransportError::new(FailureKind::ClientError, format!("it cannot be published: {name}"));
            let attempt = Attempt { sent, done: sent, body: &[], result: Err(error) };
            outcome::settle(hub, target, job, &attempt, Told::failed(FailureKind::ClientError, false));
            return Ok(());
        }
        let key = match &setup.pairing {
            Pairing::Field(field) => field.find(job.request()).map(Box::from),
            Pairing::Order | Pairing::None | Pairing::Number => None,
        };
        if job.bytes_per_second.is_some() {
            self.connection.set_speed(job.bytes_per_second);
            self.slow = true;
        }
        let outcome = self.connection.send(&message);
        let deadline = sent.saturating_add(target_setup.timeout);
        if let Some(field) = setup.mqtt().and_then(|mqtt| mqtt.correlate.as_ref()) {
            let event_type = job.types.first().copied().unwrap_or_default();
            self.deliveries.expect(field, job.request(), job.due, event_type, deadline);
        }
        self.flights.add(Flight { job, sent, deadline, key, released: false });
        self.unflushed = true;
        let bytes = outcome?;
        hub.record(sent).bytes(bytes, 0);
        Ok(())
    }

    /// Takes in what came.
    fn take(&mut self, incoming: Incoming) -> Result<(), End> {
        let hub = self.place.hub;
        let now = hub.clock.now();
        match incoming {
            Incoming::Message(message) => {
                self.hear(&message, now);
                hub.wake_worker_if_due(now);
            }
            Incoming::Delivered { payload, kept } => self.deliver(&payload, kept, now),
            Incoming::Acknowledged { step, id, reason } => {
                self.acknowledge(step, id, reason, now);
                hub.wake_worker_if_due(now);
            }
            Incoming::Ping => hub.record(now).streams().pings += 1,
            Incoming::Pong => self.asked = false,
            Incoming::Nothing => {}
            Incoming::Trouble(name) => hub.record(now).streams().error_named(&name, 1),
            Incoming::Closed(code) => {
                *hub.record(now).streams().closes.entry(code).or_default() += 1;
                return Err(End::Broken(TransportError::new(
                    closed(code),
                    format!("the target closed with code {code}"),
                )));
            }
            Incoming::Senseless(name, error) => {
                let mut recorder = hub.record(now);
                recorder.streams().error_named(name, 1);
                recorder.streams().broken += 1;
                return Err(End::Broken(error));
            }
            Incoming::Broken(error) => {
                hub.record(now).streams().broken += 1;
                return Err(End::Broken(error));
            }
        }
        Ok(())
    }

    /// Finds the message that was answered.
    fn hear(&mut self, message: &[u8], now: Nanos) {
        let heard = self.place.setup.hear(message);
        let meaning = match &heard {
            Heard::Ignored => None,
            Heard::Answer => Some(Ok(false)),
            Heard::Error(_, meaning) => Some(*meaning),
        };
        let flight = meaning.and_then(|_| self.answered(message, matches!(heard, Heard::Error(..))));
        let mut recorder = self.place.hub.record(now);
        let counts = recorder.streams();
        counts.received += 1;
        counts.matched += u64::from(flight.is_some());
        counts.ignored += u64::from(heard == Heard::Ignored);
        if let Heard::Error(name, _) = &heard {
            counts.error_named(name, 1);
        }
        drop(recorder);
        if let (Some(flight), Some(meaning)) = (flight, meaning) {
            self.settle(flight, now, message, meaning);
        }
    }

    /// The message that an answer belongs to. An error that repeats no field belongs to the oldest one.
    fn answered(&mut self, message: &[u8], error: bool) -> Option<Flight> {
        let field = match &self.place.setup.pairing {
            Pairing::None | Pairing::Number => return None,
            // Where each message has an answer, so has the one by which the connection said who it is.
            Pairing::Order if std::mem::take(&mut self.first_unanswered) => return None,
            Pairing::Order => return self.flights.oldest(),
            Pairing::Field(field) => field,
        };
        match field.find(message) {
            Some(key) => self.flights.by_key(key),
            None if error => self.flights.oldest(),
            None => None,
        }
    }

    /// Takes in a step of an acknowledgement: quality 1 has one, quality 2 has two and an answer of ours between them.
    fn acknowledge(&mut self, step: Step, id: u16, reason: u8, now: Nanos) {
        let qos = self.place.setup.mqtt().map_or(0, |mqtt| mqtt.introduction.qos);
        let refused = reason >= 0x80;
        let under_way = self.flights.by_id(id);
        let done = match (qos, step, under_way) {
            (1, Step::Acknowledged, Some(_)) => true,
            (2, Step::Received, Some(flight)) if !refused => {
                flight.released = true;
                self.connection.release(id);
                false
            }
            (2, Step::Received, Some(_)) => true,
            (2, Step::Complete, Some(flight)) if flight.released => true,
            _ => {
                if step == Step::Received && !refused {
                    // Else the broker would wait for this for ever.
                    self.connection.release(id);
                }
                return self.place.hub.record(now).streams().error_named(UNEXPECTED, 1);
            }
        };
        let mut meaning = Ok(false);
        if refused {
            let (name, means) = self.place.setup.reason(reason);
            meaning = means;
            self.place.hub.record(now).streams().error_named(&name, 1);
        }
        if let Some(flight) = if done { self.flights.take(id) } else { None } {
            self.place.hub.record(now).streams().acknowledged += 1;
            self.settle(flight, now, &[], meaning);
        }
    }

    /// Takes in a message of a topic that is listened to.
    fn deliver(&mut self, message: &[u8], kept: bool, now: Nanos) {
        let Place { hub, target_setup, setup, .. } = self.place;
        let field = setup.mqtt().and_then(|mqtt| mqtt.correlate.as_ref());
        let came = field.filter(|_| !kept).and_then(|field| self.deliveries.came(field, message));
        let mut recorder = hub.record(now);
        let counts = recorder.streams();
        counts.received += 1;
        counts.ignored += u64::from(kept);
        counts.delivered += u64::from(came.is_some());
        if let Some(awaited) = came {
            let delay = now.saturating_sub(awaited.due);
            recorder.delivered(delay);
            drop(recorder);
            outcome::look_at_delivery(hub, target_setup, awaited.event_type, message, delay);
        }
    }

    /// Looks after time: answers that did not come, pings.
    fn watch(&mut self) -> Result<(), TransportError> {
        let Place { hub, setup, lane, .. } = self.place;
        let now = hub.clock.now();
        self.deliveries.expire(now);
        while let Some(flight) = self.flights.late(now) {
            self.place.timed_out(flight);
            if matches!(setup.pairing, Pairing::Order) {
                let why = "closed: after an answer that did not come nobody knows which message the next belongs to";
                return Err(TransportError::new(FailureKind::ConnectionReset, why));
            }
        }
        if let (Some(every), Some(at)) = (self.ping, self.next_ping)
            && now >= at
        {
            if std::mem::replace(&mut self.asked, true) {
                hub.record(now).streams().broken += 1;
                return Err(TransportError::new(FailureKind::ConnectionReset, "the target does not answer pings"));
            }
            self.connection.ping()?;
            self.unflushed = true;
            self.next_ping = Some(now.saturating_add(every));
            lane.lane.wake();
        }
        lane.lane.expired.set(false);
        Ok(())
    }

    fn deadline(&self) -> Option<Nanos> {
        self.flights.deadline().into_iter().chain(self.next_ping).min()
    }

    fn settle(&self, flight: Flight, done: Nanos, body: &[u8], meaning: Result<bool, FailureKind>) {
        let Flight { job, sent, .. } = flight;
        let result = Ok(Answer { status: 0, retry_after: None, encoding: None, cut: false });
        let attempt = Attempt { sent, done, body, result };
        let told = match meaning {
            Ok(duplicate) => Told::accepted(job.types.len() as u32, duplicate),
            Err(kind) => Told::failed(kind, true),
        };
        outcome::settle(self.place.hub, self.place.target, job, &attempt, told);
    }

    fn fail_all(&mut self, error: &TransportError) {
        let now = self.place.hub.clock.now();
        while let Some(flight) = self.flights.oldest() {
            fail(self.place, flight, now, error);
        }
    }

    /// The connection is of no more use: whatever was under way has failed with it, unless it goes on with the next.
    pub(crate) fn end(&mut self, end: &End) -> Flights {
        let Place { hub, setup, pool, lane, .. } = self.place;
        lane.lane.deadline.set(None);
        lane.lane.expired.set(false);
        let now = hub.clock.now();
        if let Some(job) = self.cut.take() {
            match end {
                End::Cut => outcome::withhold(hub, job),
                // It goes before the connection that it was to close: it will close the next one.
                End::Broken(_) | End::Over => pool.put_back(lane, job),
            }
        }
        self.deliveries.give_up();
        hub.record(now).streams().undelivered += self.deliveries.missed();
        let resumes = setup.mqtt().is_some_and(|mqtt| mqtt.resumes);
        match end {
            End::Broken(error) if !resumes || error.kind == FailureKind::Aborted => self.fail_all(error),
            End::Broken(_) | End::Cut | End::Over => {}
        }
        hub.wake_worker_if_due(now);
        std::mem::take(&mut self.flights)
    }
}

impl Place<'_> {
    /// No answer came in time.
    pub(crate) fn timed_out(self, flight: Flight) {
        let detail = format!("no answer within {}", self.target_setup.timeout);
        fail(self, flight, self.hub.clock.now(), &TransportError::new(FailureKind::Timeout, detail));
    }
}

/// A message was sent and has failed.
pub(crate) fn fail(place: Place<'_>, flight: Flight, done: Nanos, error: &TransportError) {
    let Flight { mut job, sent, .. } = flight;
    // Whether it came through nobody has told.
    job.unanswered = true;
    let attempt = Attempt { sent, done, body: &[], result: Err(error.clone()) };
    let told = Told::failed(error.kind, error.kind == FailureKind::Timeout);
    outcome::settle(place.hub, place.target, job, &attempt, told);
}
