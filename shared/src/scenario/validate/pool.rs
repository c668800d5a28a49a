//! Pools: one source each, never empty, weights that can be drawn from.

use crate::scenario::model::Scenario;
use crate::scenario::model::pool::{Fetch, Paging, Pick, Pool};
use crate::scenario::model::target::Protocol;
use crate::tree::{Node, Value};
use crate::units::Nanos;

use super::Findings;

/// Most items that are made.
const MAX_ITEMS: u32 = 1_000_000;

pub(super) fn check(name: &str, pool: &Pool, scenario: &Scenario, findings: &mut Findings<'_>) {
    let path = format!("pools.{name}");
    let sources = [
        pool.inline.is_some(),
        pool.generate.is_some(),
        pool.file.is_some(),
        pool.fetch.is_some(),
        pool.builtin.is_some(),
    ];
    let hint = "write one of inline, generate, file, fetch and builtin";
    match sources.iter().filter(|given| **given).count() {
        0 => findings.error(path.as_str(), "the pool has no source", hint),
        1 => {}
        count => findings.error(path.as_str(), format!("the pool has {count} sources"), hint),
    }
    if let Some(inline) = &pool.inline {
        check_inline(&path, inline, findings);
    }
    if let Some(generate) = &pool.generate {
        if !(1..=MAX_ITEMS).contains(&generate.count) {
            let message = format!("a pool has 1 to {MAX_ITEMS} items, this is {}", generate.count);
            let hint = if generate.count == 0 { "write 1 or more" } else { "write less; a pool is held in memory" };
            findings.error(format!("{path}.generate.count"), message, hint);
        }
        if generate.item.value == Value::Null {
            findings.error(
                format!("{path}.generate"),
                "the pool has no `item` to make",
                "write item: {id: \"item_${index}\"}",
            );
        }
    }
    if let Some(fetch) = &pool.fetch {
        findings.refers(format!("{path}.fetch.target"), "target", "targets", &fetch.target);
        if let Some(target) = scenario.targets.get(&fetch.target).filter(|target| target.protocol != Protocol::Http) {
            let message = format!("a target of protocol {} has no lists to give", target.protocol.name());
            findings.error(format!("{path}.fetch.target"), message, "name a target of protocol http");
        }
        if let Some(select) = fetch.select.as_ref().filter(|select| !select.starts_with('$')) {
            let message = format!("a path into the answer begins with `$`, this is `{select}`");
            findings.error(format!("{path}.fetch.select"), message, "write $.items");
        }
        if !fetch.path.starts_with('/') {
            findings.error(format!("{path}.fetch.path"), "a path begins with `/`", "");
        }
        check_paging(&path, fetch, findings);
        if fetch.refresh == Some(Nanos::ZERO) {
            findings.error(
                format!("{path}.fetch.refresh"),
                "must be above zero",
                "write 5m, or leave it out to ask once",
            );
        }
    }
    check_pick(&path, pool, findings);
}

fn check_paging(path: &str, fetch: &Fetch, findings: &mut Findings<'_>) {
    let place = format!("{path}.fetch.paging");
    let (parameters, size, place) = match &fetch.paging {
        None | Some(Paging::Link) => return,
        Some(Paging::Next(next)) => {
            if !next.starts_with('$') {
                findings.error(format!("{place}.next"), "a path into the answer begins with `$`", "write $.next");
            }
            return;
        }
        Some(Paging::Offset { size, offset, limit }) => ([offset, limit], *size, format!("{place}.offset")),
        Some(Paging::Page { size, page, limit, .. }) => ([page, limit], *size, format!("{place}.page")),
    };
    if size == 0 {
        findings.error(format!("{place}.size"), "a page has at least one item", "write 1000");
    }
    for parameter in parameters {
        if fetch.query.contains_key(parameter) {
            let message = format!("`{parameter}` is set by `paging`");
            findings.error(format!("{path}.fetch.query.{parameter}"), message, "remove it here");
        }
    }
}

fn check_inline(path: &str, inline: &Node, findings: &mut Findings<'_>) {
    match &inline.value {
        Value::List(items) if items.is_empty() => {
            findings.error(
                format!("{path}.inline"),
                "the pool is empty, nothing can be drawn from it",
                "give it an item",
            );
        }
        Value::List(_) => {}
        Value::Map(groups) if groups.is_empty() => {
            findings.error(
                format!("{path}.inline"),
                "the pool is empty, nothing can be drawn from it",
                "give it an item",
            );
        }
        Value::Map(groups) => {
            for group in groups {
                let place = format!("{path}.inline.{}", group.key);
                match group.node.as_list() {
                    Some([]) => {
                        findings.error(place, "the group is empty, nothing can be drawn from it", "give it an item")
                    }
                    Some(_) => {}
                    None => findings.error(place, format!("a group must be a list, not {}", group.node.kind()), ""),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => {
            let message = format!("must be a list, or a map of lists, not {}", inline.kind());
            findings.error(format!("{path}.inline"), message, "");
        }
    }
}

fn check_pick(path: &str, pool: &Pool, findings: &mut Findings<'_>) {
    let place = format!("{path}.pick");
    match &pool.pick {
        Pick::Uniform => {}
        Pick::Zipf(exponent) => {
            if !(0.0..=10.0).contains(exponent) {
                findings.error(
                    format!("{place}.zipf"),
                    format!("an exponent lies between 0 and 10, this is {exponent}"),
                    "write 0.9",
                );
            }
        }
        Pick::Weighted(field) => {
            let items = pool.inline.as_ref().and_then(Node::as_list).unwrap_or_default();
            let mut positive = items.is_empty();
            for (index, item) in items.iter().enumerate() {
                let at = format!("{path}.inline[{index}]");
                match item.get(field).map(Node::as_f64) {
                    Some(Some(weight)) if weight >= 0.0 => positive |= weight > 0.0,
                    Some(Some(weight)) => {
                        findings.error(
                            format!("{at}.{field}"),
                            format!("a weight must not be negative, this is {weight}"),
                            "",
                        );
                    }
                    Some(None) => findings.error(format!("{at}.{field}"), "a weight must be a number", ""),
                    None => findings.error(at, format!("the item has no `{field}`, by which the pool is drawn"), ""),
                }
            }
            if !positive {
                findings.error(
                    place,
                    "all weights are zero, nothing can be drawn",
                    "give one item a weight above zero",
                );
            }
        }
        Pick::By { field, weights } => {
            findings
                .weights(&format!("{place}.by.weights"), weights.iter().map(|(name, weight)| (name.as_str(), *weight)));
            if weights.is_empty() {
                findings.error(format!("{place}.by"), "there are no weights to draw by", "write weights: {a: 2, b: 1}");
            }
            for (index, item) in pool.inline.as_ref().and_then(Node::as_list).unwrap_or_default().iter().enumerate() {
                if item.get(field).is_none() {
                    let message = format!("the item has no `{field}`, by which the pool is drawn");
                    findings.error(format!("{path}.inline[{index}]"), message, "");
                }
            }
        }
        Pick::Recent(mean) => {
            if !(*mean > 0.0 && mean.is_finite()) {
                findings.error(
                    format!("{place}.recent"),
                    format!("a mean must be above zero, this is {mean}"),
                    "write 10",
                );
            }
        }
        Pick::Hot { items, share } => {
            if *items == 0 {
                findings.error(format!("{place}.hot.items"), "no item is hot", "write 1 or more");
            }
            findings.probability(format!("{place}.hot.share"), *share);
        }
    }
}
