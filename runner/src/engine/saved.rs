//! Every event that was sent, in a file, as it was sent.
//!
//! While the run goes on it is one event per line, so that a killed run leaves what it sent; a list or rows are made
//! of the lines when the run is over, and the lines go.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::dataset::{Format, from_lines};

/// Bytes that a worker gathers before it writes them.
const GATHERED: usize = 256 * 1024;

/// The file of a run's events.
#[derive(Debug)]
pub struct SavedEvents {
    path: PathBuf,
    format: Format,
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
    pub(crate) fn new(path: PathBuf, format: Format) -> Self {
        Self { path, format, state: Mutex::default() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the lines go while the run goes on.
    fn lines(&self) -> PathBuf {
        if self.format == Format::Jsonl {
            return self.path.clone();
        }
        let mut name = self.path.clone().into_os_string();
        name.push(".lines");
        name.into()
    }

    /// Makes the file, or empties it.
    ///
    /// # Errors
    ///
    /// It cannot be written to.
    pub(crate) fn open(&self) -> io::Result<()> {
        // Told now, not when the run is over.
        File::create(&self.path)?;
        self.state().file = Some(File::create(self.lines())?);
        Ok(())
    }

    /// Puts the file into its format, once no worker adds to it any more; says what went wrong, then or before.
    pub(crate) fn close(&self) -> Option<String> {
        let mut state = self.state();
        state.file = None;
        if self.format != Format::Jsonl {
            let lines = self.lines();
            let made = from_lines(&lines, self.format, &self.path);
            match made.and_then(|()| std::fs::remove_file(&lines)) {
                Ok(()) => {}
                Err(error) => {
                    let kept = lines.display();
                    let trouble = || format!("{}: {error}; as lines it is in {kept}", self.path.display());
                    state.trouble.get_or_insert_with(trouble);
                }
            }
        }
        state.trouble.clone()
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
