//! Being asked to end: the first signal asks for an orderly end, the second for a quick one.

use std::io;

use tokio::sync::watch;

/// How often the process was asked to end so far.
#[derive(Clone, Debug)]
pub struct Signals {
    count: watch::Receiver<u32>,
}

impl Signals {
    /// Listens for Ctrl-C and termination from here on.
    ///
    /// # Errors
    ///
    /// The system does not let us listen.
    pub fn listen() -> io::Result<Self> {
        let (asked, count) = watch::channel(0_u32);
        let mut asks = Asks::listen()?;
        // It ends with the last receiver, so that it outlives nobody.
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = asks.next() => asked.send_modify(|count| *count += 1),
                    () = asked.closed() => return,
                }
            }
        });
        Ok(Self { count })
    }

    /// Ready when the process was asked to end at least so often.
    pub async fn asked(mut self, times: u32) {
        if self.count.wait_for(|count| *count >= times).await.is_err() {
            // Without the listening task nobody can ask any more.
            std::future::pending::<()>().await;
        }
    }
}

/// From here on a file that grows past its limit (`ulimit -f`) is an error of the write, as a full disk is, and not the
/// end of the process.
///
/// # Errors
///
/// The system does not let us listen.
#[cfg(unix)]
pub fn outlive_full_files() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    // Once somebody has listened, the signal no longer kills, also when nobody listens any more.
    signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw())).map(drop)
}

/// There is no such limit here.
///
/// # Errors
///
/// None.
#[cfg(not(unix))]
pub fn outlive_full_files() -> io::Result<()> {
    Ok(())
}

/// The signals themselves.
#[cfg(unix)]
struct Asks {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Asks {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _interrupt = self.interrupt.recv() => {}
            _terminate = self.terminate.recv() => {}
        }
    }
}

/// The signals themselves.
#[cfg(not(unix))]
struct Asks;

#[cfg(not(unix))]
impl Asks {
    fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
