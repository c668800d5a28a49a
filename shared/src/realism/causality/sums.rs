//! Finds totals in an event, with the lines that they are the sum of.

use std::fmt;

use serde_json::{Map, Value};

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

/// Hands over every total of an event that has lines beside it.
pub(super) fn check(event: &Value, found: &mut dyn FnMut(Sum)) {
    search(event, 0, found);
}

fn search(value: &Value, depth: u32, found: &mut dyn FnMut(Sum)) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Object(map) => {
            if let Some(sum) = of_map(map) {
                found(sum);
            }
            map.values().for_each(|child| search(child, depth + 1, found));
        }
        Value::Array(items) => match of_triples(items) {
            Some(sum) => found(sum),
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

fn of_triples(items: &[Value]) -> Option<Sum> {
    let (mut total, mut lines, mut count) = (None, 0.0, 0);
    for item in items {
        let predicate = item.get("predicate")?.as_str()?;
        if predicate.ends_with(TRIPLE_TOTAL) {
            total = number(item.as_object()?, &["object_value"]);
        } else if predicate.ends_with(TRIPLE_LINE) {
            lines += number(item.as_object()?, &["object_value"])?;
            count += 1;
        }
    }
    (count > 0).then_some(Sum { total: total?, lines, count })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(json: &str) -> Vec<bool> {
        let mut all = Vec::new();
        check(&serde_json::from_str(json).unwrap(), &mut |sum| all.push(sum.holds()));
        all
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
}
