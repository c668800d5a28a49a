//! The contract, request by request.

use serde_json::Value;

use super::*;

fn request<'a>(method: &'a str, path: &'a str, query: &'a str, body: &'a str) -> Request<'a> {
    Request { method, path, query, api_key: None, body: body.as_bytes() }
}

fn get(shop: &mut Shop, path: &str, query: &str) -> (u16, Value) {
    let mut body = Vec::new();
    let status = shop.page(&request("GET", path, query, ""), &mut body);
    (status, serde_json::from_slice(&body).unwrap())
}

fn change(shop: &mut Shop, put: bool, body: &str) -> (u16, Value, Changed) {
    let (intake, triples) = read(&lens(None), &request("POST", "/triples/batch", "validate=true", body));
    if let Some(refusal) = intake.refusal {
        return (refusal.status, refusal.body, Changed::default());
    }
    let mut out = Vec::new();
    let (status, changed) = shop.change(put, &triples, &mut out);
    (status, serde_json::from_slice(&out).unwrap(), changed)
}

fn triple(subject: &str, predicate: &str, value: &str, kind: &str) -> String {
    format!(r#"{{"subject_id":"{subject}","predicate":"{predicate}","object_value":"{value}","object_type":"{kind}"}}"#)
}

#[test]
fn the_catalogue_is_as_large_as_it_is_said_to_be_and_always_the_same() {
    let mut shop = Shop::default();
    for (path, count, key) in [
        ("/freshmart/customers", 150, "customer_id"),
        ("/freshmart/stores", 5, "store_id"),
        ("/freshmart/products", 965, "product_id"),
    ] {
        let (status, rows) = get(&mut shop, path, "");
        assert_eq!((status, rows.as_array().unwrap().len()), (200, count), "{path}");
        assert!(rows[0][key].is_string());
        assert_eq!(get(&mut Shop::default(), path, "").1, rows);
        assert_eq!(get(&mut shop, path, "limit=2&offset=1").1, serde_json::json!([rows[1], rows[2]]));
    }
    let products = get(&mut shop, "/freshmart/products", "").1;
    let names: std::collections::BTreeSet<_> =
        products.as_array().unwrap().iter().map(|product| product["product_name"].to_string()).collect();
    assert_eq!(names.len(), 965, "no two products have the same name");
    assert!(products[0]["unit_price"].is_string() && products[0]["perishable"].is_boolean());
    let stocks = get(&mut shop, "/freshmart/stores/inventory", "limit=1000&offset=1000").1;
    assert_eq!(stocks.as_array().unwrap().len(), 1_000);
    let pairs: std::collections::BTreeSet<_> = [stocks, get(&mut shop, "/freshmart/stores/inventory", "limit=1000").1]
        .iter()
        .flat_map(|rows| rows.as_array().unwrap().clone())
        .map(|row| (row["store_id"].to_string(), row["product_id"].to_string()))
        .collect();
    assert_eq!(pairs.len(), 2_000, "a store has a product once");
}

#[test]
fn filters_filter() {
    let mut shop = Shop::default();
    let low = get(&mut shop, "/freshmart/stores/inventory", "store_id=store%3A02&low_stock_only=true&limit=1000").1;
    let low = low.as_array().unwrap();
    assert!(!low.is_empty());
    assert!(low.iter().all(|row| row["store_id"] == "store:02" && row["stock_level"].as_i64().unwrap() < 10));
    for (number, status) in [(1, "CREATED"), (2, "PICKING"), (3, "CREATED")] {
        let id = format!("order:FM-{number}");
        let body = [
            triple(&id, "order_status", status, "string"),
            triple(&id, "order_store", "store:01", "entity_ref"),
            triple(&id, "placed_by", "customer:0001", "entity_ref"),
            triple(&id, "delivery_window_start", &format!("2026-01-0{number}T10:00:00"), "timestamp"),
        ];
        assert_eq!(change(&mut shop, false, &format!("[{}]", body.join(","))).0, 201);
    }
    let count = |shop: &mut Shop, query: &str| get(shop, "/freshmart/orders", query).1.as_array().unwrap().len();
    assert_eq!(count(&mut shop, ""), 3);
    assert_eq!(count(&mut shop, "status=CREATED"), 2);
    assert_eq!(count(&mut shop, "status=CREATED&limit=1"), 1);
    assert_eq!(count(&mut shop, "customer_id=customer:0002"), 0);
    assert_eq!(count(&mut shop, "window_start_before=2026-01-03T00:00:00"), 2);
    let (status, order) = get(&mut shop, "/freshmart/orders/order%3AFM-2", "");
    assert_eq!(
        (status, &order["order_status"], &order["customer_name"]),
        (200, &"PICKING".into(), &"Ada Adams".into())
    );
    assert_eq!(get(&mut shop, "/freshmart/orders/order:FM-9", "").0, 404);
    assert_eq!(get(&mut shop, "/freshmart/orders", "limit=1001").0, 422);
    assert_eq!(get(&mut shop, "/freshmart/nothing", "").0, 404);
}

#[test]
fn a_change_replaces_what_was_said_and_the_same_again_changes_nothing() {
    let mut shop = Shop::default();
    let created = format!("[{}]", triple("order:FM-7", "order_status", "CREATED", "string"));
    let (status, stored, _) = change(&mut shop, false, &created);
    assert_eq!((status, &stored[0]["object_value"]), (201, &"CREATED".into()));
    let (status, again, _) = change(&mut shop, false, &created);
    assert_eq!((status, &again[0]["id"]), (201, &stored[0]["id"]));
    let delivered = format!("[{}]", triple("order:FM-7", "order_status", "DELIVERED", "string"));
    assert_eq!(change(&mut shop, true, &delivered).0, 200);
    let (status, stored, changed) = change(&mut shop, true, &created);
    assert_eq!((status, &stored[0]["object_value"], changed.backwards), (200, &"CREATED".into(), 1));
    assert_eq!(change(&mut shop, false, "[]").1, serde_json::json!([]));
    let customer = [
        triple("customer:new", "customer_name", "Zoe Zimmer", "string"),
        triple("customer:new", "home_store", "store:01", "entity_ref"),
    ];
    assert_eq!(change(&mut shop, false, &format!("[{}]", customer.join(","))).0, 201);
    let customers = get(&mut shop, "/freshmart/customers", "").1;
    assert_eq!(customers[150]["customer_name"], "Zoe Zimmer", "new customers can be found");
}

#[test]
fn every_rule_of_the_ontology_has_its_error() {
    let mut shop = Shop::default();
    for (subject, predicate, value, kind, error) in [
        ("planet:1", "order_status", "CREATED", "string", "unknown_class"),
        ("order:1", "mood", "good", "string", "unknown_predicate"),
        ("order:1", "customer_name", "Ada", "string", "domain_violation"),
        ("order:1", "order_status", "1", "int", "range_type_mismatch"),
        ("order:1", "placed_by", "0001", "entity_ref", "invalid_entity_ref"),
        ("order:1", "placed_by", "store:01", "entity_ref", "range_class_mismatch"),
        ("orderline:1", "quantity", "two", "int", "invalid_literal"),
        ("orderline:1", "line_amount", "NaN", "float", "invalid_literal"),
        ("orderline:1", "perishable_flag", "maybe", "bool", "invalid_literal"),
    ] {
        let (status, answer, _) = change(&mut shop, false, &format!("[{}]", triple(subject, predicate, value, kind)));
        assert_eq!((status, &answer["detail"]["errors"][0]["error_type"]), (400, &error.into()), "{predicate}");
    }
    let number = r#"[{"subject_id":"orderline:1","predicate":"quantity","object_value":2,"object_type":"int"}]"#;
    assert_eq!(change(&mut shop, false, number).0, 422);
    assert_eq!(change(&mut shop, false, &format!("[{}]", triple("order", "order_status", "x", "string"))).0, 422);
    assert_eq!(change(&mut shop, false, "{}").0, 422);
}

#[test]
fn two_changes_of_one_subject_at_a_time_are_seen() {
    let mut shop = Shop::default();
    let of = |subject: &str| {
        vec![Triple {
            subject_id: subject.to_owned(),
            predicate: "order_status".to_owned(),
            object_value: "CREATED".to_owned(),
            object_type: "string".to_owned(),
        }]
    };
    let (one, two) = (of("order:1"), of("order:2"));
    assert!(!shop.begin(&one) && !shop.begin(&two));
    assert!(shop.begin(&one));
    shop.end(&one);
    shop.end(&one);
    assert!(!shop.begin(&one));
}
