//! What a plan depends on, as one number; apart from the plan, since most plans are never asked for it.

use crate::plan::Plan;
use crate::plan::supply::Supplies;
use crate::random::{hash_bytes, mix};
use crate::scenario::ValidScenario;

/// Version of everything that decides what an event is; part of each fingerprint.
const ENGINE_VERSION: u64 = 1;

impl Plan {
    /// What the plan depends on, as a short text: same scenario, seed and supplies, same events at the same moments.
    /// `scenario` and `supplies` are those that it was made of; where events are sent to is no part of it.
    pub fn fingerprint(&self, scenario: &ValidScenario, supplies: &Supplies) -> String {
        let parts = (&scenario.clock, &scenario.pools, &scenario.events, &scenario.behaviors, &scenario.workloads);
        // Models always can be written as JSON; maps keep the order in which they were written.
        let text = serde_json::to_vec(&parts).unwrap_or_default();
        let mut own = mix(mix(hash_bytes(&text), self.seed), ENGINE_VERSION);
        if !scenario.faults.is_empty() {
            own = mix(own, hash_bytes(&serde_json::to_vec(&scenario.faults).unwrap_or_default()));
        }
        match supplies.digest() {
            0 => format!("{own:016x}"),
            supplied => format!("{:016x}", mix(own, supplied)),
        }
    }
}
