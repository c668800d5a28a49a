//! Finds totals in an event, with the lines that they are the sum of.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use crate::random::hash_bytes;

use super::story::Memory;

/// Names of totals, of lists of lines, of a line's amount, price and number.
const TOTALS: [&str; 6] = ["total_amount", "cart_total", "order_total", "total", "subtotal", "total_price"];
const LISTS: [&str; 6] = ["items", "lines", "line_items", "order_lines", "products", "cart"];
const AMOUNTS: [&str; 4] = ["line_amount", "line_total", "amount", "subtotal"];
const PRICES: [&str; 3] = ["unit_price", "price", "order_line_unit_price"];
const NUMBERS: [&str; 3] = ["quantity", "qty", "count"];
/// Names of what is added to, or taken off, the sum of the lines.
const ADDED: [&str; 5] = ["tax", "tax_amount", "shipping", "shipping_cost", "fee"];
const TAKEN: [&str; 3] = ["discount", "discount_amount", "rebate"];
/// Totals and lines as predicates of triples.
const TRIPLE_TOTAL: &str = "total_amount";
const TRIPLE_LINE: &str = "line_amount";
/// How far a total may be off per line: lines are rounded to cents.
const CENT: f64 = 0.005_001;
/// Lines of one total that are remembered.
const MAX_LINES: usize = 256;
/// How deep an event is searched.
const MAX_DEPTH: u32 = 6;

/// A total and what its lines come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sum {
    total: f64,
    lines: f64,
    count: usize,
}

impl Sum {
    pub(super) fn holds(&self) -> bool {
        (self.total - self.lines).abs() <= CENT * self.count.max(1) as f64
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a total of {} over {} lines that come to {:.2}", self.total, self.count, self.lines)
    }
}

/// The amounts of a total's lines, by the hash of each line's subject.
pub(super) type Lines = BTreeMap<u64, f64>;

/// A total that was found in an event.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Found {
    /// With all its lines.
    Whole(Sum),
    /// As triples, which may tell of some lines only: the total, whose it is (a hash), the lines told of.
    Part(f64, u64, Lines),
}

impl Found {
    /// The total with all its lines, those that earlier events told of included; none where they are not known. Where
    /// the event `continues` what another began, lines that it does not tell of are the earlier ones.
    pub(super) fn settle(self, ledger: &mut Memory<Lines>, continues: bool) -> Option<Sum> {
        let (total, owner, told) = match self {
            Self::Whole(sum) => return Some(sum),
            Self::Part(total, owner, told) => (total, owner, told),
        };
        let mut lines = match (continues, ledger.recall(owner)) {
            (true, None) => return None,
            (true, Some(known)) => known,
            (false, _) => Lines::new(),
        };
        lines.extend(told);
        if lines.len() <= MAX_LINES {
            ledger.remember(owner, lines.clone());
        }
        Some(Sum { total, lines: lines.values().sum(), count: lines.len() })
    }
}

/// Hands over every total of an event that has lines beside it.
pub(super) fn check(event: &Value, found: &mut dyn FnMut(Found)) {
    search(event, 0, found);
}

fn search(value: &Value, depth: u32, found: &mut dyn FnMut(Found)) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Object(map) => {
            if let Some(sum) = of_map(map) {
                found(Found::Whole(sum));
            }
            map.values().for_each(|child| search(child, depth + 1, found));
        }
        Value::Array(items) => match of_triples(items) {
            Some(part) => found(part),
            None => items.iter().for_each(|item| search(item, depth + 1, found)),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn number(map: &Map<String, Value>, names: &[&str]) -> Option<f64> {
    names.iter().find_map(|name| match map.get(*name)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    })
}

fn of_map(map: &Map<String, Value>) -> Option<Sum> {
    let total = number(map, &TOTALS)?;
    let lines = LISTS.iter().find_map(|name| map.get(*name)?.as_array()).filter(|lines| !lines.is_empty())?;
    let mut sum = 0.0;
    for line in lines {
        let line = line.as_object()?;
        sum += match number(line, &AMOUNTS) {
            Some(amount) => amount,
            None => number(line, &PRICES)? * number(line, &NUMBERS).unwrap_or(1.0),
        };
    }
    if !map.contains_key("subtotal") || map.contains_key(TOTALS[0]) {
        let all = |names: &[&str]| names.iter().filter_map(|name| number(map, &[name])).sum::<f64>();
        sum += all(&ADDED) - all(&TAKEN);
    }
    Some(Sum { total, lines: sum, count: lines.len() })
}

fn of_triples(items: &[Value]) -> Option<Found> {
    let (mut total, mut lines) = (None, Lines::new());
    for (place, item) in items.iter().enumerate() {
        let predicate = item.get("predicate")?.as_str()?;
        let subject = item.get("subject_id").and_then(Value::as_str).map(|text| hash_bytes(text.as_bytes()));
        if predicate.ends_with(TRIPLE_TOTAL) {
            total = Some((number(item.as_object()?, &["object_value"])?, subject.unwrap_or_default()));
        } else if predicate.ends_with(TRIPLE_LINE) {
            let line = subject.unwrap_or(place as u64);
            lines.insert(line, number(item.as_object()?, &["object_value"])?);
        }
    }
    let (total, owner) = total?;
    (!lines.is_empty()).then_some(Found::Part(total, owner, lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether each total of some events holds; the first event begins what the others continue. None: undecided.
    fn told(events: &[&str]) -> Vec<Option<bool>> {
        let (mut all, mut ledger) = (Vec::new(), Memory::default());
        for (number, json) in events.iter().enumerate() {
            check(&serde_json::from_str(json).unwrap(), &mut |found| {
                all.push(found.settle(&mut ledger, number > 0).map(|sum| sum.holds()));
            });
        }
        all
    }

    fn sums(json: &str) -> Vec<bool> {
        told(&[json]).into_iter().flatten().collect()
    }

    #[test]
    fn totals_are_compared_with_their_lines() {
        let right = r#"{"data": {"cart_total": 25.5, "items": [{"price": 10.25, "quantity": 2}, {"price": 5, "quantity": 1}]}}"#;
        assert_eq!(sums(right), [true]);
        assert_eq!(sums(&right.replace("25.5", "25.4")), [false]);
        let taxed = r#"{"total_amount": 11.0, "tax": 1.5, "discount": 0.5, "lines": [{"line_amount": 10}]}"#;
        assert_eq!(sums(taxed), [true]);
        assert_eq!(sums(r#"{"total_amount": 11.0, "item_count": 3}"#), [] as [bool; 0]);
        assert_eq!(sums(r#"{"total": 11.0, "items": ["a"]}"#), [] as [bool; 0]);
    }

    #[test]
    fn totals_of_triples_are_compared_with_their_lines() {
        let triples = r#"[{"predicate": "order_total_amount", "object_value": "7.50"},
            {"predicate": "line_amount", "object_value": "5.00"}, {"predicate": "line_amount", "object_value": "2.50"}]"#;
        assert_eq!(sums(triples), [true]);
        assert_eq!(sums(&triples.replace("7.50", "7.60")), [false]);
    }

    #[test]
    fn an_event_that_tells_of_one_line_is_held_against_all_lines() {
        let order = |total: &str, lines: &[(u32, &str)]| {
            let mut triples = vec![format!(
                r#"{{"subject_id": "order:1", "predicate": "order_total_amount", "object_value": "{total}"}}"#
            )];
            for (line, amount) in lines {
                triples.push(format!(
                    r#"{{"subject_id": "line:{line}", "predicate": "line_amount", "object_value": "{amount}"}}"#
                ));
            }
            format!("[{}]", triples.join(","))
        };
        let created = order("7.50", &[(1, "5.00"), (2, "2.50")]);
        let all = |events: &[&String]| told(&events.iter().map(|text| text.as_str()).collect::<Vec<_>>());
        // A line changes, a line is added, a line is taken off.
        assert_eq!(all(&[&created, &order("12.50", &[(1, "10.00")])]), [Some(true), Some(true)]);
        assert_eq!(all(&[&created, &order("8.75", &[(3, "1.25")])]), [Some(true), Some(true)]);
        assert_eq!(all(&[&created, &order("2.50", &[(1, "0")])]), [Some(true), Some(true)]);
        // The total forgets the other line, or the change.
        assert_eq!(all(&[&created, &order("10.00", &[(1, "10.00")])]), [Some(true), Some(false)]);
        assert_eq!(all(&[&created, &order("7.50", &[(1, "10.00")])]), [Some(true), Some(false)]);
        // Nobody knows the lines of an order whose beginning was not seen.
        let other = created.replace("order:1", "order:2");
        assert_eq!(all(&[&other, &order("12.50", &[(1, "10.00")])]), [Some(true), None]);
    }
}
