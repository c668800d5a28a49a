//! The runtime's own timer, where there is no timerfd.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::time::Sleep;

/// A timer to the millisecond.
#[derive(Debug)]
pub(super) struct Timer {
    sleep: Pin<Box<Sleep>>,
}

impl Timer {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { sleep: Box::pin(tokio::time::sleep_until(Instant::now().into())) })
    }

    /// Sets the moment.
    pub(super) fn arm(&mut self, at: Instant) {
        self.sleep.as_mut().reset(at.into());
    }

    /// Ready once the moment has come; may be early after a change of the moment.
    pub(super) fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().poll(cx)
    }
}
