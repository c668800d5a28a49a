//! A timerfd inside the runtime's poller.

use std::io;
use std::os::fd::OwnedFd;
use std::task::{Context, Poll};
use std::time::Instant;

use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime, timerfd_create,
    timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

const SECOND: i64 = 1_000_000_000;

/// A timer with absolute deadlines.
#[derive(Debug)]
pub(super) struct Timer {
    fd: AsyncFd<OwnedFd>,
    /// The same moment on both of the clocks that name it.
    moment: Instant,
    moment_nanos: i64,
}

impl Timer {
    #[expect(
        deprecated,
        reason = "its successor is unsafe because a descriptor may outlive its file; this one owns its file"
    )]
    pub(super) fn new() -> io::Result<Self> {
        let fd = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        let fd = AsyncFd::with_interest(fd, Interest::READABLE)?;
        let now = clock_gettime(ClockId::Monotonic);
        Ok(Self { fd, moment: Instant::now(), moment_nanos: now.tv_sec * SECOND + now.tv_nsec })
    }

    fn nanos(&self, at: Instant) -> i64 {
        let span = |later: Instant, earlier: Instant| {
            i64::try_from(later.saturating_duration_since(earlier).as_nanos()).unwrap_or(i64::MAX / 2)
        };
        // Never 0, which would disarm it.
        (self.moment_nanos + span(at, self.moment) - span(self.moment, at)).max(1)
    }

    /// Sets the moment.
    pub(super) fn arm(&mut self, at: Instant) {
        let nanos = self.nanos(at);
        let once = Itimerspec {
            it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
            it_value: Timespec { tv_sec: nanos / SECOND, tv_nsec: nanos % SECOND },
        };
        // Fails only for values out of range, which `nanos` excludes.
        let set = timerfd_settime(self.fd.get_ref(), TimerfdTimerFlags::ABSTIME, &once);
        debug_assert!(set.is_ok(), "a timer takes any moment");
    }

    /// Ready once the moment has come; may be early after a change of the moment.
    pub(super) fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.fd.poll_read_ready(cx) {
            Poll::Pending => Poll::Pending,
            // Setting the timer again clears its count, so that reading it is a call to spare. A wake-up of an earlier
            // setting may come through; the caller looks at the clock.
            Poll::Ready(Ok(mut ready)) => {
                ready.clear_ready();
                Poll::Ready(())
            }
            Poll::Ready(Err(_)) => Poll::Ready(()),
        }
    }
}
