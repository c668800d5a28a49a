//! The terminal that a run was started in, as something to steer it with.

use shared::run::RunState;
use tokio::sync::mpsc;

use super::keys::{HINT, Keys, Wish};
use crate::engine::handle::RunHandle;
use crate::report::progress::Progress;

/// What changes from the terminal are stored as.
const ORIGIN: &str = "terminal";
/// Keys that may wait to be looked at.
const WAITING: usize = 64;

/// Somebody at the terminal.
pub(in crate::commands) struct Console {
    keys: Keys,
    pressed: mpsc::Receiver<u8>,
    _quiet: quiet::Quiet,
}

impl Console {
    /// The terminal, if the run is in its foreground and shows its progress there.
    pub(super) fn open() -> Option<Self> {
        let quiet = quiet::Quiet::begin()?;
        let (press, pressed) = mpsc::channel(WAITING);
        // Reading cannot be given up: the thread ends with the process.
        std::thread::Builder::new().name("keys".to_owned()).spawn(move || quiet::read(&press)).ok()?;
        Some(Self { keys: Keys::default(), pressed, _quiet: quiet })
    }

    /// The next key; never, where nobody is there.
    pub(super) async fn next(console: &mut Option<Self>) -> u8 {
        if let Some(open) = console {
            if let Some(key) = open.pressed.recv().await {
                return key;
            }
            *console = None;
        }
        std::future::pending().await
    }

    /// Does what a key asks for.
    pub(super) async fn obey(&mut self, key: u8, run: &RunHandle, progress: &mut Progress) {
        let snapshot = run.snapshot();
        let wish = self.keys.press(key, snapshot.state == RunState::Paused, snapshot.rate_multiplier);
        match wish {
            Some(Wish::Command(command)) => match run.command(command, ORIGIN).await {
                Ok(change) => progress.say(&change.command.in_words()),
                Err(error) => progress.say(&error.to_string()),
            },
            Some(Wish::Say(text)) => progress.say(&text),
            Some(Wish::Typed) | None => {}
        }
        progress.prompt(&self.keys.typed().unwrap_or_else(|| HINT.to_owned()));
        progress.show(&run.snapshot());
    }

    /// Says below the figures what can be typed.
    pub(super) fn invite(progress: &mut Progress) {
        progress.prompt(HINT);
    }
}

#[cfg(unix)]
mod quiet {
    //! A terminal that gives each key at once and does not show it.

    use std::io::IsTerminal as _;

    use rustix::process::getpgrp;
    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
    use tokio::sync::mpsc;

    /// Restores the terminal at its end.
    pub(super) struct Quiet(Termios);

    impl Quiet {
        pub(super) fn begin() -> Option<Self> {
            let input = std::io::stdin();
            if !input.is_terminal() || !std::io::stderr().is_terminal() {
                return None;
            }
            // Whoever reads from behind is stopped by the system.
            if tcgetpgrp(&input).ok()? != getpgrp() {
                return None;
            }
            let before = tcgetattr(&input).ok()?;
            let mut quiet = before.clone();
            quiet.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
            tcsetattr(&input, OptionalActions::Now, &quiet).ok()?;
            Some(Self(before))
        }
    }

    impl Drop for Quiet {
        fn drop(&mut self) {
            let _restored = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
        }
    }

    /// Hands over keys until nobody wants them or none will come.
    pub(super) fn read(press: &mpsc::Sender<u8>) {
        let mut key = [0; 1];
        while let Ok(1) = rustix::io::read(std::io::stdin(), &mut key) {
            if press.blocking_send(key[0]).is_err() {
                return;
            }
        }
    }
}

#[cfg(not(unix))]
mod quiet {
    use tokio::sync::mpsc;

    /// Keys are read on Unix only.
    pub(super) struct Quiet;

    impl Quiet {
        pub(super) fn begin() -> Option<Self> {
            None
        }
    }

    pub(super) fn read(_press: &mpsc::Sender<u8>) {}
}
