//! Files that a scenario names: read whole, within bounds, each problem at the place that names the file.

use std::path::PathBuf;
use std::sync::Arc;

use shared::plan::Supplies;
use shared::plan::supply::{csv, curve, json_lines};
use shared::problem::Problem;
use shared::scenario::model::Scenario;
use shared::scenario::model::behavior::{Behavior, Replay, ReplaySource};
use shared::scenario::model::load::Shape;
use shared::scenario::model::pool::PoolFile;
use shared::tree::Node;

use crate::folder::{Folder, read_text};
use crate::supplies::records::{Depth, FileRecords, RecordsError};

/// The longest file of items or of a curve, in bytes: it is held in memory.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// Reads the files of a scenario's pools and curves, and looks through those of its replays; what is wrong with one goes
/// to `problems`.
pub fn read(scenario: &Scenario, folder: &Folder, depth: Depth, problems: &mut Vec<Problem>) -> Supplies {
    let mut supplies = Supplies::default();
    for (name, pool) in &scenario.pools {
        let (path, kind) = match &pool.file {
            None => continue,
            Some(PoolFile::Csv(path)) => (path, "csv"),
            Some(PoolFile::Jsonl(path)) => (path, "jsonl"),
        };
        match items(path, kind, folder) {
            Ok(items) => {
                supplies.pools.insert(name.clone(), items);
            }
            Err(problem) => problems.push(problem.at(format!("pools.{name}.file.{kind}"), path)),
        }
    }
    for (name, workload) in &scenario.workloads {
        for (index, shape) in workload.load.shape.iter().enumerate() {
            let Shape::Csv(path) = shape else { continue };
            let points = text(path, folder).and_then(|text| {
                curve(&text).map_err(|why| Wrong { why, hint: "write rows such as 60,1.5".to_owned() })
            });
            match points {
                Ok(points) => {
                    supplies.curves.insert(path.clone(), points);
                }
                Err(problem) => {
                    problems.push(problem.at(format!("workloads.{name}.load.shape[{index}].csv"), path));
                }
            }
        }
    }
    for (name, behavior) in &scenario.behaviors {
        let Behavior::Replay(replay) = behavior else { continue };
        let Some(source) = &replay.source else { continue };
        let kind = match source {
            ReplaySource::Jsonl(_) => "jsonl",
            ReplaySource::Json(_) => "json",
            ReplaySource::Csv(_) => "csv",
        };
        match recorded(source.path(), replay, folder, depth) {
            Ok(records) if depth == Depth::Whole => {
                supplies.records.insert(name.clone(), Arc::new(records));
            }
            // A beginning is no supply.
            Ok(_) => {}
            Err(problem) => {
                problems.push(problem.at(format!("behaviors.{name}.replay.source.{kind}"), source.path()));
            }
        }
    }
    supplies
}

fn recorded(path: &str, replay: &Replay, folder: &Folder, depth: Depth) -> Result<FileRecords, Wrong> {
    let file = find(path, folder)?;
    FileRecords::look_through(&file, replay, depth).map_err(|error| {
        let hint = match &error {
            RecordsError::File(_) => beginning(folder),
            RecordsError::Empty => "name a file with one event per line, or a JSON list of them".to_owned(),
            RecordsError::Record(_) => "mend it, or take it out".to_owned(),
        };
        Wrong { why: error.to_string(), hint }
    })
}

/// What is wrong with a file, and what to do about it.
struct Wrong {
    why: String,
    hint: String,
}

impl Wrong {
    fn at(self, place: String, path: &str) -> Problem {
        Problem::error(place, format!("{path}: {}", self.why)).with_hint(self.hint)
    }
}

fn text(path: &str, folder: &Folder) -> Result<String, Wrong> {
    let file = find(path, folder)?;
    read_text(&file, MAX_FILE).map_err(|error| Wrong { why: error.to_string(), hint: beginning(folder) })
}

fn find(path: &str, folder: &Folder) -> Result<PathBuf, Wrong> {
    folder.resolve(path).map_err(|why| Wrong { why, hint: "put the file there".to_owned() })
}

/// Where paths begin, for somebody whose path leads nowhere.
fn beginning(folder: &Folder) -> String {
    match folder {
        Folder::Beside(folder) if folder.as_os_str().is_empty() => "paths begin in the current folder".to_owned(),
        Folder::Beside(folder) => format!("paths begin in the scenario's folder, {}", folder.display()),
        Folder::Inside(folder) => format!("put the file into {}", folder.display()),
    }
}

fn items(path: &str, kind: &str, folder: &Folder) -> Result<Node, Wrong> {
    let text = text(path, folder)?;
    let (items, hint) = match kind {
        "csv" => (csv(&text), "write a row of names, then a row of values for each item"),
        _ => (json_lines(&text), "write one JSON value per line"),
    };
    let items = items.map_err(|why| Wrong { why, hint: hint.to_owned() })?;
    if items.as_list().is_some_and(<[Node]>::is_empty) {
        return Err(Wrong { why: "it has no items".to_owned(), hint: "give it at least one".to_owned() });
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::scenario::{LoadOptions, load};

    #[test]
    fn every_file_is_read_and_every_mistake_has_its_place() {
        let data = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(data.path().join(name), text).unwrap();
        write("good.csv", "id,name\n1,Lamp\n2,Desk\n");
        write("good.jsonl", "{\"id\": 1}\n{\"id\": 2}\n");
        write("bad.jsonl", "{\"id\": 1}\n{id: 2}\n");
        write("empty.csv", "id,name\n");
        write("curve.csv", "0,1\n60,3\n");
        write("bad_curve.csv", "0,1\n60,three\n");
        let text = "
name: t
targets: {t: {url: http://localhost:1}}
pools:
  a: {file: {csv: good.csv}}
  b: {file: {jsonl: good.jsonl}}
  c: {file: {jsonl: bad.jsonl}}
  d: {file: {csv: empty.csv}}
  e: {file: {csv: missing.csv}}
events: {seen: {body: {a: {$pool: a}, b: {$pool: b}, c: {$pool: c}, d: {$pool: d}, e: {$pool: e}}}}
behaviors: {emit: {emit: {event: seen}}}
workloads:
  w: {load: {rate: 1/s, duration: 1m, shape: [{csv: curve.csv}, {csv: bad_curve.csv}]}}
";
        let loaded = load(text, &LoadOptions::new("test"));
        let scenario = loaded.scenario.unwrap();
        let mut problems = Vec::new();
        let supplies = read(&scenario, &Folder::Beside(data.path().to_owned()), Depth::Whole, &mut problems);
        assert_eq!(supplies.pools.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(supplies.curves["curve.csv"].len(), 2);
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        for (told, expected) in told.iter().zip([
            "pools.c.file.jsonl: bad.jsonl: line 2",
            "pools.d.file.csv: empty.csv: it has no items",
            "pools.e.file.csv: missing.csv: No such file",
            "workloads.w.load.shape[1].csv: bad_curve.csv: row 2 is `60,three`",
        ]) {
            assert!(told.starts_with(expected), "{told}");
        }
        assert_eq!(told.len(), 4, "{told:#?}");
    }
}
