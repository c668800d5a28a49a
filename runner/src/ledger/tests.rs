//! What is written is what is read, whole or torn.

use proptest::prelude::*;
use shared::event_id::Origin;
use shared::units::Nanos;

use super::*;
use crate::fingerprint::Key;

const SEED: u64 = 42;

fn header() -> Header {
    Header { run: "r".to_owned(), scenario: "s".to_owned(), seed: SEED, ..Header::default() }
}

fn entry(number: u64) -> Entry {
    let id = EventId::new(Origin { workload: 0, entity: number % 700, step: number as u32 / 700 }, SEED).under_load(7);
    Entry {
        id,
        entity: number % 5_000,
        fingerprint: Fingerprint { key: Key(id.0), digest: crate::fingerprint::mix(number), by_content: false },
        outcome: Outcome::Acknowledged,
        retried_blindly: false,
        continues: false,
        sent_us: number * 50,
        done_us: number * 50 + 900,
        status: 202,
    }
}

fn write_all(path: &std::path::Path, entries: &[Entry]) {
    let (ledger, closing) = Ledger::create(path, header()).unwrap();
    let mut page = ledger.page();
    for entry in entries {
        page.note(entry, Nanos::ZERO);
        page.hand_on(Nanos::ZERO);
    }
    drop((page, ledger));
    closing.wait().unwrap();
}

fn read_all(path: &std::path::Path) -> (Vec<Entry>, Ending) {
    let mut reader = Reader::open(path).unwrap();
    let entries = std::iter::from_fn(|| reader.next_entry().unwrap()).collect();
    (entries, reader.ending())
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let outcomes = [Outcome::Acknowledged, Outcome::Known, Outcome::Refused, Outcome::InDoubt, Outcome::Partly];
    let place = (0_u16..4_000, 0_u64..(1 << 44), any::<u32>(), any::<u64>());
    (
        place,
        any::<u64>(),
        0_u8..3,
        prop::sample::select(outcomes.to_vec()),
        any::<bool>(),
        0_u64..(1 << 50),
        any::<u32>(),
        any::<u16>(),
    )
        .prop_map(
            |((workload, part, step, entity), digest, kind, outcome, retried_blindly, sent_us, took, status)| {
                let id = EventId::new(Origin { workload, entity: part, step }, SEED).under_load(status);
                let key = match kind {
                    0 => Key(id.0),
                    1 => Key::of_content(digest),
                    _ => Key::of_id(&format!("own-{digest}")),
                };
                let fingerprint = Fingerprint { key, digest, by_content: kind == 1 };
                let done_us = sent_us + u64::from(took);
                Entry { id, entity, fingerprint, outcome, retried_blindly, continues: false, sent_us, done_us, status }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::fuzz::cases(32)))]

    #[test]
    fn every_entry_comes_back_as_it_was(entries in prop::collection::vec(any_entry(), 0..200), joined: bool) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run.ledger");
        let mut entries = entries;
        for place in 1..entries.len() {
            // Entries of one request share their moments.
            if joined && place % 3 != 0 {
                let Entry { sent_us, done_us, status, .. } = entries[place - 1];
                entries[place] = Entry { continues: true, sent_us, done_us, status, ..entries[place] };
            }
        }
        write_all(&path, &entries);
        let (read, ending) = read_all(&path);
        prop_assert_eq!(read, entries);
        prop_assert_eq!(ending, Ending { complete: true, missing: 0 });
    }
}

#[test]
fn an_entry_takes_about_thirty_bytes_at_most() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.ledger");
    let entries: Vec<Entry> = (0..20_000).map(entry).collect();
    write_all(&path, &entries);
    let each = std::fs::metadata(&path).unwrap().len() as f64 / entries.len() as f64;
    assert!(each < 25.0, "{each} bytes");
}

#[test]
fn a_torn_ledger_has_everything_but_its_last_frame() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.ledger");
    let entries: Vec<Entry> = (0..10_000).map(entry).collect();
    write_all(&path, &entries);
    let whole = std::fs::read(&path).unwrap();
    let mut most = 0;
    for cut in (0..whole.len()).rev().step_by(9_973) {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let Ok(mut reader) = Reader::open(&path) else { continue };
        let read: Vec<Entry> = std::iter::from_fn(|| reader.next_entry().unwrap()).collect();
        assert_eq!(read, entries[..read.len()]);
        assert!(!reader.ending().complete);
        most = most.max(read.len());
    }
    assert!(most > 5_000, "{most}");
}

#[test]
fn what_is_no_ledger_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.jsonl");
    for text in [
        "",
        "{\"event_id\":\"a\"}\n",
        "{\"throng_ledger\":99,\"run\":\"\",\"scenario\":\"\",\"seed\":1,\"started_at\":\"\"}\n",
    ] {
        std::fs::write(&path, text).unwrap();
        assert!(matches!(Reader::open(&path), Err(LedgerError::Foreign { .. })), "{text}");
    }
    assert!(matches!(Reader::open(&directory.path().join("none")), Err(LedgerError::File { .. })));
}

#[test]
fn pages_are_handed_on_when_they_are_full_or_old() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.ledger");
    let (ledger, closing) = Ledger::create(&path, header()).unwrap();
    let mut page = ledger.page();
    page.note(&entry(1), Nanos::ZERO);
    page.hand_on(Nanos::from_millis(100));
    page.note(&entry(2), Nanos::from_millis(100));
    page.hand_on(Nanos::from_millis(250));
    // The writer is another thread: it has the page soon, and needs nobody to close the ledger.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while read_all(&path).0.len() < 2 {
        assert!(std::time::Instant::now() < deadline, "the page is not in the file");
        std::thread::yield_now();
    }
    assert!(!read_all(&path).1.complete);
    drop((page, ledger));
    closing.wait().unwrap();
    assert!(read_all(&path).1.complete);
}
