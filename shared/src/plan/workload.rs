//! What the plan keeps of a workload besides what everybody may see.

use std::sync::Arc;

use crate::fault::FaultPlan;
use crate::plan::EventTypeId;
use crate::plan::crowd::Joining;
use crate::plan::event::EventTemplate;
use crate::plan::life::Loop;
use crate::plan::lives::LivePlan;
use crate::plan::load::LoadPlan;
use crate::plan::mix::{MixPlan, Streams};
use crate::plan::supply::{RecordReader, Records};
use crate::random::Stream;
use crate::template::program::ExprId;
use crate::units::Nanos;

/// A workload, compiled.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    /// How much and when.
    pub(crate) load: LoadPlan,
    /// Who does what next.
    pub(crate) behavior: BehaviorPlan,
    /// Virtual users.
    pub(crate) users: u64,
    /// How they come and go, where the load is made of them.
    pub(crate) joining: Option<Joining>,
    /// Where its draws come from.
    pub(crate) streams: Streams,
    /// Where its arrivals come from.
    pub(crate) arrivals: Stream,
    /// Stands for its load in the ids of its events.
    pub(crate) tag: u16,
    /// Trouble made on purpose.
    pub(crate) faults: Option<FaultPlan>,
}

/// A behavior, compiled.
#[derive(Clone, Debug)]
pub(crate) enum BehaviorPlan {
    /// Independent events in a given proportion.
    Mix(MixPlan),
    /// One kind of event.
    Emit(EventTemplate),
    /// Events that were recorded.
    Replay(ReplayPlan),
    /// Sessions and lives.
    Live(LivePlan, Option<Loop>),
}

/// A replay, compiled.
#[derive(Clone, Debug)]
pub(crate) struct ReplayPlan {
    /// The kind of all its events.
    pub(crate) event_type: EventTypeId,
    /// What is written.
    pub(crate) write: ExprId,
    /// The topic that it is published to, where its target has topics.
    pub(crate) topic: Option<ExprId>,
    /// The events; none while nobody has read them.
    pub(crate) records: Option<Arc<dyn Records>>,
    /// At most this many.
    pub(crate) limit: Option<u64>,
    /// By their own time, so many times faster.
    pub(crate) speed: Option<f64>,
}

impl ReplayPlan {
    /// How many events there are to replay.
    pub(crate) fn count(&self) -> u64 {
        let count = self.records.as_ref().map_or(0, |records| records.count());
        count.min(self.limit.unwrap_or(u64::MAX))
    }

    /// When an event is due by its own time, since the first one.
    pub(crate) fn due(&self, number: u64, reader: &mut dyn RecordReader) -> Option<Nanos> {
        let (speed, records) = (self.speed?, self.records.as_ref()?);
        let gap = reader.moment(number)?.0.saturating_sub(records.span()?.0.0).max(0);
        Some(Nanos::from_secs_f64(gap as f64 / 1e6 / speed))
    }

    /// From the first event to the last by their own time.
    pub(crate) fn span(&self) -> Option<Nanos> {
        let (first, last) = self.records.as_ref()?.span()?;
        let micros = u64::try_from(last.0.saturating_sub(first.0)).ok()?;
        Some(Nanos::from_secs_f64(micros as f64 / 1e6 / self.speed?))
    }
}
