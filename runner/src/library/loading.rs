//! From a scenario's text and what a person added to it (profile, flags, a key, the practice target) to a scenario that
//! can run, or to every problem of it.

use std::sync::Arc;

use shared::compile::{Compiled, compile_with};
use shared::plan::{Plan, Supplies};
use shared::problem::Problem;
use shared::scenario::{LoadOptions, ValidScenario};
use shared::tree::Node;

use super::Found;
use crate::engine::prepare::{PRACTICE_KEY, PrepareOptions, drawn_seed};
use crate::supplies::files;
use crate::supplies::records::Depth;

/// The name under which a key from the command line travels, where the scenario refers to none.
const KEY_VARIABLE: &str = "API_KEY";

/// What is added to a scenario's text.
#[derive(Clone, Debug, Default)]
pub struct Additions {
    /// Profile to apply.
    pub profile: Option<String>,
    /// Dotted paths to values, applied in this order.
    pub set: Vec<(String, String)>,
    /// Seed that wins over the scenario's.
    pub seed: Option<u64>,
    /// Whether everything goes to the practice target, which needs no key of the scenario's.
    pub practice: bool,
    /// API key from the command line.
    pub api_key: Option<String>,
}

/// A scenario without errors.
#[derive(Debug)]
pub struct Ready {
    /// The scenario.
    pub scenario: ValidScenario,
    /// Its plan, without what only a target could give.
    pub plan: Arc<Plan>,
    /// What was read from files.
    pub supplies: Supplies,
    /// The environment that it was checked with.
    pub secrets: Secrets,
}

/// A scenario after everything was added.
#[derive(Debug)]
pub struct Loading {
    compiled: Compiled,
    secrets: Secrets,
}

/// The environment as a run sees it: what was given for it first, then the process's own.
#[derive(Clone, Default)]
pub struct Secrets {
    given: Vec<(String, String)>,
    /// What stands for a variable that nobody set.
    fallback: Option<&'static str>,
}

impl std::fmt::Debug for Secrets {
    /// Names only: values never reach a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.given.iter().map(|(name, _)| name)).finish()
    }
}

impl Secrets {
    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<String> {
        let given = self.given.iter().find(|(given, _)| given == name).map(|(_, value)| value.clone());
        given.or_else(|| std::env::var(name).ok()).or_else(|| self.fallback.map(str::to_owned))
    }
}

impl Secrets {
    /// What the engine needs to know beside the scenario: the environment, a practice target's address, and the hosts
    /// that the operator allows.
    pub fn prepare_options(&self, practice: Option<&str>, allowed: &[String]) -> PrepareOptions {
        let secrets = self.clone();
        PrepareOptions {
            allowed_hosts: allowed.to_vec(),
            // Our own practice target's address is always a URL.
            practice_target: practice.and_then(|url| url.parse().ok()),
            environment: Box::new(move |name| secrets.get(name)),
            ..PrepareOptions::default()
        }
    }
}

impl Loading {
    /// Every problem at once, warnings included.
    pub fn problems(&self) -> &[Problem] {
        &self.compiled.problems
    }

    /// The merged document, sound or not.
    pub fn document(&self) -> &Node {
        &self.compiled.document
    }

    /// Whether it can run.
    pub fn is_valid(&self) -> bool {
        self.compiled.scenario.is_some()
    }

    /// The scenario, its plan as far as it can be made without asking a target, and what it was made with.
    ///
    /// # Errors
    ///
    /// Every problem, when one of them is an error.
    pub fn into_planned(self) -> Result<Ready, Vec<Problem>> {
        match (self.compiled.scenario, self.compiled.plan) {
            (Some(scenario), Some(plan)) => {
                Ok(Ready { scenario, plan, supplies: self.compiled.supplies, secrets: self.secrets })
            }
            _ => Err(self.compiled.problems),
        }
    }
}

/// Loads a scenario to look at it: references to the environment are taken on trust.
pub fn look_at(found: &Found, profile: Option<&str>) -> Loading {
    let additions = Additions { profile: profile.map(str::to_owned), ..Additions::default() };
    compile_found(found, &additions, Secrets::default(), false, Depth::Beginning)
}

/// Loads a scenario to look at it with everything that was added; references to the environment are taken on trust.
pub fn look_with(found: &Found, additions: &Additions, depth: Depth) -> Loading {
    compile_found(found, additions, Secrets::default(), false, depth)
}

/// Loads a scenario to run it, with everything that was added; the environment must hold what it refers to.
pub fn load_to_run(found: &Found, additions: &Additions) -> Loading {
    let mut secrets = Secrets { given: Vec::new(), fallback: additions.practice.then_some(PRACTICE_KEY) };
    let key = additions.api_key.as_deref().or(secrets.fallback);
    let mut additions = additions.clone();
    if let Some(key) = key {
        let first = look_at(found, additions.profile.as_deref());
        for (name, target) in first.document().get("targets").map(entries).unwrap_or_default() {
            let written = target.get("auth").and_then(|auth| auth.get("api_key")).and_then(|key| key.get("value"));
            let Some(written) = written.and_then(Node::as_str) else { continue };
            let variable = match variable_of(written) {
                Some(variable) => variable,
                // A key that is written out gives way to a reference, so that neither of the two is ever stored.
                None if additions.api_key.is_some() => {
                    let reference = format!("\"${{env.{KEY_VARIABLE}}}\"");
                    additions.set.push((format!("targets.{name}.auth.api_key.value"), reference));
                    KEY_VARIABLE
                }
                None => continue,
            };
            secrets.given.push((variable.to_owned(), key.to_owned()));
        }
    }
    compile_found(found, &additions, secrets, true, Depth::Whole)
}

fn compile_found(found: &Found, additions: &Additions, secrets: Secrets, to_run: bool, depth: Depth) -> Loading {
    let environment = |name: &str| secrets.get(name);
    let environment: &dyn Fn(&str) -> Option<String> = &environment;
    let options = LoadOptions {
        source: &found.source,
        profile: additions.profile.as_deref(),
        set: &additions.set,
        seed: additions.seed,
        files: &found.folder,
        environment: to_run.then_some(environment),
        to_run,
    };
    let compiled = compile_with(&found.text, &options, drawn_seed(), &|scenario, problems| {
        files::read(scenario, &found.folder, depth, problems)
    });
    Loading { compiled, secrets }
}

/// The variable that a whole text refers to: `API_KEY` in `${env.API_KEY}`.
fn variable_of(text: &str) -> Option<&str> {
    text.strip_prefix("${env.")?.strip_suffix('}')
}

fn entries(node: &Node) -> Vec<(&str, &Node)> {
    node.as_map().unwrap_or_default().iter().map(|entry| (entry.key.as_str(), &entry.node)).collect()
}
