//! Recorded events in files of any size, in constant memory: looked through once, then read from many places at once.
//!
//! The first pass checks every record and notes where some of them begin. Readers seek to the nearest of these and go
//! on from there, each with a buffer of its own. Records that are to be replayed by their own time and do not stand in
//! its order are put into it by an index on disk.

mod index;
mod scan;

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use shared::generate::clock::parse_rfc3339;
use shared::plan::supply::{RecordReader, Records};
use shared::random::{hash_bytes, mix};
use shared::scenario::model::behavior::{Replay, ReplayOrder, ReplaySource};
use shared::units::EpochMicros;

use self::index::{Index, IndexReader, Sorter};
use self::scan::{Layout, Scanner};

/// Places that are remembered at most; beyond that, every second is forgotten.
const MOST_MARKS: usize = 1 << 16;
/// Records between two places at first.
const STRIDE: u64 = 64;
/// Where an event's time stands when the scenario does not say.
const TIME: &str = "$.timestamp";
/// Records that are looked at when only mistakes are looked for.
const LOOKED_AT: u64 = 1_000;

/// Why recorded events cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] io::Error),
    /// It has no records.
    #[error("it has no events")]
    Empty,
    /// A record is not what it should be.
    #[error("{0}")]
    Record(String),
}

/// How far a file is looked through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Depth {
    /// Its beginning, to find mistakes while somebody types.
    Beginning,
    /// All of it.
    Whole,
}

/// Records in a file.
#[derive(Debug)]
pub struct FileRecords {
    shared: Arc<Found>,
}

/// What the first pass found.
#[derive(Debug)]
struct Found {
    path: PathBuf,
    layout: Layout,
    count: u64,
    digest: u64,
    /// Where every so many records begin.
    marks: Vec<u64>,
    stride: u64,
    time: Option<Vec<String>>,
    span: Option<(EpochMicros, EpochMicros)>,
    /// The order of the replay, where it is not the file's.
    index: Option<Index>,
    trouble: Mutex<Option<String>>,
}

impl FileRecords {
    /// Looks through the file of a replay.
    ///
    /// # Errors
    ///
    /// It cannot be read, is empty, or one of its records is none.
    pub fn look_through(path: &Path, replay: &Replay, depth: Depth) -> Result<Self, RecordsError> {
        let mut file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory).into());
        }
        let (layout, begin) = match &replay.source {
            Some(ReplaySource::Json(_)) => (Layout::List, scan::begin_list(&mut file)?.ok_or(RecordsError::Empty)?),
            Some(ReplaySource::Csv(_)) => scan::begin_rows(&mut file)?,
            Some(ReplaySource::Jsonl(_)) | None => (Layout::Lines, scan::begin_lines(&mut file)?),
        };
        let by_time = replay.order == ReplayOrder::EventTime;
        let time = by_time.then(|| path_of(replay.time.as_deref().unwrap_or(TIME)));
        let mut most = if by_time { u64::MAX } else { replay.limit.unwrap_or(u64::MAX) };
        if depth == Depth::Beginning {
            most = most.min(LOOKED_AT);
        }
        file.seek(SeekFrom::Start(begin))?;
        let mut scanner = Scanner::new(file, layout.clone(), begin);
        let mut found = Found {
            path: path.to_owned(),
            layout,
            count: 0,
            digest: 0,
            marks: Vec::new(),
            stride: STRIDE,
            time,
            span: None,
            index: None,
            trouble: Mutex::new(None),
        };
        let mut sorter = Sorter::default();
        let mut object = Vec::new();
        while found.count < most {
            let number = found.count + 1;
            let unit = found.layout.unit();
            let wrong = |why: String| RecordsError::Record(format!("{unit} {number}: {why}"));
            let Some(record) = scanner.next().map_err(|error| match error.kind() {
                io::ErrorKind::InvalidData => wrong(error.to_string()),
                _ => RecordsError::File(error),
            })?
            else {
                break;
            };
            let offset = record.offset;
            let bytes = found.layout.json(record.bytes, &mut object).map_err(wrong)?;
            found.digest = mix(found.digest, hash_bytes(bytes));
            if let Some(path) = &found.time {
                let at = moment_of(bytes, path).map_err(wrong)?;
                sorter.add(at, offset)?;
            } else {
                serde_json::from_slice::<serde::de::IgnoredAny>(bytes)
                    .map_err(|error| wrong(format!("not JSON: {error}")))?;
            }
            found.mark(offset);
        }
        if found.count == 0 {
            return Err(RecordsError::Empty);
        }
        if found.time.is_some() {
            let most = replay.limit.unwrap_or(u64::MAX).min(found.count);
            (found.span, found.index) = sorter.finish(most)?;
            found.count = most;
        }
        Ok(Self { shared: Arc::new(found) })
    }
}

impl Found {
    /// Notes where the next record begins.
    fn mark(&mut self, offset: u64) {
        if self.count.is_multiple_of(self.stride) {
            if self.marks.len() == MOST_MARKS {
                let mut number = 0;
                self.marks.retain(|_| {
                    number += 1;
                    number % 2 == 1
                });
                self.stride *= 2;
            }
            if self.count.is_multiple_of(self.stride) {
                self.marks.push(offset);
            }
        }
        self.count += 1;
    }
}

impl Records for FileRecords {
    fn count(&self) -> u64 {
        self.shared.count
    }

    fn digest(&self) -> u64 {
        self.shared.digest
    }

    fn span(&self) -> Option<(EpochMicros, EpochMicros)> {
        self.shared.span
    }

    fn open(&self) -> Box<dyn RecordReader> {
        let found = Arc::clone(&self.shared);
        let index = found.index.as_ref().map(Index::reader);
        Box::new(FileReader { found, index, scanner: None, next: 0, held: None, bytes: Vec::new(), object: Vec::new() })
    }

    fn trouble(&self) -> Option<String> {
        self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One worker's way through the records.
#[derive(Debug)]
struct FileReader {
    found: Arc<Found>,
    index: Option<IndexReader>,
    scanner: Option<Scanner>,
    /// Number of the record that the scanner comes to next.
    next: u64,
    /// Number of the record in `bytes`.
    held: Option<u64>,
    bytes: Vec<u8>,
    object: Vec<u8>,
}

impl FileReader {
    /// Gets a record into `bytes`.
    fn fetch(&mut self, number: u64) -> io::Result<()> {
        if self.held == Some(number) {
            return Ok(());
        }
        self.held = None;
        if let Some(index) = &mut self.index {
            let (_, offset) = index.entry(number)?;
            self.seek(offset)?;
        } else {
            let mark = number / self.found.stride;
            if self.scanner.is_none() || number < self.next || mark > self.next / self.found.stride {
                let place = usize::try_from(mark).ok().and_then(|mark| self.found.marks.get(mark));
                let offset = *place.ok_or(io::ErrorKind::UnexpectedEof)?;
                self.seek(offset)?;
                self.next = mark * self.found.stride;
            }
        }
        let scanner = self.scanner.as_mut().ok_or(io::ErrorKind::NotFound)?;
        while self.index.is_none() && self.next < number {
            scanner.next()?.ok_or(io::ErrorKind::UnexpectedEof)?;
            self.next += 1;
        }
        let record = scanner.next()?.ok_or(io::ErrorKind::UnexpectedEof)?;
        self.next = number + 1;
        let bytes = self.found.layout.json(record.bytes, &mut self.object);
        let bytes = bytes.map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))?;
        self.bytes.clear();
        scan::compact(bytes, &mut self.bytes);
        self.held = Some(number);
        Ok(())
    }

    fn seek(&mut self, offset: u64) -> io::Result<()> {
        match &mut self.scanner {
            Some(scanner) => scanner.seek(offset),
            None => {
                let mut file = File::open(&self.found.path)?;
                file.seek(SeekFrom::Start(offset))?;
                self.scanner = Some(Scanner::new(file, self.found.layout.clone(), offset));
                Ok(())
            }
        }
    }

    /// Whether a record is there; if not, why is kept.
    fn has(&mut self, number: u64) -> bool {
        if number >= self.found.count {
            return false;
        }
        let Err(error) = self.fetch(number) else { return true };
        let why = format!("{}: record {}: {error}", self.found.path.display(), number + 1);
        let mut trouble = self.found.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.get_or_insert(why);
        false
    }
}

impl RecordReader for FileReader {
    fn write(&mut self, number: u64, out: &mut Vec<u8>) -> bool {
        let there = self.has(number);
        if there {
            out.extend_from_slice(&self.bytes);
        }
        there
    }

    fn moment(&mut self, number: u64) -> Option<EpochMicros> {
        if let Some(index) = &mut self.index {
            return index.entry(number).ok().map(|(moment, _)| moment);
        }
        if !self.has(number) {
            return None;
        }
        moment_of(&self.bytes, self.found.time.as_ref()?).ok()
    }
}

/// The names of a path such as `$.meta.time`.
fn path_of(path: &str) -> Vec<String> {
    let path = path.strip_prefix('$').unwrap_or(path);
    path.split('.').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// When a record says that it happened.
fn moment_of(bytes: &[u8], path: &[String]) -> Result<EpochMicros, String> {
    let value: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| format!("not JSON: {error}"))?;
    let mut found = Some(&value);
    for name in path {
        found = found.and_then(|value| value.get(name));
    }
    let shown = format!("$.{}", path.join("."));
    match found {
        Some(serde_json::Value::String(text)) => {
            parse_rfc3339(text).ok_or_else(|| format!("`{text}` at {shown} is no RFC 3339 date"))
        }
        Some(serde_json::Value::Number(number)) => {
            let number = number.as_f64().unwrap_or_default();
            // Seconds, milliseconds or microseconds since 1970: a year's worth of one is a day's of the next.
            let micros = match number.abs() {
                seconds if seconds < 1e11 => number * 1e6,
                millis if millis < 1e14 => number * 1e3,
                _ => number,
            };
            Ok(EpochMicros(micros as i64))
        }
        Some(_) => Err(format!("what stands at {shown} is no time")),
        None => Err(format!("it has no time at {shown}")),
    }
}

#[cfg(test)]
mod tests;
