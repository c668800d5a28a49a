//! Configuration of the shop-event harness: an overlay of the built-in scenario `commerce-events`.

use shared::tree::Node;

use super::Notes;
use super::build::{Map, literal_text, rate, slug, span};
use super::config::Config;

/// Weights in the configuration, and the events that they belong to.
const WEIGHTS: [(&str, &str); 12] = [
    ("cart_add", "cart.add"),
    ("cart_remove", "cart.remove"),
    ("cart_update", "cart.update"),
    ("cart_checkout", "cart.checkout"),
    ("page_view", "page.view"),
    ("page_click", "page.click"),
    ("page_search", "page.search"),
    ("order_created", "order.created"),
    ("order_updated", "order.updated"),
    ("order_fulfilled", "order.fulfilled"),
    ("user_signup", "user.signup"),
    ("user_login", "user.login"),
];
/// What the harness does where its configuration says nothing: users, events a second, minutes.
const USUAL: (f64, f64, f64) = (100.0, 100.0, 10.0);
/// The share of a user's events that belong to a session.
const IN_SESSIONS: f64 = 0.86;
const UNKNOWN: &str = "the harness does not know it either; left out";

/// The scenario of a configuration.
pub(super) fn scenario(root: &Node, notes: &mut Notes) -> Node {
    let mut config = Config::new(root, notes);
    let target = target(&mut config);
    let workload = workload(&mut config);
    let behavior = behavior(&mut config);
    let pools = pools(&mut config);
    let outputs = outputs(&mut config);
    let profiles = profiles(&mut config);
    let events = sessions(&mut config);
    config.finish(UNKNOWN);
    Map::new()
        .with("version", 1_i64)
        .with("extends", "commerce-events")
        .with("name", "commerce-events-imported")
        .with("targets", Map::new().with("api", target).without_empty())
        .with("pools", pools.without_empty())
        .with("events", events)
        .with("behaviors", behavior)
        .with("workloads", Map::new().with("shop", workload).without_empty())
        .with("outputs", outputs)
        .with("profiles", profiles)
        .without_empty()
        .node()
}

fn target(config: &mut Config<'_>) -> Map {
    let mut target = Map::new().with_some("url", config.text("api.base_url"));
    if let Some(key) = config.text("api.api_key") {
        let why = match shared::scenario::secret::is_placeholder(&key) {
            true => "it is a placeholder; set the environment variable API_KEY",
            false => "a key is not written down; set the environment variable API_KEY to it",
        };
        config.notes.add("api.api_key", why);
    }
    if let Some(seconds) = config.amount("api.timeout_seconds") {
        target.put("timeout", span(seconds));
    }
    if let Some(attempts) = config.count("api.retry_attempts") {
        config.notes.add("api.retry_attempts", "the harness never used it; here it is kept");
        target.put("retry", Map::new().with("attempts", attempts));
    }
    if let Some(size) = config.count("events.batch_size") {
        target.put("batch", Map::new().with("size", size));
    }
    target
}

fn workload(config: &mut Config<'_>) -> Map {
    let mut population = Map::new().with_some("count", config.count("users.total_count"));
    if let Some(prefix) = config.text("users.user_id_prefix") {
        let id = format!("{}${{index(5)}}", literal_text(&prefix));
        population.put("id", Map::new().with("$template", id));
    }
    let load = Map::new()
        .with_some("rate", config.amount("events.events_per_second").map(rate))
        .with_some("duration", config.amount("events.duration_minutes").map(minutes));
    Map::new().with("population", population).with("load", load).without_empty()
}

/// How long sessions are, in events: the built-in counts them, since what users remember cannot depend on the time.
fn sessions(config: &mut Config<'_>) -> Map {
    let (users, rate, minutes) = USUAL;
    let users = config.count("users.total_count").map_or(users, |count| count as f64);
    let rate = config.amount("events.events_per_second").unwrap_or(rate);
    let minutes = config.amount("events.duration_minutes").unwrap_or(minutes);
    let a_minute = rate * 60.0 / users * IN_SESSIONS;
    let each = config.amount("users.sessions_per_user").filter(|count| *count > 0.0);
    let longest = config.amount("users.session_duration_minutes").filter(|longest| *longest > 0.0);
    let mean = each.map(|count| a_minute * minutes / count);
    let most = longest.map(|longest| (a_minute * longest).max(1.0));
    let high = match (mean, most) {
        (None, None) => return Map::new(),
        (Some(mean), None) => mean * 1.5,
        (None, Some(most)) => most,
        (Some(mean), Some(most)) => (mean * 1.5).min(most),
    };
    let (low, high) = ((high / 3.0).round().clamp(1.0, 1e9) as i64, high.round().clamp(1.0, 1e9) as i64);
    let why = format!("the harness never used it; here a session has {low} to {high} events");
    for (path, given) in [("users.sessions_per_user", each), ("users.session_duration_minutes", longest)] {
        if given.is_some() {
            config.notes.add(path, why.as_str());
        }
    }
    let length = Map::new().with("length", Map::new().with("$int", vec![low, high]));
    Map::new().with("_visit", Map::new().with("let", length))
}

fn behavior(config: &mut Config<'_>) -> Map {
    let mut weights = Map::new();
    for (key, event) in WEIGHTS {
        weights = weights.with_some(event, config.amount(&format!("events.weights.{key}")));
    }
    match weights.is_empty() {
        true => Map::new(),
        false => Map::new().with("shopper", Map::new().with("mix", Map::new().with("weights", weights))),
    }
}

fn pools(config: &mut Config<'_>) -> Map {
    let mut item = Map::new();
    let low = config.amount("products.price_range.min");
    let high = config.amount("products.price_range.max");
    if low.is_some() || high.is_some() {
        let (low, high) = (low.unwrap_or(9.99), high.unwrap_or(499.99));
        if low > high {
            config.notes.add("products.price_range", "the lowest price is above the highest; they are swapped");
        }
        item.put("price", Map::new().with("$uniform", vec![low.min(high), low.max(high)]).with("round", 2_i64));
    }
    if let Some(categories) = config.texts("products.categories").filter(|list| !list.is_empty()) {
        let categories: Vec<String> = categories.iter().map(|text| literal_text(text)).collect();
        item.put("category", Map::new().with("$pick", categories));
    }
    let mut generate = Map::new().with_some("count", config.count("products.count"));
    if !item.is_empty() {
        generate.put("item", item);
    }
    let products = match generate.is_empty() {
        true => Map::new(),
        false => Map::new().with("generate", generate),
    };
    Map::new().with("products", products).with("page_types", pages(config))
}

/// The kinds of pages with their weights.
fn pages(config: &mut Config<'_>) -> Map {
    let mut kinds = Vec::new();
    for (index, page) in config.get("pages.types").and_then(Node::as_list).unwrap_or_default().iter().enumerate() {
        let place = format!("pages.types[{index}]");
        let Some(name) = page.get("name").and_then(Node::as_str) else {
            config.notes.add(place, "it has no name; left out");
            continue;
        };
        if page.get("path").is_some() {
            let why = "the harness never used it; addresses follow from the kind of page";
            config.notes.add(format!("{place}.path"), why);
        }
        let weight = page.get("weight").and_then(Node::as_f64).filter(|weight| *weight >= 0.0 && weight.is_finite());
        if weight.is_none() {
            config.notes.add(format!("{place}.weight"), "it is not a weight; 1 stands in");
        }
        let title = format!("{} Page", capital(name));
        kinds.push(
            Map::new()
                .with("type", literal_text(name))
                .with("title", literal_text(&title))
                .with("weight", weight.unwrap_or(1.0)),
        );
    }
    match kinds.is_empty() {
        true => Map::new(),
        false => Map::new().with("inline", kinds),
    }
}

fn outputs(config: &mut Config<'_>) -> Map {
    let mut outputs = Map::new();
    let file = config.text("output.results_file");
    let save = config.flag("output.save_results");
    if save != Some(false) {
        outputs = outputs.with_some("results", file);
    }
    if let Some(file) = config.text("output.log_file") {
        config.notes.add("output.log_file", "the harness never used it; here it is kept");
        outputs.put("log", file);
    }
    if let Some(seconds) = config.amount("output.stats_interval_seconds") {
        config.notes.add("output.stats_interval_seconds", "the harness never used it; here it is kept");
        outputs.put("console", Map::new().with("every", span(seconds)));
    }
    config.refuse("output.log_level", "say how much on the command line, with -v");
    outputs
}

fn profiles(config: &mut Config<'_>) -> Map {
    let mut profiles = Map::new();
    let names: Vec<String> = config
        .get("scenarios")
        .and_then(Node::as_map)
        .unwrap_or_default()
        .iter()
        .map(|entry| entry.key.clone())
        .collect();
    for name in names {
        if name.contains('.') {
            config.notes.add(format!("scenarios.{name}"), "a name with a dot cannot be looked into; left out");
            continue;
        }
        let overlay = Map::new()
            .with_some("population.count", config.count(&format!("scenarios.{name}.users")))
            .with_some("load.rate", config.amount(&format!("scenarios.{name}.events_per_second")).map(rate))
            .with_some("load.duration", config.amount(&format!("scenarios.{name}.duration_minutes")).map(minutes));
        config.refuse(&format!("scenarios.{name}.description"), "a profile is described by what it sets");
        if !overlay.is_empty() {
            profiles.put(&slug(&name), Map::new().with("workloads.shop", overlay));
        }
    }
    profiles
}

fn minutes(minutes: f64) -> String {
    span(minutes * 60.0)
}

fn capital(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
