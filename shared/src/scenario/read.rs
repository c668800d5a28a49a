//! From a [`Node`] tree to a scenario's types, with every error in the tree gathered, not only the first.

use crate::problem::Problem;
use crate::tree::read::{self, Flaw, Readable};
use crate::tree::{Mark, Node};

/// A value read from a tree, and what was wrong with the tree.
pub(crate) struct Reading<T> {
    /// The value without what was wrong; none when too little was left.
    pub(crate) value: Option<T>,
    /// What was wrong and where.
    pub(crate) problems: Vec<(Mark, Problem)>,
}

/// Reads a value.
pub(crate) fn read<T: Readable>(root: &Node) -> Reading<T> {
    let reading = read::read(root);
    Reading { value: reading.value, problems: reading.flaws.into_iter().map(problem).collect() }
}

fn problem(flaw: Flaw) -> (Mark, Problem) {
    let mut problem = Problem::error(flaw.path, flaw.message);
    problem.hint = flaw.hint;
    (flaw.mark, problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::Scenario;
    use crate::scenario::parse::parse;

    fn problems(text: &str) -> Vec<String> {
        let parsed = parse(text, 0);
        assert!(parsed.problems.is_empty(), "{:?}", parsed.problems);
        let mut reading = read::<Scenario>(&parsed.root);
        reading.problems.sort_by_key(|(mark, _)| (mark.line, mark.column));
        reading
            .problems
            .into_iter()
            .map(|(mark, problem)| problem.with_place(None, mark.line, mark.column).to_string())
            .collect()
    }

    #[test]
    fn all_errors_are_gathered_with_place_path_and_hint() {
        let text = "\
name: 7
targts: {}
targets:
  api:
    url: [no]
    timeout: soon
    auth: {api_kye: {value: x}}
    retry: {attempts: -1, when: [network, 500]}
    send: {method: post}
behaviors:
  shopper: {mix: {weights: {a: lots, b: 2}}}
workloads:
  shop:
    load: {rate: fast, shape: [{hours: [[7, 9]]}, {weekend: 0.6}, {spik: {}}]}
    enabled: yes
";
        assert_eq!(
            problems(text),
            [
                "2:1: targts: `targts` is not known here (did you mean `targets`?)",
                "5:10: targets.api.url: must be text, not a list",
                "6:14: targets.api.timeout: `soon` is not a span of time (write 500ms, 10s, 5m or 1h30m)",
                "7:12: targets.api.auth.api_kye: `api_kye` is not known here (did you mean `api_key`?)",
                "8:23: targets.api.retry.attempts: -1 must not be negative",
                "8:43: targets.api.retry.when[1]: `500` is not known here (write `network`, `timeout`, `429` or `5xx`)",
                "9:20: targets.api.send.method: `post` is not known here (did you mean `POST`?)",
                "11:32: behaviors.shopper.mix.weights.a: must be a number, not text",
                "14:18: workloads.shop.load.rate: `fast` is not a rate (write 10/s, 20/min or 600/h)",
                "14:41: workloads.shop.load.shape[0].hours[0]: has 2 items, must be a list of three",
                "14:68: workloads.shop.load.shape[2].spik: `spik` is not known here (did you mean `spike`?)",
                "15:14: workloads.shop.enabled: must be true or false, not text",
            ]
        );
    }

    #[test]
    fn what_follows_from_an_error_is_not_told_again() {
        let text = "faults: {flaky: [{delay: {p: often, by: 5ms}}]}\n";
        assert_eq!(problems(text), ["1:30: faults.flaky[0].delay.p: must be a number, not text"]);
    }

    #[test]
    fn templates_keep_their_marks() {
        let parsed = parse("events:\n  a:\n    body:\n      x: [1, {$int: [1, 2]}]\n", 0);
        let scenario = read::<Scenario>(&parsed.root).value.unwrap();
        let body = scenario.events["a"].body.as_ref().unwrap();
        assert_eq!(Some(body), parsed.root.get("events").and_then(|n| n.get("a")).and_then(|n| n.get("body")));
        let x = body.entry("x").unwrap();
        assert_eq!((x.key_mark.line, x.key_mark.column, x.node.mark.column), (4, 7, 10));
    }
}
