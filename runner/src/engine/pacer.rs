//! Waiting until a moment, to the microsecond: the operating system's timer for the long part, a short spin for the
//! last of it.
//!
//! On Linux the timer is a timerfd with absolute deadlines, elsewhere the runtime's own timer (to the millisecond).

#[cfg(any(not(target_os = "linux"), test))]
mod portable;
#[cfg(target_os = "linux")]
mod timerfd;

use std::io;
use std::task::{Context, Poll};

use shared::units::Nanos;

use crate::engine::clock::RunClock;

#[cfg(not(target_os = "linux"))]
use self::portable::Timer;
#[cfg(target_os = "linux")]
use self::timerfd::Timer;

/// Wakes a worker at the moments that it asks for.
#[derive(Debug)]
pub struct Pacer {
    clock: RunClock,
    timer: Timer,
    spin: Spin,
    armed: Option<Nanos>,
}

impl Pacer {
    /// A pacer of its own for one worker; must be made inside the worker's runtime.
    ///
    /// # Errors
    ///
    /// The operating system has no timer left.
    pub fn new(clock: RunClock) -> io::Result<Self> {
        Ok(Self { clock, timer: Timer::new()?, spin: Spin::new(), armed: None })
    }

    /// Ready once the moment has come, with the time it is then.
    pub fn poll_until(&mut self, cx: &mut Context<'_>, deadline: Nanos) -> Poll<Nanos> {
        loop {
            let now = self.clock.now();
            if now >= deadline {
                return Poll::Ready(now);
            }
            let wake = deadline.saturating_sub(self.spin.window());
            if now >= wake {
                return Poll::Ready(self.spin_until(deadline));
            }
            if self.armed != Some(wake) {
                self.timer.arm(self.clock.moment(wake));
                self.armed = Some(wake);
            }
            if self.timer.poll_expired(cx).is_pending() {
                return Poll::Pending;
            }
            self.armed = None;
            self.spin.woke(self.clock.now().saturating_sub(wake));
        }
    }

    fn spin_until(&self, deadline: Nanos) -> Nanos {
        loop {
            let now = self.clock.now();
            if now >= deadline {
                return now;
            }
            std::hint::spin_loop();
        }
    }
}

/// How long before a moment to wake up, learnt from how late the operating system wakes us.
#[derive(Clone, Copy, Debug)]
struct Spin {
    window: Nanos,
}

impl Spin {
    const SHORTEST: Nanos = Nanos(1_000);
    /// A core that spins has no time for answers: `measured.md` of the design puts the knee here.
    const LONGEST: Nanos = Nanos(12_000);
    /// A wake-up later than this is a stall, nothing to learn from.
    const STALL: Nanos = Nanos(200_000);

    fn new() -> Self {
        Self { window: Nanos(4_000) }
    }

    fn window(self) -> Nanos {
        self.window
    }

    /// Moves towards the lateness that five in six wake-ups stay under: up fast, down slowly.
    fn woke(&mut self, late: Nanos) {
        if late > Self::STALL {
            return;
        }
        let moved = if late > self.window { self.window.0 + 500 } else { self.window.0.saturating_sub(100) };
        self.window = Nanos(moved.clamp(Self::SHORTEST.0, Self::LONGEST.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::time::{Duration, Instant};

    #[test]
    fn the_spin_follows_how_late_wake_ups_are_and_stays_short() {
        let mut spin = Spin::new();
        for _ in 0..1_000 {
            spin.woke(Nanos(7_000));
        }
        assert!((6_500..=7_600).contains(&spin.window().0), "{spin:?}");
        for _ in 0..1_000 {
            spin.woke(Nanos(150_000));
        }
        assert_eq!(spin.window(), Spin::LONGEST);
        spin.woke(Nanos(5_000_000_000));
        assert_eq!(spin.window(), Spin::LONGEST);
        for _ in 0..1_000 {
            spin.woke(Nanos::ZERO);
        }
        assert_eq!(spin.window(), Spin::SHORTEST);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_wait_never_ends_early_and_rarely_late() {
        let clock = RunClock::starting_in(Duration::ZERO);
        let mut pacer = Pacer::new(clock).unwrap();
        let mut errors: Vec<u64> = Vec::new();
        for step in 1..=200_u64 {
            let deadline = Nanos(step * 500_000);
            let now = poll_fn(|cx| pacer.poll_until(cx, deadline)).await;
            assert!(now >= deadline);
            errors.push(now.0 - deadline.0);
        }
        errors.sort_unstable();
        // The best tenth: the machine that runs the tests has other work. The runtime's own timer rounds up to the next
        // millisecond, which puts its best tenth well above.
        assert!(errors[20] < 300_000, "errors from {} ns, median {} ns", errors[0], errors[100]);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_moment_that_moves_is_obeyed() {
        let clock = RunClock::starting_in(Duration::ZERO);
        let mut pacer = Pacer::new(clock).unwrap();
        let first = poll_fn(|cx| Poll::Ready(pacer.poll_until(cx, Nanos::from_secs(3_600)))).await;
        assert!(first.is_pending());
        let deadline = clock.now().saturating_add(Nanos::from_millis(2));
        let now = poll_fn(|cx| pacer.poll_until(cx, deadline)).await;
        assert!(now >= deadline && now < Nanos::from_secs(60));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn the_portable_timer_waits_as_well() {
        let mut timer = portable::Timer::new().unwrap();
        let at = Instant::now() + Duration::from_millis(3);
        timer.arm(at);
        poll_fn(|cx| timer.poll_expired(cx)).await;
        assert!(Instant::now() >= at);
    }
}
