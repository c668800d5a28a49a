//! The lists and single things that can be read. Decimals are texts, and what is not there is null, as the service
//! writes them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::json::write_value;
use super::super::request::{Request, decoded};
use super::graph::Graph;
use super::ontology::CLASSES;

/// Most rows of one answer, and how many there are unless asked for more.
const MOST_ROWS: usize = 1_000;
const USUAL_ROWS: usize = 100;
/// Below it a stock is low.
const LOW_STOCK: i64 = 10;

/// Parameters of a request.
type Parameters = BTreeMap<String, String>;

/// Writes a page; returns its status.
pub(super) fn write(graph: &Graph, request: &Request<'_>, body: &mut Vec<u8>) -> u16 {
    match answer(graph, request.path.trim_end_matches('/'), &request.parameters()) {
        Ok(value) => {
            write_value(body, &value);
            200
        }
        Err((status, why)) => {
            write_value(body, &json!({ "detail": why }));
            status
        }
    }
}

fn answer(graph: &Graph, path: &str, parameters: &Parameters) -> Result<Value, (u16, Value)> {
    let nothing = || (404, Value::from("Not Found"));
    match path {
        "/ready" => Ok(json!({"status": "ready"})),
        "/freshmart/customers" => Ok(list(graph, "customer", parameters, None, customer)?),
        "/freshmart/products" => Ok(list(graph, "product", parameters, None, product)?),
        "/freshmart/stores" => Ok(list(graph, "store", parameters, None, store)?),
        "/freshmart/couriers" => Ok(list(graph, "courier", parameters, None, courier)?),
        "/freshmart/stores/inventory" => {
            let rows = filtered(graph, "inventory", |id| {
                let stock = || graph.value(id, "stock_level").and_then(|stock| stock.parse::<i64>().ok());
                is(graph, id, "inventory_store", parameters.get("store_id"))
                    && (parameters.get("low_stock_only").is_none_or(|only| only != "true")
                        || stock().is_some_and(|stock| stock < LOW_STOCK))
            });
            page(graph, rows, parameters, Some(USUAL_ROWS), inventory)
        }
        "/freshmart/orders" => {
            let rows = filtered(graph, "order", |id| {
                let value = |predicate| graph.value(id, predicate).unwrap_or_default();
                is(graph, id, "order_status", parameters.get("status"))
                    && is(graph, id, "order_store", parameters.get("store_id"))
                    && is(graph, id, "placed_by", parameters.get("customer_id"))
                    && parameters
                        .get("window_start_before")
                        .is_none_or(|before| value("delivery_window_start") < before.as_str())
                    && parameters
                        .get("window_end_after")
                        .is_none_or(|after| value("delivery_window_end") > after.as_str())
            });
            page(graph, rows, parameters, Some(USUAL_ROWS), order)
        }
        "/triples" => {
            let subject = parameters.get("subject_id").ok_or((422, json!("subject_id is required")))?;
            Ok(statements(graph, subject, parameters.get("predicate")))
        }
        "/triples/subjects/counts" => Ok(json!(graph.counts())),
        "/ontology/classes" => {
            let classes: Vec<_> =
                CLASSES.iter().map(|class| json!({"class_name": class.name, "prefix": class.prefix})).collect();
            Ok(classes.into())
        }
        "/ontology/properties" => {
            let properties = CLASSES.iter().flat_map(|class| {
                let of = |(name, kind): &(&str, super::ontology::Kind)| json!({"prop_name": name, "domain": class.name, "range_kind": kind.name()});
                class.predicates.iter().map(of).collect::<Vec<_>>()
            });
            Ok(properties.collect::<Vec<_>>().into())
        }
        _ => {
            if let Some(subject) = path.strip_prefix("/triples/subjects/") {
                let subject = decoded(subject);
                graph.about(&subject).ok_or_else(nothing)?;
                return Ok(json!({"subject_id": subject, "triples": statements(graph, &subject, None)}));
            }
            let Some(rest) = path.strip_prefix("/freshmart/orders/") else { return Err(nothing()) };
            let (id, part) = rest.split_once('/').unwrap_or((rest, ""));
            let id = decoded(id);
            graph.value(&id, "order_status").ok_or((404, json!(format!("Order {id} not found"))))?;
            match part {
                "" => Ok(order(graph, &id)),
                "line-items" => Ok(graph.lines(&id).iter().map(|line| line_item(graph, line)).collect()),
                _ => Err(nothing()),
            }
        }
    }
}

/// Whether a subject's value is the one asked for.
fn is(graph: &Graph, id: &str, predicate: &str, wanted: Option<&String>) -> bool {
    wanted.is_none_or(|wanted| graph.value(id, predicate) == Some(wanted))
}

fn filtered<'g>(graph: &'g Graph, class: &str, fits: impl Fn(&str) -> bool) -> Vec<&'g str> {
    graph.of_class(class).filter(|id| fits(id)).collect()
}

fn list(
    graph: &Graph,
    class: &str,
    parameters: &Parameters,
    usual: Option<usize>,
    row: fn(&Graph, &str) -> Value,
) -> Result<Value, (u16, Value)> {
    page(graph, filtered(graph, class, |_| true), parameters, usual, row)
}

/// The rows that were asked for; all of them where no usual number is given and nothing else is asked for.
fn page(
    graph: &Graph,
    ids: Vec<&str>,
    parameters: &Parameters,
    usual: Option<usize>,
    row: fn(&Graph, &str) -> Value,
) -> Result<Value, (u16, Value)> {
    let number = |name: &str, usual: usize, range: std::ops::RangeInclusive<usize>| match parameters.get(name) {
        None => Ok(usual),
        Some(text) => text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
            let message = format!("{name} must lie between {} and {}", range.start(), range.end());
            (422, json!([{"type": "value_error", "loc": ["query", name], "msg": message}]))
        }),
    };
    let limit = number("limit", usual.unwrap_or(usize::MAX), 1..=MOST_ROWS)?;
    let offset = number("offset", 0, 0..=usize::MAX)?;
    Ok(ids.into_iter().skip(offset).take(limit).map(|id| row(graph, id)).collect())
}

/// A text of a subject, or null.
fn text(graph: &Graph, id: &str, predicate: &str) -> Value {
    graph.value(id, predicate).map_or(Value::Null, Value::from)
}

/// A whole number of a subject, or null.
fn int(graph: &Graph, id: &str, predicate: &str) -> Value {
    graph.value(id, predicate).and_then(|value| value.parse::<i64>().ok()).map_or(Value::Null, Value::from)
}

/// A truth value of a subject, or null.
fn truth(graph: &Graph, id: &str, predicate: &str) -> Value {
    graph.value(id, predicate).map_or(Value::Null, |value| value.eq_ignore_ascii_case("true").into())
}

fn updated(graph: &Graph, id: &str) -> Value {
    graph.updated(id).map_or(Value::Null, Value::from)
}

fn customer(graph: &Graph, id: &str) -> Value {
    json!({
        "customer_id": id, "customer_name": text(graph, id, "customer_name"),
        "customer_email": text(graph, id, "customer_email"), "customer_address": text(graph, id, "customer_address"),
    })
}

fn product(graph: &Graph, id: &str) -> Value {
    json!({
        "product_id": id, "product_name": text(graph, id, "product_name"), "category": text(graph, id, "category"),
        "unit_price": text(graph, id, "unit_price"), "perishable": truth(graph, id, "perishable"),
    })
}

fn store(graph: &Graph, id: &str) -> Value {
    json!({
        "store_id": id, "store_name": text(graph, id, "store_name"), "store_address": text(graph, id, "store_address"),
        "store_zone": text(graph, id, "store_zone"), "store_status": text(graph, id, "store_status"),
        "store_capacity_orders_per_hour": int(graph, id, "store_capacity_orders_per_hour"),
    })
}

fn courier(graph: &Graph, id: &str) -> Value {
    json!({
        "courier_id": id, "courier_name": text(graph, id, "courier_name"),
        "home_store_id": text(graph, id, "courier_home_store"), "vehicle_type": text(graph, id, "vehicle_type"),
        "courier_status": text(graph, id, "courier_status"), "tasks": [],
        "effective_updated_at": updated(graph, id),
    })
}

fn inventory(graph: &Graph, id: &str) -> Value {
    let product = graph.value(id, "inventory_product").unwrap_or_default();
    json!({
        "inventory_id": id, "store_id": text(graph, id, "inventory_store"), "product_id": product,
        "stock_level": int(graph, id, "stock_level"), "replenishment_eta": text(graph, id, "replenishment_eta"),
        "effective_updated_at": updated(graph, id), "store_name": null,
        "product_name": text(graph, product, "product_name"), "category": text(graph, product, "category"),
        "perishable": truth(graph, product, "perishable"),
    })
}

fn order(graph: &Graph, id: &str) -> Value {
    let of = |predicate: &str| graph.value(id, predicate).unwrap_or_default();
    json!({
        "order_id": id, "order_number": text(graph, id, "order_number"), "order_status": text(graph, id, "order_status"),
        "store_id": text(graph, id, "order_store"), "customer_id": text(graph, id, "placed_by"),
        "delivery_window_start": text(graph, id, "delivery_window_start"),
        "delivery_window_end": text(graph, id, "delivery_window_end"),
        "order_total_amount": text(graph, id, "order_total_amount"), "effective_updated_at": updated(graph, id),
        "customer_name": text(graph, of("placed_by"), "customer_name"),
        "store_name": text(graph, of("order_store"), "store_name"),
        "customer_email": null, "customer_address": null, "store_zone": null, "store_address": null,
        "assigned_courier_id": null, "delivery_task_status": null, "delivery_eta": null,
    })
}

fn line_item(graph: &Graph, id: &str) -> Value {
    json!({
        "line_id": id, "order_id": text(graph, id, "line_of_order"), "product_id": text(graph, id, "line_product"),
        "quantity": int(graph, id, "quantity"), "unit_price": text(graph, id, "order_line_unit_price"),
        "line_amount": text(graph, id, "line_amount"), "line_sequence": int(graph, id, "line_sequence"),
        "perishable_flag": truth(graph, id, "perishable_flag"),
    })
}

/// Everything that is said about a subject, or what one predicate says.
fn statements(graph: &Graph, subject: &str, predicate: Option<&String>) -> Value {
    let about = graph.about(subject).into_iter().flatten();
    about
        .filter(|(name, _)| predicate.is_none_or(|wanted| *name == wanted))
        .map(|(name, stored)| {
            json!({
                "id": stored.id, "subject_id": subject, "predicate": name, "object_value": stored.value,
                "object_type": stored.kind, "created_at": stored.created, "updated_at": stored.updated,
            })
        })
        .collect()
}
