//! Reading a ledger, also one whose writer was killed.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use super::record::{Context, read};
use super::write::{END, ENTRIES, check};
use super::{Entry, Header, LedgerError, VERSION};

/// The longest frame and the longest first line.
const MOST_FRAME: u32 = 32 * 1024 * 1024;
const MOST_HEADER: u64 = 64 * 1024;

/// How a ledger ends.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Ending {
    /// Whether its writer closed it; if not, what was under way when it died is in no entry.
    pub complete: bool,
    /// Entries that were left out since the disk was behind.
    pub missing: u64,
}

/// Reads entries one after the other.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    file: BufReader<File>,
    header: Header,
    frame: Vec<u8>,
    at: usize,
    context: Context,
    ending: Ending,
    over: bool,
}

impl Reader {
    /// Opens a ledger.
    ///
    /// # Errors
    ///
    /// The file cannot be read or is no ledger.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let failed = |source| LedgerError::File { path: path.to_owned(), source };
        let foreign = |why: String| LedgerError::Foreign { path: path.to_owned(), why };
        let mut file = BufReader::new(File::open(path).map_err(failed)?);
        let mut line = Vec::new();
        (&mut file).take(MOST_HEADER).read_until(b'\n', &mut line).map_err(failed)?;
        let header: Header = serde_json::from_slice(&line)
            .map_err(|_error| foreign("its first line does not say that it is one".to_owned()))?;
        if header.throng_ledger != VERSION {
            return Err(foreign(format!("its format is {}, this program reads {VERSION}", header.throng_ledger)));
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            header,
            frame: Vec::new(),
            at: 0,
            context: Context::default(),
            ending: Ending::default(),
            over: false,
        })
    }

    /// What it says about itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// How it ends; known once every entry was read.
    pub fn ending(&self) -> Ending {
        self.ending
    }

    /// The next entry; none at the end, whole or torn.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or a whole frame holds something else than entries.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, LedgerError> {
        while self.at >= self.frame.len() {
            if self.over || !self.next_frame()? {
                self.over = true;
                return Ok(None);
            }
        }
        let mut rest = self.frame.get(self.at..).unwrap_or_default();
        let entry = read(&mut rest, &mut self.context, self.header.seed);
        self.at = self.frame.len() - rest.len();
        entry
            .map(Some)
            .ok_or_else(|| LedgerError::Foreign { path: self.path.clone(), why: "a frame is garbled".to_owned() })
    }

    /// Reads the next frame of entries; false at the end.
    fn next_frame(&mut self) -> Result<bool, LedgerError> {
        let failed = |source| LedgerError::File { path: self.path.clone(), source };
        let mut head = [0; 8];
        if !fill(&mut self.file, &mut head).map_err(failed)? {
            return Ok(false);
        }
        let [a, b, c, d, e, f, g, h] = head;
        let length = u32::from_le_bytes([a, b, c, d]);
        if length > MOST_FRAME {
            return Ok(false);
        }
        self.frame.resize(length as usize, 0);
        self.at = 0;
        if !fill(&mut self.file, &mut self.frame).map_err(failed)?
            || check(&self.frame) != u32::from_le_bytes([e, f, g, h])
        {
            // The writer died while it wrote this frame.
            self.frame.clear();
            return Ok(false);
        }
        match self.frame.first() {
            Some(&ENTRIES) => {
                self.at = 1;
                self.context = Context::default();
                Ok(true)
            }
            Some(&END) => {
                let missing = self.frame.get(9..17).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
                self.ending = Ending { complete: true, missing: missing.unwrap_or_default() };
                self.frame.clear();
                Ok(false)
            }
            _ => Ok(false),
        }
    }
}

/// Fills a buffer; false when there is not enough.
fn fill(file: &mut BufReader<File>, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
