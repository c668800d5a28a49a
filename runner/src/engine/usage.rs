//! How much processor time a thread used, and for how much longer it would have liked to.

use shared::units::Nanos;

/// Measures the calling thread.
#[derive(Debug)]
pub(crate) struct Usage {
    /// The kernel's account of the thread, where there is one: time run, time runnable but not let run.
    #[cfg(target_os = "linux")]
    account: Option<std::fs::File>,
    last: Nanos,
}

impl Usage {
    /// Begins to measure this thread; must stay on it.
    pub(crate) fn new() -> Self {
        let mut usage = Self {
            #[cfg(target_os = "linux")]
            account: std::fs::File::open("/proc/thread-self/schedstat").ok(),
            last: Nanos::ZERO,
        };
        usage.since();
        usage
    }

    /// Time since the last look in which the thread ran or waited to be let run.
    pub(crate) fn since(&mut self) -> Nanos {
        let now = self.total();
        let since = now.saturating_sub(self.last);
        self.last = now;
        since
    }

    #[cfg(target_os = "linux")]
    fn total(&self) -> Nanos {
        use std::os::unix::fs::FileExt;
        let mut text = [0; 96];
        let read = self.account.as_ref().and_then(|account| account.read_at(&mut text, 0).ok());
        let told = read.and_then(|length| wanted(text.get(..length)?));
        told.unwrap_or_else(thread_time)
    }

    #[cfg(not(target_os = "linux"))]
    fn total(&self) -> Nanos {
        thread_time()
    }
}

/// Time run and time waited: the first two numbers of the kernel's account, in nanoseconds.
#[cfg(target_os = "linux")]
fn wanted(text: &[u8]) -> Option<Nanos> {
    let mut numbers = std::str::from_utf8(text).ok()?.split_ascii_whitespace();
    let mut next = || numbers.next()?.parse::<u64>().ok();
    Some(Nanos(next()?.saturating_add(next()?)))
}

/// Processor time of this thread.
#[cfg(unix)]
fn thread_time() -> Nanos {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Nanos(u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(not(unix))]
fn thread_time() -> Nanos {
    Nanos::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn a_thread_that_works_is_busy_and_one_that_sleeps_is_not() {
        let mut usage = Usage::new();
        std::thread::sleep(Duration::from_millis(100));
        let asleep = usage.since();
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(200) {
            std::hint::spin_loop();
        }
        let awake = usage.since();
        assert!(asleep < Nanos::from_millis(60), "{asleep}");
        assert!(awake > Nanos::from_millis(100), "{awake}");
    }
}
