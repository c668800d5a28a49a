//! The order of records by their own time: pairs of a moment and a place, sorted on disk where they do not stand in
//! that order already.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, PoisonError};

use shared::units::EpochMicros;

/// Pairs that are sorted in memory at once.
const RUN: usize = 1 << 20;
/// Pairs that a reader gets at once.
const AHEAD: u64 = 1_024;
/// Bytes of a pair.
const SIZE: u64 = 16;

/// When a record happened, and where it stands.
type Pair = (i64, u64);
/// From the first moment to the last.
type Span = (EpochMicros, EpochMicros);

/// Takes in pairs in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Sorter {
    pairs: Vec<Pair>,
    /// Sorted runs that did not fit into memory.
    runs: Vec<File>,
    sorted: bool,
    last: Option<i64>,
    first: Option<i64>,
    begun: bool,
}

/// The pairs, sorted, in a file that has no name.
#[derive(Clone, Debug)]
pub(super) struct Index {
    file: Arc<Mutex<File>>,
    count: u64,
}

impl Sorter {
    /// Adds the next record.
    pub(super) fn add(&mut self, moment: EpochMicros, offset: u64) -> io::Result<()> {
        if !self.begun {
            (self.begun, self.sorted, self.first) = (true, true, Some(moment.0));
        }
        self.sorted &= self.last.is_none_or(|last| last <= moment.0);
        self.last = Some(moment.0);
        self.pairs.push((moment.0, offset));
        if self.pairs.len() == RUN {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        self.pairs.sort_unstable();
        let mut file = BufWriter::new(tempfile::tempfile()?);
        for pair in self.pairs.drain(..) {
            write(&mut file, pair)?;
        }
        self.runs.push(file.into_inner().map_err(io::IntoInnerError::into_error)?);
        Ok(())
    }

    /// From the first moment to the last of so many, and the order, where the file's is another.
    pub(super) fn finish(mut self, most: u64) -> io::Result<(Option<Span>, Option<Index>)> {
        let Some(first) = self.first else { return Ok((None, None)) };
        self.spill()?;
        let mut readers = Vec::new();
        for mut run in std::mem::take(&mut self.runs) {
            run.seek(SeekFrom::Start(0))?;
            readers.push(BufReader::new(run));
        }
        let mut heap = BinaryHeap::new();
        for (number, reader) in readers.iter_mut().enumerate() {
            heap.extend(read(reader)?.map(|pair| Reverse((pair, number))));
        }
        let mut merged = BufWriter::new(tempfile::tempfile()?);
        let mut count = 0;
        let mut span = (EpochMicros(first), EpochMicros(first));
        while let Some(Reverse((pair, number))) = heap.pop() {
            if count == 0 {
                span.0 = EpochMicros(pair.0);
            }
            span.1 = EpochMicros(pair.0);
            // An order that is the file's own needs no index.
            if !self.sorted {
                write(&mut merged, pair)?;
            }
            count += 1;
            if count == most {
                break;
            }
            heap.extend(read(&mut readers[number])?.map(|pair| Reverse((pair, number))));
        }
        if self.sorted {
            return Ok((Some(span), None));
        }
        let file = merged.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok((Some(span), Some(Index { file: Arc::new(Mutex::new(file)), count })))
    }
}

fn write(out: &mut impl Write, (moment, offset): Pair) -> io::Result<()> {
    out.write_all(&moment.to_le_bytes())?;
    out.write_all(&offset.to_le_bytes())
}

fn read(from: &mut impl Read) -> io::Result<Option<Pair>> {
    let mut bytes = [0; SIZE as usize];
    match from.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(pair(&bytes))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn pair(bytes: &[u8]) -> Pair {
    let mut halves = [[0; 8]; 2];
    halves[0].copy_from_slice(&bytes[..8]);
    halves[1].copy_from_slice(&bytes[8..16]);
    (i64::from_le_bytes(halves[0]), u64::from_le_bytes(halves[1]))
}

impl Index {
    /// A reader of one's own.
    pub(super) fn reader(&self) -> IndexReader {
        IndexReader { index: self.clone(), from: 0, ahead: Vec::new() }
    }
}

/// Reads the order, some pairs ahead.
#[derive(Debug)]
pub(super) struct IndexReader {
    index: Index,
    from: u64,
    ahead: Vec<u8>,
}

impl IndexReader {
    /// The moment and the place of a record by its number in the order.
    pub(super) fn entry(&mut self, number: u64) -> io::Result<(EpochMicros, u64)> {
        if number >= self.index.count {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if number < self.from || number >= self.from + self.ahead.len() as u64 / SIZE {
            self.from = number;
            self.ahead.resize((AHEAD.min(self.index.count - number) * SIZE) as usize, 0);
            // Readers take turns; each is here once in a thousand records.
            let mut file = self.index.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(number * SIZE))?;
            file.read_exact(&mut self.ahead)?;
        }
        let at = ((number - self.from) * SIZE) as usize;
        let (moment, offset) = pair(&self.ahead[at..at + SIZE as usize]);
        Ok((EpochMicros(moment), offset))
    }
}
