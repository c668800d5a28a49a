//! Puts the workers' chunks together in the order of time.

use std::sync::mpsc::{Receiver, SyncSender};

use super::producer::{Chunk, Entry};

/// What one worker hands over, and where it gets its empty chunks back.
struct Input {
    chunks: Receiver<Chunk>,
    spares: SyncSender<Chunk>,
    chunk: Chunk,
    /// The first entry that has not been taken.
    next: usize,
    over: bool,
}

/// A k-way merge.
pub(super) struct Merge {
    inputs: Vec<Input>,
}

/// Neighbouring events of one chunk that come next.
pub(super) struct Run<'a> {
    pub(super) chunk: &'a Chunk,
    pub(super) entries: &'a [Entry],
    bytes: &'a [u8],
}

impl<'a> Run<'a> {
    /// What is written of them.
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

impl Merge {
    pub(super) fn new(inputs: Vec<(Receiver<Chunk>, SyncSender<Chunk>)>) -> Self {
        let inputs = inputs
            .into_iter()
            .map(|(chunks, spares)| Input { chunks, spares, chunk: Chunk::default(), next: 0, over: false })
            .collect();
        Self { inputs }
    }

    /// The next events that stand together, at most so many; none when all are taken.
    pub(super) fn next_run(&mut self, most: u64) -> Option<Run<'_>> {
        let mut first = None;
        let mut second = None;
        for index in 0..self.inputs.len() {
            let Some(key) = self.inputs[index].head().map(Entry::key) else { continue };
            match first {
                None => first = Some((index, key)),
                Some((_, least)) if key < least => {
                    second = first.map(|(_, key)| key);
                    first = Some((index, key));
                }
                Some(_) => second = Some(second.map_or(key, |other| key.min(other))),
            }
        }
        let (index, _) = first?;
        let input = &mut self.inputs[index];
        let entries = &input.chunk.entries[input.next..];
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(entries.len());
        // Never none: the first comes before all others' first.
        let count = match second {
            Some(other) => entries[..most].partition_point(|entry| entry.key() < other).max(1),
            None => most,
        };
        let (bytes, together) = input.chunk.together(&entries[..count]);
        let from = input.next;
        input.next += together;
        Some(Run { chunk: &input.chunk, entries: &input.chunk.entries[from..from + together], bytes })
    }
}

impl Input {
    /// The next entry, waited for if need be.
    fn head(&mut self) -> Option<&Entry> {
        while self.next >= self.chunk.entries.len() && !self.over {
            match self.chunks.recv() {
                Ok(chunk) => {
                    let spare = std::mem::replace(&mut self.chunk, chunk);
                    self.next = 0;
                    // Where there are spares enough, this one is let go.
                    let _returned = self.spares.try_send(spare);
                }
                Err(_gone) => self.over = true,
            }
        }
        self.chunk.entries.get(self.next)
    }
}
