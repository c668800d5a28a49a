//! From a scenario's text to what runs: the scenario and its plan, or every problem of both.
//!
//! This is the one call for everybody: the runner before a run, `throng validate`, the panel as a person types.

use std::sync::Arc;

use crate::checks::checks;
use crate::plan::{Plan, Supplies};
use crate::problem::Problem;
use crate::scenario::model::Scenario;
use crate::scenario::{LoadOptions, ValidScenario, load};
use crate::tree::Node;

/// What became of a scenario's text.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// Every problem at once, each with its place, in the order of the document.
    pub problems: Vec<Problem>,
    /// The scenario, if no problem is an error; its seed is filled in.
    pub scenario: Option<ValidScenario>,
    /// Its plan, if no problem is an error.
    pub plan: Option<Arc<Plan>>,
    /// The merged document, sound or not.
    pub document: Node,
    /// What was read for the plan.
    pub supplies: Supplies,
}

/// Reads what a scenario needs from outside, as far as that is possible; what is wrong with it goes to the problems.
pub type Supplier<'a> = &'a dyn Fn(&Scenario, &mut Vec<Problem>) -> Supplies;

/// Reads a scenario, checks it and compiles its plan. A scenario without a seed is planned with `drawn_seed` (below
/// 2^63), which the caller draws, since nothing here is random.
pub fn compile(text: &str, options: &LoadOptions<'_>, drawn_seed: u64) -> Compiled {
    compile_with(text, options, drawn_seed, &|_scenario, _problems| Supplies::default())
}

/// As [`compile`], with what a scenario needs from outside: files and what targets answer, which are not read here.
pub fn compile_with(text: &str, options: &LoadOptions<'_>, drawn_seed: u64, supplier: Supplier<'_>) -> Compiled {
    let mut loaded = load(text, options);
    let seed = options.seed.or_else(|| loaded.draft().and_then(|draft| draft.seed)).unwrap_or(drawn_seed);
    let mut problems = Vec::new();
    let supplies = loaded.draft().map(|draft| supplier(draft, &mut problems)).unwrap_or_default();
    loaded.add(problems);
    // Templates are looked over even where something else is wrong, so that one look shows everything.
    if let Some(Err(problems)) = loaded.draft().map(|draft| checks(draft)) {
        loaded.add(problems);
    }
    let plan = match loaded.draft().map(|draft| Plan::compile_with(draft, seed, &supplies)) {
        Some(Ok(plan)) => Some(Arc::new(plan)),
        Some(Err(problems)) => {
            loaded.add(problems);
            None
        }
        None => None,
    };
    let scenario = loaded.scenario.map(|scenario| scenario.with_seed(seed));
    let plan = plan.filter(|_| scenario.is_some());
    Compiled { problems: loaded.problems, scenario, plan, document: loaded.document, supplies }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_is_the_callers_only_where_nobody_wrote_one() {
        let options = LoadOptions::new("test");
        let seed_of = |text: &str, options: &LoadOptions<'_>| compile(text, options, 7).scenario.unwrap().seed;
        assert_eq!(seed_of("extends: commerce-events", &options), Some(42));
        assert_eq!(seed_of("{extends: commerce-events, seed: $unset}", &options), Some(7));
        let told = LoadOptions { seed: Some(3), ..options };
        assert_eq!(seed_of("{extends: commerce-events, seed: $unset}", &told), Some(3));
    }

    #[test]
    fn one_look_tells_the_mistakes_of_structure_meaning_and_templates() {
        let text = "\
extends: commerce-events
workloads: {shop: {laod: {}, load: {rate: 0/s}}}
events:
  page.search:
    body: {results_count: {$itn: [0, 150]}, search_query: \"${usr.id}\"}
";
        let compiled = compile(text, &LoadOptions::new("mine.yaml"), 1);
        let told: Vec<String> = compiled.problems.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 4, "{told:#?}");
        for (problem, beginning) in
            told.iter().zip(["mine.yaml:2:20", "mine.yaml:2:43", "mine.yaml:5:", "mine.yaml:5:"])
        {
            assert!(problem.starts_with(beginning), "{problem}");
        }
        assert!(told[2].contains("did you mean `$int`?") && told[3].contains("`user`"), "{told:#?}");
        assert!(compiled.scenario.is_none() && compiled.plan.is_none());
    }
}
