//! How fast events are made: `cargo bench -p shared`, or `cargo bench -p shared -- NAME` for one built-in.
//!
//! Prints, for each built-in, events per second of processor time, bytes per event and what the stages cost. Processor
//! time is read from the kernel where it keeps it, so that a busy machine does not spoil the figures.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(clippy::panic, reason = "a built-in that does not compile is a mistake of the project's own")]

use std::hint::black_box;
use std::sync::Arc;

use shared::compile::compile;
use shared::plan::{Plan, Position, Share};
use shared::scenario::{LoadOptions, built_in};
use shared::units::EpochMicros;

const START: EpochMicros = EpochMicros(1_772_366_400_000_000);
/// Events per measurement; the best of several counts.
const EVENTS: u64 = 300_000;
const ROUNDS: u32 = 5;

/// Seconds that this thread has been on a processor, or of the wall where nobody knows.
fn seconds() -> f64 {
    let nanos = std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    match nanos {
        Some(nanos) => nanos / 1e9,
        None => wall(),
    }
}

#[expect(clippy::disallowed_types, reason = "a benchmark measures time")]
fn wall() -> f64 {
    use std::sync::OnceLock;
    use std::time::Instant;
    static FIRST: OnceLock<Instant> = OnceLock::new();
    FIRST.get_or_init(Instant::now).elapsed().as_secs_f64()
}

/// Nanoseconds per event of the fastest round.
fn nanos(mut round: impl FnMut() -> u64) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let before = seconds();
        let events = round();
        best = best.min((seconds() - before) * 1e9 / events.max(1) as f64);
    }
    best
}

fn plan(name: &str) -> Option<Arc<Plan>> {
    let built_in = built_in::find(name)?;
    let compiled = compile(built_in.text, &LoadOptions::new(name), 42);
    match compiled.plan {
        Some(plan) => Some(plan),
        None => panic!("{name}: {:?}", compiled.problems),
    }
}

fn main() {
    println!(
        "{:<18} {:>12} {:>8} {:>9} {:>10} {:>10} {:>10}",
        "built-in", "events/cpu-s", "bytes", "ns/event", "due ns", "plan ns", "render ns"
    );
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for built_in in
        built_in::all().iter().filter(|known| wanted.is_empty() || wanted.iter().any(|name| name == known.name))
    {
        let Some(plan) = plan(built_in.name) else { continue };
        let schedule = plan.workloads()[0].schedule(START);
        let mut bytes = 0;
        let whole = nanos(|| {
            let mut out = Vec::with_capacity(1 << 20);
            let (mut events, mut written) = (0, 0);
            while events < EVENTS {
                let mut cursor = plan.cursor(0, Share::WHOLE);
                while events < EVENTS
                    && let Some(due) = cursor.next_due(&schedule)
                {
                    if out.len() > 1 << 19 {
                        written += out.len() as u64;
                        out.clear();
                    }
                    black_box(cursor.emit(START.plus(due), &mut out));
                    events += 1;
                }
            }
            bytes = (written + out.len() as u64) / events;
            events
        });
        let planned = nanos(|| {
            let mut events = 0;
            while events < EVENTS {
                let mut cursor = plan.cursor(0, Share::WHOLE);
                while events < EVENTS
                    && let Some(due) = cursor.next_due(&schedule)
                {
                    black_box(cursor.skip(START.plus(due)));
                    events += 1;
                }
            }
            events
        });
        let due = nanos(|| {
            let total = schedule.curve().total().map_or(EVENTS, |total| total as u64).max(1);
            for number in 0..EVENTS * 10 {
                black_box(schedule.due(Position((number % total) as f64 + 0.5)));
            }
            EVENTS * 10
        });
        println!(
            "{:<18} {:>12.0} {bytes:>8} {whole:>9.0} {due:>10.0} {:>10.0} {:>10.0}",
            built_in.name,
            1e9 / whole,
            (planned - due).max(0.0),
            (whole - planned).max(0.0),
        );
    }
}
