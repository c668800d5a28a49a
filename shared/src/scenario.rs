//! Scenarios: from text to proof. [`crate::tree`] is the tree, [`model`] the types, [`built_in`] what ships inside.
//!
//! [`load`] reads a text, merges what it extends, its profile and what was set, and checks all that does not need the
//! templates. Callers that want the templates checked as well, which is nearly everybody, use
//! [`crate::compile::compile`].

pub mod balance;
pub mod built_in;
mod complete;
pub mod edit;
pub mod model;
mod options;
mod overlay;
pub(crate) mod parse;
mod path;
mod pattern;
pub(crate) mod payload;
mod profiles;
mod read;
pub mod rewire;
pub mod secret;
mod source;
mod support;
mod validate;
mod write;

use std::ops::Deref;

pub use options::{Environment, Files, LoadOptions, NoFiles};
pub use profiles::profiles;
pub use write::{quote, to_yaml};

use crate::order;
use crate::problem::Problem;
use crate::tree::{Mark, Node, Value};

use model::Scenario;

/// A scenario that was found to be sound: only this one runs.
#[derive(Clone, Debug)]
pub struct ValidScenario {
    scenario: Scenario,
    document: Node,
    sources: Vec<String>,
    profile: Option<String>,
}

impl Deref for ValidScenario {
    type Target = Scenario;

    fn deref(&self) -> &Scenario {
        &self.scenario
    }
}

impl ValidScenario {
    /// The typed scenario with nothing left implied: every workload has its target and behavior, every event what it
    /// extends.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Names of the sources that marks refer to; the first is the text that was loaded.
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    /// The profile that was applied.
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    /// The same scenario with the seed that was drawn for it.
    pub(crate) fn with_seed(mut self, seed: u64) -> Self {
        self.scenario.seed = Some(seed);
        if let Ok(seed) = i64::try_from(seed) {
            overlay::set(&mut self.document, "seed", Value::Int(seed).into(), Mark::default());
        }
        self
    }

    /// The merged document as JSON without its secrets, for results: it loads again as it is, references to the
    /// environment included.
    pub fn to_json(&self) -> serde_json::Value {
        // A tree of finite numbers and unique keys is always JSON.
        serde_json::to_value(secret::without_secrets(&self.document)).unwrap_or_default()
    }
}

/// What became of a scenario's text.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Every problem at once, in the order of the document.
    pub problems: Vec<Problem>,
    /// The scenario, if no problem is an error.
    pub scenario: Option<ValidScenario>,
    /// The merged document.
    pub document: Node,
    /// Names of the sources that marks refer to; the first is the text itself.
    pub sources: Vec<String>,
    /// The scenario as far as it could be read, sound or not.
    draft: Option<ValidScenario>,
}

impl Loaded {
    /// The scenario as far as it could be read, for checks that go further even where something is wrong.
    pub(crate) fn draft(&self) -> Option<&ValidScenario> {
        self.draft.as_ref()
    }

    /// Adds problems found further on, each placed by its path. What follows from a problem that is known already, at
    /// the same path or around it, is left out.
    pub(crate) fn add(&mut self, problems: Vec<Problem>) {
        let known: Vec<String> =
            self.problems.iter().filter(|known| known.is_error()).map(|known| known.path.clone()).collect();
        for mut problem in problems {
            if known.iter().any(|path| is_around(path, &problem.path) || is_around(&problem.path, path)) {
                continue;
            }
            self.place(&mut problem);
            self.problems.push(problem);
        }
        sort(&mut self.problems, &self.sources);
        if self.problems.iter().any(Problem::is_error) {
            self.scenario = None;
        }
    }

    /// Gives a problem its place by its path.
    fn place(&self, problem: &mut Problem) {
        if problem.line.is_none() {
            let place = path::find(&self.document, &problem.path);
            // Where something is missing, what it is missing from is the place.
            let mark = if place.complete { place.node.mark } else { place.key_mark };
            let mark = if mark.line == 0 { place.key_mark } else { mark };
            mark_problem(problem, mark, &self.sources);
        }
    }
}

/// Whether the first path is the second, or one of those above it.
fn is_around(outer: &str, inner: &str) -> bool {
    !outer.is_empty() && inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn mark_problem(problem: &mut Problem, mark: Mark, sources: &[String]) {
    problem.source = sources.get(usize::from(mark.source)).cloned();
    if mark.line > 0 {
        problem.line = Some(mark.line);
        problem.column = Some(mark.column);
    }
}

/// Reads a scenario, checks it and gathers every problem, except those of its templates.
pub fn load(text: &str, options: &LoadOptions<'_>) -> Loaded {
    let composed = source::compose(text, options);
    let reading = read::read::<Scenario>(&composed.document);
    let mut loaded = Loaded {
        problems: Vec::new(),
        scenario: None,
        document: composed.document,
        sources: composed.sources,
        draft: None,
    };
    for (mark, mut problem) in composed.problems.into_iter().chain(reading.problems) {
        mark_problem(&mut problem, mark, &loaded.sources);
        loaded.problems.push(problem);
    }
    let Some(mut scenario) = reading.value else {
        sort(&mut loaded.problems, &loaded.sources);
        return loaded;
    };
    let mut found = validate::validate(&scenario, &loaded.document, composed.whole, options.environment);
    found.extend(support::unsupported(&scenario, options.to_run));
    found.extend(look_for_unused(text, options, &scenario, &loaded.document));
    if options.profile.is_none() {
        found.extend(check_profiles(&loaded.document, &loaded.sources));
    }
    complete::complete(&mut scenario, options.source);
    let draft = ValidScenario {
        scenario,
        document: loaded.document.clone(),
        sources: loaded.sources.clone(),
        profile: composed.profile,
    };
    loaded.scenario = Some(draft.clone());
    loaded.draft = Some(draft);
    loaded.add(found);
    loaded
}

/// Reads any YAML or JSON text as a tree, under the limits of size, depth and number that scenarios have.
///
/// # Errors
///
/// Gives what is wrong with its syntax, placed in `source`.
pub fn read_tree(text: &str, source: &str) -> Result<Node, Vec<Problem>> {
    let parsed = parse::parse(text, 0);
    if parsed.problems.is_empty() {
        return Ok(parsed.root);
    }
    let placed = parsed.problems.into_iter().map(|(mark, mut problem)| {
        mark_problem(&mut problem, mark, &[source.to_owned()]);
        problem
    });
    Err(placed.collect())
}

/// What is declared and never used, looked for in the text without what the options apply to it.
fn look_for_unused(text: &str, options: &LoadOptions<'_>, scenario: &Scenario, document: &Node) -> Vec<Problem> {
    if options.profile.is_none() && options.set.is_empty() {
        return validate::unused(scenario, document);
    }
    let plain = source::compose(text, &LoadOptions { profile: None, set: &[], ..*options });
    let scenario = read::read::<Scenario>(&plain.document).value;
    scenario.map(|scenario| validate::unused(&scenario, &plain.document)).unwrap_or_default()
}

/// Structural problems that only a profile of this document brings in; its values can be wrong as well.
fn check_profiles(document: &Node, sources: &[String]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for entry in document.get("profiles").and_then(Node::as_map).unwrap_or_default() {
        let path = format!("profiles.{}", entry.key);
        if !matches!(entry.node.value, Value::Map(_)) {
            let message = format!("an overlay must be a map, not {}", entry.node.kind());
            problems.push(Problem::error(path, message).with_hint("write {workloads.NAME.load.rate: 10/s}"));
            continue;
        }
        let mut merged = document.clone();
        let mut over = overlay::expand(document, entry.node.clone());
        overlay::expand_shorthand(&merged, &mut over, &mut Vec::new());
        overlay::merge(&mut merged, over);
        for (mark, mut problem) in read::read::<Scenario>(&merged).problems {
            if wrote(&entry.node, mark) {
                problem.path = format!("{path}.{}", problem.path);
                mark_problem(&mut problem, mark, sources);
                problems.push(problem);
            }
        }
    }
    problems
}

/// Whether a place is one that a node was written at, or anything below it: what lies over a profile of the base may stand
/// in another file.
fn wrote(node: &Node, place: Mark) -> bool {
    let holds = |mark: Mark| mark.source == place.source && (mark.start..=mark.end).contains(&place.start);
    holds(node.mark)
        || node.as_map().unwrap_or_default().iter().any(|entry| holds(entry.key_mark) || wrote(&entry.node, place))
        || node.as_list().unwrap_or_default().iter().any(|item| wrote(item, place))
}

fn sort(problems: &mut [Problem], sources: &[String]) {
    let rank = |problem: &Problem| {
        let source = problem.source.as_ref().and_then(|name| sources.iter().position(|known| known == name));
        (source.unwrap_or(usize::MAX), problem.line.unwrap_or(0), problem.column.unwrap_or(0))
    };
    order::sort_by_key(problems, rank);
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
