//! Who is there, who listens to what, and what was kept: the part of the broker that its connections share.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::session::{Letter, Session, Subscription};
use super::topics::{has_wildcards, matches};

/// Topics whose last message is kept, and bytes of these messages.
const MOST_KEPT: usize = 10_000;
const MOST_KEPT_BYTES: usize = 64 * 1024 * 1024;
/// Clients that are remembered without a connection.
const MOST_ABSENT: usize = 20_000;

/// The broker behind its connections.
#[derive(Debug, Default)]
pub(in crate::practice) struct Broker {
    clients: RefCell<HashMap<Rc<str>, Rc<Client>>>,
    /// Who listens to exactly this topic, and who to more than one.
    exact: RefCell<HashMap<String, Vec<Rc<Client>>>>,
    wild: RefCell<Vec<(String, Rc<Client>)>>,
    kept: RefCell<HashMap<String, Letter>>,
    kept_bytes: Cell<usize>,
    absent: Cell<usize>,
    /// Names that were found for clients without one, and tasks of the bridge.
    numbers: Cell<u64>,
}

/// A client as the broker knows it.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) name: Rc<str>,
    pub(super) session: RefCell<Session>,
    /// Wakes its connection.
    pub(super) news: Notify,
    /// Which of its connections is the one that counts; another was taken over.
    pub(super) connection: Cell<u64>,
    present: Cell<bool>,
}

impl Broker {
    /// A number that was not there before.
    pub(super) fn number(&self) -> u64 {
        self.numbers.set(self.numbers.get() + 1);
        self.numbers.get()
    }

    /// A client connects; gives it, and whether it was remembered. Whoever had its name before is let go.
    pub(super) fn enter(&self, name: &str, clean: bool) -> (Rc<Client>, bool) {
        let known = self.clients.borrow().get(name).cloned();
        let number = self.number();
        if let Some(client) = known {
            let expired = client.session.borrow().forgotten_at.is_some_and(|at| at <= Instant::now());
            if !clean && !expired {
                if !client.present.replace(true) {
                    self.absent.set(self.absent.get() - 1);
                }
                client.connection.set(number);
                client.news.notify_waiters();
                return (client, true);
            }
            // Its connection, if there is one, finds that it counts no more.
            client.connection.set(number);
            client.news.notify_waiters();
            self.forget(&client);
        }
        let name: Rc<str> = name.into();
        let client = Rc::new(Client {
            name: Rc::clone(&name),
            session: RefCell::default(),
            news: Notify::new(),
            connection: Cell::new(number),
            present: Cell::new(true),
        });
        self.clients.borrow_mut().insert(name, Rc::clone(&client));
        (client, false)
    }

    /// A client's connection is gone: it is remembered for a while, or not at all.
    pub(super) fn leave(&self, client: &Rc<Client>, remembered: Option<Duration>) {
        client.present.set(false);
        self.absent.set(self.absent.get() + 1);
        match remembered {
            Some(span) if self.absent.get() <= MOST_ABSENT => {
                client.session.borrow_mut().forgotten_at = Instant::now().checked_add(span);
            }
            Some(_) | None => self.forget(client),
        }
    }

    /// A client listens to a topic.
    pub(super) fn subscribe(&self, client: &Rc<Client>, subscription: Subscription, kept: bool) {
        let filter = subscription.filter.clone();
        let mut session = client.session.borrow_mut();
        let known = session.subscriptions.iter_mut().find(|known| known.filter == filter);
        match known {
            Some(known) => *known = subscription.clone(),
            None => {
                session.subscriptions.push(subscription.clone());
                match has_wildcards(&filter) {
                    true => self.wild.borrow_mut().push((filter.clone(), Rc::clone(client))),
                    false => self.exact.borrow_mut().entry(filter.clone()).or_default().push(Rc::clone(client)),
                }
            }
        }
        if kept {
            for letter in self.kept.borrow().values().filter(|letter| matches(&filter, &letter.topic)) {
                session.enqueue(Letter { qos: letter.qos.min(subscription.qos), ..letter.clone() });
            }
        }
    }

    /// A client does not listen any more; whether it did.
    pub(super) fn unsubscribe(&self, client: &Rc<Client>, filter: &str) -> bool {
        let mut session = client.session.borrow_mut();
        let before = session.subscriptions.len();
        session.subscriptions.retain(|subscription| subscription.filter != filter);
        self.remove(client, filter);
        session.subscriptions.len() < before
    }

    /// Hands a message to everybody who listens to its topic.
    pub(super) fn publish(&self, topic: &str, payload: &[u8], qos: u8, retain: bool, from: Option<&Rc<Client>>) {
        if retain {
            self.keep(topic, payload, qos);
        }
        let (exact, wild) = (self.exact.borrow(), self.wild.borrow());
        let named = exact.get(topic).into_iter().flatten();
        let meant = wild.iter().filter(|(filter, _)| matches(filter, topic)).map(|(_, client)| client);
        let mut letter: Option<Letter> = None;
        let mut served: Vec<*const Client> = Vec::new();
        for client in named.chain(meant) {
            // Who listens twice hears once.
            if served.contains(&Rc::as_ptr(client)) {
                continue;
            }
            let mut session = client.session.borrow_mut();
            let own = from.is_some_and(|from| Rc::ptr_eq(from, client));
            let wanted = session
                .subscriptions
                .iter()
                .filter(|subscription| !(own && subscription.no_local) && matches(&subscription.filter, topic));
            let Some(best) = wanted.max_by_key(|subscription| subscription.qos) else { continue };
            let (most, as_published) = (best.qos, best.as_published);
            let letter =
                letter.get_or_insert_with(|| Letter { topic: topic.into(), payload: payload.into(), qos, retain });
            let mut own = letter.clone();
            own.qos = qos.min(most);
            own.retain = retain && as_published;
            if own.qos > 0 || client.present.get() {
                session.enqueue(own);
            }
            drop(session);
            client.news.notify_waiters();
            if !wild.is_empty() {
                served.push(Rc::as_ptr(client));
            }
        }
    }

    fn keep(&self, topic: &str, payload: &[u8], qos: u8) {
        let mut kept = self.kept.borrow_mut();
        if let Some(old) = kept.remove(topic) {
            self.kept_bytes.set(self.kept_bytes.get() - old.payload.len());
        }
        let bytes = self.kept_bytes.get() + payload.len();
        // Nothing in it means that there is nothing to keep any more.
        if !payload.is_empty() && kept.len() < MOST_KEPT && bytes <= MOST_KEPT_BYTES {
            self.kept_bytes.set(bytes);
            kept.insert(topic.to_owned(), Letter { topic: topic.into(), payload: payload.into(), qos, retain: true });
        }
    }

    fn forget(&self, client: &Rc<Client>) {
        if !client.present.get() {
            self.absent.set(self.absent.get().saturating_sub(1));
        }
        let subscriptions = std::mem::take(&mut client.session.borrow_mut().subscriptions);
        for subscription in subscriptions {
            self.remove(client, &subscription.filter);
        }
        let mut clients = self.clients.borrow_mut();
        if clients.get(&client.name).is_some_and(|known| Rc::ptr_eq(known, client)) {
            clients.remove(&client.name);
        }
    }

    fn remove(&self, client: &Rc<Client>, filter: &str) {
        if has_wildcards(filter) {
            self.wild.borrow_mut().retain(|(known, other)| known != filter || !Rc::ptr_eq(other, client));
        } else if let Some(listeners) = self.exact.borrow_mut().get_mut(filter) {
            listeners.retain(|other| !Rc::ptr_eq(other, client));
        }
        let mut exact = self.exact.borrow_mut();
        if exact.get(filter).is_some_and(Vec::is_empty) {
            exact.remove(filter);
        }
    }
}
