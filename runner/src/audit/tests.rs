//! Sinks that lose, double, corrupt, reorder and make things up, and audits that find exactly that.

use std::io::Write as _;

use shared::event_id::Origin;
use shared::units::Nanos;

use super::*;
use crate::fingerprint::Lens;
use crate::ledger::{Entry, Ledger};

const SEED: u64 = 42;

/// An event of the run: its entry, and its text.
fn event(number: u64) -> (Entry, String) {
    let id = EventId::new(Origin { workload: 0, entity: number % 10, step: number as u32 }, SEED);
    let text = format!(r#"{{"event_id":"{id}","n":{number}}}"#);
    (entry(number, id, &text), text)
}

/// An event that carries no id.
fn nameless(number: u64, content: u64) -> (Entry, String) {
    let id = EventId::new(Origin { workload: 0, entity: number % 10, step: number as u32 }, SEED);
    let text = format!(r#"{{"n":{content}}}"#);
    (entry(number, id, &text), text)
}

fn entry(number: u64, id: EventId, text: &str) -> Entry {
    Entry {
        id,
        entity: number % 10,
        fingerprint: Lens::default().look(text.as_bytes()).unwrap().fingerprint(),
        outcome: Outcome::Acknowledged,
        retried_blindly: false,
        continues: false,
        sent_us: number * 1_000,
        done_us: number * 1_000 + 100,
        status: 202,
    }
}

struct Trial {
    directory: tempfile::TempDir,
    entries: Vec<Entry>,
    lines: Vec<String>,
    complete: bool,
}

impl Trial {
    fn of(events: impl IntoIterator<Item = (Entry, String)>) -> Self {
        let (entries, lines) = events.into_iter().unzip();
        Self { directory: tempfile::tempdir().unwrap(), entries, lines, complete: true }
    }

    fn audit(&self) -> AuditResult {
        let path = self.directory.path().join("run.ledger");
        let header = Header { run: "r".to_owned(), seed: SEED, ..Header::default() };
        let (ledger, closing) = Ledger::create(&path, header).unwrap();
        let mut page = ledger.page();
        self.entries.iter().for_each(|entry| page.note(entry, Nanos::ZERO));
        drop((page, ledger));
        closing.wait().unwrap();
        if !self.complete {
            // The end is the last frame: 8 bytes of head, 17 of payload.
            let whole = std::fs::read(&path).unwrap();
            std::fs::write(&path, &whole[..whole.len() - 25]).unwrap();
        }
        let export = self.directory.path().join("sink.jsonl");
        let mut file = std::fs::File::create(&export).unwrap();
        self.lines.iter().for_each(|line| writeln!(file, "{line}").unwrap());
        let sink = Sink::Jsonl { path: export, look: Look::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(audit(&path, sink, &AuditOptions::default())).unwrap()
    }
}

fn findings(result: &AuditResult) -> Vec<(Finding, u64)> {
    result.findings.iter().map(|(finding, count)| (*finding, *count)).collect()
}

#[test]
fn a_sink_that_kept_everything_passes() {
    let result = Trial::of((0..1_000).map(event)).audit();
    assert!(result.passed && result.findings.is_empty(), "{result:?}");
    assert_eq!((result.sound, result.sink.events, result.ledger.acknowledged), (1_000, 1_000, 1_000));
}

#[test]
fn each_sort_of_damage_is_found_to_the_event_and_named() {
    let mut trial = Trial::of((0..1_000).map(event));
    let at = |number: usize| event(number as u64).0.id.to_string();
    trial.lines[5] = trial.lines[5].replace("\"n\":5", "\"n\":6");
    trial.lines[17] = String::new();
    trial.lines[18] = String::new();
    let twice = trial.lines[40].clone();
    trial.lines.push(twice);
    trial.lines.push(r#"{"event_id":"from-elsewhere","n":1}"#.to_owned());
    // 100 and 110 are of one entity; 101 is of another.
    trial.lines.swap(100, 110);
    let result = trial.audit();
    assert_eq!(
        findings(&result),
        [
            (Finding::Lost, 2),
            (Finding::Duplicate, 1),
            (Finding::Phantom, 1),
            (Finding::Corrupted, 1),
            (Finding::Reordered, 1)
        ]
    );
    let named = |finding| result.examples[&finding].iter().map(|example| example.event_id.clone()).collect::<Vec<_>>();
    let mut lost = named(Finding::Lost);
    lost.sort();
    assert_eq!(lost, [at(17), at(18)]);
    assert_eq!(named(Finding::Duplicate), [at(40)]);
    assert_eq!(named(Finding::Phantom), ["from-elsewhere"]);
    assert_eq!(named(Finding::Corrupted), [at(5)]);
    assert_eq!(named(Finding::Reordered), [at(100)]);
    assert!(!result.passed);
    assert_eq!(result.sound, 1_000 - 2 - 1 - 1 - 1);
}

#[test]
fn what_is_in_doubt_is_neither_lost_nor_a_phantom() {
    let mut trial = Trial::of((0..100).map(event));
    trial.entries[3].outcome = Outcome::InDoubt;
    trial.entries[4].outcome = Outcome::InDoubt;
    trial.lines[4].clear();
    trial.entries[5].outcome = Outcome::Refused;
    trial.lines[5].clear();
    trial.entries[6].outcome = Outcome::Partly;
    let result = trial.audit();
    assert_eq!(findings(&result), [(Finding::InDoubtHeld, 2), (Finding::InDoubtMissing, 1)]);
    assert!(result.passed);
    // What was refused and is there all the same is told.
    trial.entries[7].outcome = Outcome::Refused;
    let result = trial.audit();
    assert_eq!(result.count(Finding::RefusedYetHeld), 1);
    assert!(!result.passed);
}

#[test]
fn a_duplicate_that_a_lost_answer_explains_is_said_to_be_one() {
    let mut trial = Trial::of((0..10).map(event));
    trial.entries[2].retried_blindly = true;
    let twice = trial.lines[2].clone();
    trial.lines.push(twice);
    let result = trial.audit();
    assert_eq!((result.count(Finding::Duplicate), result.duplicates_after_lost_answers), (1, 1));
    assert!(result.examples[&Finding::Duplicate][0].note.as_ref().unwrap().contains("lost"));
}

#[test]
fn an_event_that_was_noted_twice_is_one_event() {
    let mut trial = Trial::of((0..10).map(event));
    let again = trial.entries[2];
    trial.entries.push(again);
    let result = trial.audit();
    assert!(result.passed, "{result:?}");
    assert_eq!(result.sound, 10);
}

#[test]
fn events_without_ids_are_matched_by_content_and_counted_honestly() {
    // Three of them say the same; two of those are there, and one that says something else is not.
    let mut trial = Trial::of((0..20).map(|number| nameless(number, if number < 3 { 0 } else { number })));
    trial.lines[0].clear();
    trial.lines[10].clear();
    let result = trial.audit();
    assert_eq!(findings(&result), [(Finding::Lost, 2)]);
    assert_eq!(result.indistinguishable, 3);
    assert!(result.notes.iter().any(|note| note.contains("which of them is not")), "{:?}", result.notes);
    assert!(result.notes.iter().any(|note| note.contains("carry no id")), "{:?}", result.notes);
}

#[test]
fn what_was_under_way_when_the_runner_was_killed_is_in_doubt() {
    let mut trial = Trial::of((0..50).map(event));
    trial.complete = false;
    trial.lines.push(event(50).1);
    let result = trial.audit();
    assert_eq!(findings(&result), [(Finding::InDoubtHeld, 1)]);
    assert!(result.passed && result.notes[0].contains("killed"), "{:?}", result.notes);
    trial.complete = true;
    assert_eq!(findings(&trial.audit()), [(Finding::Phantom, 1)]);
}

#[test]
fn a_sink_that_keeps_another_shape_is_not_called_corrupt() {
    let mut trial = Trial::of((0..50).map(event));
    trial.lines.iter_mut().for_each(|line| *line = line.replace("}", r#","received_at":"now"}"#));
    let result = trial.audit();
    assert_eq!(result.count(Finding::Corrupted), 0);
    assert!(!result.passed && result.notes.iter().any(|note| note.contains("--ignore-field")), "{:?}", result.notes);
}

#[test]
fn many_parts_say_the_same_as_one() {
    let mut spill = Spill::new(&std::env::temp_dir(), 16).unwrap();
    for number in 0..2_000_u64 {
        let (entry, _) = event(number);
        spill.ledger(&LedgerRow::new(&entry, number, number)).unwrap();
        if number % 100 != 7 {
            let (key, digest) = (entry.fingerprint.key, entry.fingerprint.digest);
            spill.sink(&spill::SinkRow { key, digest, place: number }).unwrap();
        }
    }
    let header = Header { seed: SEED, ..Header::default() };
    let joined = join::join(spill, &header, true, 3, &BTreeMap::new()).unwrap();
    assert_eq!(joined.findings.into_iter().collect::<Vec<_>>(), [(Finding::Lost, 20)]);
    assert_eq!((joined.sound, joined.examples[&Finding::Lost].len()), (1_980, 3));
}
