//! What all connections of one practice target share: settings, gate, books and holdings. Everything lives on one
//! thread.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use shared::api::{DuplicateAnswer, HeldEvents, RateLimitAnswer, TargetAccount, TargetSettings};
use tokio::sync::watch;
use tokio::time::Instant;

use super::account::Account;
use super::contract::{Contract, Contracts, Reading};
use super::gate::{Decision, Fate, Gate};
use super::holdings::Holdings;
use super::intake::{EVENT_TYPE, Intake, USER, Verdict};
use super::json::write_value;
use super::pulse;
use super::request::Request;
use crate::fingerprint::hash;

/// The practice target behind its connections.
pub(super) struct Site {
    settings: watch::Sender<TargetSettings>,
    /// When a freeze ends by itself.
    thaws_at: Cell<Option<Instant>>,
    gate: RefCell<Gate>,
    account: RefCell<Account>,
    holdings: RefCell<Holdings>,
    contracts: RefCell<Contracts>,
    /// Events accepted ever: the source of the ids that the service hands out.
    ids: Cell<u64>,
}

/// What a connection does with an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reply {
    /// Send the body with this status.
    Send {
        /// HTTP status.
        status: u16,
        /// Seconds for `Retry-After`, where there is one.
        retry_after: Option<u32>,
        /// Events that the answer acknowledges.
        acknowledged: u64,
        /// Whether the connection is closed after it.
        close: bool,
        /// Whether the answer had to wait, so that the client may have gone.
        waited: bool,
    },
    /// Reset the connection without a word; so many events were acknowledged in vain.
    Reset {
        /// Events.
        acknowledged: u64,
    },
}

impl Reply {
    /// An answer with this status.
    pub(super) const fn status(status: u16) -> Self {
        Self::Send { status, retry_after: None, acknowledged: 0, close: false, waited: false }
    }
}

impl Site {
    /// A site that has received nothing yet.
    pub(super) fn new(settings: TargetSettings) -> Self {
        let site = Self {
            gate: RefCell::new(Gate::new(&settings)),
            contracts: RefCell::new(Contracts::new(settings.id_field.as_deref())),
            settings: watch::channel(TargetSettings::default()).0,
            thaws_at: Cell::new(None),
            account: RefCell::default(),
            holdings: RefCell::default(),
            ids: Cell::new(0),
        };
        site.set(settings);
        site
    }

    /// How it answers.
    pub(super) fn settings(&self) -> TargetSettings {
        self.thaw_if_over();
        self.settings.borrow().clone()
    }

    /// Changes how it answers.
    pub(super) fn set(&self, settings: TargetSettings) {
        self.gate.borrow_mut().configure(&settings);
        let freeze = settings.freeze_seconds.filter(|_seconds| settings.frozen);
        self.thaws_at.set(freeze.map(|seconds| Instant::now() + Duration::from_secs_f64(seconds)));
        if settings.id_field != self.settings.borrow().id_field {
            let contracts = Contracts::new(settings.id_field.as_deref());
            contracts.inherit(&self.contracts.borrow());
            self.contracts.replace(contracts);
        }
        self.settings.send_replace(settings);
    }

    /// What it received.
    pub(super) fn account(&self) -> TargetAccount {
        let (held, let_go) = self.holdings.borrow().extent();
        TargetAccount { held, let_go, ..self.account.borrow().report() }
    }

    /// What it holds from a place on.
    pub(super) fn held(&self, from: u64, limit: usize) -> HeldEvents {
        self.holdings.borrow_mut().tell(from, limit, &self.settings.borrow())
    }

    /// Forgets what it received.
    pub(super) fn reset(&self) {
        self.account.replace(Account::default());
        self.holdings.replace(Holdings::default());
        self.contracts.replace(Contracts::new(self.settings.borrow().id_field.as_deref()));
    }

    /// How fast requests are read, and answers written, in bytes per second.
    pub(super) fn speeds(&self) -> (Option<f64>, Option<f64>) {
        let settings = self.settings.borrow();
        (settings.read_bytes_per_second, settings.answer_bytes_per_second)
    }

    /// An answer was written, or was not.
    pub(super) fn answered(&self, written: bool, acknowledged: u64) {
        let counts = &mut self.account.borrow_mut().counts;
        if written {
            counts.answered += 1;
        } else {
            counts.unanswered += 1;
            counts.answer_lost += acknowledged;
        }
    }

    /// Answers one request: writes the body to `body`, says what goes around it.
    pub(super) async fn answer(&self, request: Request<'_>, body: &mut Vec<u8>) -> Reply {
        self.account.borrow_mut().counts.requests += 1;
        let mut waited = self.thaw().await;
        let reading = self.contracts.borrow().read(&request, body);
        let (contract, intake) = match reading {
            Reading::Page(status) => return Reply::status(status),
            Reading::RateLimit => return Reply::status(pulse::write_rate_limit(self.gate.borrow_mut().limit(), body)),
            Reading::Events(contract, intake) => (contract, intake),
        };
        let Decision { fate, delay, close } = self.gate.borrow_mut().decide();
        if delay > Duration::ZERO {
            self.wait(&contract, delay).await;
            // A freeze that began meanwhile holds back this answer, too.
            self.thaw().await;
            waited = true;
        }
        let events = intake.count();
        let send = |status, acknowledged| Reply::Send { status, retry_after: None, acknowledged, close, waited };
        match fate {
            Fate::Pass => {
                let (status, acknowledged) = self.take(&contract, &intake, body);
                send(status, acknowledged)
            }
            Fate::LoseAnswer => {
                let (_status, acknowledged) = self.take(&contract, &intake, body);
                Reply::Reset { acknowledged }
            }
            Fate::Throttle { retry_after } => {
                self.account.borrow_mut().counts.throttled += events;
                let settings = self.settings.borrow();
                let as_bad_request = settings.rate_limit_answer == RateLimitAnswer::BadRequest;
                let status = contract.write_too_many(as_bad_request, settings.rate_limit.unwrap_or_default(), body);
                let retry_after = (!as_bad_request).then_some(retry_after);
                Reply::Send { status, retry_after, acknowledged: 0, close: false, waited }
            }
            Fate::Fail(status) => {
                self.account.borrow_mut().counts.failed += events;
                body.extend_from_slice(br#"{"detail":"injected failure"}"#);
                send(status, 0)
            }
            Fate::Drop => {
                self.account.borrow_mut().counts.dropped += events;
                Reply::Reset { acknowledged: 0 }
            }
        }
    }

    /// A message was read to its end.
    pub(super) fn count_request(&self) {
        self.account.borrow_mut().counts.requests += 1;
    }

    /// The next message's fate.
    pub(super) fn decide(&self) -> Decision {
        self.gate.borrow_mut().decide()
    }

    /// Writes something into the books.
    pub(super) fn count(&self, note: impl FnOnce(&mut TargetAccount)) {
        note(&mut self.account.borrow_mut().counts);
    }

    /// Takes a message, whatever it is, unless it has come before and the settings mind that.
    pub(super) fn take_message(&self, message: &[u8], event_type: &str, user: &str) -> Verdict {
        let (mut account, settings) = (self.account.borrow_mut(), self.settings.borrow());
        let mut holdings = self.holdings.borrow_mut();
        let fingerprint = self.contracts.borrow().fingerprint(message);
        if settings.duplicates != DuplicateAnswer::Accept && holdings.knows(&fingerprint) {
            account.counts.duplicates += 1;
            if settings.duplicates == DuplicateAnswer::Known {
                account.counts.known += 1;
                return Verdict::Known;
            }
            account.counts.conflicts += 1;
            return Verdict::Conflict;
        }
        account.accept(event_type, (!user.is_empty()).then_some(user));
        if !holdings.remember(&fingerprint, &settings) {
            account.counts.duplicates += 1;
        }
        holdings.keep(fingerprint, Some(hash(USER.into(), user.as_bytes())), &settings, &mut account.counts);
        let id = self.ids.get() + 1;
        self.ids.set(id);
        Verdict::Taken(id)
    }

    /// Takes what the contract takes, refuses the rest; gives the status and how many events it acknowledges.
    fn take(&self, contract: &Contract, intake: &Intake<'_>, body: &mut Vec<u8>) -> (u16, u64) {
        let mut account = self.account.borrow_mut();
        if let Some(refusal) = &intake.refusal {
            account.counts.rejected += refusal.events;
            account.counts.unreadable += u64::from(refusal.unreadable);
            write_value(body, &refusal.body);
            return (refusal.status, 0);
        }
        let (settings, contracts) = (self.settings.borrow(), self.contracts.borrow());
        let own_type = contract.event_type();
        let (mut verdicts, mut acknowledged) = (Vec::with_capacity(intake.events.len()), 0);
        for event in &intake.events {
            let fingerprint = event.seen.fingerprint();
            let mut holdings = self.holdings.borrow_mut();
            let verdict = if let Some(objection) = &event.objection {
                account.counts.rejected += 1;
                Verdict::Refused(objection.clone())
            } else if intake.batch && self.gate.borrow_mut().fails_in_batch() {
                account.counts.failed += 1;
                Verdict::Refused("injected failure".to_owned())
            } else if settings.duplicates != DuplicateAnswer::Accept && holdings.knows(&fingerprint) {
                account.counts.duplicates += 1;
                if settings.duplicates == DuplicateAnswer::Known {
                    account.counts.known += 1;
                    acknowledged += 1;
                    Verdict::Known
                } else {
                    account.counts.conflicts += 1;
                    Verdict::Conflict
                }
            } else {
                let user = event.seen.field(USER).and_then(|user| user.identity());
                let event_type = own_type.as_deref().or_else(|| event.seen.text(EVENT_TYPE)).unwrap_or_default();
                account.accept(event_type, user.as_deref());
                acknowledged += 1;
                if !holdings.remember(&fingerprint, &settings) {
                    account.counts.duplicates += 1;
                }
                let user = user.map(|user| hash(USER.into(), user.as_bytes()));
                holdings.keep(fingerprint, user, &settings, &mut account.counts);
                if let Contract::Pulse = contract {
                    pulse::keep(&mut contracts.shelf.borrow_mut(), event);
                }
                let id = self.ids.get() + 1;
                self.ids.set(id);
                Verdict::Taken(id)
            };
            verdicts.push(verdict);
        }
        let (status, changed) = contract.answer(&contracts, intake, &verdicts, body);
        account.counts.out_of_order += changed.backwards;
        (status, acknowledged)
    }

    /// Waits as long as an answer takes; what is changed meanwhile by two at a time is counted.
    async fn wait(&self, contract: &Contract, delay: Duration) {
        let Contract::Freshmart(triples, _) = contract else { return tokio::time::sleep(delay).await };
        if self.contracts.borrow().with_shop(|shop| shop.begin(triples)) {
            self.account.borrow_mut().counts.overlapping += 1;
        }
        tokio::time::sleep(delay).await;
        self.contracts.borrow().with_shop(|shop| shop.end(triples));
    }

    /// Waits while the target is frozen; says whether it was.
    pub(super) async fn thaw(&self) -> bool {
        if !self.settings.borrow().frozen {
            return false;
        }
        let mut changes = self.settings.subscribe();
        loop {
            self.thaw_if_over();
            if !changes.borrow_and_update().frozen {
                return true;
            }
            let over = async {
                match self.thaws_at.get() {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // The sender is `self`, which outlives the wait.
                _changed = changes.changed() => {}
                () = over => {}
            }
        }
    }

    /// Ends a freeze whose time is over.
    fn thaw_if_over(&self) {
        if self.thaws_at.get().is_some_and(|at| at <= Instant::now()) {
            self.thaws_at.set(None);
            self.settings.send_modify(|settings| settings.frozen = false);
        }
    }
}
