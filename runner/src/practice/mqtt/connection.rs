//! One client's connection to the broker.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::bridge;
use super::broker::{Broker, Client};
use super::session::Subscription;
use crate::mqtt::packet::{Connect, Filter, Packet, Publish, Step, Version};
use crate::mqtt::property::Properties;
use crate::mqtt::read::{self, MOST_RECEIVED};
use crate::mqtt::write;
use crate::practice::gate::{Decision, Fate};
use crate::practice::intake::Verdict;
use crate::practice::site::Site;

/// Bytes read at a time: thousands of connections must fit.
const READ: usize = 4 * 1024;
/// Time for a client to introduce itself.
const PATIENCE: Duration = Duration::from_secs(10);
/// Topics that a client may say by a number.
const ALIASES: u16 = 16;
/// How long a session of version 3.1.1 is kept without a connection.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Filters that one client may listen to.
const MOST_SUBSCRIPTIONS: usize = 1_000;

const IDENTIFIER_REJECTED: u8 = 0x02;
const WRONG_VERSION: u8 = 0x01;
const SUBSCRIPTION_REFUSED: u8 = 0x80;
const MALFORMED: u8 = 0x81;
const PROTOCOL_ERROR: u8 = 0x82;
const SERVICE_FAILED: u8 = 0x83;
const KEEP_ALIVE_TIMEOUT: u8 = 0x8d;
const TAKEN_OVER: u8 = 0x8e;
const ALIAS_INVALID: u8 = 0x94;
const QUOTA_EXCEEDED: u8 = 0x97;
const ADMINISTRATIVE: u8 = 0x98;
const NOT_SHARED: u8 = 0x9e;

/// Serves a connection until either side ends it.
pub(in crate::practice) async fn serve(mut stream: TcpStream, site: Rc<Site>, broker: Rc<Broker>) {
    let mut input = BytesMut::with_capacity(READ);
    let Ok(Some(first)) = tokio::time::timeout(PATIENCE, first_packet(&mut stream, &mut input)).await else { return };
    let connect = match read::packet(&first, Version::V3) {
        Ok(Packet::Connect(connect)) => connect,
        // Whoever speaks another version, or none, is told so in the oldest that is spoken here.
        _ => {
            let mut out = Vec::new();
            write::connack(&mut out, Version::V3, false, WRONG_VERSION, &Properties::default());
            let _gone = stream.write_all(&out).await;
            return;
        }
    };
    let Some(mut connection) = Connection::welcome(stream, input, &connect, site, broker).await else { return };
    let end = connection.exchange().await;
    connection.leave(end).await;
}

/// Reads up to the end of the first packet; none where there is none.
async fn first_packet(stream: &mut TcpStream, input: &mut BytesMut) -> Option<Bytes> {
    loop {
        match read::length(input, MOST_RECEIVED) {
            Ok(Some(length)) if input.len() >= length => return Some(input.split_to(length).freeze()),
            Ok(_) => {}
            Err(_) => return None,
        }
        input.reserve(READ);
        if stream.read_buf(input).await.ok()? == 0 {
            return None;
        }
    }
}

/// How a connection comes to its end.
enum End {
    /// The client said good-bye: its will is not done.
    Goodbye,
    /// The client is gone, or is to be gone, without a word.
    Gone,
    /// The broker ends it, for this reason.
    Closed(u8),
    /// Another connection has its name.
    TakenOver,
}

/// Something to do at its moment.
struct Due {
    at: Instant,
    next: Next,
    /// Events that it acknowledges; none where it answers no message.
    acknowledged: Option<u64>,
}

enum Next {
    Ack(Step, u16, u8),
    Silence,
    Close(u8),
    Drop,
}

/// A will as it is kept.
struct Will {
    topic: String,
    payload: Vec<u8>,
    qos: u8,
    retain: bool,
}

struct Connection {
    stream: TcpStream,
    site: Rc<Site>,
    broker: Rc<Broker>,
    client: Rc<Client>,
    /// Its number among the connections of its client.
    number: u64,
    version: Version,
    input: BytesMut,
    out: Vec<u8>,
    /// Answers in the order of their messages, each with its moment.
    answers: VecDeque<Due>,
    /// Events that what is in `out` acknowledges, message by message.
    fed: Vec<u64>,
    aliases: Vec<Option<Rc<str>>>,
    keepalive: Option<Duration>,
    remembered: Option<Duration>,
    will: Option<Will>,
}

impl Connection {
    async fn welcome(
        mut stream: TcpStream,
        input: BytesMut,
        connect: &Connect<'_>,
        site: Rc<Site>,
        broker: Rc<Broker>,
    ) -> Option<Self> {
        let version = connect.version;
        let mut out = Vec::new();
        if connect.client.is_empty() && version == Version::V3 && !connect.clean {
            write::connack(&mut out, version, false, IDENTIFIER_REJECTED, &Properties::default());
            let _gone = stream.write_all(&out).await;
            return None;
        }
        let found = connect.client.is_empty().then(|| format!("auto-{}", broker.number()));
        let name = found.as_deref().unwrap_or(connect.client);
        let (client, present) = broker.enter(name, connect.clean);
        let allowed = match version {
            Version::V3 => Properties::default(),
            Version::V5 => Properties {
                alias_maximum: Some(ALIASES),
                maximum_packet: u32::try_from(MOST_RECEIVED).ok(),
                shared_available: Some(false),
                assigned_client: found.as_deref(),
                ..Properties::default()
            },
        };
        write::connack(&mut out, version, present, 0, &allowed);
        client.session.borrow_mut().connected(connect.properties.receive_maximum, version, &mut out);
        let remembered = match version {
            Version::V3 => (!connect.clean).then_some(KEPT),
            Version::V5 => {
                let expiry = connect.properties.session_expiry.filter(|seconds| *seconds > 0);
                expiry.map(|seconds| Duration::from_secs(u64::from(seconds)))
            }
        };
        Some(Self {
            stream,
            site,
            broker,
            number: client.connection.get(),
            client,
            version,
            input,
            out,
            answers: VecDeque::new(),
            fed: Vec::new(),
            aliases: vec![None; usize::from(ALIASES)],
            keepalive: (connect.keepalive > 0)
                .then(|| Duration::from_millis(1_500).saturating_mul(u32::from(connect.keepalive))),
            remembered,
            will: connect.will.map(|will| Will {
                topic: will.topic.to_owned(),
                payload: will.payload.to_vec(),
                qos: will.qos,
                retain: will.retain,
            }),
        })
    }

    async fn exchange(&mut self) -> End {
        let client = Rc::clone(&self.client);
        let mut heard = Instant::now();
        loop {
            if let Err(end) = self.read_packets().await {
                return end;
            }
            if let Err(end) = self.answer() {
                self.write_out().await;
                return end;
            }
            if self.client.connection.get() != self.number {
                return End::TakenOver;
            }
            let overflowed = {
                let mut session = self.client.session.borrow_mut();
                session.deliver(self.version, &mut self.out);
                session.overflowed
            };
            // News that come from here on are not missed.
            let mut news = std::pin::pin!(client.news.notified());
            news.as_mut().enable();
            if !self.write_out().await {
                return End::Gone;
            }
            if overflowed {
                return End::Closed(QUOTA_EXCEEDED);
            }
            let due = self.answers.front().map(|due| due.at);
            let silent = self.keepalive.map(|keepalive| heard + keepalive);
            self.input.reserve(READ);
            tokio::select! {
                read = self.stream.read_buf(&mut self.input) => match read {
                    Ok(count) if count > 0 => heard = Instant::now(),
                    Ok(_) | Err(_) => return End::Gone,
                },
                () = news => {}
                () = until(due), if due.is_some() => {}
                () = until(silent), if silent.is_some() => return End::Closed(KEEP_ALIVE_TIMEOUT),
            }
        }
    }

    /// Takes in every packet that has come whole.
    async fn read_packets(&mut self) -> Result<(), End> {
        loop {
            let length = match read::length(&self.input, MOST_RECEIVED) {
                Ok(Some(length)) if self.input.len() >= length => length,
                Ok(_) => return Ok(()),
                Err(_) => return Err(End::Closed(MALFORMED)),
            };
            let packet = self.input.split_to(length).freeze();
            match read::packet(&packet, self.version) {
                Ok(packet) => self.take(packet).await?,
                Err(_) => {
                    self.site.count(|counts| counts.unreadable += 1);
                    return Err(End::Closed(MALFORMED));
                }
            }
        }
    }

    async fn take(&mut self, packet: Packet<'_>) -> Result<(), End> {
        match packet {
            Packet::Publish(message) => return self.hear(&message).await,
            Packet::Ack { step: Step::Release, id, .. } => {
                let acknowledged = self.client.session.borrow_mut().received.remove(&id);
                self.reply(Instant::now(), Next::Ack(Step::Complete, id, 0), acknowledged);
            }
            Packet::Ack { step, id, .. } => {
                self.client.session.borrow_mut().acknowledged(step, id, self.version, &mut self.out);
            }
            Packet::Subscribe { id, filters } => {
                let reasons: Vec<u8> = filters.iter().map(|filter| self.subscribe(filter)).collect();
                write::suback(&mut self.out, self.version, id, &reasons);
            }
            Packet::Unsubscribe { id, filters } => {
                let listened = |filter: &&str| self.broker.unsubscribe(&self.client, filter);
                let reasons: Vec<u8> = filters.iter().map(|filter| if listened(filter) { 0 } else { 0x11 }).collect();
                write::unsuback(&mut self.out, self.version, id, &reasons);
            }
            Packet::PingReq => {
                self.site.thaw().await;
                write::pingresp(&mut self.out);
            }
            Packet::Disconnect { reason } => {
                // Who says that it is gone with a reason wants its will done.
                return Err(if reason == 0x04 { End::Gone } else { End::Goodbye });
            }
            Packet::Connect(_)
            | Packet::ConnAck { .. }
            | Packet::SubAck { .. }
            | Packet::UnsubAck { .. }
            | Packet::PingResp => return Err(End::Closed(PROTOCOL_ERROR)),
        }
        Ok(())
    }

    fn subscribe(&self, filter: &Filter<'_>) -> u8 {
        if filter.filter.starts_with("$share/") {
            return if self.version == Version::V5 { NOT_SHARED } else { SUBSCRIPTION_REFUSED };
        }
        let mut session = self.client.session.borrow_mut();
        let known = session.subscriptions.iter_mut().any(|known| known.filter == filter.filter);
        if !known && session.subscriptions.len() >= MOST_SUBSCRIPTIONS {
            return if self.version == Version::V5 { QUOTA_EXCEEDED } else { SUBSCRIPTION_REFUSED };
        }
        drop(session);
        let subscription = Subscription {
            filter: filter.filter.to_owned(),
            qos: filter.qos,
            no_local: filter.no_local,
            as_published: filter.as_published,
        };
        self.broker.subscribe(&self.client, subscription, filter.kept == 0 || (filter.kept == 1 && !known));
        filter.qos
    }

    /// Takes in a message and queues what comes of it.
    async fn hear(&mut self, message: &Publish<'_>) -> Result<(), End> {
        let topic = self.topic_of(message)?;
        if message.qos == 2 && self.client.session.borrow().received.contains_key(&message.id) {
            // It came before; only its acknowledgement was lost.
            write::ack(&mut self.out, self.version, Step::Received, message.id, 0);
            return Ok(());
        }
        self.site.count_request();
        self.site.thaw().await;
        if self.answers.iter().any(|due| matches!(due.next, Next::Close(_) | Next::Drop)) {
            // Nobody would hear the answer any more.
            self.site.answered(false, 0);
            return Ok(());
        }
        let Decision { fate, delay, close } = self.site.decide();
        let (next, acknowledged) = match fate {
            Fate::Pass => self.pass(&topic, message),
            Fate::LoseAnswer => (Next::Drop, self.pass(&topic, message).1),
            Fate::Throttle { .. } => {
                self.site.count(|counts| counts.throttled += 1);
                (self.refuse(message, QUOTA_EXCEEDED), 0)
            }
            Fate::Fail(_status) => {
                self.site.count(|counts| counts.failed += 1);
                (self.refuse(message, SERVICE_FAILED), 0)
            }
            Fate::Drop => {
                self.site.count(|counts| counts.dropped += 1);
                (Next::Drop, 0)
            }
        };
        // Of a message in two steps the last one tells that it was answered.
        let in_steps =
            matches!(next, Next::Ack(Step::Received, _, 0)) || (fate == Fate::LoseAnswer && message.qos == 2);
        let acknowledged = if in_steps {
            self.client.session.borrow_mut().received.insert(message.id, acknowledged);
            None
        } else {
            Some(acknowledged)
        };
        let at = Instant::now() + delay;
        self.reply(at, next, acknowledged);
        if close {
            self.reply(at, Next::Close(ADMINISTRATIVE), None);
        }
        Ok(())
    }

    /// The topic of a message, or the one that its number stands for.
    fn topic_of(&mut self, message: &Publish<'_>) -> Result<Rc<str>, End> {
        let Some(alias) = message.alias else { return Ok(message.topic.into()) };
        let place = self.aliases.get_mut(usize::from(alias) - 1).ok_or(End::Closed(ALIAS_INVALID))?;
        if !message.topic.is_empty() {
            *place = Some(message.topic.into());
        }
        place.clone().ok_or(End::Closed(PROTOCOL_ERROR))
    }

    /// What is said to a message that passed the gate, and how many events that acknowledges.
    fn pass(&self, topic: &str, message: &Publish<'_>) -> (Next, u64) {
        match self.site.take_message(message.payload, topic, &self.client.name) {
            Verdict::Conflict | Verdict::Refused(_) => (self.refuse(message, SERVICE_FAILED), 0),
            Verdict::Known => (accept(message), 1),
            Verdict::Taken(_) => {
                self.broker.publish(topic, message.payload, message.qos, message.retain, Some(&self.client));
                bridge::answer(&self.broker, topic, message.payload);
                (accept(message), 1)
            }
        }
    }

    fn refuse(&self, message: &Publish<'_>, reason: u8) -> Next {
        match (message.qos, self.version) {
            (0, _) => Next::Silence,
            (_, Version::V3) => Next::Close(reason),
            (1, Version::V5) => Next::Ack(Step::Acknowledged, message.id, reason),
            (_, Version::V5) => Next::Ack(Step::Received, message.id, reason),
        }
    }

    /// Queues something for its moment, after everything that is queued already.
    fn reply(&mut self, at: Instant, next: Next, acknowledged: Option<u64>) {
        let at = self.answers.back().map_or(at, |due| due.at.max(at));
        self.answers.push_back(Due { at, next, acknowledged });
    }

    /// Writes every answer whose moment has come; an error ends the connection.
    fn answer(&mut self) -> Result<(), End> {
        if self.answers.is_empty() {
            return Ok(());
        }
        let now = Instant::now();
        while let Some(Due { next, acknowledged, .. }) = self.answers.pop_front_if(|due| due.at <= now) {
            match next {
                Next::Ack(step, id, reason) => {
                    write::ack(&mut self.out, self.version, step, id, reason);
                    self.fed.extend(acknowledged);
                }
                Next::Silence => self.fed.extend(acknowledged),
                Next::Close(reason) => {
                    acknowledged.into_iter().for_each(|acknowledged| self.site.answered(true, acknowledged));
                    return Err(End::Closed(reason));
                }
                Next::Drop => {
                    acknowledged.into_iter().for_each(|acknowledged| self.site.answered(false, acknowledged));
                    return Err(End::Gone);
                }
            }
        }
        Ok(())
    }

    /// Hands what is written to the network; whether the client is still there.
    async fn write_out(&mut self) -> bool {
        if self.out.is_empty() && self.fed.is_empty() {
            return true;
        }
        let written = self.stream.write_all(&self.out).await.is_ok();
        self.out.clear();
        if self.out.capacity() > 16 * READ {
            self.out = Vec::new();
        }
        self.fed.drain(..).for_each(|acknowledged| self.site.answered(written, acknowledged));
        written
    }

    /// The connection is over: what is left undone.
    async fn leave(mut self, end: End) {
        // What is still to be said reaches nobody.
        for due in self.answers.drain(..) {
            if let Some(acknowledged) = due.acknowledged {
                self.site.answered(matches!(due.next, Next::Silence), acknowledged);
            }
        }
        let reason = match end {
            End::Closed(reason) => Some(reason),
            End::TakenOver => Some(TAKEN_OVER),
            End::Goodbye | End::Gone => None,
        };
        if let (Some(reason), Version::V5) = (reason, self.version) {
            write::disconnect(&mut self.out, self.version, reason);
        }
        self.write_out().await;
        let taken_over = self.client.connection.get() != self.number;
        if !taken_over {
            if self.remembered.is_none() {
                // Messages in two steps whose last one never came.
                let unfinished = std::mem::take(&mut self.client.session.borrow_mut().received);
                unfinished.into_values().for_each(|acknowledged| self.site.answered(false, acknowledged));
            }
            self.broker.leave(&self.client, self.remembered);
        }
        if let (Some(will), false) = (&self.will, matches!(end, End::Goodbye)) {
            self.broker.publish(&will.topic, &will.payload, will.qos, will.retain, None);
        }
    }
}

fn accept(message: &Publish<'_>) -> Next {
    match message.qos {
        0 => Next::Silence,
        1 => Next::Ack(Step::Acknowledged, message.id, 0),
        _ => Next::Ack(Step::Received, message.id, 0),
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
