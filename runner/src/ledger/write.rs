//! Writing a ledger while the run goes on: each worker fills pages, one thread writes them.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use shared::units::Nanos;

use super::record::{Context, write};
use super::{Entry, Header, LedgerError, VERSION};
use crate::fingerprint::hash;

/// Pages that may wait to be written, of all workers together.
const PAGES: usize = 64;
/// A page is handed on when it has so many bytes, or is this old: what a killed runner loses at most.
const FULL: usize = 64 * 1024;
const OLD: Nanos = Nanos::from_millis(250);
/// Bytes that a worker keeps while the disk is behind; beyond, entries are left out and counted.
const MOST_KEPT: usize = 16 * 1024 * 1024;
/// First byte of a frame: entries, or the end.
pub(super) const ENTRIES: u8 = 0;
pub(super) const END: u8 = 1;

/// Takes the pages of a run's workers. Copies write to the same file.
#[derive(Clone, Debug)]
pub struct Ledger {
    pages: SyncSender<Handed>,
    header: Header,
}

/// Waits for the end of a ledger.
#[derive(Debug)]
pub struct Closing {
    path: PathBuf,
    thread: JoinHandle<io::Result<()>>,
}

/// What a worker hands on.
#[derive(Debug)]
struct Handed {
    bytes: Vec<u8>,
    entries: u64,
    missing: u64,
}

impl Ledger {
    /// Begins a ledger; a file that is there is replaced.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn create(path: &Path, header: Header) -> Result<(Self, Closing), LedgerError> {
        let failed = |source| LedgerError::File { path: path.to_owned(), source };
        let header = Header { throng_ledger: VERSION, ..header };
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        let mut file = File::create(path).map_err(failed)?;
        let mut line = serde_json::to_vec(&header).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        file.write_all(&line).map_err(failed)?;
        let (pages, received) = sync_channel(PAGES);
        let thread =
            thread::Builder::new().name("ledger".into()).spawn(move || keep(file, &received)).map_err(failed)?;
        Ok((Self { pages, header }, Closing { path: path.to_owned(), thread }))
    }

    /// What it says about itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// A page for one worker.
    pub fn page(&self) -> Page {
        Page {
            ledger: self.clone(),
            bytes: Vec::new(),
            context: Context::default(),
            entries: 0,
            missing: 0,
            begun: None,
        }
    }
}

impl Closing {
    /// Waits until everything is in the file. Every copy of the ledger must be gone, which the end of a run sees to.
    ///
    /// # Errors
    ///
    /// Something could not be written: what the ledger has is right, but not all.
    pub fn wait(self) -> Result<PathBuf, LedgerError> {
        let written = self.thread.join().map_err(|_panic| LedgerError::Gone)?;
        written.map_err(|source| LedgerError::File { path: self.path.clone(), source })?;
        Ok(self.path)
    }
}

/// Entries of one worker that are not handed on yet.
#[derive(Debug)]
pub struct Page {
    ledger: Ledger,
    bytes: Vec<u8>,
    context: Context,
    entries: u64,
    missing: u64,
    /// When its first entry came.
    begun: Option<Nanos>,
}

impl Page {
    /// Notes an event.
    pub fn note(&mut self, entry: &Entry, now: Nanos) {
        if self.bytes.len() >= MOST_KEPT {
            self.missing += 1;
            return;
        }
        if self.bytes.is_empty() {
            self.bytes.push(ENTRIES);
            self.context = Context::default();
            self.begun = Some(now);
            // The entry before is in another page: nothing can be left out.
            write(&Entry { continues: false, ..*entry }, &mut self.context, &mut self.bytes);
        } else {
            write(entry, &mut self.context, &mut self.bytes);
        }
        self.entries += 1;
    }

    /// Hands on what is full or old.
    pub fn hand_on(&mut self, now: Nanos) {
        let is_old = self.begun.is_some_and(|begun| now.saturating_sub(begun) >= OLD);
        if self.bytes.len() >= FULL || is_old {
            let handed = self.take();
            // A disk that is behind must not hold up the run: the page stays here and grows.
            if let Err(TrySendError::Full(handed)) = self.ledger.pages.try_send(handed) {
                self.bytes = handed.bytes;
                self.entries = handed.entries;
                self.missing = handed.missing;
                self.begun = Some(now);
            }
        }
    }

    fn take(&mut self) -> Handed {
        self.begun = None;
        Handed {
            bytes: std::mem::take(&mut self.bytes),
            entries: std::mem::take(&mut self.entries),
            missing: std::mem::take(&mut self.missing),
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if self.entries + self.missing > 0 {
            let handed = self.take();
            // The run is over: now there is time to wait for the disk. A thread that is gone has said why.
            let _sent = self.ledger.pages.send(handed);
        }
    }
}

/// Writes pages until no worker is left, then the end. An error ends the writing, not the run.
fn keep(mut file: File, pages: &Receiver<Handed>) -> io::Result<()> {
    let (mut entries, mut missing) = (0_u64, 0_u64);
    let mut outcome = Ok(());
    for page in pages {
        missing += page.missing;
        if outcome.is_ok() {
            outcome = write_frame(&mut file, &page.bytes);
        }
        entries += page.entries;
    }
    outcome?;
    let mut end = vec![END];
    end.extend_from_slice(&entries.to_le_bytes());
    end.extend_from_slice(&missing.to_le_bytes());
    write_frame(&mut file, &end)?;
    file.sync_data()
}

fn write_frame(file: &mut File, payload: &[u8]) -> io::Result<()> {
    if payload.is_empty() {
        return Ok(());
    }
    let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
    let mut head = [0; 8];
    head[..4].copy_from_slice(&length.to_le_bytes());
    head[4..].copy_from_slice(&check(payload).to_le_bytes());
    file.write_all(&head)?;
    file.write_all(payload)
}

/// The figure that tells a whole frame from a torn one.
pub(super) fn check(payload: &[u8]) -> u32 {
    hash(0x001e_d6e4, payload) as u32
}
