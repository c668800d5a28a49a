//! What all connections of one practice target share: settings, gate and account. Everything lives on one thread.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use shared::api::{TargetAccount, TargetSettings};
use tokio::sync::watch;

use super::account::Account;
use super::commerce;
use super::gate::{Fate, Gate};
use super::request::Request;

/// The practice target behind its connections.
pub(super) struct Site {
    settings: watch::Sender<TargetSettings>,
    gate: RefCell<Gate>,
    account: RefCell<Account>,
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
    },
    /// Close the connection without a word.
    Drop,
}

impl Reply {
    /// An answer with this status.
    pub(super) const fn status(status: u16) -> Self {
        Self::Send { status, retry_after: None }
    }
}

impl Site {
    /// A site that has received nothing yet.
    pub(super) fn new(settings: TargetSettings) -> Self {
        let gate = Gate::new(&settings);
        let (settings, _receiver) = watch::channel(settings);
        Self { settings, gate: RefCell::new(gate), account: RefCell::default(), ids: Cell::new(0) }
    }

    /// How it answers.
    pub(super) fn settings(&self) -> TargetSettings {
        self.settings.borrow().clone()
    }

    /// Changes how it answers.
    pub(super) fn set(&self, settings: TargetSettings) {
        self.gate.borrow_mut().configure(&settings);
        self.settings.send_replace(settings);
    }

    /// What it received.
    pub(super) fn account(&self) -> TargetAccount {
        self.account.borrow().report()
    }

    /// Forgets what it received.
    pub(super) fn reset(&self) {
        *self.account.borrow_mut() = Account::default();
    }

    /// Answers one request: writes the body to `body`, says what goes around it.
    pub(super) async fn answer(&self, request: Request<'_>, body: &mut Vec<u8>) -> Reply {
        self.account.borrow_mut().count_request();
        self.thaw().await;
        let submission = match commerce::read(&request) {
            commerce::Reading::Page(page) => return Reply::status(commerce::write_page(page, body)),
            commerce::Reading::Submission(submission) => submission,
        };
        let (fate, delay) = self.gate.borrow_mut().decide();
        if delay > Duration::ZERO {
            tokio::time::sleep(delay).await;
            // A freeze that began meanwhile holds back this answer, too.
            self.thaw().await;
        }
        let mut account = self.account.borrow_mut();
        let events = submission.events();
        match fate {
            Fate::Pass => {
                let mut clerk = commerce::Clerk { account: &mut account, ids: &self.ids };
                Reply::status(submission.accept(&mut clerk, body))
            }
            Fate::Throttle { retry_after } => {
                account.throttled(events);
                body.extend_from_slice(br#"{"detail":"rate limit exceeded"}"#);
                Reply::Send { status: 429, retry_after: Some(retry_after) }
            }
            Fate::Fail => {
                account.failed(events);
                body.extend_from_slice(br#"{"detail":"injected failure"}"#);
                Reply::status(500)
            }
            Fate::Drop => {
                account.dropped(events);
                Reply::Drop
            }
        }
    }

    /// Waits while the target is frozen.
    async fn thaw(&self) {
        if self.settings.borrow().frozen {
            let mut changes = self.settings.subscribe();
            // The sender is `self`, which outlives the wait.
            let _thawed = changes.wait_for(|settings| !settings.frozen).await;
        }
    }
}
