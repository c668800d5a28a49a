//! What a grocery shop would answer when `freshmart` asks for its lists: the same on every platform.

use shared::plan::supply::{Supplies, json};
use shared::tree::Node;

/// 150 customers, 5 stores, 965 products and 40 stocks.
pub(crate) fn supplies() -> Supplies {
    let mut supplies = Supplies::default();
    supplies.pools.insert("customers".to_owned(), list("customer", 150, ""));
    supplies.pools.insert("stores".to_owned(), stores());
    let product = ", \"unit_price\": \"3.19\", \"perishable\": true";
    supplies.pools.insert("products".to_owned(), list("product", 965, product));
    supplies.pools.insert("inventory".to_owned(), list("inventory", 40, ", \"stock_level\": 7"));
    supplies
}

/// The zones of the stores, one after the other.
const ZONES: [&str; 5] = ["Manhattan", "Brooklyn", "Queens", "Bronx", "Staten Island"];

#[expect(clippy::expect_used, reason = "a test fails by panicking")]
fn stores() -> Node {
    let store =
        |(number, zone): (usize, &&str)| format!("{{\"store_id\": \"store:{number}\", \"store_zone\": \"{zone}\"}}");
    let items: Vec<String> = ZONES.iter().enumerate().map(store).collect();
    json(&format!("[{}]", items.join(","))).expect("this is JSON")
}

#[expect(clippy::expect_used, reason = "a test fails by panicking")]
fn list(kind: &str, count: usize, fields: &str) -> Node {
    let items: Vec<String> = (0..count).map(|n| format!("{{\"{kind}_id\": \"{kind}:{n}\"{fields}}}")).collect();
    json(&format!("[{}]", items.join(","))).expect("this is JSON")
}
