//! The short flags of `throng run` as dotted paths into the scenario.

use serde_json::Value as Json;
use shared::threshold::Threshold;
use shared::tree::{Node, Value};
use shared::units::Nanos;

use super::Refusal;
use crate::cli::ScenarioFlags;
use crate::library::Found;
use crate::library::loading::{Additions, look_with};
use crate::supplies::records::Depth;

/// What the flags set, as paths and values. They mean the workloads that take part and have a load of their own, and
/// the targets of these.
///
/// # Errors
///
/// The scenario has several workloads or targets, so that a flag cannot know which it means.
pub(super) fn settings(document: &Node, flags: &ScenarioFlags) -> Result<Vec<(String, String)>, Refusal> {
    let mut set = Vec::new();
    let workloads = loaded(document);
    let targets = targets(document, &workloads);
    let names = |entries: &[(&str, &Node)]| entries.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>();
    let (workload_names, target_names) = (names(&workloads), names(&targets));
    let load_has = |workload: &Node, kind: &str| workload.get("load").is_some_and(|load| load.get(kind).is_some());
    let streams = workloads.iter().all(|(_, workload)| load_has(workload, "per_connection"));
    let closed = workloads.iter().any(|(_, workload)| load_has(workload, "users"));

    // A time is the same time for all, and a rate per connection the same for each connection.
    if let Some(duration) = &flags.duration {
        some("--duration", "workloads", &workload_names)?;
        for (name, workload) in &workloads {
            set.push((format!("workloads.{name}.load.duration"), duration.clone()));
            if let (Some(load), Ok(duration)) = (workload.get("load"), duration.parse::<Nanos>()) {
                let fitted = fitted(load, duration);
                if !fitted.is_empty() {
                    anstream::eprintln!("ramps and spikes of `{name}` are shortened with it, to fit into {duration}");
                }
                set.extend(fitted.into_iter().map(|(key, value)| (format!("workloads.{name}.load.{key}"), value)));
            }
        }
    }
    if let Some(rate) = &flags.rate {
        let field = if streams { "load.per_connection" } else { "load.rate" };
        let meant =
            if streams { workload_names.as_slice() } else { only("--rate", "workloads", field, &workload_names)? };
        some("--rate", "workloads", meant)?;
        set.extend(meant.iter().map(|name| (format!("workloads.{name}.{field}"), rate.clone())));
    }
    if let Some(users) = flags.users {
        // The users of a closed load are its load; those of an open one are the people that it draws from.
        let field = if closed { "load.users" } else { "population.count" };
        for name in only("--users", "workloads", field, &workload_names)? {
            set.push((format!("workloads.{name}.{field}"), users.to_string()));
        }
    }
    for (flag, field, value) in [
        ("--url", "url", flags.url.clone()),
        ("--batch-size", "batch.size", flags.batch_size.map(|size| size.to_string())),
        ("--connections", "connections", flags.connections.map(|count| count.to_string())),
    ] {
        if let Some(value) = value {
            for name in only(flag, "targets", field, &target_names)? {
                set.push((format!("targets.{name}.{field}"), value.clone()));
            }
        }
    }
    if flags.insecure {
        let secure: Vec<_> = secure_targets(document, flags.url.as_deref()).collect();
        if secure.is_empty() {
            let message = "--insecure has nothing to change: no target is spoken to under TLS";
            return Err(Refusal::usage(message).with_hint("write https:// in the target's url"));
        }
        for (name, target) in secure {
            set.push((format!("targets.{name}.tls.insecure"), "true".to_owned()));
            // An authority has no say where every certificate is accepted.
            if target.get("tls").is_some_and(|tls| tls.get("authority").is_some()) {
                set.push((format!("targets.{name}.tls.authority"), "$unset".to_owned()));
            }
        }
    }
    Ok(set)
}

/// The parts of a load that a shorter time has no room for, shortened in proportion; nothing where all of them fit.
fn fitted(load: &Node, duration: Nanos) -> Vec<(&'static str, String)> {
    let span = |value: &Json| value.as_str().and_then(|text| text.parse::<Nanos>().ok());
    let Ok(mut load) = serde_json::to_value(load) else { return Vec::new() };
    let Some(before) = load.get("duration").and_then(span).filter(|before| *before > duration) else {
        return Vec::new();
    };
    let ramp: Nanos = ["up", "hold", "down"]
        .iter()
        .filter_map(|part| load.get("ramp")?.get(part).and_then(span))
        .fold(Nanos::ZERO, Nanos::saturating_add);
    let shapes = load.get("shape").and_then(Json::as_array).into_iter().flatten();
    let late = shapes.filter_map(|shape| shape.get("spike")?.get("at").and_then(span)).any(|at| at >= duration);
    if ramp <= duration && !late {
        return Vec::new();
    }
    let factor = duration.as_secs_f64() / before.as_secs_f64();
    let shorten = |map: Option<&mut Json>, keys: &[&str]| {
        for (key, value) in map.and_then(Json::as_object_mut).into_iter().flatten() {
            if let Some(span) = span(value).filter(|_| keys.contains(&key.as_str())) {
                *value = Json::from(Nanos::from_millis((span.as_secs_f64() * factor * 1e3) as u64).to_string());
            }
        }
    };
    shorten(load.get_mut("ramp"), &["up", "hold", "down"]);
    for shape in load.get_mut("shape").and_then(Json::as_array_mut).into_iter().flatten() {
        shorten(shape.get_mut("spike"), &["at", "lasts", "decay"]);
    }
    ["ramp", "shape"].into_iter().filter_map(|key| Some((key, load.get(key)?.to_string()))).collect()
}

/// The targets that are spoken to under TLS, or may be: what the environment holds is not known here.
fn secure_targets<'a>(document: &'a Node, given: Option<&'a str>) -> impl Iterator<Item = (&'a str, &'a Node)> {
    let targets = document.get("targets").and_then(Node::as_map).unwrap_or_default();
    let secure = move |target: &Node| {
        let url = given.or_else(|| target.get("url").and_then(Node::as_str)).unwrap_or_default();
        ["https://", "wss://", "mqtts://", "${"].iter().any(|scheme| url.starts_with(scheme))
    };
    targets.iter().filter(move |entry| secure(&entry.node)).map(|entry| (entry.key.as_str(), &entry.node))
}

/// Adds thresholds to the scenario's checks.
///
/// # Errors
///
/// The scenario's checks cannot be written down again.
pub(super) fn add_thresholds(
    found: &Found,
    additions: &mut Additions,
    thresholds: &[Threshold],
) -> Result<(), Refusal> {
    if thresholds.is_empty() {
        return Ok(());
    }
    let looked_at = look_with(found, additions, Depth::Beginning);
    let checks = looked_at.document().get("checks").map(serde_json::to_value).transpose().map_err(Refusal::failed)?;
    let mut checks = match checks {
        Some(serde_json::Value::Array(checks)) => checks,
        Some(_) | None => Vec::new(),
    };
    checks.extend(thresholds.iter().map(|threshold| serde_json::json!({ "threshold": threshold.to_string() })));
    additions.set.push(("checks".to_owned(), serde_json::Value::Array(checks).to_string()));
    Ok(())
}

/// The workloads that take part and are not tied to another one's arrivals.
fn loaded(document: &Node) -> Vec<(&str, &Node)> {
    let entries = document.get("workloads").and_then(Node::as_map).unwrap_or_default();
    let counts = |workload: &Node| {
        workload.get("enabled").is_none_or(|enabled| enabled.value != Value::Bool(false))
            && workload.get("load").is_none_or(|load| load.get("ratio_of").is_none())
    };
    entries.iter().filter(|entry| counts(&entry.node)).map(|entry| (entry.key.as_str(), &entry.node)).collect()
}

/// The targets that workloads name; all of them where one names none.
fn targets<'a>(document: &'a Node, workloads: &[(&str, &Node)]) -> Vec<(&'a str, &'a Node)> {
    let entries = document.get("targets").and_then(Node::as_map).unwrap_or_default();
    let named: Vec<Option<&str>> =
        workloads.iter().map(|(_, workload)| workload.get("target").and_then(Node::as_str)).collect();
    let is_meant = |name: &str| named.contains(&None) || named.contains(&Some(name));
    entries.iter().filter(|entry| is_meant(&entry.key)).map(|entry| (entry.key.as_str(), &entry.node)).collect()
}

fn some(flag: &str, section: &str, names: &[String]) -> Result<(), Refusal> {
    if names.is_empty() {
        return Err(Refusal::usage(format!("{flag} has nothing to change: the scenario has no {section}")));
    }
    Ok(())
}

/// The names, if there is just one.
fn only<'a>(flag: &str, section: &str, field: &str, names: &'a [String]) -> Result<&'a [String], Refusal> {
    some(flag, section, names)?;
    match names {
        [_one] => Ok(names),
        [first, ..] => {
            let message = format!("{flag} could mean any of the {section} {}", names.join(", "));
            Err(Refusal::usage(message).with_hint(format!("say which: --set {section}.{first}.{field}=...")))
        }
        [] => Ok(names),
    }
}

#[cfg(test)]
mod tests {
    use shared::scenario::read_tree;

    use super::*;

    fn set(document: &str, flags: &ScenarioFlags) -> Result<Vec<String>, String> {
        let document = read_tree(document, "").unwrap();
        settings(&document, flags)
            .map(|set| set.into_iter().map(|(path, value)| format!("{path}={value}")).collect())
            .map_err(|refusal| refusal.message)
    }

    fn flags() -> ScenarioFlags {
        ScenarioFlags {
            duration: Some("60s".to_owned()),
            rate: Some("5/s".to_owned()),
            connections: Some(10),
            ..ScenarioFlags::default()
        }
    }

    #[test]
    fn what_a_shorter_time_has_no_room_for_is_shortened_in_proportion() {
        let flags = ScenarioFlags { duration: Some("30s".to_owned()), ..ScenarioFlags::default() };
        let load = |more: &str| format!("workloads: {{shop: {{load: {{rate: 1/s, duration: 5m, {more}}}}}}}");
        let shop = "workloads.shop.load";
        assert_eq!(
            set(&load("ramp: {up: 1m, down: 30s}, shape: [{spike: {at: 100s, factor: 2}}]"), &flags).unwrap(),
            [
                format!("{shop}.duration=30s"),
                format!("{shop}.ramp={{\"down\":\"3s\",\"up\":\"6s\"}}"),
                format!("{shop}.shape=[{{\"spike\":{{\"at\":\"10s\",\"factor\":2}}}}]"),
            ]
        );
        let fits = "ramp: {up: 10s}, shape: [{spike: {at: 20s, factor: 2}}]";
        assert_eq!(set(&load(fits), &flags).unwrap(), [format!("{shop}.duration=30s")]);
    }

    #[test]
    fn flags_mean_what_takes_part_and_has_a_load_of_its_own() {
        let streams = "
targets: {ws: {}, broker: {}}
workloads:
  phones: {target: ws, load: {per_connection: 1/s}}
  devices: {target: broker, enabled: false, load: {per_connection: 2/s}}
";
        assert_eq!(
            set(streams, &flags()).unwrap(),
            [
                "workloads.phones.load.duration=60s",
                "workloads.phones.load.per_connection=5/s",
                "targets.ws.connections=10"
            ]
        );
        let tied = "
targets: {shop: {}}
workloads: {orders: {load: {rate: 1/s}}, signups: {load: {ratio_of: orders, ratio: 0.1}}}
";
        assert_eq!(
            set(tied, &flags()).unwrap(),
            ["workloads.orders.load.duration=60s", "workloads.orders.load.rate=5/s", "targets.shop.connections=10"]
        );
    }

    #[test]
    fn the_flags_of_a_custom_load_set_users_time_and_rate() {
        let shop = shared::scenario::built_in::find("commerce-events").unwrap().text;
        let flags = ScenarioFlags {
            users: Some(100),
            duration: Some("5m".to_owned()),
            rate: Some("50/s".to_owned()),
            ..ScenarioFlags::default()
        };
        assert_eq!(
            set(shop, &flags).unwrap(),
            ["workloads.shop.load.duration=5m", "workloads.shop.load.rate=50/s", "workloads.shop.population.count=100"]
        );
    }

    #[test]
    fn a_flag_that_could_mean_several_things_is_refused() {
        let two = "{targets: {a: {}}, workloads: {x: {load: {rate: 1/s}}, y: {load: {rate: 1/s}}}}";
        assert_eq!(set(two, &flags()).unwrap_err(), "--rate could mean any of the workloads x, y");
        assert_eq!(
            set("{targets: {}}", &flags()).unwrap_err(),
            "--duration has nothing to change: the scenario has no workloads"
        );
        let users = ScenarioFlags { users: Some(7), ..ScenarioFlags::default() };
        let closed = "{workloads: {x: {load: {users: 3}}}}";
        assert_eq!(set(closed, &users).unwrap(), ["workloads.x.load.users=7"]);
        let open = "{workloads: {x: {load: {rate: 3/s}}}}";
        assert_eq!(set(open, &users).unwrap(), ["workloads.x.population.count=7"]);
    }
}
