//! What the plan keeps of a workload besides what everybody may see.

use crate::plan::event::EventTemplate;
use crate::plan::load::LoadPlan;
use crate::plan::mix::{MixPlan, Streams};
use crate::random::Stream;

/// A workload, compiled.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    /// How much and when.
    pub(crate) load: LoadPlan,
    /// Who does what next.
    pub(crate) behavior: BehaviorPlan,
    /// Virtual users.
    pub(crate) users: u64,
    /// Where its draws come from.
    pub(crate) streams: Streams,
    /// Where its arrivals come from.
    pub(crate) arrivals: Stream,
}

/// A behavior, compiled.
#[derive(Clone, Debug)]
pub(crate) enum BehaviorPlan {
    /// Independent events in a given proportion.
    Mix(MixPlan),
    /// One kind of event.
    Emit(EventTemplate),
}
