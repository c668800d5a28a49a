//! What the broker remembers of a client, whether it is connected or not.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;

use tokio::time::Instant;

use crate::mqtt::packet::{Publish, Step, Version};
use crate::mqtt::write;

/// Messages and bytes that may wait for a client. Beyond, whoever is connected is let go, and whoever is not loses them.
const MOST_WAITING: usize = 20_000;
const MOST_WAITING_BYTES: usize = 8 * 1024 * 1024;
/// Messages that may be under way to a client where it does not say how many.
const UNDER_WAY: usize = 100;

/// A message for subscribers.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    pub(super) topic: Rc<str>,
    pub(super) payload: Rc<[u8]>,
    pub(super) qos: u8,
    pub(super) retain: bool,
}

/// A filter that a client is subscribed to.
#[derive(Clone, Debug)]
pub(super) struct Subscription {
    pub(super) filter: String,
    pub(super) qos: u8,
    pub(super) no_local: bool,
    pub(super) as_published: bool,
}

/// What the broker remembers of a client.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) subscriptions: Vec<Subscription>,
    /// Messages of quality 2 that came and are not released yet, and how many events each acknowledges.
    pub(super) received: HashMap<u16, u64>,
    waiting: VecDeque<Letter>,
    waiting_bytes: usize,
    /// Messages under way to the client, by number; those that were received wait for the last step only.
    under_way: BTreeMap<u16, (Letter, bool)>,
    last_id: u16,
    most_under_way: usize,
    /// Whether more came for it than it takes.
    pub(super) overflowed: bool,
    /// When it is forgotten, while nobody is connected.
    pub(super) forgotten_at: Option<Instant>,
}

impl Session {
    /// A client connects: what it allows, and what is to be sent again.
    pub(super) fn connected(&mut self, most_under_way: Option<u16>, version: Version, out: &mut Vec<u8>) {
        self.most_under_way = most_under_way.map_or(UNDER_WAY, usize::from);
        self.forgotten_at = None;
        self.overflowed = false;
        for (id, (letter, received)) in &self.under_way {
            match received {
                true => write::ack(out, version, Step::Release, *id, 0),
                false => {
                    write::publish(out, version, &letter.packet(*id, true));
                }
            }
        }
    }

    /// Lets a message wait for the client.
    pub(super) fn enqueue(&mut self, letter: Letter) {
        if self.waiting.len() >= MOST_WAITING || self.waiting_bytes + letter.payload.len() > MOST_WAITING_BYTES {
            self.overflowed = true;
            return;
        }
        self.waiting_bytes += letter.payload.len();
        self.waiting.push_back(letter);
    }

    /// Writes what waits, as far as the client allows.
    pub(super) fn deliver(&mut self, version: Version, out: &mut Vec<u8>) {
        while let Some(letter) = self.waiting.front() {
            if letter.qos > 0 && self.under_way.len() >= self.most_under_way {
                return;
            }
            let Some(letter) = self.waiting.pop_front() else { return };
            self.waiting_bytes -= letter.payload.len();
            let id = if letter.qos > 0 { self.free_id() } else { 0 };
            write::publish(out, version, &letter.packet(id, false));
            if letter.qos > 0 {
                self.under_way.insert(id, (letter, false));
            }
        }
    }

    /// A client acknowledges a message.
    pub(super) fn acknowledged(&mut self, step: Step, id: u16, version: Version, out: &mut Vec<u8>) {
        match step {
            Step::Acknowledged | Step::Complete => {
                self.under_way.remove(&id);
            }
            Step::Received => {
                if let Some((_, received)) = self.under_way.get_mut(&id) {
                    *received = true;
                }
                write::ack(out, version, Step::Release, id, 0);
            }
            Step::Release => {}
        }
    }

    fn free_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if !self.under_way.contains_key(&self.last_id) {
                return self.last_id;
            }
        }
    }
}

impl Letter {
    fn packet(&self, id: u16, again: bool) -> Publish<'_> {
        Publish {
            topic: &self.topic,
            alias: None,
            payload: &self.payload,
            qos: self.qos,
            retain: self.retain,
            again,
            id,
        }
    }
}
