//! The form beside a scenario's text: which fields there are, what they say, and how a change goes back into the text.
//!
//! The text is the only truth. The form is read from it (merged with what it extends), and every change is an edit of
//! the text by `shared`, so that the two cannot disagree.

use std::sync::Arc;

use shared::compile::compile;
use shared::plan::Plan;
use shared::problem::Problem;
use shared::scenario::{LoadOptions, ValidScenario, edit, quote};
use shared::tree::{Entry, Node};

use crate::state::behavior_graph::{self, BehaviorGraph, Choice, ChoiceOption};
use crate::state::load_curve::LoadCurve;
use crate::state::scalar::scalar;

/// Longest text of a scenario, in bytes: the runner takes no longer one.
pub(crate) const LONGEST_TEXT: usize = 5_000_000;

/// A scenario's text, looked over.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Checked {
    /// Every problem at once.
    pub(crate) problems: Vec<Problem>,
    /// Whether the text can be read at all, so that the form can change it.
    pub(crate) readable: bool,
    /// What the form shows.
    pub(crate) form: Form,
    /// What it would do, where nothing is wrong.
    pub(crate) planned: Option<Planned>,
}

/// A text without problems, planned. Two of them are the same only if they are one.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    /// The plan.
    pub(crate) plan: Arc<Plan>,
    /// What it is the plan of.
    pub(crate) scenario: Arc<ValidScenario>,
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.plan, &other.plan)
    }
}

/// What the form shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Form {
    /// The name in the text.
    pub(crate) name: String,
    /// What it is for.
    pub(crate) description: String,
    /// What the text extends.
    pub(crate) extends: Option<String>,
    /// The profile that the text asks for.
    pub(crate) profile: Option<String>,
    /// The profiles that there are.
    pub(crate) profiles: Vec<String>,
    /// Fields, in groups.
    pub(crate) groups: Vec<Group>,
    /// Event weights, a mix each.
    pub(crate) mixes: Vec<Mix>,
    /// API keys that targets want.
    pub(crate) keys: Vec<Key>,
    /// Names of its pools.
    pub(crate) pools: Vec<String>,
    /// Loads, as far as their curves can be dragged.
    pub(crate) curves: Vec<LoadCurve>,
    /// Journeys, pages and lives, drawn.
    pub(crate) graphs: Vec<BehaviorGraph>,
}

/// Fields that belong together.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group {
    /// Its heading: `Workload shop`.
    pub(crate) title: String,
    /// Its fields.
    pub(crate) fields: Vec<Field>,
}

/// What a field holds, and with it how it is written into the text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Text, such as an address.
    Text,
    /// A number, a rate or a length of time: as it is written if it reads as one value.
    Number,
}

/// One value that the form can change.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    /// Where it stands in the document.
    pub(crate) path: String,
    /// What people call it.
    pub(crate) label: &'static str,
    /// An example.
    pub(crate) example: &'static str,
    /// What it says now, inherited or not.
    pub(crate) value: String,
    /// What it holds.
    pub(crate) kind: Kind,
}

/// The weights of a mix.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mix {
    /// The behavior's name.
    pub(crate) behavior: String,
    /// Its weights in the order of the document.
    pub(crate) weights: Choice,
}

/// An API key that a target wants. What it is never enters the form.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Key {
    /// The target's name.
    pub(crate) target: String,
    /// Where it stands in the document.
    pub(crate) path: String,
    /// The variable that the text refers to; none when it holds a key itself.
    pub(crate) variable: Option<String>,
}

/// The kinds of load that the form knows: key, label, example.
const LOADS: [(&str, &str, &str); 5] = [
    ("rate", "Rate", "10/s"),
    ("users", "Users at once", "50"),
    ("per_connection", "Rate of each connection", "1/s"),
    ("count", "Events in all", "10000"),
    ("concurrency", "Requests at once", "20"),
];

/// Looks a text over; `profile` is applied on top, as a run would.
pub(crate) fn check(name: &str, text: &str, profile: Option<&str>) -> Checked {
    if let Some(problem) = too_long(text) {
        return Checked { problems: vec![problem], ..Checked::default() };
    }
    // The seed decides no problem; any will do.
    let compiled = compile(text, &LoadOptions { profile, ..LoadOptions::new(name) }, 1);
    let own = shared::scenario::read_tree(text, name);
    let mut form = read_form(&compiled.document);
    if let Ok(own) = &own {
        let named = |key: &str| own.get(key).and_then(Node::as_str).map(str::to_owned);
        form.extends = named("extends");
        form.profile = named("profile");
    }
    let planned = compiled.plan.zip(compiled.scenario);
    let planned = planned.map(|(plan, scenario)| Planned { plan, scenario: Arc::new(scenario) });
    Checked { problems: compiled.problems, readable: own.is_ok(), form, planned }
}

/// What is wrong with a text that is longer than any scenario.
pub(crate) fn too_long(text: &str) -> Option<Problem> {
    let message = format!("the text would have {:.1} MB, a scenario has at most 5", text.len() as f64 / 1e6);
    let problem = Problem::error("", message).with_hint("events of that size belong into a file that it reads");
    (text.len() > LONGEST_TEXT).then_some(problem)
}

/// Writes a field's value into the text; an empty one takes what the text itself says away, so that what it extends
/// shows through again.
///
/// # Errors
///
/// The text cannot be read, or the value cannot be changed in place.
pub(crate) fn change(text: &str, path: &str, kind: Kind, value: &str) -> Result<String, Problem> {
    let value = value.trim();
    if value.is_empty() {
        return edit::unset(text, path);
    }
    let written = match kind {
        Kind::Number if value.parse::<f64>().is_ok() => value.to_owned(),
        Kind::Number | Kind::Text => quote(value),
    };
    edit::set(text, path, &written)
}

/// Writes several values at once, all or none.
///
/// # Errors
///
/// As [`change`], for the first that cannot be written.
pub(crate) fn change_all(text: &str, values: &[(String, String)]) -> Result<String, Problem> {
    let mut text = text.to_owned();
    for (path, value) in values {
        text = change(&text, path, Kind::Number, value)?;
    }
    Ok(text)
}

/// The problem that belongs beside a field: its own, or the first of what stands below it.
pub(crate) fn problem_at<'p>(problems: &'p [Problem], path: &str) -> Option<&'p Problem> {
    problems.iter().find(|problem| {
        problem.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    })
}

/// The text of a new scenario over a built-in one.
pub(crate) fn new_text(name: &str, base: &str, profile: &str) -> String {
    let profile = if profile.is_empty() { String::new() } else { format!("profile: {}\n", quote(profile)) };
    format!("name: {}\nextends: {}\n{profile}", quote(name), quote(base))
}

/// A name as the runner takes it, made of what was typed.
pub(crate) fn tidy_name(typed: &str) -> String {
    let mut name = String::new();
    for letter in typed.trim().chars().flat_map(char::to_lowercase) {
        match letter {
            'a'..='z' | '0'..='9' | '_' => name.push(letter),
            _ if name.ends_with('-') || name.is_empty() => {}
            _ => name.push('-'),
        }
    }
    name.truncate(64);
    name.trim_end_matches('-').to_owned()
}

fn read_form(document: &Node) -> Form {
    let text = |key: &str| document.get(key).and_then(Node::as_str).unwrap_or_default().to_owned();
    let mut form = Form { name: text("name"), description: text("description"), ..Form::default() };
    form.profiles = entries(document, "profiles").iter().map(|entry| entry.key.clone()).collect();
    form.pools = entries(document, "pools").iter().map(|entry| entry.key.clone()).collect();
    for Entry { key, node, .. } in entries(document, "targets") {
        form.groups.push(target_group(key, node));
        let written = node.get("auth").and_then(|auth| auth.get("api_key")).and_then(|key| key.get("value"));
        if let Some(written) = written.and_then(Node::as_str) {
            let variable = written.strip_prefix("${env.").and_then(|rest| rest.strip_suffix('}')).map(str::to_owned);
            form.keys.push(Key { target: key.clone(), path: format!("targets.{key}.auth.api_key.value"), variable });
        }
    }
    for Entry { key, node, .. } in entries(document, "workloads") {
        form.groups.push(workload_group(key, node));
        form.curves.push(LoadCurve::read(key, node, connections(document, node)));
    }
    for Entry { key, node, .. } in entries(document, "behaviors") {
        let weights = node.get("mix").and_then(|mix| mix.get("weights")).and_then(Node::as_map);
        if let Some(weights) = weights {
            form.mixes.push(read_mix(key, weights));
        }
    }
    form.graphs = behavior_graph::read(document);
    form
}

/// Connections of a workload's target, which a rate for each of them is multiplied by.
fn connections(document: &Node, workload: &Node) -> f64 {
    let targets = entries(document, "targets");
    let named = workload.get("target").and_then(Node::as_str);
    let target = targets.iter().find(|entry| named.is_none_or(|named| entry.key == named));
    target.and_then(|entry| entry.node.get("connections")).and_then(Node::as_f64).unwrap_or(1.0)
}

fn target_group(name: &str, node: &Node) -> Group {
    let mut fields =
        vec![field(node, &format!("targets.{name}"), "url", "Address", "http://localhost:8010", Kind::Text)];
    if let Some(batch) = node.get("batch") {
        fields.push(field(batch, &format!("targets.{name}.batch"), "size", "Events per request", "50", Kind::Number));
    }
    Group { title: format!("Target {name}"), fields }
}

fn workload_group(name: &str, node: &Node) -> Group {
    let nothing = Node::default();
    let load = node.get("load").unwrap_or(&nothing);
    let population = node.get("population").unwrap_or(&nothing);
    let base = format!("workloads.{name}.load");
    let mut fields = Vec::new();
    for (key, label, example) in LOADS {
        // A load says what kind it is by the key that it has; one that says nothing is offered a rate.
        let says_nothing = LOADS.iter().all(|(key, ..)| load.get(key).is_none()) && load.get("ratio_of").is_none();
        if load.get(key).is_some() || (says_nothing && key == "rate") {
            fields.push(field(load, &base, key, label, example, Kind::Number));
        }
    }
    if load.get("ratio_of").is_some() {
        fields.push(field(load, &base, "ratio_of", "Follows the workload", "orders", Kind::Text));
        fields.push(field(load, &base, "ratio", "Arrivals for each of its", "0.25", Kind::Number));
    } else {
        fields.push(field(load, &base, "duration", "Duration", "5m, or forever", Kind::Number));
    }
    let population_path = format!("workloads.{name}.population");
    fields.push(field(population, &population_path, "count", "People in the population", "100", Kind::Number));
    Group { title: format!("Workload {name}"), fields }
}

fn field(node: &Node, base: &str, key: &str, label: &'static str, example: &'static str, kind: Kind) -> Field {
    let value = node.get(key).map(scalar).unwrap_or_default();
    Field { path: format!("{base}.{key}"), label, example, value, kind }
}

fn read_mix(behavior: &str, weights: &[Entry]) -> Mix {
    let options = weights.iter().map(|Entry { key, node, .. }| ChoiceOption {
        name: key.clone(),
        path: format!("behaviors.{behavior}.mix.weights.{key}"),
        weight: node.as_f64().unwrap_or(0.0),
        written: scalar(node),
    });
    let weights = Choice { title: format!("Event mix of {behavior}"), options: options.collect() };
    Mix { behavior: behavior.to_owned(), weights }
}

fn entries<'n>(node: &'n Node, key: &str) -> &'n [Entry] {
    node.get(key).and_then(Node::as_map).unwrap_or_default()
}

/// A problem in one breath: what is wrong, and what to do.
pub(crate) fn spoken(problem: &Problem) -> String {
    match &problem.hint {
        Some(hint) => format!("{}: {hint}", problem.message),
        None => problem.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# mine\nextends: commerce-events\nprofile: quick_test # small\n";

    fn value(checked: &Checked, path: &str) -> String {
        let fields = checked.form.groups.iter().flat_map(|group| &group.fields);
        let fields = fields.map(|field| (&field.path, &field.value));
        let weights = checked.form.mixes.iter().flat_map(|mix| &mix.weights.options);
        let weights = weights.map(|option| (&option.path, &option.written));
        fields.chain(weights).find(|(known, _)| *known == path).map(|(_, value)| value.clone()).unwrap_or_default()
    }

    #[test]
    fn the_form_shows_what_the_text_inherits() {
        let checked = check("mine", TEXT, None);
        assert_eq!(checked.problems, []);
        assert_eq!(value(&checked, "workloads.shop.load.rate"), "10/s");
        assert_eq!(value(&checked, "workloads.shop.population.count"), "10");
        assert_eq!(value(&checked, "targets.api.batch.size"), "50");
        assert_eq!(checked.form.mixes[0].weights.options.len(), 12);
        assert_eq!(checked.form.profile.as_deref(), Some("quick_test"));
        assert_eq!(checked.form.keys[0].variable.as_deref(), Some("API_KEY"));
    }

    #[test]
    fn every_field_can_be_changed_and_keeps_the_authors_words() {
        let checked = check("mine", TEXT, None);
        let fields = checked.form.groups.iter().flat_map(|group| &group.fields);
        let fields = fields.map(|field| (&field.path, field.kind, field.example));
        let weights = checked.form.mixes.iter().flat_map(|mix| &mix.weights.options);
        let weights = weights.map(|option| (&option.path, Kind::Number, "10"));
        for (path, kind, example) in fields.chain(weights) {
            let wanted = match example {
                "5m, or forever" => "90s",
                example => example,
            };
            let text = change(TEXT, path, kind, wanted).unwrap();
            assert!(text.contains("# mine") && text.contains("# small"), "{text}");
            assert_eq!(value(&check("mine", &text, None), path), wanted, "{path}");
        }
    }

    #[test]
    fn a_workload_that_follows_another_says_so_in_place_of_a_rate() {
        let checked = check("mine", "extends: freshmart\n", None);
        let group = checked.form.groups.iter().find(|group| group.title == "Workload customers").unwrap();
        let paths: Vec<&str> = group.fields.iter().map(|field| field.path.as_str()).collect();
        let expected =
            ["load.ratio_of", "load.ratio", "population.count"].map(|end| format!("workloads.customers.{end}"));
        assert_eq!(paths, expected);
        assert_eq!(value(&checked, paths[1]), "0.125");
    }

    #[test]
    fn an_emptied_field_shows_what_is_inherited_again() {
        let path = "workloads.shop.load.rate";
        let text = change(TEXT, path, Kind::Number, "25/s").unwrap();
        assert_eq!(value(&check("mine", &text, None), path), "25/s");
        let text = change(&text, path, Kind::Number, " ").unwrap();
        assert_eq!(text, TEXT);
        assert_eq!(value(&check("mine", &text, None), path), "10/s");
    }

    #[test]
    fn nonsense_in_a_field_is_a_problem_beside_that_field() {
        let path = "workloads.shop.load.rate";
        let text = change(TEXT, path, Kind::Number, "fast: very # now").unwrap();
        let checked = check("mine", &text, None);
        assert_eq!(value(&checked, path), "fast: very # now");
        assert!(problem_at(&checked.problems, path).is_some(), "{:?}", checked.problems);
        assert!(problem_at(&checked.problems, "workloads.shop.load.duration").is_none());
    }

    #[test]
    fn a_text_that_cannot_be_read_is_not_touched() {
        let checked = check("mine", "extends: [", None);
        assert!(!checked.readable && !checked.problems.is_empty());
        assert!(change("extends: [", "seed", Kind::Number, "1").is_err());
    }

    #[test]
    fn a_text_that_is_far_too_long_is_one_problem_and_not_read() {
        let checked = check("mine", &"a: 1\n".repeat(1_200_000), None);
        assert_eq!((checked.problems.len(), checked.readable), (1, false));
        assert!(checked.problems[0].message.contains("6.0 MB"));
    }

    #[test]
    fn a_new_scenario_has_no_problem() {
        assert_eq!(check("my shop", &new_text("my shop", "commerce-events", "quick_test"), None).problems, []);
        assert_eq!(check("x", &new_text("x", "commerce-events", ""), None).problems, []);
    }

    #[test]
    fn names_are_tidied() {
        assert_eq!(tidy_name("  My Shop: rush hour! "), "my-shop-rush-hour");
        assert_eq!(tidy_name("ÄÖ"), "");
    }
}
