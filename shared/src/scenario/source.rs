//! From a text and its options to one merged document: what it extends, its profile, what was set on the command line.

use crate::problem::Problem;
use crate::scenario::built_in;
use crate::scenario::options::LoadOptions;
use crate::scenario::overlay::{expand, expand_shorthand, merge, set};
use crate::scenario::parse::{parse, parse_value};
use crate::tree::nearest;
use crate::tree::{Mark, Node, Value};

/// Longest chain of documents that extend each other.
const MAX_CHAIN: usize = 16;
/// Name of the source that values of the command line come from.
const SET: &str = "--set";

/// A merged document and what was wrong on the way.
pub(crate) struct Composed {
    /// The document without `extends`, `profile` and shorthands.
    pub(crate) document: Node,
    /// Problems with their places.
    pub(crate) problems: Vec<(Mark, Problem)>,
    /// Names of the sources that marks refer to.
    pub(crate) sources: Vec<String>,
    /// The profile that was applied.
    pub(crate) profile: Option<String>,
    /// Whether every text could be read to its end; what is missing otherwise may stand in the rest.
    pub(crate) whole: bool,
}

/// Merges a text with what it extends and what the options say. What comes later wins: the document that it extends,
/// the profile of that which the text asks for, the text itself, the profile of the options, what they set.
pub(crate) fn compose(text: &str, options: &LoadOptions<'_>) -> Composed {
    let mut composer = Composer { options, sources: Vec::new(), problems: Vec::new(), whole: true };
    let mut chain = Vec::new();
    let (mut document, own_profile) =
        composer.document(text, (options.source, ""), options.profile.is_none(), &mut chain);
    let mut profile = own_profile;
    if let Some(name) = options.profile {
        composer.apply_profile(&mut document, name, Mark::default());
        profile = Some(name.to_owned());
    }
    composer.apply_settings(&mut document);
    if let Some(seed) = options.seed {
        match i64::try_from(seed) {
            Ok(seed) => {
                set(&mut document, "seed", Value::Int(seed).into(), Mark::default());
            }
            Err(_) => {
                let problem = Problem::error("seed", format!("{seed} is too large for a seed"));
                composer.problems.push((Mark::default(), problem.with_hint("write a number below 2^63")));
            }
        }
    }
    Composed { document, problems: composer.problems, sources: composer.sources, profile, whole: composer.whole }
}

struct Composer<'o> {
    options: &'o LoadOptions<'o>,
    sources: Vec<String>,
    problems: Vec<(Mark, Problem)>,
    whole: bool,
}

impl Composer<'_> {
    /// One document with all that it extends, and the profile that it asked for. It has a name, and the path that the
    /// files it names are beside; that of the top is empty, since [`crate::scenario::Files`] begin there.
    fn document(
        &mut self,
        text: &str,
        (name, path): (&str, &str),
        with_profile: bool,
        chain: &mut Vec<String>,
    ) -> (Node, Option<String>) {
        let source = u16::try_from(self.sources.len()).unwrap_or(u16::MAX - 1);
        self.sources.push(name.to_owned());
        chain.push(if path.is_empty() { name } else { path }.to_owned());
        let parsed = parse(text, source);
        self.whole &= parsed.problems.is_empty();
        self.problems.extend(parsed.problems);
        let mut own = parsed.root;
        if own.value == Value::Null {
            own.value = Value::Map(Vec::new());
        }
        if own.as_map().is_none() {
            let problem = Problem::error("", format!("a scenario must be a map, not {}", own.kind()));
            self.problems.push((own.mark, problem.with_hint("begin with `extends: commerce-events`")));
            own.value = Value::Map(Vec::new());
        }
        let extends = self.take_name(&mut own, "extends");
        let profile = self.take_name(&mut own, "profile");
        let mut merged = match &extends {
            Some((base, mark)) => self.extended(base, *mark, path, chain),
            None => Node { value: Value::Map(Vec::new()), mark: own.mark },
        };
        chain.pop();
        let asked = profile.filter(|_| with_profile);
        if let Some((profile, mark)) = &asked {
            let in_base = find_profile(&merged, profile).is_some();
            if in_base {
                self.apply_profile(&mut merged, profile, *mark);
            }
            let own_overlay = find_profile(&own, profile).cloned();
            self.overlay(&mut merged, own);
            match own_overlay {
                Some(overlay) => {
                    let overlay = expand(&merged, overlay);
                    self.overlay(&mut merged, overlay);
                }
                None if in_base => {}
                None => self.apply_profile(&mut merged, profile, *mark),
            }
        } else {
            self.overlay(&mut merged, own);
        }
        (merged, asked.map(|(name, _)| name))
    }

    /// What a document extends, ready to be merged over.
    fn extended(&mut self, base: &str, mark: Mark, from: &str, chain: &mut Vec<String>) -> Node {
        if let Some(built_in) = built_in::find(base) {
            return self.document(built_in.text, (built_in.name, built_in.name), true, chain).0;
        }
        let empty = Node { value: Value::Map(Vec::new()), mark };
        let path = beside(from, base);
        if chain.contains(&path) {
            let round: Vec<&str> = chain.iter().map(String::as_str).chain([path.as_str()]).collect();
            let problem = Problem::error("extends", format!("extends itself: {}", round.join(" -> ")));
            self.problems.push((mark, problem.with_hint("let one of them extend nothing")));
            return empty;
        }
        if chain.len() >= MAX_CHAIN {
            let problem = Problem::error("extends", format!("more than {MAX_CHAIN} documents extend each other"));
            self.problems.push((mark, problem));
            return empty;
        }
        match self.options.files.read(&path) {
            Ok(text) => self.document(&text, (&path, &path), true, chain).0,
            Err(error) => {
                let names = built_in::all().iter().map(|built_in| built_in.name);
                let problem =
                    Problem::error("extends", format!("`{base}` is no built-in scenario, and as a file {error}"));
                let hint =
                    nearest::hint(base, names).unwrap_or_else(|| "name a built-in scenario or a file".to_owned());
                self.problems.push((mark, problem.with_hint(hint)));
                empty
            }
        }
    }

    fn overlay(&mut self, base: &mut Node, mut over: Node) {
        expand_shorthand(base, &mut over, &mut self.problems);
        merge(base, over);
    }

    fn apply_profile(&mut self, document: &mut Node, name: &str, mark: Mark) {
        match find_profile(document, name).cloned() {
            Some(overlay) => {
                let overlay = expand(document, overlay);
                self.overlay(document, overlay);
            }
            None => {
                let profiles = document.get("profiles").and_then(Node::as_map).unwrap_or_default();
                let mut problem = Problem::error("profile", format!("there is no profile `{name}`"));
                problem.hint = nearest::hint(name, profiles.iter().map(|entry| entry.key.as_str()))
                    .or_else(|| Some("the scenario has no profiles".to_owned()));
                self.problems.push((mark, problem));
            }
        }
    }

    fn apply_settings(&mut self, document: &mut Node) {
        if self.options.set.is_empty() {
            return;
        }
        let source = u16::try_from(self.sources.len()).unwrap_or(u16::MAX - 1);
        self.sources.push(SET.to_owned());
        let mark = Mark { source, ..Mark::default() };
        for (path, text) in self.options.set {
            let mut value = match parse_value(text, source) {
                Ok(value) => value,
                Err(mut problem) => {
                    problem.path.clone_from(path);
                    self.problems.push((mark, problem));
                    continue;
                }
            };
            clear_marks(&mut value, mark);
            let path = long_form(document, path);
            if path.is_empty() || !set(document, &path, value, mark) {
                let problem = Problem::error(path.as_str(), "there is nothing to set at this path");
                self.problems.push((mark, problem.with_hint("write --set workloads.NAME.load.rate=20/s")));
            }
        }
    }

    fn take_name(&mut self, document: &mut Node, key: &str) -> Option<(String, Mark)> {
        let Value::Map(entries) = &mut document.value else {
            return None;
        };
        let at = entries.iter().position(|entry| entry.key == key)?;
        let entry = entries.remove(at);
        match &entry.node.value {
            Value::String(name) => Some((name.clone(), entry.node.mark)),
            Value::Null => None,
            Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::List(_) | Value::Map(_) => {
                let problem = Problem::error(key, format!("must be a name, not {}", entry.node.kind()));
                self.problems.push((entry.node.mark, problem));
                None
            }
        }
    }
}

/// A profile's overlay.
fn find_profile<'d>(document: &'d Node, name: &str) -> Option<&'d Node> {
    document.get("profiles").and_then(|profiles| profiles.get(name))
}

/// `target.url`, `behavior.mix` and `load.rate` mean the only target, behavior and workload there is.
pub(crate) fn long_form(document: &Node, path: &str) -> String {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let (section, inner) = match first {
        "target" => ("targets", ""),
        "behavior" => ("behaviors", ""),
        "load" => ("workloads", "load"),
        _ => return path.to_owned(),
    };
    let name = match document.get(section).and_then(Node::as_map).unwrap_or_default() {
        [entry] => entry.key.as_str(),
        [] => "main",
        _ => return path.to_owned(),
    };
    [section, name, inner, rest].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
}

/// A path as it is meant beside the file that names it.
fn beside(from: &str, mut path: &str) -> String {
    // One file has one name, so that a circle is noticed.
    while let Some(rest) = path.strip_prefix("./") {
        path = rest;
    }
    match from.rfind('/') {
        Some(at) if !path.starts_with('/') => format!("{}/{path}", &from[..at]),
        _ => path.to_owned(),
    }
}

fn clear_marks(node: &mut Node, mark: Mark) {
    node.mark = mark;
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| clear_marks(item, mark)),
        Value::Map(entries) => {
            for entry in entries {
                entry.key_mark = mark;
                clear_marks(&mut entry.node, mark);
            }
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::options::Files;

    struct Shelf;

    impl Files for Shelf {
        fn read(&self, path: &str) -> Result<String, String> {
            match path {
                "base.yaml" => Ok("{name: base, profiles: {fast: {name: quick, description: fast}}}".to_owned()),
                "d/a.yaml" => Ok("extends: b.yaml".to_owned()),
                "d/b.yaml" => Ok("x: 1\nextends: a.yaml\n".to_owned()),
                _ => Err("it cannot be found".to_owned()),
            }
        }
    }

    fn composed(text: &str, profile: Option<&str>, set: &[(String, String)]) -> Composed {
        compose(text, &LoadOptions { files: &Shelf, profile, set, ..LoadOptions::new("top.yaml") })
    }

    fn text_at<'c>(composed: &'c Composed, key: &str) -> Option<&'c str> {
        composed.document.get(key).and_then(Node::as_str)
    }

    #[test]
    fn a_profile_of_the_document_lies_beneath_its_own_text() {
        let result = composed("{extends: base.yaml, profile: fast, name: mine}", None, &[]);
        assert!(result.problems.is_empty(), "{:?}", result.problems);
        assert_eq!((text_at(&result, "name"), text_at(&result, "description")), (Some("mine"), Some("fast")));
    }

    #[test]
    fn a_profile_of_the_options_lies_above_and_settings_above_that() {
        let set = [("description".to_owned(), "set".to_owned())];
        let result = composed("{extends: base.yaml, name: mine}", Some("fast"), &set);
        assert_eq!((text_at(&result, "name"), text_at(&result, "description")), (Some("quick"), Some("set")));
    }

    #[test]
    fn extending_in_a_circle_is_a_problem_with_a_place() {
        let result = composed("extends: d/a.yaml", None, &[]);
        let (mark, problem) = &result.problems[0];
        assert_eq!(result.sources[usize::from(mark.source)], "d/b.yaml");
        assert_eq!((mark.line, problem.message.contains("d/a.yaml -> d/b.yaml -> d/a.yaml")), (2, true));
    }

    #[test]
    fn unknown_names_get_the_nearest() {
        let result = composed("extends: comerce-events", None, &[]);
        assert_eq!(result.problems[0].1.hint.as_deref(), Some("did you mean `commerce-events`?"));
        let result = composed("{extends: base.yaml, profile: fats}", None, &[]);
        assert_eq!(result.problems[0].1.hint.as_deref(), Some("did you mean `fast`?"));
    }
}
