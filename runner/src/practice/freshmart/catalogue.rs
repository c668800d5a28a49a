//! What the shop has before anything is sent to it: 5 stores, 965 products, 150 customers, 2,000 stocks. The same in
//! every practice target.

use super::Triple;
use super::graph::Graph;
use crate::fingerprint::mix;

const STORES: [(&str, &str, &str); 5] = [
    ("Harbor Market", "12 Front Street", "Manhattan"),
    ("Uptown Pantry", "418 Lenox Avenue", "Manhattan"),
    ("Bridge Grocer", "77 Water Street", "Brooklyn"),
    ("Parkside Foods", "230 7th Avenue", "Brooklyn"),
    ("Orchard Corner", "31-09 Steinway Street", "Queens"),
];
/// Categories with what is sold in them, whether it spoils, and the price of the cheapest in cents.
const SHELVES: [(&str, bool, u64, [&str; 6]); 8] = [
    ("Produce", true, 79, ["Apples", "Carrots", "Spinach", "Tomatoes", "Pears", "Peppers"]),
    ("Dairy", true, 149, ["Milk", "Yogurt", "Butter", "Cheddar", "Cream", "Kefir"]),
    ("Bakery", true, 199, ["Rye Bread", "Bagels", "Rolls", "Muffins", "Pita", "Croissants"]),
    ("Meat", true, 499, ["Chicken", "Turkey", "Beef", "Ham", "Lamb", "Sausages"]),
    ("Pantry", false, 129, ["Rice", "Lentils", "Pasta", "Flour", "Oats", "Olive Oil"]),
    ("Drinks", false, 99, ["Water", "Orange Juice", "Cola", "Iced Tea", "Coffee", "Lemonade"]),
    ("Frozen", true, 249, ["Peas", "Pizza", "Berries", "Ice Cream", "Fish Fillets", "Dumplings"]),
    ("Household", false, 189, ["Soap", "Sponges", "Paper Towels", "Detergent", "Foil", "Candles"]),
];
const MAKERS: [&str; 21] = [
    "Alder", "Birch", "Cedar", "Dune", "Elm", "Fern", "Grove", "Hazel", "Iris", "Juniper", "Kestrel", "Larch", "Maple",
    "North", "Oak", "Pine", "Quill", "Rowan", "Sage", "Thorn", "Willow",
];
const FIRST: [&str; 15] = [
    "Ada", "Ben", "Chloe", "Dario", "Elif", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Kira", "Liam", "Maya", "Noor",
    "Omar",
];
const LAST: [&str; 10] =
    ["Adams", "Brandt", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Haddad", "Ivanov", "Jensen"];
const STREETS: [&str; 6] =
    ["Hudson Street", "Bergen Street", "31st Avenue", "Lorimer Street", "Broome Street", "Main Street"];
/// How many there are.
const PRODUCTS: u64 = 965;
const CUSTOMERS: u64 = 150;
const STOCKS: u64 = 2_000;
/// When everything was made.
const MADE: &str = "2026-01-01T00:00:00.000000";

/// The shop as it opens.
pub(super) fn graph() -> Graph {
    let mut graph = Graph::default();
    for (place, (name, address, zone)) in STORES.iter().enumerate() {
        let id = store(place as u64);
        let capacity = (20 + 10 * place).to_string();
        say(
            &mut graph,
            &id,
            &[
                ("store_name", "string", name),
                ("store_address", "string", &format!("{address}, {zone}, NY")),
                ("store_zone", "string", zone),
                ("store_status", "string", "OPEN"),
                ("store_capacity_orders_per_hour", "int", &capacity),
            ],
        );
    }
    for number in 0..PRODUCTS {
        let (category, perishable, cheapest, things) = &SHELVES[(number % SHELVES.len() as u64) as usize];
        let thing = things[(number / 8 % 6) as usize];
        let maker = MAKERS[(number / 48 % MAKERS.len() as u64) as usize];
        let cents = cheapest + mix(number) % 900;
        say(
            &mut graph,
            &product(number),
            &[
                ("product_name", "string", &format!("{maker} {thing}")),
                ("category", "string", category),
                ("perishable", "bool", if *perishable { "true" } else { "false" }),
                ("unit_weight_grams", "int", &(50 + mix(number + 7_000) % 1_950).to_string()),
                ("unit_price", "float", &format!("{}.{:02}", cents / 100, cents % 100)),
            ],
        );
    }
    for number in 0..CUSTOMERS {
        let (first, last) = (FIRST[(number % 15) as usize], LAST[(number / 15 % 10) as usize]);
        let street = STREETS[(mix(number) % 6) as usize];
        let home = mix(number + 9_000) % STORES.len() as u64;
        say(
            &mut graph,
            &format!("customer:{:04}", number + 1),
            &[
                ("customer_name", "string", &format!("{first} {last}")),
                ("customer_email", "string", &format!("{first}.{last}@example.com").to_lowercase()),
                (
                    "customer_address",
                    "string",
                    &format!("{} {street}, {}, NY", 1 + mix(number + 500) % 400, STORES[home as usize].2),
                ),
                ("home_store", "entity_ref", &store(home)),
            ],
        );
    }
    for number in 0..STOCKS {
        say(
            &mut graph,
            &format!("inventory:INV-{:06}", number + 1),
            &[
                ("inventory_store", "entity_ref", &store(number % STORES.len() as u64)),
                // Each store has every second product or so, and none twice.
                ("inventory_product", "entity_ref", &product((number / 5 * 2 + number % 2) % PRODUCTS)),
                ("stock_level", "int", &(mix(number + 3_000) % 120).to_string()),
            ],
        );
    }
    graph
}

fn store(place: u64) -> String {
    format!("store:{:02}", place + 1)
}

fn product(number: u64) -> String {
    format!("product:{:04}", number + 1)
}

fn say(graph: &mut Graph, subject: &str, statements: &[(&str, &str, &str)]) {
    for (predicate, kind, value) in statements {
        let triple = Triple {
            subject_id: subject.to_owned(),
            predicate: (*predicate).to_owned(),
            object_value: (*value).to_owned(),
            object_type: (*kind).to_owned(),
        };
        graph.store(&triple, MADE);
    }
}
