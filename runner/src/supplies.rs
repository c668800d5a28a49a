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
use shared::scenario::document::Node;
use shared::scenario::model::Scenario;
use shared::scenario::model::behavior::{Behavior, ReplaySource};
use shared::scenario::model::pool::PoolFile;

use crate::supplies::snapshot::Snapshot;

/// What a run was given, for its result.
pub fn records(scenario: &Scenario, supplies: &Supplies, snapshot: &Snapshot) -> Vec<SupplyRecord> {
    let mut records = Vec::new();
    for (name, items) in &supplies.pools {
        let count = items.as_list().map_or(0, <[Node]>::len) as u64;
        let fetched = snapshot.pools.get(name);
        let file = scenario.pools.get(name).and_then(|pool| match pool.file.as_ref()? {
            PoolFile::Csv(path) | PoolFile::Jsonl(path) => Some(path.clone()),
        });
        records.push(SupplyRecord {
            path: format!("pools.{name}"),
            source: fetched.map(|fetched| fetched.url.clone()).or(file).unwrap_or_default(),
            items: count,
            hash: fetched.map_or_else(|| format!("{:016x}", content_hash(items)), |fetched| fetched.hash.clone()),
            fetched_at: fetched.map(|fetched| fetched.fetched_at.clone()),
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
