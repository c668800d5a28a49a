//! Which contract a request belongs to, by its path, and what that contract makes of it.

use std::cell::RefCell;

use serde_json::json;

use super::freshmart::{Shop, Triple};
use super::intake::{Intake, Verdict};
use super::json::{utc_now, write_value};
use super::pulse::{self, Shelf};
use super::request::{Request, decoded};
use super::{analytics, anything, commerce, freshmart};
use crate::fingerprint::{Fingerprint, Key, Lens, hash};

/// Who speaks for a path.
#[derive(Clone, Debug)]
pub(super) enum Contract {
    Commerce,
    Analytics,
    /// With what is to be changed, and whether it is to be put.
    Freshmart(Vec<Triple>, bool),
    Pulse,
    Anything,
}

/// What a request turned out to be.
pub(super) enum Reading<'a> {
    /// A page, answered at once with this status, whatever the settings say.
    Page(u16),
    /// The page that tells how the rate limit stands.
    RateLimit,
    /// Events, whose fate the settings decide.
    Events(Contract, Intake<'a>),
}

/// What the contracts know beside the books: where to look in events, and what can be read back.
pub(super) struct Contracts {
    commerce: Lens,
    analytics: Lens,
    freshmart: Lens,
    pulse: Lens,
    anything: Lens,
    /// Made when it is first asked for: most targets never are.
    pub(super) shop: RefCell<Option<Box<Shop>>>,
    pub(super) shelf: RefCell<Shelf>,
}

impl Contracts {
    /// Contracts that look for ids in one place, or in the usual ones.
    pub(super) fn new(id_field: Option<&str>) -> Self {
        Self {
            commerce: commerce::lens(id_field),
            analytics: analytics::lens(id_field),
            freshmart: freshmart::lens(id_field),
            pulse: pulse::lens(id_field),
            anything: anything::lens(id_field),
            shop: RefCell::default(),
            shelf: RefCell::default(),
        }
    }

    /// What identifies a message that belongs to no contract of requests; one that is no JSON is its bytes.
    pub(super) fn fingerprint(&self, message: &[u8]) -> Fingerprint {
        match self.anything.look(message) {
            Ok(seen) => seen.fingerprint(),
            Err(_) => {
                let digest = hash(0, message);
                Fingerprint { key: Key::of_content(digest), digest, by_content: true }
            }
        }
    }

    /// Takes on what another set of contracts remembers.
    pub(super) fn inherit(&self, other: &Self) {
        self.shop.replace(other.shop.take());
        self.shelf.replace(other.shelf.take());
    }

    /// Reads a request; a page is written to `body`.
    pub(super) fn read<'a>(&self, request: &Request<'a>, body: &mut Vec<u8>) -> Reading<'a> {
        let (post, get) = (request.method == "POST", request.method == "GET");
        let path = request.path;
        match path {
            "/" | "/health" if get => return Reading::Page(write_health(body)),
            "/api/v1/events/ingest" if post => {
                return Reading::Events(Contract::Commerce, commerce::read(&self.commerce, request, false));
            }
            "/api/v1/events/ingest/batch" if post => {
                return Reading::Events(Contract::Commerce, commerce::read(&self.commerce, request, true));
            }
            "/api/v1/events/topics" if get => return Reading::Page(commerce::write_topics(body)),
            "/api/events" | "/api/events/" if post => {
                return Reading::Events(Contract::Analytics, analytics::read(&self.analytics, request));
            }
            "/triples/batch" if post || request.method == "PUT" => {
                let (intake, triples) = freshmart::read(&self.freshmart, request);
                return Reading::Events(Contract::Freshmart(triples, !post), intake);
            }
            _ => {}
        }
        if let Some(rest) = path.strip_prefix(pulse::BASE) {
            return self.pulse(rest, request, body);
        }
        let of_the_shop = ["/freshmart/", "/triples", "/ontology/", "/stats", "/ready"];
        if of_the_shop.iter().any(|start| path.starts_with(start)) {
            return Reading::Page(if get {
                self.with_shop(|shop| shop.page(request, body))
            } else {
                wrong_method(body)
            });
        }
        let belongs = |known: &str| path == known || path.starts_with(&format!("{known}/"));
        match path {
            "/api/v1/events/ingest"
            | "/api/v1/events/ingest/batch"
            | "/api/v1/events/topics"
            | "/api/events"
            | "/health" => Reading::Page(wrong_method(body)),
            _ if belongs("/api/v1/events") || !matches!(request.method, "POST" | "PUT" | "PATCH") => {
                write_value(body, &json!({"detail": "Not Found"}));
                Reading::Page(404)
            }
            _ => Reading::Events(Contract::Anything, anything::read(&self.anything, request.body)),
        }
    }

    fn pulse<'a>(&self, path: &str, request: &Request<'a>, body: &mut Vec<u8>) -> Reading<'a> {
        let (post, get) = (request.method == "POST", request.method == "GET");
        match path {
            "/events" if post => Reading::Events(Contract::Pulse, pulse::read(&self.pulse, request, false)),
            "/events/batch" if post => Reading::Events(Contract::Pulse, pulse::read(&self.pulse, request, true)),
            "/events" | "/events/batch" => Reading::Page(wrong_method(body)),
            "/health" if get => Reading::Page(write_health(body)),
            "/rate-limit" if get => Reading::RateLimit,
            "/stats" if get => {
                let found = self.shelf.borrow().search(&std::collections::BTreeMap::new()).map(|found| found.matching);
                write_value(body, &json!({"searchable_events": found.unwrap_or_default(), "timestamp": utc_now()}));
                Reading::Page(200)
            }
            "/events/search" if get => {
                let number = self.shelf.borrow_mut().next_search();
                let shelf = self.shelf.borrow();
                Reading::Page(pulse::write_search(&shelf, &request.parameters(), number, body))
            }
            _ => match path.strip_prefix("/events/") {
                Some(id) if get => Reading::Page(pulse::write_event(&self.shelf.borrow(), &decoded(id), body)),
                Some(_) | None => {
                    write_value(body, &pulse::error(404, "Not Found".into()));
                    Reading::Page(404)
                }
            },
        }
    }

    /// Does something with the shop.
    pub(super) fn with_shop<T>(&self, act: impl FnOnce(&mut Shop) -> T) -> T {
        act(self.shop.borrow_mut().get_or_insert_default())
    }
}

impl Contract {
    /// What an event is counted as, where it does not say so itself.
    pub(super) fn event_type(&self) -> Option<String> {
        match self {
            Self::Freshmart(triples, put) => Some(freshmart::event_type(*put, triples)),
            Self::Commerce | Self::Analytics | Self::Pulse | Self::Anything => None,
        }
    }

    /// Answers a request whose events were taken or not; gives the status.
    pub(super) fn answer(
        &self,
        contracts: &Contracts,
        intake: &Intake<'_>,
        verdicts: &[Verdict],
        body: &mut Vec<u8>,
    ) -> (u16, freshmart::Changed) {
        let status = match (self, verdicts.first()) {
            (Self::Commerce, _) => commerce::answer(intake, verdicts, body),
            (Self::Pulse, _) => pulse::answer(intake, verdicts, body),
            (Self::Anything, _) => anything::answer(intake, verdicts, body),
            (Self::Analytics, Some(verdict)) => analytics::answer(verdict, body),
            (Self::Freshmart(triples, put), Some(Verdict::Taken(_))) => {
                return contracts.with_shop(|shop| shop.change(*put, triples, body));
            }
            (Self::Freshmart(..), Some(verdict)) => freshmart::refuse(verdict, body),
            (Self::Analytics | Self::Freshmart(..), None) => 422,
        };
        (status, freshmart::Changed::default())
    }

    /// Says that there are too many requests; gives the status.
    pub(super) fn write_too_many(&self, as_bad_request: bool, rate: f64, body: &mut Vec<u8>) -> u16 {
        let status = if as_bad_request { 400 } else { 429 };
        let value = match (self, as_bad_request) {
            (Self::Pulse, _) => pulse::error(status, pulse::too_many(rate)),
            (_, true) => json!({ "detail": pulse::too_many(rate) }),
            (_, false) => json!({"detail": "rate limit exceeded"}),
        };
        write_value(body, &value);
        status
    }
}

fn write_health(body: &mut Vec<u8>) -> u16 {
    write_value(
        body,
        &json!({
            "status": "healthy", "service": "throng practice target", "version": env!("CARGO_PKG_VERSION"),
            "dependencies": {}, "timestamp": utc_now(), "environment": "practice", "docs": null,
        }),
    );
    200
}

fn wrong_method(body: &mut Vec<u8>) -> u16 {
    write_value(body, &json!({"detail": "Method Not Allowed"}));
    405
}
