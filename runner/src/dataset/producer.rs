//! Renders one worker's share of a plan, in chunks, in the order of time.

use std::sync::Arc;

use shared::plan::{Cursor, Pacing, Plan, Planned, Schedule, Share};
use shared::units::{EpochMicros, Nanos};

use super::csv::Row;
use super::{Shape, Watch};

/// A chunk is full at this many bytes or events.
const FULL: usize = 256 << 10;
const MOST: usize = 4_096;

/// Rendered events in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunk {
    bytes: Vec<u8>,
    /// The events as they were rendered, where `bytes` holds something else and somebody looks at them.
    raw: Vec<u8>,
    pub(super) entries: Vec<Entry>,
    /// Names of columns that were never seen before by this worker, with the place of the event that has them.
    names: Vec<(usize, Vec<String>)>,
}

/// One event in a chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) workload: u16,
    pub(super) planned: Planned,
    /// What orders events that are due at the same moment.
    tie: u128,
    start: usize,
    end: usize,
    raw_start: usize,
    raw_end: usize,
    number: usize,
}

impl Entry {
    /// Its place in the order of all events.
    pub(super) fn key(&self) -> (Nanos, u16, u128) {
        (self.planned.due, self.workload, self.tie)
    }
}

impl Chunk {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.raw.clear();
        self.entries.clear();
        self.names.clear();
    }

    /// The bytes of neighbouring events, from the first on as far as they stand together; and how many events that is.
    pub(super) fn together(&self, entries: &[Entry]) -> (&[u8], usize) {
        let Some(first) = entries.first() else { return (&[], 0) };
        let mut end = first.end;
        let mut count = 1;
        for entry in &entries[1..] {
            if entry.start != end {
                break;
            }
            end = entry.end;
            count += 1;
        }
        (self.bytes.get(first.start..end).unwrap_or_default(), count)
    }

    pub(super) fn raw(&self, entry: &Entry) -> &[u8] {
        self.raw.get(entry.raw_start..entry.raw_end).unwrap_or_default()
    }

    pub(super) fn names(&self, entry: &Entry) -> Option<&[String]> {
        if self.names.is_empty() {
            return None;
        }
        let place = self.names.binary_search_by_key(&entry.number, |(number, _)| *number).ok()?;
        self.names.get(place).map(|(_, names)| names.as_slice())
    }
}

/// One workload on its way.
struct Stream {
    workload: u16,
    cursor: Cursor,
    schedule: Schedule,
    due: Option<Nanos>,
    /// Events that are all due at once keep the order in which they come.
    counted: Option<u128>,
}

/// Renders one worker's share.
pub(super) struct Producer {
    streams: Vec<Stream>,
    start: EpochMicros,
    shape: Shape,
    keep_raw: bool,
    row: Row,
    scratch: Vec<u8>,
}

impl Producer {
    pub(super) fn new(plan: &Arc<Plan>, start: EpochMicros, share: Share, shape: Shape, keep_raw: bool) -> Self {
        let mut streams = Vec::new();
        for (number, workload) in plan.workloads().iter().enumerate() {
            let (share, counted) = match workload.pacing {
                Pacing::Scheduled | Pacing::Users { timed: true, .. } => (share, None),
                // Without moments there is nothing to merge by: one worker has them all.
                Pacing::Concurrent { .. } | Pacing::Users { timed: false, .. } if share.index == 0 => {
                    (Share::WHOLE, Some(0))
                }
                Pacing::Concurrent { .. } | Pacing::Users { timed: false, .. } => continue,
            };
            let mut stream = Stream {
                workload: number as u16,
                cursor: plan.cursor(number, share).in_stretches(),
                schedule: workload.schedule(start),
                due: None,
                counted,
            };
            stream.due = stream.cursor.next_due(&stream.schedule);
            streams.push(stream);
        }
        Self { streams, start, shape, keep_raw, row: Row::default(), scratch: Vec::new() }
    }

    /// Fills a chunk with the next events; it stays empty when there are no more.
    pub(super) fn fill(&mut self, chunk: &mut Chunk, mut watch: Option<&mut Watch>) {
        chunk.clear();
        let mut last = None;
        while let Some((index, due)) = self.next() {
            let full = chunk.bytes.len() + chunk.raw.len() >= FULL || chunk.entries.len() >= MOST;
            // Events of one moment stay together, so that their order can be settled here.
            if full && (last != Some(due) || self.streams[index].counted.is_some()) {
                break;
            }
            last = Some(due);
            self.render(index, due, chunk, watch.as_deref_mut());
        }
    }

    /// The stream whose event comes next.
    fn next(&self) -> Option<(usize, Nanos)> {
        let mut best: Option<(usize, Nanos)> = None;
        for (index, stream) in self.streams.iter().enumerate() {
            if let Some(due) = stream.due
                && best.is_none_or(|(_, least)| due < least)
            {
                best = Some((index, due));
            }
        }
        best
    }

    fn render(&mut self, index: usize, due: Nanos, chunk: &mut Chunk, watch: Option<&mut Watch>) {
        let stream = &mut self.streams[index];
        let moment = self.start.plus(due);
        let (start, raw_start, number) = (chunk.bytes.len(), chunk.raw.len(), chunk.entries.len());
        let planned = match &self.shape {
            Shape::Lines => {
                let planned = stream.cursor.emit(moment, &mut chunk.bytes);
                look(watch, stream.workload, &planned, &chunk.bytes[start..]);
                if self.keep_raw {
                    chunk.raw.extend_from_slice(&chunk.bytes[start..]);
                }
                chunk.bytes.push(b'\n');
                planned
            }
            Shape::List => {
                chunk.bytes.extend_from_slice(b",\n");
                let planned = stream.cursor.emit(moment, &mut chunk.bytes);
                look(watch, stream.workload, &planned, &chunk.bytes[start + 2..]);
                if self.keep_raw {
                    chunk.raw.extend_from_slice(&chunk.bytes[start + 2..]);
                }
                planned
            }
            Shape::Rows(columns) => {
                self.scratch.clear();
                let planned = stream.cursor.emit(moment, &mut self.scratch);
                look(watch, stream.workload, &planned, &self.scratch);
                if self.keep_raw {
                    chunk.raw.extend_from_slice(&self.scratch);
                }
                self.row.write(&self.scratch, columns, &mut chunk.bytes);
                planned
            }
            Shape::Names => {
                self.scratch.clear();
                let planned = stream.cursor.emit(moment, &mut self.scratch);
                let fresh = self.row.fresh_names(&self.scratch);
                if !fresh.is_empty() {
                    chunk.names.push((number, fresh));
                }
                planned
            }
        };
        let tie = match &mut stream.counted {
            Some(count) => {
                *count += 1;
                *count
            }
            None => planned.id.0,
        };
        let entry = Entry {
            workload: stream.workload,
            planned,
            tie,
            start,
            end: chunk.bytes.len(),
            raw_start,
            raw_end: chunk.raw.len(),
            number,
        };
        stream.due = stream.cursor.next_due(&stream.schedule);
        // Almost always the last; only events of the very same moment may have to change places.
        let mut place = chunk.entries.len();
        while place > 0 && chunk.entries[place - 1].key() > entry.key() {
            place -= 1;
        }
        chunk.entries.insert(place, entry);
    }
}

fn look(watch: Option<&mut Watch>, workload: u16, planned: &Planned, rendered: &[u8]) {
    if let Some(watch) = watch {
        watch.observe(usize::from(workload), planned, rendered);
    }
}
