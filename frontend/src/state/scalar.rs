//! A single value of a document as people wrote it.

use shared::tree::{Node, Value};

/// A scalar as a field shows it; empty for what is more than one value.
pub(crate) fn scalar(node: &Node) -> String {
    match &node.value {
        Value::Bool(value) => value.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Null | Value::List(_) | Value::Map(_) => String::new(),
    }
}
