//! Every event that was sent, one per line in a file, as it was sent.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes that a worker gathers before it writes them.
const GATHERED: usize = 256 * 1024;

/// The file of a run's events.
#[derive(Debug)]
pub struct SavedEvents {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    file: Option<File>,
    trouble: Option<String>,
}

/// One worker's part of it.
#[derive(Debug)]
pub(crate) struct Saver {
    events: Arc<SavedEvents>,
    gathered: RefCell<Vec<u8>>,
}

impl SavedEvents {
    /// Events that will stand in a file; nothing is touched yet.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, state: Mutex::default() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the file, or empties it.
    ///
    /// # Errors
    ///
    /// It cannot be written to.
    pub(crate) fn open(&self) -> io::Result<()> {
        self.state().file = Some(File::create(&self.path)?);
        Ok(())
    }

    /// Why not every event is in the file.
    pub fn trouble(&self) -> Option<String> {
        self.state().trouble.clone()
    }

    fn write(&self, lines: &[u8]) {
        let mut state = self.state();
        if state.trouble.is_some() {
            return;
        }
        let written = match &mut state.file {
            Some(file) => file.write_all(lines),
            None => Err(io::Error::other("it was never opened")),
        };
        if let Err(error) = written {
            state.trouble = Some(format!("{}: {error}", self.path.display()));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock can leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Saver {
    /// A worker's part.
    pub(crate) fn new(events: Arc<SavedEvents>) -> Self {
        Self { events, gathered: RefCell::default() }
    }

    /// Adds an event.
    pub(crate) fn add(&self, event: &[u8]) {
        let mut gathered = self.gathered.borrow_mut();
        gathered.extend_from_slice(event);
        gathered.push(b'\n');
        if gathered.len() >= GATHERED {
            self.events.write(&gathered);
            gathered.clear();
        }
    }
}

impl Drop for Saver {
    fn drop(&mut self) {
        self.events.write(self.gathered.get_mut());
    }
}
