//! The contract of the service that the `freshmart` scenario loads: what exists is read from lists, and changed by
//! batches of triples, each of which is one event.

mod catalogue;
mod graph;
mod ontology;
mod pages;

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::intake::{Arrival, Intake, Refusal, Verdict};
use super::json::{utc_now, write_value};
use super::request::Request;
use crate::fingerprint::{Lens, Role, USUAL_IDS, hash};
use graph::Graph;

/// One statement about a subject, as a client sends it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Triple {
    subject_id: String,
    predicate: String,
    object_value: String,
    object_type: String,
}

/// The shop: everything that is known, and who is changing what right now.
#[derive(Debug)]
pub(super) struct Shop {
    graph: Graph,
    /// Subjects under change by hash, with the number of requests that change them.
    changing: HashMap<u64, u32>,
    counted: BTreeMap<&'static str, Operations>,
}

/// What one kind of operation has cost.
#[derive(Clone, Copy, Debug, Default)]
struct Operations {
    count: u64,
    took: Duration,
}

/// What a change has done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Changed {
    /// States that went backwards.
    pub(super) backwards: u64,
}

impl Default for Shop {
    fn default() -> Self {
        Self { graph: catalogue::graph(), changing: HashMap::new(), counted: BTreeMap::new() }
    }
}

/// What this contract looks at in an event: nothing but its content.
pub(super) fn lens(id_field: Option<&str>) -> Lens {
    let ids = id_field.map_or_else(|| USUAL_IDS.to_vec(), |field| vec![field]);
    Lens::new(ids.into_iter().map(|path| (path, Role::Id)))
}

/// The batch of a request, with its triples, unless it is refused.
pub(super) fn read<'a>(lens: &Lens, request: &Request<'a>) -> (Intake<'a>, Vec<Triple>) {
    let triples: Vec<Triple> = match serde_json::from_slice(request.body) {
        Ok(triples) => triples,
        Err(error) => return (Intake::refused(Refusal::unreadable(&error)), Vec::new()),
    };
    if let Some(wrong) = triples.iter().find(|triple| !triple.subject_id.contains(':')) {
        let message = format!("subject_id must be prefix:id, not {}", wrong.subject_id);
        let detail = json!([{"type": "value_error", "loc": ["body", "subject_id"], "msg": message}]);
        return (Intake::refused(Refusal::detail(422, detail, 1)), Vec::new());
    }
    let validates = request.parameters().get("validate").is_none_or(|value| value != "false");
    let errors: Vec<_> = if validates { triples.iter().filter_map(ontology::fault).collect() } else { Vec::new() };
    if !errors.is_empty() {
        let detail = json!({"message": "Validation failed", "errors": errors});
        return (Intake::refused(Refusal::detail(400, detail, 1)), Vec::new());
    }
    match lens.look(request.body) {
        Ok(seen) => {
            let arrival = Arrival { seen, raw: None, objection: None };
            (Intake { events: vec![arrival], batch: false, refusal: None }, triples)
        }
        Err(error) => (Intake::refused(Refusal::unreadable(&error)), Vec::new()),
    }
}

/// What a batch is counted as: its method and the class of its first subject.
pub(super) fn event_type(put: bool, triples: &[Triple]) -> String {
    let class = triples.first().and_then(|triple| triple.subject_id.split(':').next()).unwrap_or("nothing");
    format!("{} {class}", if put { "PUT" } else { "POST" })
}

impl Shop {
    /// A request that changes these subjects is under way; says whether another is changing one of them.
    pub(super) fn begin(&mut self, triples: &[Triple]) -> bool {
        let mut overlaps = false;
        for subject in subjects(triples) {
            let changing = self.changing.entry(subject).or_default();
            overlaps |= *changing > 0;
            *changing += 1;
        }
        overlaps
    }

    /// It is over.
    pub(super) fn end(&mut self, triples: &[Triple]) {
        for subject in subjects(triples) {
            if let Some(changing) = self.changing.get_mut(&subject) {
                *changing -= 1;
                if *changing == 0 {
                    self.changing.remove(&subject);
                }
            }
        }
    }

    /// Takes a batch and answers with what is stored now.
    pub(super) fn change(&mut self, put: bool, triples: &[Triple], body: &mut Vec<u8>) -> (u16, Changed) {
        let begun = Instant::now();
        let now = utc_now();
        let mut changed = Changed::default();
        body.push(b'[');
        for (place, triple) in triples.iter().enumerate() {
            if triple.predicate == "order_status" {
                let earlier = self.graph.value(&triple.subject_id, "order_status").and_then(stage);
                let later = stage(&triple.object_value);
                changed.backwards += u64::from(matches!((earlier, later), (Some(a), Some(b)) if b < a));
            }
            let stored = self.graph.store(triple, &now);
            if place > 0 {
                body.push(b',');
            }
            write_value(
                body,
                &json!({
                    "id": stored.id, "subject_id": triple.subject_id, "predicate": triple.predicate,
                    "object_value": stored.value, "object_type": stored.kind,
                    "created_at": stored.created, "updated_at": stored.updated,
                }),
            );
        }
        body.push(b']');
        self.count(if put { "upsert" } else { "insert" }, begun.elapsed());
        (if put { 200 } else { 201 }, changed)
    }

    /// Answers a request for a page; none when there is no such page.
    pub(super) fn page(&mut self, request: &Request<'_>, body: &mut Vec<u8>) -> u16 {
        let begun = Instant::now();
        if request.path == "/stats" {
            self.write_stats(body);
            return 200;
        }
        let status = pages::write(&self.graph, request, body);
        self.count("select", begun.elapsed());
        status
    }

    fn write_stats(&self, body: &mut Vec<u8>) {
        let millis = |took: Duration| took.as_secs_f64() * 1_000.0;
        let count: u64 = self.counted.values().map(|operations| operations.count).sum();
        let took: Duration = self.counted.values().map(|operations| operations.took).sum();
        let by_operation: BTreeMap<_, _> = self
            .counted
            .iter()
            .map(|(name, of)| {
                let average = millis(of.took) / of.count.max(1) as f64;
                (*name, json!({"count": of.count, "total_ms": millis(of.took), "avg_ms": average}))
            })
            .collect();
        let average = millis(took) / count.max(1) as f64;
        write_value(
            body,
            &json!({"practice": {
                "total_queries": count, "total_time_ms": millis(took), "avg_time_ms": average,
                "subjects": self.graph.counts(), "by_operation": by_operation,
            }}),
        );
    }

    fn count(&mut self, operation: &'static str, took: Duration) {
        let operations = self.counted.entry(operation).or_default();
        operations.count += 1;
        operations.took += took;
    }
}

/// Says no to a change.
pub(super) fn refuse(verdict: &Verdict, body: &mut Vec<u8>) -> u16 {
    let (status, detail) = match verdict {
        Verdict::Conflict => (409, "already exists"),
        Verdict::Refused(why) => (500, why.as_str()),
        Verdict::Taken(_) | Verdict::Known => (200, "already known"),
    };
    write_value(body, &json!({ "detail": detail }));
    status
}

/// The subjects of a batch by hash, each once.
fn subjects(triples: &[Triple]) -> Vec<u64> {
    let mut subjects: Vec<u64> = triples.iter().map(|triple| hash(0, triple.subject_id.as_bytes())).collect();
    subjects.sort_unstable();
    subjects.dedup();
    subjects
}

/// How far in its life an order of this status is.
fn stage(status: &str) -> Option<u8> {
    match status {
        "CREATED" => Some(0),
        "PICKING" => Some(1),
        "OUT_FOR_DELIVERY" => Some(2),
        "DELIVERED" | "CANCELLED" => Some(3),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
