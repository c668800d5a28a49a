//! A stream at work: opened when the run begins, carrying messages and their answers, opened again when it breaks.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use shared::run::FailureKind;
use shared::units::Nanos;

use crate::engine::hub::Hub;
use crate::engine::job::Job;
use crate::engine::outcome::{self, Attempt, Told};
use crate::engine::stream::{StreamLane, StreamPool};
use crate::engine::stream_setup::{Heard, Pairing, StreamSetup, closed};
use crate::engine::target::TargetSetup;
use crate::transport::dial::DialTimes;
use crate::transport::exchange::Answer;
use crate::transport::failure::TransportError;
use crate::transport::websocket::{Incoming, WsConnection};

/// Things done in a row before other tasks get their turn.
const TURNS: u32 = 64;
/// Time for the good-bye of a connection.
const GOODBYE: Duration = Duration::from_millis(200);

/// Serves one place of a target's streams until the run is over.
pub(crate) async fn serve(hub: Rc<Hub>, target: usize, place: usize) {
    let Some(pool) = &hub.streams[target] else { return };
    let Some(setup) = &hub.targets[target].stream else { return };
    let lane = &pool.lanes[place];
    let mut failed = 0;
    let mut again = false;
    loop {
        let Ok(permit) = pool.opening.acquire().await else { return };
        if hub.closing.get() {
            return;
        }
        let began = hub.clock.now();
        let opened = open(&hub, target, pool, lane, again).await;
        drop(permit);
        again = true;
        match opened {
            Ok(connection) => {
                failed = 0;
                hub.connections.set(hub.connections.get() + 1);
                let mut session = Session::new(&hub, target, setup, pool, lane, connection);
                let end = poll_fn(|cx| session.poll(cx)).await;
                hub.connections.set(hub.connections.get() - 1);
                session.end(&end);
                if matches!(end, End::Over) {
                    let _late = tokio::time::timeout(GOODBYE, poll_fn(|cx| session.connection.poll_close(cx))).await;
                    return;
                }
            }
            Err(error) => fail_waiting(&hub, target, pool, lane, began, &error),
        }
        failed += 1;
        rest(&hub, lane, setup.wait(failed, place as u64)).await;
        if hub.closing.get() {
            return;
        }
    }
}

/// Opens the connection within the target's time, the first message included.
async fn open(
    hub: &Hub,
    target: usize,
    pool: &StreamPool,
    lane: &StreamLane,
    again: bool,
) -> Result<WsConnection, TransportError> {
    let now = hub.clock.now();
    hub.record(now).connection_attempted(again);
    let lane = &lane.lane;
    lane.expired.set(false);
    lane.deadline.set(Some(now.saturating_add(hub.targets[target].connect_timeout)));
    let mut dialling = pin!(pool.transport.connect());
    let opened = poll_fn(|cx| {
        if lane.expired.get() {
            return Poll::Ready(Err((TransportError::new(FailureKind::Timeout, "no connection in time"), None)));
        }
        if hub.aborted.get() || hub.closing.get() {
            return Poll::Ready(Err((TransportError::new(FailureKind::Aborted, "the run ended"), None)));
        }
        lane.remember(cx.waker());
        dialling.as_mut().poll(cx)
    })
    .await;
    lane.deadline.set(None);
    let mut recorder = hub.record(hub.clock.now());
    match opened {
        Ok((mut connection, DialTimes { connect, tls })) => {
            let nanos = |span: Duration| Nanos(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX));
            recorder.connection_opened(nanos(connect), tls.map(nanos));
            if let Some(first) = hub.targets[target].stream.as_ref().and_then(|setup| setup.first.as_ref()) {
                let sent = connection.send(&first.0)?;
                recorder.bytes(sent, 0);
            }
            Ok(connection)
        }
        Err((error, status)) => {
            recorder.connection_failed();
            if let (FailureKind::HandshakeRefused, Some(status)) = (error.kind, status) {
                *recorder.streams().refused.entry(status).or_default() += 1;
            }
            Err(error)
        }
    }
}

/// No connection could be had: what waited for it since before the attempt began has failed with it.
fn fail_waiting(hub: &Hub, target: usize, pool: &StreamPool, lane: &StreamLane, began: Nanos, error: &TransportError) {
    while lane.waits_since(began) {
        let Some(mut job) = pool.next_at(lane) else { return };
        let sent = hub.clock.now();
        outcome::begin(hub, &mut job, sent);
        let attempt = Attempt { sent, done: sent, body: &[], result: Err(error.clone()) };
        outcome::settle(hub, target, job, &attempt, Told::failed(error.kind, false));
    }
}

/// Waits before another attempt, not beyond the run's end.
async fn rest(hub: &Hub, lane: &StreamLane, wait: Nanos) {
    let mut sleep = pin!(tokio::time::sleep(Duration::from_nanos(wait.0)));
    poll_fn(|cx| {
        if hub.closing.get() || hub.aborted.get() {
            return Poll::Ready(());
        }
        lane.lane.remember(cx.waker());
        sleep.as_mut().poll(cx)
    })
    .await;
}

/// How a connection came to its end.
enum End {
    /// The run is over.
    Over,
    /// A fault wants it closed, without a word.
    Cut,
    /// It is of no more use; messages under way fail for this reason.
    Broken(TransportError),
}

/// A message that is under way.
struct Flight {
    job: Job,
    sent: Nanos,
    deadline: Nanos,
    key: Option<Box<[u8]>>,
}

/// One connection's time.
struct Session<'a> {
    hub: &'a Hub,
    target: usize,
    target_setup: &'a TargetSetup,
    setup: &'a StreamSetup,
    pool: &'a StreamPool,
    lane: &'a StreamLane,
    connection: WsConnection,
    /// Messages that wait for their answers, or to be handed to the network, in the order in which they were sent.
    flying: BTreeMap<u64, Flight>,
    /// Their numbers by what an answer repeats.
    keys: HashMap<Box<[u8]>, VecDeque<u64>>,
    number: u64,
    /// A message that closes the connection once everything before it is answered.
    cut: Option<Job>,
    unflushed: bool,
    next_ping: Option<Nanos>,
    /// Whether the last ping is unanswered.
    asked: bool,
}

impl<'a> Session<'a> {
    fn new(
        hub: &'a Hub,
        target: usize,
        setup: &'a StreamSetup,
        pool: &'a StreamPool,
        lane: &'a StreamLane,
        connection: WsConnection,
    ) -> Self {
        let next_ping = setup.ping.map(|every| hub.clock.now().saturating_add(every));
        let target_setup = &hub.targets[target];
        Self {
            hub,
            target,
            target_setup,
            setup,
            pool,
            lane,
            connection,
            flying: BTreeMap::new(),
            keys: HashMap::new(),
            number: 0,
            cut: None,
            // The first message, if there is one.
            unflushed: true,
            next_ping,
            asked: false,
        }
    }

    /// Sends what waits, takes in what comes; ready when the connection has come to its end.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        self.lane.lane.remember(cx.waker());
        for _ in 0..TURNS {
            if self.hub.aborted.get() {
                return Poll::Ready(End::Broken(TransportError::new(FailureKind::Aborted, "the run was aborted")));
            }
            if self.hub.closing.get() && self.flying.is_empty() {
                return Poll::Ready(End::Over);
            }
            let heard = match self.connection.poll_incoming(cx) {
                Poll::Ready((incoming, size)) => {
                    self.hub.record(self.hub.clock.now()).bytes(0, size);
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
            if self.cut.is_some() && self.flying.is_empty() {
                return Poll::Ready(End::Cut);
            }
            if !heard && !sent {
                self.lane.lane.deadline.set(self.deadline());
                return Poll::Pending;
            }
        }
        // More to do, but not before others had their turn.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Sends what waits while there is room; says whether anything moved.
    fn send(&mut self, cx: &mut Context<'_>) -> Result<bool, TransportError> {
        let mut moved = false;
        while self.cut.is_none() && self.flying.len() < self.setup.window {
            let Some(job) = self.pool.next_at(self.lane) else { break };
            let sent = self.hub.clock.now();
            let Some(mut job) = outcome::in_time(self.hub, job, sent) else { continue };
            if self.connection.poll_room(cx)?.is_pending() {
                self.pool.put_back(self.lane, job);
                break;
            }
            moved = true;
            if job.cuts {
                self.cut = Some(job);
                break;
            }
            outcome::begin(self.hub, &mut job, sent);
            let key = match &self.setup.pairing {
                Pairing::Field(field) => field.find(job.request()).map(Box::from),
                Pairing::Order | Pairing::None => None,
            };
            let outcome = self.connection.send(job.request());
            let deadline = sent.saturating_add(self.target_setup.timeout);
            if let Some(key) = &key {
                self.keys.entry(Box::clone(key)).or_default().push_back(self.number);
            }
            self.flying.insert(self.number, Flight { job, sent, deadline, key });
            self.number += 1;
            self.unflushed = true;
            let bytes = outcome?;
            self.hub.record(sent).bytes(bytes, 0);
        }
        if self.unflushed && self.connection.poll_flush(cx)?.is_ready() {
            self.unflushed = false;
            if matches!(self.setup.pairing, Pairing::None) {
                let done = self.hub.clock.now();
                while let Some((_, flight)) = self.flying.pop_first() {
                    moved = true;
                    self.settle(flight, done, &[], Ok(false));
                }
            }
        }
        Ok(moved)
    }

    /// Takes in what came.
    fn take(&mut self, incoming: Incoming) -> Result<(), End> {
        let now = self.hub.clock.now();
        match incoming {
            Incoming::Message(message) => {
                self.hear(&message, now);
                self.hub.wake_worker_if_due(now);
            }
            Incoming::Ping => self.hub.record(now).streams().pings += 1,
            Incoming::Pong => self.asked = false,
            Incoming::Closed(code) => {
                *self.hub.record(now).streams().closes.entry(code).or_default() += 1;
                return Err(End::Broken(TransportError::new(
                    closed(code),
                    format!("the target closed with code {code}"),
                )));
            }
            Incoming::Broken(error) => {
                self.hub.record(now).streams().broken += 1;
                return Err(End::Broken(error));
            }
        }
        Ok(())
    }

    /// Finds the message that was answered.
    fn hear(&mut self, message: &[u8], now: Nanos) {
        let heard = self.setup.hear(message);
        let meaning = match &heard {
            Heard::Ignored => None,
            Heard::Answer => Some(Ok(false)),
            Heard::Error(_, meaning) => Some(*meaning),
        };
        let flight = meaning.and_then(|_| self.answered(message, matches!(heard, Heard::Error(..))));
        let mut recorder = self.hub.record(now);
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
        let field = match &self.setup.pairing {
            Pairing::None => return None,
            Pairing::Order => return self.oldest(),
            Pairing::Field(field) => field,
        };
        let Some(key) = field.find(message) else { return if error { self.oldest() } else { None } };
        let number = self.keys.get(key)?.front().copied()?;
        self.remove(number)
    }

    fn oldest(&mut self) -> Option<Flight> {
        let number = self.flying.first_key_value().map(|(number, _)| *number)?;
        self.remove(number)
    }

    fn remove(&mut self, number: u64) -> Option<Flight> {
        let flight = self.flying.remove(&number)?;
        if let Some(key) = &flight.key
            && let Some(numbers) = self.keys.get_mut(key)
        {
            numbers.retain(|other| *other != number);
            if numbers.is_empty() {
                self.keys.remove(key);
            }
        }
        Some(flight)
    }

    /// Looks after time: answers that did not come, pings.
    fn watch(&mut self) -> Result<(), TransportError> {
        let now = self.hub.clock.now();
        while self.flying.first_key_value().is_some_and(|(_, flight)| now >= flight.deadline) {
            let Some(flight) = self.oldest() else { break };
            let detail = format!("no answer within {}", self.target_setup.timeout);
            let error = TransportError::new(FailureKind::Timeout, detail);
            self.fail(flight, now, &error);
            if matches!(self.setup.pairing, Pairing::Order) {
                let why = "closed: after an answer that did not come nobody knows which message the next belongs to";
                return Err(TransportError::new(FailureKind::ConnectionReset, why));
            }
        }
        if let (Some(every), Some(at)) = (self.setup.ping, self.next_ping)
            && now >= at
        {
            if std::mem::replace(&mut self.asked, true) {
                self.hub.record(now).streams().broken += 1;
                return Err(TransportError::new(FailureKind::ConnectionReset, "the target does not answer pings"));
            }
            self.connection.ping()?;
            self.unflushed = true;
            self.next_ping = Some(now.saturating_add(every));
            self.lane.lane.wake();
        }
        self.lane.lane.expired.set(false);
        Ok(())
    }

    fn deadline(&self) -> Option<Nanos> {
        let oldest = self.flying.first_key_value().map(|(_, flight)| flight.deadline);
        oldest.into_iter().chain(self.next_ping).min()
    }

    fn settle(&self, flight: Flight, done: Nanos, body: &[u8], meaning: Result<bool, FailureKind>) {
        let Flight { job, sent, .. } = flight;
        let result = Ok(Answer { status: 0, retry_after: None, encoding: None, cut: false });
        let attempt = Attempt { sent, done, body, result };
        let told = match meaning {
            Ok(duplicate) => Told::accepted(job.types.len() as u32, duplicate),
            Err(kind) => Told::failed(kind, true),
        };
        outcome::settle(self.hub, self.target, job, &attempt, told);
    }

    fn fail(&self, flight: Flight, done: Nanos, error: &TransportError) {
        let Flight { mut job, sent, .. } = flight;
        // It was sent: whether it came through nobody has told.
        job.unanswered = true;
        let attempt = Attempt { sent, done, body: &[], result: Err(error.clone()) };
        let told = Told::failed(error.kind, error.kind == FailureKind::Timeout);
        outcome::settle(self.hub, self.target, job, &attempt, told);
    }

    /// The connection is of no more use: whatever was under way has failed with it.
    fn end(&mut self, end: &End) {
        self.lane.lane.deadline.set(None);
        self.lane.lane.expired.set(false);
        let now = self.hub.clock.now();
        if let Some(job) = self.cut.take() {
            match end {
                End::Cut => outcome::withhold(self.hub, job),
                // It goes before the connection that it was to close: it will close the next one.
                End::Broken(_) | End::Over => self.pool.put_back(self.lane, job),
            }
        }
        if let End::Broken(error) = end {
            while let Some((_, flight)) = self.flying.pop_first() {
                self.fail(flight, now, error);
            }
        }
        self.keys.clear();
        self.hub.wake_worker_if_due(now);
    }
}
