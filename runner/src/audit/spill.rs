//! Rows of both sides in files, parted by key, so that each part fits into memory. The files have no names and are gone
//! with the process, however it ends.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use shared::event_id::EventId;

use crate::fingerprint::{Key, mix};
use crate::ledger::{Entry, Outcome};

/// An event of the ledger.
#[derive(Clone, Copy, Debug)]
pub(super) struct LedgerRow {
    pub(super) key: Key,
    pub(super) digest: u64,
    pub(super) id: EventId,
    /// Its workload and entity, mixed.
    pub(super) entity: u64,
    pub(super) sent_us: u64,
    pub(super) done_us: u64,
    /// Its place in the ledger, and that of the first event of its request.
    pub(super) place: u64,
    pub(super) request: u64,
    pub(super) outcome: Outcome,
    pub(super) by_content: bool,
    pub(super) retried_blindly: bool,
    pub(super) status: u16,
}

/// An event of the sink.
#[derive(Clone, Copy, Debug)]
pub(super) struct SinkRow {
    pub(super) key: Key,
    pub(super) digest: u64,
    /// Its place in the sink.
    pub(super) place: u64,
}

/// An event that both sides have: what its order is judged by.
#[derive(Clone, Copy, Debug)]
pub(super) struct OrderRow {
    pub(super) entity: u64,
    pub(super) sent_us: u64,
    pub(super) done_us: u64,
    pub(super) place: u64,
    pub(super) request: u64,
    pub(super) sink_place: u64,
    pub(super) id: EventId,
}

impl LedgerRow {
    pub(super) fn new(entry: &Entry, place: u64, request: u64) -> Self {
        Self {
            key: entry.fingerprint.key,
            digest: entry.fingerprint.digest,
            id: entry.id,
            entity: mix(entry.entity ^ mix(u64::from(entry.id.origin().workload) + 1)),
            sent_us: entry.sent_us,
            done_us: entry.done_us,
            place,
            request,
            outcome: entry.outcome,
            by_content: entry.fingerprint.by_content,
            retried_blindly: entry.retried_blindly,
            status: entry.status,
        }
    }

    fn words(&self) -> [u64; 11] {
        let outcome = match self.outcome {
            Outcome::Acknowledged => 0,
            Outcome::Known => 1,
            Outcome::Refused => 2,
            Outcome::InDoubt => 3,
            Outcome::Partly => 4,
        };
        let flags = u64::from(self.status) << 16
            | u64::from(self.retried_blindly) << 9
            | u64::from(self.by_content) << 8
            | outcome;
        let [key, key_low] = halves(self.key.0);
        let [id, id_low] = halves(self.id.0);
        let Self { digest, entity, sent_us, done_us, place, request, .. } = *self;
        [key, key_low, digest, id, id_low, entity, sent_us, done_us, place, request, flags]
    }

    fn of(words: [u64; 11]) -> Self {
        let [key, key_low, digest, id, id_low, entity, sent_us, done_us, place, request, flags] = words;
        let outcome = match flags & 0xff {
            0 => Outcome::Acknowledged,
            1 => Outcome::Known,
            2 => Outcome::Refused,
            3 => Outcome::InDoubt,
            _ => Outcome::Partly,
        };
        Self {
            key: Key(whole(key, key_low)),
            digest,
            id: EventId(whole(id, id_low)),
            entity,
            sent_us,
            done_us,
            place,
            request,
            outcome,
            by_content: flags >> 8 & 1 == 1,
            retried_blindly: flags >> 9 & 1 == 1,
            status: (flags >> 16) as u16,
        }
    }
}

/// Both sides, parted.
pub(super) struct Spill {
    ledger: Vec<BufWriter<File>>,
    sink: Vec<BufWriter<File>>,
    order: Vec<BufWriter<File>>,
}

impl Spill {
    /// So many empty parts.
    pub(super) fn new(directory: &Path, parts: u64) -> io::Result<Self> {
        let files = || (0..parts).map(|_| Ok(BufWriter::new(tempfile::tempfile_in(directory)?))).collect();
        let (ledger, sink, order): (io::Result<_>, io::Result<_>, io::Result<_>) = (files(), files(), files());
        Ok(Self { ledger: ledger?, sink: sink?, order: order? })
    }

    /// Keeps an event of the ledger.
    pub(super) fn ledger(&mut self, row: &LedgerRow) -> io::Result<()> {
        put(&mut self.ledger, row.key.mixed(), row.words())
    }

    /// Keeps an event of the sink.
    pub(super) fn sink(&mut self, row: &SinkRow) -> io::Result<()> {
        let [key, key_low] = halves(row.key.0);
        put(&mut self.sink, row.key.mixed(), [key, key_low, row.digest, row.place])
    }

    /// Keeps an event whose order is to be judged.
    pub(super) fn order(&mut self, row: &OrderRow) -> io::Result<()> {
        let [id, id_low] = halves(row.id.0);
        let OrderRow { entity, sent_us, done_us, place, request, sink_place, .. } = *row;
        put(&mut self.order, mix(entity), [entity, sent_us, done_us, place, request, sink_place, id, id_low])
    }

    /// How many parts there are.
    pub(super) fn parts(&self) -> usize {
        self.ledger.len()
    }

    /// Both sides of a part.
    pub(super) fn part(&mut self, part: usize) -> io::Result<(Vec<LedgerRow>, Vec<SinkRow>)> {
        let ledger = take(&mut self.ledger[part], LedgerRow::of)?;
        let sink = take(&mut self.sink[part], |[key, key_low, digest, place]| SinkRow {
            key: Key(whole(key, key_low)),
            digest,
            place,
        })?;
        Ok((ledger, sink))
    }

    /// The events of a part whose order is to be judged; all those of an entity are in the same.
    pub(super) fn order_part(&mut self, part: usize) -> io::Result<Vec<OrderRow>> {
        take(&mut self.order[part], |[entity, sent_us, done_us, place, request, sink_place, id, id_low]| OrderRow {
            entity,
            sent_us,
            done_us,
            place,
            request,
            sink_place,
            id: EventId(whole(id, id_low)),
        })
    }
}

fn put<const N: usize>(parts: &mut [BufWriter<File>], key: u64, words: [u64; N]) -> io::Result<()> {
    let part = (key % parts.len().max(1) as u64) as usize;
    for word in words {
        parts[part].write_all(&word.to_le_bytes())?;
    }
    Ok(())
}

/// Reads a part, and gives back its place on the disk.
fn take<const N: usize, T>(part: &mut BufWriter<File>, of: impl Fn([u64; N]) -> T) -> io::Result<Vec<T>> {
    part.flush()?;
    let file = part.get_mut();
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(0))?;
    let mut rows = Vec::with_capacity(length as usize / (8 * N));
    let mut reader = BufReader::with_capacity(256 * 1024, &*file);
    for _ in 0..length / (8 * N as u64) {
        let mut words = [0; N];
        for word in &mut words {
            let mut bytes = [0; 8];
            reader.read_exact(&mut bytes)?;
            *word = u64::from_le_bytes(bytes);
        }
        rows.push(of(words));
    }
    drop(reader);
    file.set_len(0)?;
    Ok(rows)
}

fn halves(value: u128) -> [u64; 2] {
    [(value >> 64) as u64, value as u64]
}

fn whole(high: u64, low: u64) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}
