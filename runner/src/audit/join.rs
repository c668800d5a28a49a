//! Both sides, key by key.

use std::collections::BTreeMap;
use std::io;

use super::order::judge;
use super::spill::{LedgerRow, OrderRow, SinkRow, Spill};
use shared::run::audit::{Example, Finding};

use super::shown;
use crate::fingerprint::Key;
use crate::ledger::{Header, Outcome};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Joined {
    pub(super) findings: BTreeMap<Finding, u64>,
    pub(super) examples: BTreeMap<Finding, Vec<Example>>,
    pub(super) sound: u64,
    pub(super) duplicates_after_lost_answers: u64,
    pub(super) duplicates_sent_on_purpose: u64,
    pub(super) indistinguishable: u64,
    /// Events without an id.
    pub(super) by_content: u64,
    /// Events at the sink that the run planned and that an unclosed ledger does not have.
    pub(super) under_way: u64,
    /// Whether contents differ for all events, so that they say nothing.
    pub(super) incomparable: bool,
}

/// What the events of one key are judged with.
struct Judge<'a> {
    joined: Joined,
    header: &'a Header,
    complete: bool,
    examples: usize,
    /// Names of events at the sink whose keys are hashes, as far as they were kept.
    names: &'a BTreeMap<Key, String>,
    /// Events of which a copy has the content that was sent, and those of which none has.
    alike: u64,
    different: u64,
}

/// Joins both sides.
pub(super) fn join(
    mut spill: Spill,
    header: &Header,
    complete: bool,
    examples: usize,
    names: &BTreeMap<Key, String>,
) -> io::Result<Joined> {
    let mut judge = Judge { joined: Joined::default(), header, complete, examples, names, alike: 0, different: 0 };
    for part in 0..spill.parts() {
        let (mut ledger, mut sink) = spill.part(part)?;
        ledger.sort_unstable_by_key(|row| (row.key, row.id, row.place));
        sink.sort_unstable_by_key(|row| (row.key, row.place));
        let (mut ledger, mut sink) = (ledger.as_slice(), sink.as_slice());
        while let Some(key) = first_key(ledger, sink) {
            let (of_ledger, ledger_rest) = ledger.split_at(ledger.partition_point(|row| row.key == key));
            let (of_sink, sink_rest) = sink.split_at(sink.partition_point(|row| row.key == key));
            (ledger, sink) = (ledger_rest, sink_rest);
            if let Some(row) = judge.key(key, of_ledger, of_sink) {
                spill.order(&row)?;
            }
        }
    }
    let Judge { mut joined, alike, different, .. } = judge;
    // If nothing is as it was sent, the sink keeps another part of events, or adds to them.
    if alike == 0 && different > 2 {
        joined.incomparable = true;
        joined.sound += joined.findings.remove(&Finding::Corrupted).unwrap_or_default();
        joined.examples.remove(&Finding::Corrupted);
    }
    for part in 0..spill.parts() {
        for row in judge_order(spill.order_part(part)?) {
            joined.sound = joined.sound.saturating_sub(1);
            let example = Example {
                event_id: shown(row.id),
                sent_seconds: Some(row.sent_us as f64 / 1e6),
                status: None,
                note: Some(format!("at place {} of the sink", row.sink_place + 1)),
            };
            joined.add(Finding::Reordered, 1, examples, || example);
        }
    }
    Ok(joined)
}

fn judge_order(rows: Vec<OrderRow>) -> Vec<OrderRow> {
    judge(rows)
}

fn first_key(ledger: &[LedgerRow], sink: &[SinkRow]) -> Option<Key> {
    let (ledger, sink) = (ledger.first().map(|row| row.key), sink.first().map(|row| row.key));
    match (ledger, sink) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

impl Joined {
    fn add(&mut self, finding: Finding, count: u64, most: usize, example: impl FnOnce() -> Example) {
        if count == 0 {
            return;
        }
        *self.findings.entry(finding).or_default() += count;
        let examples = self.examples.entry(finding).or_default();
        if examples.len() < most {
            examples.push(example());
        }
    }
}

/// How many events of a key were acknowledged, are in doubt, were refused.
#[derive(Clone, Copy, Debug, Default)]
struct Fates {
    acknowledged: u64,
    in_doubt: u64,
    refused: u64,
}

impl Judge<'_> {
    /// Judges the events of one key; gives what their order is judged by.
    fn key(&mut self, key: Key, ledger: &[LedgerRow], sink: &[SinkRow]) -> Option<OrderRow> {
        let Some(first) = ledger.first() else {
            self.unknown(key, sink);
            return None;
        };
        let events: Vec<&LedgerRow> = ledger.chunk_by(|a, b| a.id == b.id).filter_map(decided).collect();
        if first.by_content {
            self.joined.by_content += events.len() as u64;
        }
        if events.len() > 1 {
            self.joined.indistinguishable += events.len() as u64;
        }
        let mut fates = Fates::default();
        for event in &events {
            match event.outcome {
                Outcome::Acknowledged | Outcome::Known => fates.acknowledged += 1,
                Outcome::InDoubt | Outcome::Partly => fates.in_doubt += 1,
                Outcome::Refused => fates.refused += 1,
            }
        }
        let held = sink.len() as u64;
        let mut left = held;
        let mut part = |most: u64| {
            let part = left.min(most);
            left -= part;
            part
        };
        let (acknowledged, in_doubt, refused) = (part(fates.acknowledged), part(fates.in_doubt), part(fates.refused));
        let of =
            |wanted: fn(Outcome) -> bool| events.iter().find(|event| wanted(event.outcome)).copied().unwrap_or(first);
        let blindly = events.iter().any(|event| event.retried_blindly);
        // An event has one entry, however often it was tried; a copy that a fault made has its own.
        let copies = (ledger.len() - events.len()) as u64;
        let most = self.examples;
        let joined = &mut self.joined;
        let lost = fates.acknowledged - acknowledged;
        joined.add(Finding::Lost, lost, most, || example(of(Outcome::is_acknowledged), None));
        joined.add(Finding::InDoubtHeld, in_doubt, most, || example(of(Outcome::is_in_doubt), None));
        let missing = fates.in_doubt - in_doubt;
        joined.add(Finding::InDoubtMissing, missing, most, || example(of(Outcome::is_in_doubt), None));
        joined.add(Finding::RefusedYetHeld, refused, most, || example(of(|outcome| outcome == Outcome::Refused), None));
        joined.add(Finding::Duplicate, left, most, || {
            let why = match (copies, blindly) {
                (0, false) => "",
                (0, true) => ", sent again after an answer was lost",
                (_, _) => ", sent more than once on purpose",
            };
            example(first, Some(format!("{held} times at the sink{why}")))
        });
        joined.duplicates_sent_on_purpose += left.min(copies);
        if blindly {
            joined.duplicates_after_lost_answers += left.saturating_sub(copies);
        }
        let mut sound = acknowledged;
        let alone = events.len() == 1 && held > 0;
        if alone && !first.by_content {
            if sink.iter().any(|row| row.digest == first.digest) {
                self.alike += 1
            } else {
                self.different += 1
            }
            if sink.iter().any(|row| row.digest != first.digest) {
                sound = 0;
                self.joined.add(Finding::Corrupted, 1, most, || {
                    example(first, Some("its content is not what was sent".to_owned()))
                });
            }
        }
        if alone && left > 0 {
            sound = 0;
        }
        self.joined.sound += sound;
        (alone && acknowledged == 1).then(|| OrderRow {
            entity: events[0].entity,
            sent_us: events[0].sent_us,
            done_us: events[0].done_us,
            place: events[0].place,
            request: events[0].request,
            sink_place: sink[0].place,
            id: events[0].id,
        })
    }

    /// Events at the sink that the ledger does not know.
    fn unknown(&mut self, key: Key, sink: &[SinkRow]) {
        let ours = key.event_id().filter(|id| id.belongs_to(self.header.seed));
        let count = sink.len() as u64;
        let name = || self.names.get(&key).cloned().unwrap_or_else(|| key.to_string());
        if ours.is_some() && !self.complete {
            self.joined.under_way += count;
            let example = Example {
                event_id: name(),
                sent_seconds: None,
                status: None,
                note: Some("under way when the runner was killed".to_owned()),
            };
            self.joined.add(Finding::InDoubtHeld, count, self.examples, || example);
            return;
        }
        let note = match (key.event_id(), ours) {
            (Some(_), Some(_)) => Some("planned by this scenario and seed, never sent by this run".to_owned()),
            (Some(_), None) => Some("an id of another run".to_owned()),
            (None, _) => None,
        };
        let example = Example { event_id: name(), sent_seconds: None, status: None, note };
        self.joined.add(Finding::Phantom, count, self.examples, || example);
    }
}

/// What became of an event of which the ledger has several entries: what is most certain.
fn decided(entries: &[LedgerRow]) -> Option<&LedgerRow> {
    entries.iter().min_by_key(|entry| match entry.outcome {
        Outcome::Acknowledged | Outcome::Known => 0,
        Outcome::InDoubt | Outcome::Partly => 1,
        Outcome::Refused => 2,
    })
}

fn example(row: &LedgerRow, note: Option<String>) -> Example {
    Example {
        event_id: shown(row.id),
        sent_seconds: Some(row.sent_us as f64 / 1e6),
        status: (row.status > 0).then_some(row.status),
        note,
    }
}
