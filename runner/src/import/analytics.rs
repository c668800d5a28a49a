//! Configuration of the web-analytics simulator: sessions and journeys. Its probability table, which the simulator never
//! looked at, becomes both a check and what decides how long sessions are.

use shared::tree::{Node, Value};

use super::Notes;
use super::build::{Map, literal_text, slug, span};
use super::config::Config;
use super::request::{free_key, split};

/// Probabilities of the six kinds of events, by their names in the configuration.
const TABLE: [(&str, &str, f64); 6] = [
    ("session_start", "session_created", 0.05),
    ("session_end", "session_ended", 0.05),
    ("page_visit", "page_visited", 0.25),
    ("page_close", "page_closed", 0.20),
    ("button_click", "button_clicked", 0.40),
    ("link_click", "link_click", 0.05),
];
const UNKNOWN: &str = "the simulator does not know it either; left out";
const NO_COUNTERPART: &str = "the simulator never used it, and there is no counterpart";

/// The probability table, kinds of events of the user's own included.
struct Table {
    shares: Vec<(String, f64)>,
    own: Vec<String>,
}

/// The scenario of a configuration.
pub(super) fn scenario(root: &Node, notes: &mut Notes) -> Node {
    let mut config = Config::new(root, notes);
    let url = config.text("simulation.api_url").unwrap_or_else(|| "http://localhost:8000/api/events".to_owned());
    let (base, path) = split(&url).unwrap_or_else(|| {
        config.notes.add("simulation.api_url", format!("`{url}` is no address; http://localhost:8000 stands in"));
        ("http://localhost:8000".to_owned(), "/api/events".to_owned())
    });
    let table = table(&mut config);
    let mut target = Map::new()
        .with("protocol", "http")
        .with("url", base)
        .with("send", Map::new().with("method", "POST").with("path", path))
        .with("timeout", span(config.amount("simulation.timeout").unwrap_or(5.0)));
    if let Some(agent) = config.text("advanced.user_agent") {
        config.notes.add("advanced.user_agent", "the simulator never sent it; here it is sent");
        target.put("headers", Map::new().with("User-Agent", literal_text(&agent)));
    }
    if config.flag("advanced.retry_on_failure").unwrap_or(true) {
        let retry = Map::new()
            .with("attempts", config.count("advanced.max_retries").unwrap_or(3))
            .with("backoff", Map::new().with("linear", Map::new().with("step", "500ms")))
            .with("when", vec!["network", "timeout", "5xx"]);
        target.put("retry", retry);
    } else {
        config.refuse("advanced.max_retries", "nothing is retried");
    }
    let behavior = behavior(&mut config, &table);
    let mut pools = Map::new();
    let clicks = table.share("button_clicked") > 0.0;
    if !clicks {
        config.refuse("buttons", "nobody clicks on one");
    }
    for (pool, path) in [("pages", "pages"), ("buttons", "buttons")] {
        if pool == "buttons" && !clicks {
            continue;
        }
        let items = config.texts(path).filter(|items| !items.is_empty());
        let items = items.unwrap_or_else(|| if pool == "pages" { texts(&PAGES) } else { texts(&BUTTONS) });
        let items: Vec<String> = items.iter().map(|item| literal_text(item)).collect();
        pools.put(pool, Map::new().with("inline", items));
    }
    let workload = workload(&mut config);
    let outputs = outputs(&mut config);
    for path in ["simulation.base_interval", "simulation.interval_variance"] {
        config.refuse(path, NO_COUNTERPART);
    }
    config.finish(UNKNOWN);
    let mut mix = Map::new();
    for (event, share) in &table.shares {
        mix.put(event, *share);
    }
    let check = Map::new().with("mix", mix).with("tolerance", 0.03).with("severity", "warn");
    Map::new()
        .with("version", 1_i64)
        .with("name", "web-analytics-imported")
        .with("targets", Map::new().with("api", target))
        .with("pools", pools)
        .with("events", events(&table))
        .with("behaviors", Map::new().with("browse", Map::new().with("session", behavior)))
        .with("workloads", Map::new().with("web", workload))
        .with("checks", vec![check])
        .with("outputs", outputs)
        .without_empty()
        .node()
}

/// Reads the probability table and makes it sum to 1.
fn table(config: &mut Config<'_>) -> Table {
    let mut shares = Vec::new();
    let mut own = Vec::new();
    let given = config.get("event_probabilities").and_then(Node::as_map).unwrap_or_default();
    let known = |key: &str| TABLE.iter().find(|(name, event, _)| key == *name || key == *event);
    for entry in given {
        let path = format!("event_probabilities.{}", entry.key);
        let Some(share) = entry.node.as_f64().filter(|share| (0.0..=1.0).contains(share)) else {
            config.notes.add(path, "it is not a probability; left out");
            continue;
        };
        match known(&entry.key) {
            Some((_, event, _)) => shares.push(((*event).to_owned(), share)),
            None => {
                let event = slug(&entry.key);
                config.notes.add(path, format!("the simulator would not send it; here `{event}` happens on pages"));
                own.push(event.clone());
                shares.push((event, share));
            }
        }
    }
    if given.is_empty() {
        shares = TABLE.iter().map(|(_, event, share)| ((*event).to_owned(), *share)).collect();
    } else {
        let why = "the simulator never used it; here it decides the length of sessions and is checked";
        config.notes.add("event_probabilities", why);
    }
    let sum: f64 = shares.iter().map(|(_, share)| share).sum();
    if (sum - 1.0).abs() > 1e-6 && sum > 0.0 {
        config.notes.add("event_probabilities", format!("they sum to {sum:.4}; each is divided by that"));
        shares.iter_mut().for_each(|(_, share)| *share = (*share / sum * 1e6).round() / 1e6);
    }
    Table { shares, own }
}

impl Table {
    fn share(&self, event: &str) -> f64 {
        self.shares.iter().find(|(name, _)| name == event).map_or(0.0, |(_, share)| *share)
    }

    /// Events on a page with their weights.
    fn clicks(&self) -> Vec<(&str, f64)> {
        let clicks = ["button_clicked", "link_click"].into_iter().chain(self.own.iter().map(String::as_str));
        clicks.map(|event| (event, self.share(event))).filter(|(_, share)| *share > 0.0).collect()
    }
}

/// A number between two limits with a mean: geometric if that can be, else even.
fn between(low: f64, high: f64, mean: f64) -> Map {
    let (low, high) = (low.min(high).round(), high.max(low).round());
    if mean > low && mean < high {
        let mean = (mean * 1e4).round() / 1e4;
        Map::new().with("$geometric", Map::new().with("min", low).with("max", high).with("mean", mean))
    } else {
        Map::new().with("$int", vec![low as i64, high as i64])
    }
}

fn spans(low: f64, high: f64) -> Map {
    Map::new().with("$uniform", vec![span(low.min(high)), span(high.max(low))])
}

fn behavior(config: &mut Config<'_>, table: &Table) -> Map {
    let mut limits = |name: &str, low: f64, high: f64| {
        let low = config.amount(&format!("user_behavior.{name}_min")).unwrap_or(low);
        (low, config.amount(&format!("user_behavior.{name}_max")).unwrap_or(high.max(low)))
    };
    let duration = limits("session_duration", 60.0, 600.0);
    let pages = limits("pages_per_session", 3.0, 15.0);
    let dwell = limits("time_per_page", 10.0, 120.0);
    let clicks = limits("clicks_per_page", 0.0, 8.0);
    let ratio = |above: f64, below: f64| if below > 0.0 { above / below } else { 0.0 };
    let visits = table.share("page_visited");
    let mean_pages = ratio(visits, table.share("session_created"));
    let click_share: f64 = table.clicks().iter().map(|(_, share)| share).sum();
    let mean_clicks = ratio(click_share, visits);
    for (what, mean, (low, high)) in
        [("pages per session", mean_pages, pages), ("clicks per page", mean_clicks, clicks)]
    {
        if mean <= low || mean >= high {
            let message = format!("they ask for {mean:.2} {what}, which lie between {low} and {high}; drawn evenly");
            config.notes.add("event_probabilities", message);
        }
    }
    let leave_p = ratio(table.share("page_closed"), visits).min(1.0);
    let step = Map::new()
        .with("enter", "page_visited")
        .with("leave", "page_closed")
        .with("leave_p", (leave_p * 1e6).round() / 1e6)
        .with("dwell", spans(dwell.0, dwell.1));
    let mut session = Map::new()
        .with("id", Map::new().with("$template", "session_${hex(12)}"))
        .with("first", "session_created")
        .with("last", "session_ended")
        .with("between", spans(10.0, 60.0))
        .with(
            "limits",
            Map::new()
                .with("duration", spans(duration.0, duration.1))
                .with("steps", between(pages.0, pages.1, mean_pages)),
        )
        .with("step", step);
    let weights: Vec<Vec<super::build::Written>> =
        table.clicks().into_iter().map(|(event, share)| vec![(share * 1_000.0).round().into(), event.into()]).collect();
    if !weights.is_empty() {
        let during = Map::new()
            .with("event", Map::new().with("$weighted", weights))
            .with("count", between(clicks.0, clicks.1, mean_clicks))
            .with("spread", Map::new().with("even", true).with("jitter", 0.5));
        session.put("during", vec![during]);
    }
    session
        .with("journeys", journeys(config, table.share("button_clicked") > 0.0))
        .with("after_path", Map::new().with("$pool", "pages"))
}

/// Journeys with their pages, and what is likely to be clicked on them, if anything ever is.
fn journeys(config: &mut Config<'_>, clicked: bool) -> Vec<Map> {
    let node = config.get("user_journeys");
    // Either a list of journeys with names, or a map from name to journey.
    let given: Vec<(String, &Node)> = match node.map(|node| &node.value) {
        Some(Value::Map(entries)) => entries.iter().map(|entry| (entry.key.clone(), &entry.node)).collect(),
        Some(Value::List(items)) => items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                let name = item.get("name").and_then(Node::as_str);
                (name.map_or_else(|| format!("journey_{}", index + 1), str::to_owned), item)
            })
            .collect(),
        _ => Vec::new(),
    };
    let list = |node: &Node, key: &str| -> Vec<String> {
        let items = node.get(key).and_then(Node::as_list).unwrap_or_default();
        items.iter().filter_map(Node::as_str).map(str::to_owned).collect()
    };
    let mut taken = Map::new();
    let mut journeys = Vec::new();
    for (name, journey) in given {
        let name = free_key(&taken, &slug(&name));
        taken.put(&name, true);
        let weight = journey.get("probability").or_else(|| journey.get("weight")).and_then(Node::as_f64);
        let weight = weight.filter(|weight| weight.is_finite() && *weight >= 0.0).unwrap_or_else(|| {
            config.notes.add(format!("user_journeys.{name}"), "it has no probability; 1 stands in");
            1.0
        });
        let clicks = list(journey, "likely_clicks");
        for entry in journey.as_map().unwrap_or_default() {
            if !["name", "probability", "weight", "path", "likely_clicks"].contains(&entry.key.as_str()) {
                config.notes.add(format!("user_journeys.{name}.{}", entry.key), UNKNOWN);
            }
        }
        let mut map = Map::new().with("name", name.as_str()).with("weight", weight).with("path", list(journey, "path"));
        if clicked {
            map.put("clicks", clicks);
        } else if !clicks.is_empty() {
            config.notes.add(format!("user_journeys.{name}.likely_clicks"), "nobody clicks on a button; left out");
        }
        journeys.push(map);
    }
    if journeys.is_empty() {
        for (name, weight, path, clicks) in JOURNEYS {
            let mut map = Map::new().with("name", name).with("weight", weight).with("path", path.to_vec());
            if clicked {
                map.put("clicks", clicks.to_vec());
            }
            journeys.push(map);
        }
    }
    journeys
}

fn events(table: &Table) -> Map {
    let body = || {
        Map::new()
            .with("event_type", "${event.name}")
            .with("user_id", "${user.id}")
            .with("session_id", "${session.id}")
            .with("props", Map::new())
    };
    let event = |body: Map| Map::new().with("body", body);
    let on_page = || body().with("page_path", "${page}");
    let likely = Map::new().with(
        "$if",
        Map::new()
            .with("when", "len(journey.clicks) > 0")
            .with("then", Map::new().with("$item", "journey.clicks"))
            .with("else", Map::new().with("$pool", "buttons")),
    );
    let button: Vec<Vec<super::build::Written>> =
        vec![vec![70_i64.into(), likely.into()], vec![30_i64.into(), Map::new().with("$pool", "buttons").into()]];
    let mut events = Map::new()
        .with("session_created", event(body()))
        .with("session_ended", event(body()))
        .with("page_visited", event(on_page()))
        .with("page_closed", event(on_page()));
    for (name, _) in table.clicks() {
        let body = match name {
            "button_clicked" => on_page().with("button_id", Map::new().with("$weighted", button_copy(&button))),
            _ => on_page(),
        };
        events.put(name, event(body));
    }
    events
}

fn button_copy(options: &[Vec<super::build::Written>]) -> Vec<Vec<Node>> {
    options.iter().map(|option| option.iter().map(|written| written.0.clone()).collect()).collect()
}

fn workload(config: &mut Config<'_>) -> Map {
    let users = config.count("simulation.num_users").unwrap_or(10);
    let duration = match config.amount("simulation.duration_seconds") {
        Some(0.0) => "forever".to_owned(),
        Some(seconds) => span(seconds),
        None => "5m".to_owned(),
    };
    let load = Map::new().with("users", users).with("stagger", "100ms").with("duration", duration).with("drain", "10s");
    let mut workload = Map::new()
        .with("target", "api")
        .with("behavior", "browse")
        .with("population", Map::new().with("count", users).with("id", Map::new().with("$template", "user_${hex(8)}")))
        .with("load", load);
    if config.flag("advanced.human_like_delays") == Some(false) {
        workload.put("human_delays", false);
    }
    workload
}

fn outputs(config: &mut Config<'_>) -> Map {
    let mut outputs = Map::new();
    let console = Map::new()
        .with_some("every", config.amount("advanced.stats_interval").map(span))
        .with_some("verbose", config.flag("advanced.verbose"));
    if !console.is_empty() {
        outputs.put("console", console);
    }
    let save = config.flag("advanced.save_to_file").unwrap_or(false);
    let file = config.text("advanced.output_file");
    if save {
        let file = file.unwrap_or_else(|| "simulated_events.jsonl".to_owned());
        outputs.put("events", Map::new().with("jsonl", file));
    } else if file.is_some() {
        config.notes.add("advanced.output_file", "nothing is saved, as `save_to_file` says");
    }
    outputs
}

fn texts(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

/// What the simulator uses where nothing is said.
const PAGES: [&str; 20] = [
    "/",
    "/home",
    "/products",
    "/product/123",
    "/product/456",
    "/product/789",
    "/about",
    "/contact",
    "/blog",
    "/blog/post-1",
    "/blog/post-2",
    "/pricing",
    "/features",
    "/docs",
    "/support",
    "/login",
    "/signup",
    "/dashboard",
    "/profile",
    "/settings",
];
const BUTTONS: [&str; 22] = [
    "signup_btn",
    "login_btn",
    "cta_hero",
    "cta_pricing",
    "add_to_cart",
    "checkout_btn",
    "subscribe_btn",
    "learn_more_btn",
    "get_started_btn",
    "contact_us_btn",
    "download_btn",
    "play_video_btn",
    "nav_products",
    "nav_about",
    "nav_contact",
    "footer_social_fb",
    "footer_social_tw",
    "footer_social_li",
    "search_btn",
    "filter_btn",
    "sort_btn",
    "share_btn",
];
type Journey = (&'static str, f64, &'static [&'static str], &'static [&'static str]);
const JOURNEYS: [Journey; 5] = [
    ("shopping", 0.30, &["/home", "/products", "/product/123", "/cart"], &["add_to_cart", "checkout_btn"]),
    ("reading", 0.20, &["/home", "/blog", "/blog/post-1"], &["subscribe_btn", "share_btn"]),
    ("signup", 0.25, &["/home", "/pricing", "/signup"], &["get_started_btn", "signup_btn"]),
    ("contact", 0.15, &["/home", "/about", "/contact"], &["contact_us_btn"]),
    ("random", 0.10, &[], &[]),
];
