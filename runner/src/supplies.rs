//! What a scenario needs from outside before it can run: items of pools from files and targets, curves, recorded
//! events.
//!
//! Files are read when a scenario is loaded, so that what is wrong with them is a problem with a place. Targets are
//! asked only right before events are needed; what they answered can be kept as a snapshot and used again.

pub mod fetch;
pub mod files;
pub mod records;
pub mod refresh;
pub mod snapshot;

use shared::plan::Supplies;
use shared::plan::supply::content_hash;
use shared::run::SupplyRecord;
use shared::scenario::model::Scenario;
use shared::scenario::model::behavior::{Behavior, ReplaySource};
use shared::scenario::model::pool::PoolFile;

use crate::supplies::snapshot::{Snapshot, count};

/// What a run was given, for its result.
pub fn records(scenario: &Scenario, supplies: &Supplies, snapshot: &Snapshot) -> Vec<SupplyRecord> {
    let mut records = Vec::new();
    for (name, items) in &supplies.pools {
        if let Some(fetched) = snapshot.pools.get(name) {
            records.push(fetched.record(name));
            continue;
        }
        let file = scenario.pools.get(name).and_then(|pool| match pool.file.as_ref()? {
            PoolFile::Csv(path) | PoolFile::Jsonl(path) => Some(path.clone()),
        });
        records.push(SupplyRecord {
            path: format!("pools.{name}"),
            source: file.unwrap_or_default(),
            items: count(items),
            hash: format!("{:016x}", content_hash(items)),
            fetched_at: None,
        });
    }
    for (name, recorded) in &supplies.records {
        let source = match scenario.behaviors.get(name) {
            Some(Behavior::Replay(replay)) => replay.source.as_ref().map(ReplaySource::path),
            _ => None,
        };
        records.push(SupplyRecord {
            path: format!("behaviors.{name}.replay"),
            source: source.unwrap_or_default().to_owned(),
            items: recorded.count(),
            hash: format!("{:016x}", recorded.digest()),
            fetched_at: None,
        });
    }
    records
}
