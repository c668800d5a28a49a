//! The numbers of the originals' guides, compared with what the built-ins emit or, where a run would show them only after
//! hours, with what they say.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "supplies/grocery.rs"]
mod grocery;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use shared::compile::{Compiled, compile_with};
use shared::plan::{Plan, Planned, Share};
use shared::scenario::{LoadOptions, built_in};
use shared::units::{EpochMicros, Nanos};

/// A Sunday at noon, UTC.
const START: EpochMicros = EpochMicros(1_772_366_400_000_000);

fn compiled(name: &str, profile: Option<&str>, set: &[(&str, &str)]) -> Compiled {
    let set: Vec<(String, String)> =
        set.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect();
    let options = LoadOptions { profile, set: &set, ..LoadOptions::new(name) };
    let compiled = compile_with(built_in::find(name).unwrap().text, &options, 1, &|_, _| grocery::supplies());
    assert!(compiled.scenario.is_some(), "{name} {profile:?}: {:#?}", compiled.problems);
    compiled
}

fn document(name: &str, profile: Option<&str>) -> Value {
    compiled(name, profile, &[]).scenario.unwrap().to_json()
}

/// The events of the workload of a name, up to a moment.
fn events(plan: &Arc<Plan>, workload: &str, until: Nanos) -> Vec<(Planned, Value)> {
    let number = plan.workloads().iter().position(|known| known.name == workload).unwrap();
    let schedule = plan.workloads()[number].schedule(START);
    let mut cursor = plan.cursor(number, Share::WHOLE);
    let mut events = Vec::new();
    while let Some(due) = cursor.next_due(&schedule).filter(|due| *due < until) {
        let mut out = Vec::new();
        let planned = cursor.emit(START.plus(due), &mut out);
        events.push((planned, serde_json::from_slice(&out).unwrap()));
    }
    events
}

const ENDLESS: Nanos = Nanos(u64::MAX);

/// The shares of texts.
fn shares<'t>(texts: impl Iterator<Item = &'t str>) -> BTreeMap<&'t str, f64> {
    let mut counts: BTreeMap<&str, f64> = BTreeMap::new();
    texts.for_each(|text| *counts.entry(text).or_default() += 1.0);
    let sum: f64 = counts.values().sum();
    counts.into_iter().map(|(text, count)| (text, count / sum)).collect()
}

fn close(found: &BTreeMap<&str, f64>, wanted: &[(&str, f64)], tolerance: f64) {
    let names: BTreeSet<&str> = wanted.iter().map(|(name, _)| *name).collect();
    assert_eq!(found.keys().copied().collect::<BTreeSet<_>>(), names);
    for (name, share) in wanted {
        assert!((found[name] - share).abs() <= tolerance, "{name}: {} instead of {share} in {found:?}", found[name]);
    }
}

fn evenly(names: &[&'static str]) -> Vec<(&'static str, f64)> {
    names.iter().map(|name| (*name, 1.0 / names.len() as f64)).collect()
}

fn text<'v>(event: &'v Value, pointer: &str) -> &'v str {
    event.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer} in {event}"))
}

fn number(event: &Value, pointer: &str) -> f64 {
    event.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {pointer} in {event}"))
}

/// What a document says at some places.
fn says(document: &Value, wanted: &[(&str, Value)]) {
    for (pointer, wanted) in wanted {
        let found = document.pointer(pointer).unwrap_or(&Value::Null);
        let same = match (found.as_f64(), wanted.as_f64()) {
            (Some(found), Some(wanted)) => found == wanted,
            _ => found == wanted,
        };
        assert!(same, "{pointer}: {found} instead of {wanted}");
    }
}

fn of_type<'e>(events: &'e [(Planned, Value)], kind: &'static str) -> impl Iterator<Item = &'e Value> {
    events.iter().map(|(_, event)| event).filter(move |event| event["event_type"] == kind)
}

#[test]
fn the_shop_sells_and_says_what_its_guide_lists() {
    let document = document("commerce-events", None);
    says(&document, &[("/pools/products/generate/count", 50.into())]);
    says(&document, &[("/pools/products/generate/item/sku/$pattern", "???-####".into())]);
    assert_eq!(document["pools"]["search_terms"]["inline"].as_array().unwrap().len(), 15);
    let plan = compiled("commerce-events", Some("medium_load"), &[]).plan.unwrap();
    let events = events(&plan, "shop", ENDLESS);
    let mut products: BTreeMap<&str, (f64, &str)> = BTreeMap::new();
    for event in of_type(&events, "cart.add") {
        let id = text(event, "/data/product_id");
        let digits = id.strip_prefix("prod_").unwrap();
        assert!(digits.len() == 4 && (1..=50).contains(&digits.parse::<u32>().unwrap()), "{id}");
        let (price, category) = (number(event, "/data/price"), text(event, "/data/category"));
        assert!((9.99..=499.99).contains(&price), "{price}");
        assert!((1..=3).contains(&event["data"]["quantity"].as_i64().unwrap()));
        // What a product costs and where it belongs never changes.
        assert_eq!(*products.entry(id).or_insert((price, category)), (price, category));
        assert_eq!(event["data"]["currency"], "USD");
    }
    assert_eq!(products.len(), 50);
    let categories: BTreeSet<&str> = products.values().map(|(_, category)| *category).collect();
    assert_eq!(categories, BTreeSet::from(["Electronics", "Clothing", "Home & Garden", "Sports", "Books", "Toys"]));
    let pages = shares(of_type(&events, "page.view").map(|event| text(event, "/data/page_type")));
    let wanted =
        [("home", 0.2), ("category", 0.25), ("product", 0.35), ("cart", 0.1), ("checkout", 0.05), ("search", 0.05)];
    close(&pages, &wanted, 0.015);
    let terms: BTreeSet<&str> =
        of_type(&events, "page.search").map(|event| text(event, "/data/search_query")).collect();
    assert_eq!(terms.len(), 15);
    let paid = shares(of_type(&events, "order.created").map(|event| text(event, "/data/payment_method")));
    close(&paid, &evenly(&["credit_card", "paypal", "apple_pay"]), 0.05);
    assert!(of_type(&events, "order.created").all(|event| event["data"]["status"] == "pending"));
    let reached: BTreeSet<&str> =
        of_type(&events, "order.updated").map(|event| text(event, "/data/new_status")).collect();
    assert_eq!(reached, BTreeSet::from(["processing", "shipped", "out_for_delivery"]));
    assert!(of_type(&events, "order.fulfilled").all(|event| event["data"]["status"] == "delivered"));
    let sources = shares(of_type(&events, "user.signup").map(|event| text(event, "/data/signup_source")));
    close(&sources, &evenly(&["organic", "google_ads", "facebook", "referral"]), 0.08);
    let logins = shares(of_type(&events, "user.login").map(|event| text(event, "/data/login_method")));
    close(&logins, &evenly(&["password", "google", "facebook", "magic_link"]), 0.06);
}

#[test]
fn shoppers_come_back_for_a_few_sessions_of_half_an_hour_at_most() {
    for (profile, sessions_each) in [("medium_load", 3.0..5.0), ("stress_test", 3.0..5.0)] {
        // Ten users at the pace that the profile gives to each.
        let rate = if profile == "medium_load" { "10/s" } else { "2/s" };
        let set = [("workloads.shop.population.count", "10"), ("workloads.shop.load.rate", rate)];
        let plan = compiled("commerce-events", Some(profile), &set).plan.unwrap();
        let mut sessions: BTreeMap<String, (String, Nanos, Nanos)> = BTreeMap::new();
        let mut current: BTreeMap<String, String> = BTreeMap::new();
        for (planned, event) in events(&plan, "shop", ENDLESS) {
            let Some(session) = event["data"]["session_id"].as_str() else { continue };
            let user = text(&event, "/data/user_id").to_owned();
            let known = sessions.entry(session.to_owned()).or_insert((user.clone(), planned.due, planned.due));
            assert_eq!(known.0, user, "a session of two users");
            let before = current.insert(user, session.to_owned());
            assert!(known.1 == planned.due || before.as_deref() == Some(session), "a session that was over goes on");
            known.2 = planned.due;
        }
        let each = sessions.len() as f64 / 10.0;
        assert!(sessions_each.contains(&each), "{profile}: {each} sessions for each user");
        let longest =
            sessions.values().map(|(_, first, last)| last.as_secs_f64() - first.as_secs_f64()).fold(0.0, f64::max);
        assert!(longest < 1_800.0, "{profile}: {longest} s");
    }
}

#[test]
fn visits_take_one_to_ten_minutes_and_click_where_their_journey_leads() {
    let set = [("workloads.web.load.duration", "3h")];
    let plan = compiled("web-analytics", Some("users_100"), &set).plan.unwrap();
    let mut open: BTreeMap<String, (Nanos, Nanos, u32, bool)> = BTreeMap::new();
    let (mut lengths, mut starts) = (Vec::new(), BTreeMap::new());
    let (mut likely, mut clicks) = (0.0, 0.0);
    let mut pauses: BTreeMap<String, Nanos> = BTreeMap::new();
    for (planned, event) in events(&plan, "web", ENDLESS) {
        let (session, user) = (text(&event, "/session_id").to_owned(), text(&event, "/user_id").to_owned());
        match text(&event, "/event_type") {
            "session_created" => {
                starts.entry(planned.entity).or_insert(planned.due);
                if let Some(ended) = pauses.remove(&user) {
                    let pause = planned.due.as_secs_f64() - ended.as_secs_f64();
                    assert!((10.0..=60.0).contains(&pause), "{pause} s between two sessions");
                }
                open.insert(session, (planned.due, planned.due, 0, false));
            }
            "session_ended" => {
                let (start, ..) = open.remove(&session).unwrap();
                lengths.push(planned.due.as_secs_f64() - start.as_secs_f64());
                pauses.insert(user, planned.due);
            }
            "page_visited" => {
                let state = open.get_mut(&session).unwrap();
                state.2 += 1;
                state.3 |= state.2 == 2 && text(&event, "/page_path") == "/pricing";
            }
            "button_clicked" if open[&session].3 => {
                clicks += 1.0;
                likely += f64::from(u8::from(["get_started_btn", "signup_btn"].contains(&text(&event, "/button_id"))));
            }
            _ => {}
        }
    }
    assert!(lengths.len() > 5_000, "{}", lengths.len());
    assert!(lengths.iter().all(|length| *length >= 60.0), "{:?}", lengths.iter().copied().fold(f64::MAX, f64::min));
    // The limit is looked at between pages: the last page may go beyond it by its own time.
    assert!(lengths.iter().all(|length| *length <= 720.0), "{:?}", lengths.iter().copied().fold(0.0, f64::max));
    // Short visits are not all of one length.
    let shortest = lengths.iter().filter(|length| **length < 61.0).count();
    assert!(shortest * 20 < lengths.len(), "{shortest} of {} sessions take a minute", lengths.len());
    let delays: Vec<f64> = starts.values().map(|start: &Nanos| start.as_secs_f64()).collect();
    for (user, delay) in delays.iter().enumerate() {
        assert!((delay - 0.1 * user as f64).abs() < 1e-6, "user {user} begins after {delay} s");
    }
    // Of the signup journey: 70 % of its own, and what falls on these two of the rest.
    let share = likely / clicks;
    assert!((0.68..0.82).contains(&share), "{share} of {clicks} clicks");
}

#[test]
fn expected_profiles_send_as_much_as_the_guide_expects() {
    for (profile, rate, total) in [
        ("expected_10", 15.0..20.0, 5_000.0),
        ("expected_50", 75.0..100.0, 25_000.0),
        ("expected_100", 150.0..200.0, 50_000.0),
    ] {
        let plan = compiled("web-analytics", Some(profile), &[("workloads.web.load.duration", "12m")]).plan.unwrap();
        let events = events(&plan, "web", ENDLESS);
        // Five minutes in which sessions begin, go on and end as they always do.
        let (from, to) = (Nanos::from_secs(360), Nanos::from_secs(660));
        let count = events.iter().filter(|(planned, _)| (from..to).contains(&planned.due)).count() as f64;
        assert!(rate.contains(&(count / 300.0)), "{profile}: {} events a second", count / 300.0);
        assert!((count / total - 1.0).abs() < 0.2, "{profile}: {count} events in five minutes");
    }
    let document = document("web-analytics", Some("expected_500"));
    says(&document, &[("/workloads/web/load/rate", "43.75/s".into()), ("/workloads/web/population/count", 500.into())]);
}

/// The triples of an event by subject and predicate.
fn told(event: &Value) -> BTreeMap<(String, String), String> {
    let triple = |triple: &Value| {
        (
            (text(triple, "/subject_id").to_owned(), text(triple, "/predicate").to_owned()),
            text(triple, "/object_value").to_owned(),
        )
    };
    event.as_array().unwrap().iter().map(triple).collect()
}

#[test]
fn orders_change_by_quantities_lines_that_come_and_lines_that_go() {
    let set = [("workloads.orders.load.max_in_flight", "$unset"), ("workloads.orders.load.duration", "10h")];
    let plan = compiled("freshmart", Some("standard"), &set).plan.unwrap();
    let mut lines: BTreeMap<String, BTreeMap<String, (f64, f64)>> = BTreeMap::new();
    let (mut orders, mut baskets, mut changes) = (0.0, BTreeMap::new(), BTreeMap::new());
    let mut status: BTreeMap<String, String> = BTreeMap::new();
    for (_, event) in events(&plan, "orders", ENDLESS) {
        let told = told(&event);
        let (order, total) = match told.iter().find(|((_, predicate), _)| predicate == "order_total_amount") {
            Some(((order, _), total)) => (order.clone(), total.parse::<f64>().unwrap()),
            None => {
                let ((order, _), state) = told.iter().next().unwrap();
                status.insert(order.clone(), state.clone());
                continue;
            }
        };
        let number = order.strip_prefix("order:").unwrap();
        let known = lines.entry(order.clone()).or_default();
        let before: BTreeMap<String, f64> =
            known.iter().map(|(line, (quantity, _))| (line.clone(), *quantity)).collect();
        for ((subject, predicate), value) in &told {
            if let Some(line) = subject.strip_prefix("orderline:") {
                assert!(line.starts_with(number), "{line} is no line of {order}");
                let entry = known.entry(line.to_owned()).or_default();
                match predicate.as_str() {
                    "quantity" => entry.0 = value.parse().unwrap(),
                    "line_amount" => entry.1 = value.parse().unwrap(),
                    _ => {}
                }
            }
        }
        let sum: f64 = known.values().map(|(_, amount)| amount).sum();
        assert!((sum - total).abs() < 0.005, "a total of {total} over lines of {sum}: {event}");
        if before.is_empty() {
            orders += 1.0;
            *baskets.entry(known.len()).or_insert(0.0) += 1.0;
            assert!(!status.contains_key(&order));
            status.insert(order, "CREATED".to_owned());
            continue;
        }
        assert_eq!(status[&order], "CREATED", "an order is changed while it is new");
        let kind = match () {
            () if known.len() > before.len() => "add",
            () if known.iter().any(|(line, (quantity, _))| *quantity == 0.0 && before[line] > 0.0) => "remove",
            () => "quantity",
        };
        *changes.entry(kind).or_insert(0.0) += 1.0;
        assert!(sum > 0.0, "an order without lines");
    }
    assert!(orders > 11_000.0);
    // Ten changes for forty orders.
    let all: f64 = changes.values().sum();
    assert!((all / orders - 0.25).abs() < 0.02, "{all} changes of {orders} orders");
    assert!((changes["add"] / all - 0.3).abs() < 0.03, "{changes:?}");
    assert!((changes["remove"] / all - 0.17).abs() < 0.04, "{changes:?}");
    for count in 1..=6 {
        assert!((baskets[&count] / orders - 1.0 / 6.0).abs() < 0.02, "{baskets:?}");
    }
    let document = document("freshmart", None);
    says(
        &document,
        &[
            ("/workloads/customers/load/ratio", 0.125.into()),
            ("/workloads/inventory/load/ratio", 0.25.into()),
            ("/behaviors/order/lifecycle/states/CREATED/next/1/p", 0.05.into()),
            ("/behaviors/order/lifecycle/states/PICKING/next/1/p", 0.05.into()),
        ],
    );
}

#[test]
fn customers_live_where_their_store_is_and_orders_are_as_real_ones() {
    let set = [("workloads.orders.load.max_in_flight", "$unset"), ("workloads.orders.load.duration", "5h")];
    let plan = compiled("freshmart", Some("peak"), &set).plan.unwrap();
    for (_, event) in events(&plan, "customers", ENDLESS) {
        let told: BTreeMap<String, String> =
            told(&event).into_iter().map(|((_, predicate), value)| (predicate, value)).collect();
        let store: usize = told["home_store"].strip_prefix("store:").unwrap().parse().unwrap();
        let zone = ["Manhattan", "Brooklyn", "Queens", "Bronx", "Staten Island"][store];
        let address = &told["customer_address"];
        assert!(address.contains(&format!(", {zone}, NY 1")), "{address} is not in {zone}");
        let name = told["customer_name"].to_lowercase().replace(' ', ".");
        assert_eq!(told["customer_email"], format!("{name}@example.com"));
    }
    let mut quantities: BTreeMap<String, f64> = BTreeMap::new();
    let minutes = |text: &str| {
        let (day, time) = text.split_once('T').unwrap();
        let day: f64 = day.rsplit('-').next().unwrap().parse().unwrap();
        let parts: Vec<f64> = time.split(':').map(|part| part.parse().unwrap()).collect();
        day * 1_440.0 + parts[0] * 60.0 + parts[1] + parts[2] / 60.0
    };
    for (_, event) in events(&plan, "orders", ENDLESS) {
        let told = told(&event);
        let of =
            |name: &str| told.iter().find(|((_, predicate), _)| predicate == name).map(|(_, value)| value.as_str());
        let Some(created) = of("order_created_at") else { continue };
        told.iter()
            .filter(|((_, predicate), _)| predicate == "quantity")
            .for_each(|(_, value)| *quantities.entry(value.clone()).or_default() += 1.0);
        let opens = (minutes(of("delivery_window_start").unwrap()) - minutes(created)) / 60.0;
        let closes = (minutes(of("delivery_window_end").unwrap()) - minutes(created)) / 60.0 - opens;
        assert!((1.99..8.01).contains(&opens) && (1.99..4.01).contains(&closes), "{opens} {closes}: {event}");
    }
    let all: f64 = quantities.values().sum();
    for (quantity, share) in [("1", 0.5), ("2", 0.3), ("3", 0.15), ("4", 0.05)] {
        assert!((quantities[quantity] / all - share).abs() < 0.01, "{quantities:?}");
    }
    // Stocks of 7: refilled by 20 to 100 three times in ten, else corrected by -5 to +10.
    let levels: Vec<f64> = events(&plan, "inventory", ENDLESS)
        .iter()
        .map(|(_, event)| told(event).values().next().unwrap().parse().unwrap())
        .collect();
    let refilled = levels.iter().filter(|level| (27.0..=107.0).contains(*level)).count() as f64;
    assert!(levels.iter().all(|level| (2.0..=17.0).contains(level) || (27.0..=107.0).contains(level)));
    assert!((refilled / levels.len() as f64 - 0.3).abs() < 0.02, "{refilled} of {}", levels.len());
}

#[test]
fn orders_peak_at_the_hours_of_the_guide() {
    let set = [("workloads.orders.load.max_in_flight", "$unset"), ("workloads.orders.load.duration", "120h")];
    let plan = compiled("freshmart", Some("peak_hours"), &set).plan.unwrap();
    // From midnight in New York, where it is five hours earlier in winter.
    let midnight = EpochMicros(START.0 + 17 * 3_600_000_000);
    let schedule = plan.workloads()[0].schedule(midnight);
    let base = 5.0 * 60.0;
    for (hour, factor) in [
        (0, 0.3),
        (5, 0.3),
        (6, 1.0),
        (7, 1.5),
        (8, 1.5),
        (9, 1.0),
        (10, 1.0),
        (11, 2.0),
        (12, 2.0),
        (13, 1.0),
        (16, 1.0),
        (17, 2.5),
        (19, 2.5),
        (20, 1.0),
        (21, 1.0),
        (22, 0.3),
        (23, 0.3),
        (24, 0.3),
        (31, 1.5),
    ] {
        let (from, to) = (Nanos::from_secs(hour * 3_600), Nanos::from_secs((hour + 1) * 3_600));
        let orders = schedule.expected_until(to) - schedule.expected_until(from);
        assert!((orders / base - factor).abs() < 1e-6, "{} times as many at {hour}", orders / base);
    }
}

#[test]
fn calls_are_twice_as_many_at_work_and_fewer_on_weekends() {
    let plan = compiled("api-monitoring", Some("sample_10k"), &[]).plan.unwrap();
    // From midnight of a Friday.
    let friday = EpochMicros(START.0 - 60 * 3_600_000_000);
    let schedule = plan.workloads()[0].schedule(friday);
    let calls = |hour: u64| {
        let (from, to) = (Nanos::from_secs(hour * 3_600), Nanos::from_secs((hour + 1) * 3_600));
        schedule.expected_until(to) - schedule.expected_until(from)
    };
    let night = calls(3);
    for (hour, factor) in
        [(8, 1.0), (9, 2.0), (16, 2.0), (17, 1.0), (23, 1.0), (24, 0.6), (33, 1.2), (60, 1.2), (71, 0.6), (72, 1.0)]
    {
        assert!((calls(hour) / night - factor).abs() < 1e-6, "{} times as many at {hour}", calls(hour) / night);
    }
    let total: f64 = (0..168).map(calls).sum();
    assert!((total - 10_000.0).abs() < 1e-3, "{total}");
}

/// Each service with its endpoints, average, share of errors and version.
const SERVICES: [(&str, usize, f64, f64, &str); 8] = [
    ("auth-service", 9, 150.0, 0.02, "2.3.1"),
    ("payment-service", 7, 450.0, 0.05, "1.8.2"),
    ("user-service", 8, 85.0, 0.01, "3.1.0"),
    ("product-service", 8, 120.0, 0.015, "2.7.4"),
    ("order-service", 7, 280.0, 0.03, "1.9.1"),
    ("notification-service", 6, 200.0, 0.04, "1.5.3"),
    ("analytics-service", 5, 350.0, 0.02, "2.1.0"),
    ("search-service", 4, 95.0, 0.025, "1.6.8"),
];

#[test]
fn services_have_the_endpoints_and_errors_of_the_guide() {
    let document = document("api-monitoring", None);
    let services = document["pools"]["services"]["inline"].as_array().unwrap();
    assert_eq!(services.len(), SERVICES.len());
    for (service, (name, endpoints, average, errors, version)) in services.iter().zip(SERVICES) {
        assert_eq!((text(service, "/name"), text(service, "/version")), (name, version));
        assert_eq!((number(service, "/average_ms"), number(service, "/error_rate")), (average, errors), "{name}");
        let distinct: BTreeSet<&str> =
            service["endpoints"].as_array().unwrap().iter().map(|e| e.as_str().unwrap()).collect();
        assert_eq!(distinct.len(), endpoints, "{name}");
    }
    let plan = compiled("api-monitoring", Some("performance"), &[]).plan.unwrap();
    let events = events(&plan, "calls", Nanos::from_secs(1_600));
    for (name, endpoints, _, errors, version) in SERVICES {
        let calls: Vec<&Value> =
            events.iter().map(|(_, event)| event).filter(|event| event["source"]["service"] == name).collect();
        let failed = calls.iter().filter(|event| number(event, "/metrics/status_code") >= 400.0).count() as f64;
        assert!((failed / calls.len() as f64 - errors).abs() < 0.01, "{name}: {failed} of {}", calls.len());
        assert!(calls.iter().all(|event| event["source"]["version"] == version));
        let seen: BTreeSet<&str> = calls
            .iter()
            .map(|event| text(event, "/source/endpoint").trim_end_matches(|c: char| c.is_ascii_digit()))
            .collect();
        assert!(seen.len() >= endpoints - 1, "{name}: {seen:?}");
    }
}

#[test]
fn calls_have_the_statuses_methods_and_sizes_of_the_guide() {
    let plan = compiled("api-monitoring", Some("performance"), &[]).plan.unwrap();
    let events: Vec<Value> = events(&plan, "calls", ENDLESS).into_iter().map(|(_, event)| event).collect();
    assert!(events.len() > 100_000, "{}", events.len());
    let codes: Vec<String> = events.iter().map(|event| event["metrics"]["status_code"].to_string()).collect();
    let of_class =
        |failed: bool| shares(codes.iter().map(String::as_str).filter(move |code| (*code >= "400") == failed));
    close(&of_class(false), &[("200", 0.85), ("201", 0.10), ("202", 0.03), ("204", 0.02)], 0.005);
    let errors = [
        ("400", 0.15),
        ("401", 0.10),
        ("403", 0.08),
        ("404", 0.20),
        ("409", 0.05),
        ("422", 0.08),
        ("429", 0.07),
        ("500", 0.10),
        ("502", 0.05),
        ("503", 0.07),
        ("504", 0.05),
    ];
    close(&of_class(true), &errors, 0.03);
    let methods = shares(events.iter().map(|event| text(event, "/source/method")));
    close(&methods, &[("GET", 0.60), ("POST", 0.25), ("PUT", 0.08), ("DELETE", 0.04), ("PATCH", 0.03)], 0.005);
    let environments = shares(events.iter().map(|event| text(event, "/source/environment")));
    close(&environments, &[("production", 0.7), ("staging", 0.2), ("development", 0.1)], 0.005);
    let mut sentences: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
    for event in &events {
        let status = event["metrics"]["status_code"].as_u64().unwrap();
        let answer = number(event, "/metrics/response_size_bytes");
        assert!((100.0..=5_000.0).contains(&number(event, "/metrics/request_size_bytes")));
        let fits = match status {
            204 => answer == 0.0,
            400.. => (50.0..=500.0).contains(&answer),
            _ => (200.0..=50_000.0).contains(&answer),
        };
        assert!(fits, "{status} with {answer} bytes");
        if status >= 400 {
            sentences.entry(status).or_default().insert(text(event, "/error_details/error_message"));
        }
    }
    assert_eq!(sentences.len(), 11);
    assert!(sentences.values().all(|sentences| (4..=8).contains(&sentences.len())), "{sentences:?}");
    let agents: BTreeSet<&str> = events.iter().map(|event| text(event, "/context/user_agent")).collect();
    assert!(agents.len() >= 10, "{agents:?}");
    // A hundred thousand calls for a target that takes 20 to 50 in a second.
    let document = document("api-monitoring", Some("performance"));
    says(&document, &[("/workloads/calls/load/rate", "50/s".into()), ("/workloads/calls/load/duration", "34m".into())]);
}

#[test]
fn payloads_lie_in_the_ranges_of_the_guide() {
    let set = [("workloads.mobile.load.ramp", "$unset")];
    let plan = compiled("stream-testbench", Some("every_payload"), &set).plan.unwrap();
    let events = events(&plan, "mobile", Nanos::from_secs(10));
    assert!(events.len() > 4_000, "{}", events.len());
    let ranges: &[(&str, f64, f64)] = &[
        ("voice_data/quality_score", 0.5, 1.0),
        ("voice_data/duration_ms", 100.0, 5_000.0),
        ("voice_data/confidence_score", 0.6, 1.0),
        ("behavioral_data/interaction_count", 1.0, 50.0),
        ("behavioral_data/session_duration_ms", 1_000.0, 60_000.0),
        ("session_data/event_count", 1.0, 100.0),
        ("metrics/cpu_usage", 0.0, 100.0),
        ("metrics/memory_usage", 0.0, 100.0),
        ("metrics/network_latency", 10.0, 500.0),
    ];
    for (field, low, high) in ranges {
        let values: Vec<f64> = events.iter().map(|(_, event)| number(event, &format!("/data/{field}"))).collect();
        let (least, most) =
            (values.iter().copied().fold(f64::MAX, f64::min), values.iter().copied().fold(f64::MIN, f64::max));
        assert!(*low <= least && most <= *high, "{field}: {least} to {most}");
        assert!(most - least > (high - low) * 0.4, "{field} hardly varies: {least} to {most}");
    }
    let seen = |field: &str| -> BTreeSet<String> {
        events.iter().map(|(_, event)| text(event, &format!("/data/{field}")).to_owned()).collect()
    };
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>();
    assert_eq!(seen("behavioral_data/event_type"), set(&["click", "swipe", "tap", "scroll"]));
    assert_eq!(seen("session_data/status"), set(&["active", "idle", "terminated"]));
    assert_eq!(seen("heartbeat/status"), set(&["alive"]));
    for (_, event) in &events {
        let data = &event["data"];
        assert!(data["voice_data"]["verified"].is_boolean());
        assert!(data["heartbeat"]["uptime_ms"].is_number());
        assert!(data["custom_data"]["test_field"].is_string() && data["custom_data"]["random_number"].is_number());
    }
}

#[test]
fn mutations_are_graphql_that_a_server_can_read() {
    let plan = compiled("stream-testbench", Some("graphql_mqtt"), &[]).plan.unwrap();
    let events = events(&plan, "mqtt", Nanos::from_secs(20));
    assert!(!events.is_empty());
    for (_, event) in events {
        assert_eq!(text(&event, "/query"), "mutation Sync($input: SyncInput!) { sync(input: $input) { id } }");
        assert!(event["variables"]["input"].is_object(), "{event}");
    }
}

/// The faults, loads and checks of the stream testbench's scenarios.
#[test]
fn streams_have_the_faults_and_loads_of_the_guide() {
    let span = |from: &str, to: &str| serde_json::json!([from, to]);
    let mobile_sync = document("stream-testbench", Some("mobile_sync"));
    says(
        &mobile_sync,
        &[
            ("/faults/mobile_sync/0/delay/p", 0.05.into()),
            ("/faults/mobile_sync/0/delay/by/$uniform", span("50ms", "500ms")),
            ("/faults/mobile_sync/1/duplicate/p", 0.01.into()),
            ("/faults/mobile_sync/1/duplicate/times/$int", serde_json::json!([1, 3])),
            ("/faults/mobile_sync/2/drift/p", 0.001.into()),
            ("/faults/mobile_sync/2/drift/mutations/0/add_field/path", "extra_field".into()),
            ("/faults/mobile_sync/2/drift/mutations/0/add_field/value", "test_value".into()),
            ("/faults/mobile_sync/3/drop_connection/p", 0.001.into()),
            ("/targets/mobile/reconnect/delay", "1s".into()),
            ("/workloads/mobile/faults", "mobile_sync".into()),
            ("/checks/0/expect/status", serde_json::json!([200, 201, 202])),
            ("/checks/0/expect/max_latency", "1s".into()),
        ],
    );
    let mixed = document("stream-testbench", Some("mixed"));
    for workload in ["mobile", "mqtt"] {
        says(
            &mixed[&"workloads"][workload],
            &[
                ("/load/per_connection", "20/s".into()),
                ("/load/duration", "600s".into()),
                ("/load/burst/factor", 1.5.into()),
                ("/load/ramp/up", "60s".into()),
                ("/load/ramp/down", "60s".into()),
                ("/faults", "mixed".into()),
            ],
        );
    }
    says(
        &mixed,
        &[
            ("/targets/mobile/connections", 50.into()),
            ("/targets/broker/connections", 50.into()),
            ("/faults/mixed/0/delay/p", 0.03.into()),
            ("/faults/mixed/0/delay/by/$uniform", span("10ms", "1s")),
        ],
    );
    let soak = document("stream-testbench", Some("soak"));
    says(
        &soak,
        &[
            ("/workloads/mobile/load/duration", "24h".into()),
            ("/workloads/mobile/load/per_connection", "2/s".into()),
            ("/targets/mobile/connections", 20.into()),
            ("/targets/mobile/reconnect/delay", "5s".into()),
            ("/faults/soak/1/drop_connection/p", 0.0001.into()),
            ("/checks/0/expect/max_latency", "5s".into()),
        ],
    );
    let burst = document("stream-testbench", Some("burst"));
    says(
        &burst,
        &[
            ("/workloads/mqtt/load/per_connection", "5/s".into()),
            ("/workloads/mqtt/load/burst/factor", 3.0.into()),
            ("/targets/broker/connections", 10.into()),
            ("/targets/broker/reconnect/delay", "2s".into()),
            ("/faults/mqtt_burst/0/duplicate/p", 0.02.into()),
        ],
    );
    let quick = document("stream-testbench", Some("quick"));
    says(
        &quick,
        &[
            ("/workloads/mobile/load/per_connection", "1/s".into()),
            ("/workloads/mobile/load/duration", "60s".into()),
            ("/workloads/mobile/load/ramp/up", "10s".into()),
            ("/targets/mobile/connections", 1.into()),
            ("/checks/1/max", 0.1.into()),
        ],
    );
    let smoke = document("stream-testbench", Some("smoke"));
    says(
        &smoke,
        &[
            ("/workloads/mobile/load/per_connection", "2/s".into()),
            ("/workloads/mobile/load/duration", "30s".into()),
            ("/targets/mobile/connections", 5.into()),
        ],
    );
    let graphql = document("stream-testbench", Some("graphql_mqtt"));
    says(
        &graphql,
        &[
            ("/targets/broker/mqtt/topic", "graphql/mutation".into()),
            ("/targets/broker/mqtt/qos", 1.into()),
            ("/targets/broker/mqtt/clean", true.into()),
            ("/targets/broker/mqtt/keepalive", "60s".into()),
            ("/targets/broker/connect_timeout", "30s".into()),
            ("/workloads/mqtt/load/duration", "180s".into()),
        ],
    );
    assert_eq!(graphql["targets"]["broker"]["mqtt"]["subscribe"].as_array().unwrap().len(), 3);
}
