//! `throng generate`: a scenario's events as a dataset.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::Path;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use shared::generate::clock::TimeFormat;
use shared::realism::{Causality, Census, Rules};
use shared::wording;

use super::planned::{Amount, Planned, addresses, plan, shown, start};
use super::{Exit, Refusal};
use crate::atomic_file::{self, check_writable};
use crate::cli::GenerateArgs;
use crate::dataset::{Dataset, Watch, Written};
use crate::report::counted;

/// Bytes that are gathered before the file is written to. What comes in longer runs goes out as it is.
const BUFFER: usize = 64 << 10;

/// Writes the dataset, and says what became of it.
pub(super) fn generate(args: &GenerateArgs) -> Result<Exit, Refusal> {
    let amount = Amount::new(args.count, args.hours)?;
    if let Some(output) = &args.output {
        check_writable(output)
            .map_err(|error| Refusal::usage(format!("cannot write {}: {error}", output.display())))?;
    }
    let mut limit = None;
    let Planned { scenario, plan, .. } = plan(&args.plan, |document| {
        let mut set = amount.settings(document, &mut limit);
        set.extend(args.url.as_deref().map(|url| addresses(document, url)).unwrap_or_default());
        Ok(set)
    })?;
    let start = start(&args.plan, &scenario, amount.span)?;
    let endless = plan.workloads().iter().any(|workload| workload.length.span().is_none());
    if endless && limit.is_none() {
        return Err(Refusal::usage("the scenario goes on forever").with_hint("say how much with --count or --hours"));
    }
    let workers = args.workers.unwrap_or_else(cores);
    let dataset = Dataset { plan, start, format: args.format, workers, limit };
    let mut watch = args.realism.then(|| {
        let census = Census::new(&scenario, &dataset.plan, start);
        Watch::new(census, Causality::new(Rules::of(&scenario, &dataset.plan)))
    });
    let began = Instant::now();
    let mut progress = Progress::new(expected(&dataset));
    let written = write(&dataset, args.output.as_deref(), watch.as_mut(), &mut progress);
    progress.end();
    let written = match written {
        Ok(written) => written,
        // Whoever read has seen enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe && args.output.is_none() => return Ok(Exit::Done),
        Err(error) => return Err(Refusal::failed(format!("cannot write the dataset: {error}"))),
    };
    let seconds = began.elapsed().as_secs_f64();
    anstream::eprintln!(
        "{}, {}, in {} ({}); seed {}, start {}",
        counted(written.events, "event"),
        wording::bytes(written.bytes),
        crate::report::seconds(seconds),
        wording::rate(written.events as f64 / seconds.max(1e-9)),
        scenario.seed.unwrap_or_default(),
        shown(start, TimeFormat::Rfc3339Seconds),
    );
    if args.count.is_some_and(|wanted| written.events < wanted) {
        anstream::eprintln!(
            "that is all that the scenario has in its time: --hours gives it more, and so do users or a higher rate"
        );
    }
    match watch {
        None => Ok(Exit::Done),
        Some(watch) => {
            let report = watch.report();
            anstream::eprint!("\n{}", report.table());
            Ok(if report.holds() { Exit::Done } else { Exit::Failed })
        }
    }
}

fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1))
}

/// How many events are to be expected, where arrivals and events are one.
fn expected(dataset: &Dataset) -> Option<u64> {
    let mut total = 0.0;
    for workload in dataset.plan.workloads() {
        total += workload.schedule(dataset.start).expected_until(workload.length.span()?);
    }
    let total = total as u64;
    Some(dataset.limit.map_or(total, |limit| limit.min(total)))
}

fn write(
    dataset: &Dataset,
    output: Option<&Path>,
    watch: Option<&mut Watch>,
    progress: &mut Progress,
) -> io::Result<Written> {
    let mut look = |written: Written| {
        progress.show(written);
        true
    };
    match output {
        None => dataset.write(&mut BufWriter::with_capacity(BUFFER, io::stdout().lock()), watch, &mut look),
        // A device or a pipe is written to as it is; a file appears when it is whole.
        Some(path) if path.exists() && !path.is_file() => {
            dataset.write(&mut BufWriter::with_capacity(BUFFER, File::create(path)?), watch, &mut look)
        }
        Some(path) => atomic_file::write_with(path, |file| {
            let mut file = BufWriter::with_capacity(BUFFER, file);
            let written = dataset.write(&mut file, watch, &mut look)?;
            file.flush()?;
            Ok(written)
        }),
    }
}

/// Progress on standard error, where somebody watches; scripts get the last line alone.
struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    fn new(expected: Option<u64>) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(expected, ProgressDrawTarget::stderr_with_hz(10));
            let template = match expected {
                Some(_) => "{bar:24} {human_pos} of {human_len} events  {msg}  {pace}  {eta} left",
                None => "{spinner} {human_pos} events  {msg}  {pace}",
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                let pace = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                    // What is drawn on a terminal has nobody to tell that it could not be.
                    let _drawn = out.write_str(&wording::rate(state.per_sec().round()));
                };
                bar.set_style(style.with_key("pace", pace).progress_chars("━╸─"));
            }
            bar
        });
        Self { bar }
    }

    fn show(&mut self, written: Written) {
        let Some(bar) = &self.bar else { return };
        bar.set_position(written.events);
        bar.set_message(if written.gathering { "gathering columns".to_owned() } else { wording::bytes(written.bytes) });
    }

    fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
