//! What targets answered before a run, kept so that the run can be explained and repeated.

use std::io;
use std::path::Path;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use shared::plan::Supplies;
use shared::plan::supply::content_hash;
use shared::run::SupplyRecord;
use shared::tree::Node;

use crate::atomic_file::write_whole;
use crate::folder::read_text;
use crate::private;

/// The longest snapshot, in bytes.
const MAX_FILE: u64 = 1024 * 1024 * 1024;

/// Items of pools as targets gave them, by the pool's name.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// The pools.
    pub pools: IndexMap<String, Fetched>,
}

/// What one pool was filled with.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fetched {
    /// The address of the first page.
    pub url: String,
    /// When, in RFC 3339.
    pub fetched_at: String,
    /// Hash of the items.
    pub hash: String,
    /// The items: a list.
    pub items: Node,
}

impl Fetched {
    /// What was fetched from an address at a moment.
    pub fn new(url: String, fetched_at: String, items: Node) -> Self {
        Self { url, fetched_at, hash: format!("{:016x}", content_hash(&items)), items }
    }

    /// What a result says of it.
    pub fn record(&self, pool: &str) -> SupplyRecord {
        SupplyRecord {
            path: format!("pools.{pool}"),
            source: self.url.clone(),
            items: count(&self.items),
            hash: self.hash.clone(),
            fetched_at: Some(self.fetched_at.clone()),
        }
    }
}

/// How many items a list has.
pub fn count(items: &Node) -> u64 {
    items.as_list().map_or(0, <[Node]>::len) as u64
}

impl Snapshot {
    /// Adds the items to what was read from files.
    pub fn add_to(&self, supplies: &mut Supplies) {
        for (name, fetched) in &self.pools {
            supplies.pools.insert(name.clone(), fetched.items.clone());
        }
    }

    /// Reads a snapshot.
    ///
    /// # Errors
    ///
    /// There is none, or what it holds is not what was written.
    pub fn read(path: &Path) -> io::Result<Self> {
        let text = read_text(path, MAX_FILE)?;
        let snapshot: Self = serde_json::from_str(&text).map_err(io::Error::other)?;
        for (name, fetched) in &snapshot.pools {
            if format!("{:016x}", content_hash(&fetched.items)) != fetched.hash {
                return Err(io::Error::other(format!("the items of `{name}` are not those that were fetched")));
            }
        }
        Ok(snapshot)
    }

    /// Writes the snapshot, whole or not at all.
    ///
    /// # Errors
    ///
    /// The disk refuses.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            private::create_directory(folder)?;
        }
        write_whole(path, &serde_json::to_vec(self).map_err(io::Error::other)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::plan::supply::json;

    #[test]
    fn a_snapshot_comes_back_as_it_was_and_is_not_tampered_with() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("supplies").join("run.json");
        let items = json(r#"[{"id": "a", "price": 1.5, "tags": ["x"], "gone": null}]"#).unwrap();
        let fetched = Fetched::new("http://localhost:1/items".to_owned(), "2026-01-01T00:00:00Z".to_owned(), items);
        let snapshot = Snapshot { pools: IndexMap::from([("items".to_owned(), fetched)]) };
        snapshot.write(&path).unwrap();
        let back = Snapshot::read(&path).unwrap();
        let (mut before, mut after) = (Supplies::default(), Supplies::default());
        snapshot.add_to(&mut before);
        back.add_to(&mut after);
        assert_eq!(before.digest(), after.digest());
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("1.5", "1.6")).unwrap();
        assert!(Snapshot::read(&path).unwrap_err().to_string().contains("`items`"));
    }
}
