//! What may be said about what: classes by the prefix of their ids, their predicates, and the kinds of their values.

use serde_json::{Value, json};

use super::Triple;

/// What a predicate's value is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Text,
    Int,
    Float,
    Bool,
    Timestamp,
    /// The id of something of a class.
    Reference(&'static str),
}

impl Kind {
    /// Its name on the wire.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Int => "int",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Timestamp => "timestamp",
            Self::Reference(_) => "entity_ref",
        }
    }
}

/// A class: the prefix of its ids, its name, its predicates.
pub(super) struct Class {
    pub(super) prefix: &'static str,
    pub(super) name: &'static str,
    pub(super) predicates: &'static [(&'static str, Kind)],
}

/// Every class there is.
pub(super) const CLASSES: [Class; 8] = [
    Class {
        prefix: "customer",
        name: "Customer",
        predicates: &[
            ("customer_name", Kind::Text),
            ("customer_email", Kind::Text),
            ("customer_address", Kind::Text),
            ("home_store", Kind::Reference("store")),
        ],
    },
    Class {
        prefix: "store",
        name: "Store",
        predicates: &[
            ("store_name", Kind::Text),
            ("store_address", Kind::Text),
            ("store_zone", Kind::Text),
            ("store_status", Kind::Text),
            ("store_capacity_orders_per_hour", Kind::Int),
        ],
    },
    Class {
        prefix: "product",
        name: "Product",
        predicates: &[
            ("product_name", Kind::Text),
            ("category", Kind::Text),
            ("perishable", Kind::Bool),
            ("unit_weight_grams", Kind::Int),
            ("unit_price", Kind::Float),
        ],
    },
    Class {
        prefix: "inventory",
        name: "InventoryItem",
        predicates: &[
            ("inventory_store", Kind::Reference("store")),
            ("inventory_product", Kind::Reference("product")),
            ("stock_level", Kind::Int),
            ("replenishment_eta", Kind::Timestamp),
            ("base_price", Kind::Float),
            ("live_price", Kind::Float),
            ("price_change", Kind::Float),
            ("zone_adjustment", Kind::Float),
            ("perishable_adjustment", Kind::Float),
            ("local_stock_adjustment", Kind::Float),
            ("popularity_adjustment", Kind::Float),
            ("scarcity_adjustment", Kind::Float),
            ("demand_multiplier", Kind::Float),
            ("demand_premium", Kind::Float),
            ("product_sale_count", Kind::Int),
            ("product_total_stock", Kind::Int),
        ],
    },
    Class {
        prefix: "order",
        name: "Order",
        predicates: &[
            ("order_number", Kind::Text),
            ("placed_by", Kind::Reference("customer")),
            ("order_store", Kind::Reference("store")),
            ("order_status", Kind::Text),
            ("order_created_at", Kind::Timestamp),
            ("delivery_window_start", Kind::Timestamp),
            ("delivery_window_end", Kind::Timestamp),
            ("order_total_amount", Kind::Float),
        ],
    },
    Class {
        prefix: "orderline",
        name: "OrderLine",
        predicates: &[
            ("line_of_order", Kind::Reference("order")),
            ("line_product", Kind::Reference("product")),
            ("quantity", Kind::Int),
            ("order_line_unit_price", Kind::Float),
            ("line_amount", Kind::Float),
            ("line_sequence", Kind::Int),
            ("perishable_flag", Kind::Bool),
            ("line_inventory_item", Kind::Reference("inventory")),
        ],
    },
    Class {
        prefix: "courier",
        name: "Courier",
        predicates: &[
            ("courier_name", Kind::Text),
            ("courier_home_store", Kind::Reference("store")),
            ("vehicle_type", Kind::Text),
            ("courier_status", Kind::Text),
        ],
    },
    Class {
        prefix: "task",
        name: "DeliveryTask",
        predicates: &[
            ("task_of_order", Kind::Reference("order")),
            ("assigned_to", Kind::Reference("courier")),
            ("task_status", Kind::Text),
            ("eta", Kind::Timestamp),
            ("route_sequence", Kind::Int),
        ],
    },
];

/// What is wrong with a statement, as the service tells it.
pub(super) fn fault(triple: &Triple) -> Option<Value> {
    let tell = |error_type: &str, message: String, expected: &str, actual: &str| {
        Some(json!({
            "error_type": error_type, "message": message, "predicate": triple.predicate,
            "expected": expected, "actual": actual,
        }))
    };
    let prefix = triple.subject_id.split(':').next().unwrap_or_default();
    let Some(class) = CLASSES.iter().find(|class| class.prefix == prefix) else {
        let known = CLASSES.map(|class| class.prefix).join(", ");
        return tell("unknown_class", format!("no class has the prefix {prefix}"), &known, prefix);
    };
    let Some((_, kind)) = class.predicates.iter().find(|(name, _)| *name == triple.predicate) else {
        let elsewhere = CLASSES.iter().find(|other| other.predicates.iter().any(|(name, _)| *name == triple.predicate));
        return match elsewhere {
            Some(other) => {
                let message = format!("{} is said of {}, not of {}", triple.predicate, other.name, class.name);
                tell("domain_violation", message, other.name, class.name)
            }
            None => {
                let message = format!("{} has no predicate {}", class.name, triple.predicate);
                tell("unknown_predicate", message, "a predicate of the class", &triple.predicate)
            }
        };
    };
    if triple.object_type != kind.name() {
        let message = format!("{} is of type {}", triple.predicate, kind.name());
        return tell("range_type_mismatch", message, kind.name(), &triple.object_type);
    }
    let value = triple.object_value.as_str();
    match kind {
        Kind::Reference(wanted) => match value.split_once(':') {
            None | Some(("", _) | (_, "")) => {
                tell("invalid_entity_ref", format!("`{value}` is no id"), "prefix:id", value)
            }
            Some((prefix, _)) if prefix != *wanted => {
                let message = format!("{} refers to {wanted}, not to {prefix}", triple.predicate);
                tell("range_class_mismatch", message, wanted, prefix)
            }
            Some(_) => None,
        },
        Kind::Int if value.parse::<i64>().is_err() => {
            tell("invalid_literal", format!("`{value}` is no whole number"), "int", value)
        }
        Kind::Float if !value.parse::<f64>().is_ok_and(f64::is_finite) => {
            tell("invalid_literal", format!("`{value}` is no number"), "float", value)
        }
        Kind::Bool if !["true", "false"].contains(&value.to_ascii_lowercase().as_str()) => {
            tell("invalid_literal", format!("`{value}` is neither true nor false"), "bool", value)
        }
        Kind::Text | Kind::Int | Kind::Float | Kind::Bool | Kind::Timestamp => None,
    }
}
