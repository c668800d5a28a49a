//! How fast events are made: `cargo bench -p shared`, or `cargo bench -p shared -- NAME` for one built-in.
//!
//! Prints, for each built-in, events per second of processor time into a buffer and into a file, bytes per event, and
//! which share of the time each stage takes. Processor time is read from the kernel where it keeps it, so that a busy
//! machine does not spoil the figures. `cargo xtask instructions` calls it with `--fixed` under valgrind.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(clippy::panic, reason = "a built-in that does not compile is a mistake of the project's own")]

#[path = "../tests/supplies/grocery.rs"]
mod grocery;

use std::fs::File;
use std::hint::black_box;
use std::io::{Seek as _, Write as _};
use std::sync::Arc;

use shared::compile::compile_with;
use shared::plan::{Plan, Position, Share};
use shared::scenario::{LoadOptions, built_in};
use shared::units::EpochMicros;

const START: EpochMicros = EpochMicros(1_772_366_400_000_000);
/// Events per measurement; the best of several counts.
const EVENTS: u64 = 300_000;
const ROUNDS: u32 = 5;
/// Bytes that are gathered before they are written.
const BUFFER: usize = 1 << 19;

/// How far events are brought. Each stage does what the one before it does, and more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    /// Found out when each is due, by the schedule alone.
    Due,
    /// Planned: whose turn it is, and what it changes.
    Plan,
    /// All drawn that they hold.
    Draw,
    /// Rendered into a buffer.
    Render,
    /// Written to a file.
    Write,
}

impl Stage {
    const ALL: [(&'static str, Self); 5] = [
        ("due", Self::Due),
        ("plan", Self::Plan),
        ("draw", Self::Draw),
        ("render", Self::Render),
        ("write", Self::Write),
    ];

    /// Brings so many events of a plan this far, starting over where the plan ends; the bytes that they came to.
    fn bring(self, plan: &Arc<Plan>, events: u64) -> u64 {
        let schedule = plan.workloads()[0].schedule(START);
        if self == Self::Due {
            let total = schedule.curve().total().map_or(events, |total| total as u64).max(1);
            for number in 0..events {
                black_box(schedule.due(Position((number % total) as f64 + 0.5)));
            }
            return 0;
        }
        let mut file = (self == Self::Write).then(scratch_file);
        let mut out = Vec::with_capacity(2 * BUFFER);
        let (mut done, mut bytes) = (0, 0);
        while done < events {
            let mut cursor = plan.cursor(0, Share::WHOLE);
            while done < events
                && let Some(due) = cursor.next_due(&schedule)
            {
                let moment = START.plus(due);
                black_box(match self {
                    Self::Due | Self::Plan => cursor.skip(moment),
                    Self::Draw => cursor.draw(moment),
                    Self::Render | Self::Write => cursor.emit(moment, &mut out),
                });
                if out.len() > BUFFER {
                    bytes += out.len() as u64;
                    if let Some(file) = &mut file
                        && let Err(error) = file.write_all(&out)
                    {
                        panic!("the scratch file cannot be written: {error}");
                    }
                    black_box(&out);
                    out.clear();
                }
                done += 1;
            }
        }
        bytes + out.len() as u64
    }
}

/// A file that nobody else sees, or what stands for one where the system has none.
fn scratch_file() -> File {
    let path = std::env::temp_dir().join(format!("throng-bench-{}", std::process::id()));
    let opened = File::options().read(true).write(true).create(true).truncate(true).open(&path);
    match opened {
        Ok(mut file) => {
            // Open files outlive their names where that is possible; elsewhere the next round takes this one over.
            let _kept = std::fs::remove_file(&path);
            let _same = file.rewind();
            file
        }
        Err(error) => panic!("{} cannot be written: {error}", path.display()),
    }
}

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

fn plan(name: &str) -> Arc<Plan> {
    let Some(built_in) = built_in::find(name) else { panic!("there is no built-in `{name}`") };
    let compiled = compile_with(built_in.text, &LoadOptions::new(name), 42, &|_, _| grocery::supplies());
    match compiled.plan {
        Some(plan) => plan,
        None => panic!("{name}: {:?}", compiled.problems),
    }
}

/// Prints the row of one built-in.
fn measure(name: &str) {
    let plan = plan(name);
    let bytes = Stage::Render.bring(&plan, EVENTS) as f64 / EVENTS as f64;
    // The stages take turns, so that a busy minute does not fall on one of them alone.
    let mut nanos = [f64::INFINITY; Stage::ALL.len()];
    for _ in 0..ROUNDS {
        for ((_, stage), best) in Stage::ALL.into_iter().zip(&mut nanos) {
            let before = seconds();
            black_box(stage.bring(&plan, EVENTS));
            *best = best.min((seconds() - before) * 1e9 / EVENTS as f64);
        }
    }
    let [.., buffer, file] = nanos;
    print!("{name:<18} {:>13.0} {:>13.0} {bytes:>7.0} {buffer:>9.0} ", 1e9 / buffer, 1e9 / file);
    let mut before = 0.0;
    for upto in nanos {
        print!(" {:>6.1} %", 100.0 * (upto - before).max(0.0) / file);
        before = upto;
    }
    println!();
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        // Only the names of the built-ins.
        ["--names"] => built_in::all().iter().for_each(|known| println!("{}", known.name)),
        // A fixed amount of work, for whoever counts its instructions.
        ["--fixed", stage, events, name] => {
            let stage = Stage::ALL.iter().find(|(word, _)| word == stage);
            let (Some((_, stage)), Ok(events)) = (stage, events.parse()) else {
                panic!("write --fixed render 10000 demo");
            };
            println!("{}", stage.bring(&plan(name), events));
        }
        names => {
            println!(
                "{:<18} {:>13} {:>13} {:>7} {:>9}  {:>8} {:>8} {:>8} {:>8} {:>8}",
                "built-in", "to buffer/s", "to file/s", "bytes", "ns/event", "due", "plan", "draw", "render", "write"
            );
            for known in built_in::all() {
                if names.is_empty() || names.contains(&known.name) {
                    measure(known.name);
                }
            }
        }
    }
}
