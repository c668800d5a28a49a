//! Writing slowly on purpose: how much of a request may be on its way by now.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// How often a little more may go.
const STEP: Duration = Duration::from_millis(10);

/// A request that goes over the wire at a given speed.
#[derive(Debug)]
pub struct Drip {
    bytes_per_second: u64,
    began: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Drip {
    /// Begins now.
    pub fn new(bytes_per_second: u64) -> Self {
        let began = Instant::now();
        Self { bytes_per_second: bytes_per_second.max(1), began, timer: Box::pin(sleep_until(began)) }
    }

    /// How many of so many bytes may be written by now, at least one; wakes the task when it is more.
    pub fn poll_allowed(&mut self, cx: &mut Context<'_>, whole: usize) -> usize {
        let now = Instant::now();
        let bytes = (now - self.began).as_secs_f64() * self.bytes_per_second as f64;
        let allowed = (bytes as usize).saturating_add(1).min(whole);
        if allowed < whole {
            // A byte may take longer than a step.
            let next = Duration::from_secs_f64(1.0 / self.bytes_per_second as f64).max(STEP);
            self.timer.as_mut().reset(now + next);
            if self.timer.as_mut().poll(cx) == Poll::Ready(()) {
                cx.waker().wake_by_ref();
            }
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    #[tokio::test(start_paused = true)]
    async fn a_request_takes_as_long_as_its_speed_says() {
        let began = Instant::now();
        let mut drip = Drip::new(1_000);
        let mut turns = 0;
        poll_fn(|cx| {
            turns += 1;
            if drip.poll_allowed(cx, 500) == 500 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        let took = began.elapsed();
        assert!((Duration::from_millis(490)..Duration::from_millis(520)).contains(&took), "{took:?}");
        assert!(turns > 20, "{turns} turns");
    }
}
