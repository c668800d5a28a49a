//! Datasets: a plan's events as a file, rendered by several workers, the same bytes for any number of them.
//!
//! Workers render disjoint shares of the plan in the order of time; [`merge`] puts them together by (moment, workload,
//! entity, step). Memory is bounded by a few chunks per worker, however many events there are.

mod csv;
mod lines;
mod merge;
mod producer;

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;

use shared::plan::{Plan, Planned, Share};
use shared::realism::{Causality, Census};
use shared::run::realism::Report;
use shared::units::EpochMicros;

use csv::Columns;
pub use lines::from_lines;
use merge::Merge;
use producer::{Chunk, Producer};

/// Chunks that may wait for the writer, per worker.
const WAITING: usize = 4;
/// Events between two looks at the progress.
const LOOK_EVERY: u64 = 8_192;

/// How events are written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum Format {
    /// One event per line
    #[default]
    Jsonl,
    /// One JSON list
    Json,
    /// A row per event, nested fields as dotted columns
    Csv,
}

/// What a dataset is made of.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The plan.
    pub plan: Arc<Plan>,
    /// Event time at the plan's start.
    pub start: EpochMicros,
    /// How events are written.
    pub format: Format,
    /// Threads that render.
    pub workers: u32,
    /// Most events.
    pub limit: Option<u64>,
}

/// How far the writing has come.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Written {
    /// Events written.
    pub events: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Event time of the latest, in seconds since the start.
    pub seconds: f64,
    /// Whether the columns are still being gathered, so that nothing is written yet.
    pub gathering: bool,
}

/// Watches events for the realism report.
#[derive(Clone, Debug)]
pub struct Watch {
    census: Census,
    causality: Causality,
}

impl Watch {
    /// A watch that has seen nothing yet.
    pub fn new(census: Census, causality: Causality) -> Self {
        Self { census, causality }
    }

    fn observe(&mut self, workload: usize, planned: &Planned, rendered: &[u8]) {
        self.census.observe(workload, planned, rendered);
        self.causality.observe(workload, usize::from(planned.event_type.0), rendered);
    }

    fn merge(&mut self, other: &Self) {
        self.census.merge(&other.census);
        self.causality.merge(&other.causality);
    }

    /// What was declared against what was seen.
    pub fn report(&self) -> Report {
        Report::new(self.census.rows(), self.causality.rows())
    }
}

/// What workers make of events.
#[derive(Clone, Debug)]
enum Shape {
    Lines,
    List,
    Rows(Arc<Columns>),
    /// Nothing but the names of columns.
    Names,
}

impl Dataset {
    /// Writes the dataset; `look` is told now and then how far it is and says whether to go on.
    ///
    /// # Errors
    ///
    /// What writing fails with. That nobody reads on is no error here: see [`io::ErrorKind::BrokenPipe`].
    pub fn write(
        &self,
        out: &mut dyn Write,
        watch: Option<&mut Watch>,
        look: &mut dyn FnMut(Written) -> bool,
    ) -> io::Result<Written> {
        let shape = match self.format {
            Format::Jsonl => Shape::Lines,
            Format::Json => Shape::List,
            // Columns are known for sure once every event was seen: it is rendered twice.
            Format::Csv => {
                let mut columns = Columns::default();
                let gathering = &mut |written| look(Written { gathering: true, ..written });
                self.pass(&Shape::Names, &mut io::sink(), Some(&mut columns), None, gathering)?;
                out.write_all(&columns.header())?;
                Shape::Rows(Arc::new(columns))
            }
        };
        if self.format == Format::Json {
            out.write_all(b"[")?;
        }
        let mut written = self.pass(&shape, out, None, watch, look)?;
        if self.format == Format::Json {
            out.write_all(if written.events == 0 { b"]\n" } else { b"\n]\n" })?;
        }
        out.flush()?;
        written.gathering = false;
        Ok(written)
    }

    /// Renders everything once.
    fn pass(
        &self,
        shape: &Shape,
        out: &mut dyn Write,
        columns: Option<&mut Columns>,
        mut watch: Option<&mut Watch>,
        look: &mut dyn FnMut(Written) -> bool,
    ) -> io::Result<Written> {
        let workers = self.workers.max(1);
        // What is cut off at the limit must not be watched: then the writer watches, else the workers do.
        let by_writer = watch.is_some() && self.limit.is_some();
        let (written, seen) = thread::scope(|scope| {
            let mut inputs = Vec::new();
            let mut threads = Vec::new();
            for index in 0..workers {
                let (sender, chunks) = sync_channel::<Chunk>(WAITING);
                let (spares, returned) = sync_channel::<Chunk>(WAITING + 2);
                let share = Share { index, count: workers };
                let mut producer = Producer::new(&self.plan, self.start, share, shape.clone(), by_writer);
                let mut own = if by_writer { None } else { watch.as_deref().cloned() };
                threads.push(scope.spawn(move || {
                    loop {
                        let mut chunk = returned.try_recv().unwrap_or_default();
                        producer.fill(&mut chunk, own.as_mut());
                        // Nobody listens any more once the limit is reached.
                        if chunk.is_empty() || sender.send(chunk).is_err() {
                            return own;
                        }
                    }
                }));
                inputs.push((chunks, spares));
            }
            let mut merge = Merge::new(inputs);
            let watch = if by_writer { watch.as_deref_mut() } else { None };
            let written = self.drain(&mut merge, shape, out, columns, watch, look);
            // Closing the channels ends the workers.
            drop(merge);
            let seen: Vec<Watch> = threads.into_iter().filter_map(|thread| thread.join().ok().flatten()).collect();
            (written, seen)
        });
        if let Some(watch) = watch {
            seen.iter().for_each(|own| watch.merge(own));
        }
        written
    }

    /// Takes events out of the merge until it is empty, the limit is reached, or nobody wants more.
    fn drain(
        &self,
        merge: &mut Merge,
        shape: &Shape,
        out: &mut dyn Write,
        mut columns: Option<&mut Columns>,
        mut watch: Option<&mut Watch>,
        look: &mut dyn FnMut(Written) -> bool,
    ) -> io::Result<Written> {
        let mut written = Written::default();
        let limit = self.limit.unwrap_or(u64::MAX);
        let mut next_look = LOOK_EVERY;
        while written.events < limit {
            let Some(run) = merge.next_run(limit - written.events) else { break };
            for entry in run.entries {
                if let (Some(columns), Some(names)) = (columns.as_deref_mut(), run.chunk.names(entry)) {
                    names.iter().for_each(|name| columns.add(name));
                }
                if let Some(watch) = watch.as_deref_mut() {
                    watch.observe(usize::from(entry.workload), &entry.planned, run.chunk.raw(entry));
                }
            }
            let mut bytes = run.bytes();
            if written.events == 0 && matches!(shape, Shape::List) {
                // No comma before the first.
                bytes = bytes.strip_prefix(b",").unwrap_or(bytes);
            }
            out.write_all(bytes)?;
            written.bytes += bytes.len() as u64;
            written.events += run.entries.len() as u64;
            written.seconds = run.entries.last().map_or(0.0, |entry| entry.planned.due.as_secs_f64());
            if written.events >= next_look {
                next_look = written.events + LOOK_EVERY;
                if !look(written) {
                    break;
                }
            }
        }
        look(written);
        Ok(written)
    }
}

#[cfg(test)]
mod tests;
