//! Which values a template declares with which shares, read off the template without drawing anything.
//!
//! Only what can be told exactly is told: a draw whose weights depend on other draws has no shares of its own.

use indexmap::IndexMap;

use crate::scenario::model::Scenario;
use crate::scenario::model::pool::{Pick, Pool};
use crate::tree::{Node, Value};

/// What a field holds when it is left out.
pub(crate) const ABSENT: &str = "(absent)";
/// What a field holds when it is there, whatever it is.
pub(crate) const PRESENT: &str = "(present)";
/// More values than this are no categories.
const MAX_VALUES: usize = 200;
/// References are followed this far.
const MAX_DEPTH: u32 = 24;

/// How often a value is drawn anew.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Drawn {
    /// For every event.
    Event,
    /// Once in a session or a life.
    Session,
    /// Once in a user's life.
    User,
}

/// Values with their shares (sum 1), and how often they are drawn.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shares {
    /// Share by value, as [`key_of`] writes values.
    pub(crate) values: IndexMap<String, f64>,
    /// The rarest of the draws behind them.
    pub(crate) drawn: Drawn,
}

/// The names that a template can use.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// The scenario with its pools.
    pub(crate) scenario: &'a Scenario,
    /// The event's own draws.
    pub(crate) event: &'a IndexMap<String, Node>,
    /// The draws of a session or a life.
    pub(crate) session: Option<&'a IndexMap<String, Node>>,
    /// The draws of a user.
    pub(crate) user: Option<&'a IndexMap<String, Node>>,
}

/// A scalar as a category; none for lists and maps.
pub(crate) fn key_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("null".to_owned()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Int(value) => Some(value.to_string()),
        Value::Float(value) => Some(value.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::List(_) | Value::Map(_) => None,
    }
}

/// The path of a text that is exactly one reference: `${svc.err}`.
pub(crate) fn reference(text: &str) -> Option<Vec<&str>> {
    let inner = text.strip_prefix("${")?.strip_suffix('}')?.trim();
    let fine = |step: &str| {
        !step.is_empty()
            && step.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && !step.as_bytes()[0].is_ascii_digit()
    };
    let steps: Vec<&str> = inner.split('.').collect();
    steps.iter().all(|step| fine(step)).then_some(steps)
}

impl Shares {
    /// The shares of a template, where they can be told.
    pub(crate) fn of(node: &Node, scope: &Scope<'_>) -> Option<Self> {
        let shares = Reader { scope, depth: 0 }.node(node)?;
        let sum: f64 = shares.values.values().sum();
        if shares.values.is_empty() || shares.values.len() > MAX_VALUES || !(0.999..1.001).contains(&sum) {
            return None;
        }
        Some(shares)
    }

    fn one(key: String) -> Self {
        Self { values: IndexMap::from([(key, 1.0)]), drawn: Drawn::Event }
    }

    fn nothing() -> Self {
        Self { values: IndexMap::new(), drawn: Drawn::Event }
    }

    fn add(&mut self, other: &Self, weight: f64) {
        for (key, share) in &other.values {
            *self.values.entry(key.clone()).or_default() += share * weight;
        }
        self.drawn = self.drawn.max(other.drawn);
    }

    /// Scales the weights to a sum of 1.
    fn normalised(mut self) -> Option<Self> {
        let sum: f64 = self.values.values().sum();
        if sum <= 0.0 || !sum.is_finite() || self.values.values().any(|share| *share < 0.0) {
            return None;
        }
        self.values.values_mut().for_each(|share| *share /= sum);
        Some(self)
    }
}

/// Follows a template; `depth` stops circles, which the validation reports.
struct Reader<'s, 'a> {
    scope: &'s Scope<'a>,
    depth: u32,
}

impl Reader<'_, '_> {
    fn deeper(&self) -> Option<Self> {
        (self.depth < MAX_DEPTH).then(|| Self { scope: self.scope, depth: self.depth + 1 })
    }

    fn node(&self, node: &Node) -> Option<Shares> {
        let deeper = self.deeper()?;
        match &node.value {
            Value::String(text) if text.contains("${") => deeper.path(&reference(text)?),
            Value::List(_) => None,
            Value::Map(_) => deeper.call(node),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => {
                Some(Shares::one(key_of(&node.value)?))
            }
        }
    }

    fn call(&self, node: &Node) -> Option<Shares> {
        let entries = node.as_map()?;
        let call = entries.iter().find(|entry| entry.key.starts_with('$'))?;
        let missing = match entries.iter().find(|entry| !entry.key.starts_with('$')) {
            None => 0.0,
            Some(modifier) if modifier.key == "missing" && entries.len() == 2 => modifier.node.as_f64()?,
            Some(_) => return None,
        };
        let drawn = match call.key.as_str() {
            "$weighted" => self.weighted(&call.node)?,
            "$pick" => {
                let mut shares = Shares::nothing();
                for item in call.node.as_list()? {
                    shares.add(&self.node(item)?, 1.0);
                }
                shares.normalised()?
            }
            "$bool" => {
                let p = self.mean(&call.node)?;
                let values = IndexMap::from([("true".to_owned(), p), ("false".to_owned(), 1.0 - p)]);
                Shares { values, drawn: Drawn::Event }
            }
            "$if" => {
                let p = self.mean(call.node.get("p")?)?;
                let mut shares = Shares::nothing();
                shares.add(&self.node(call.node.get("then")?)?, p);
                shares.add(&self.node(call.node.get("else")?)?, 1.0 - p);
                shares
            }
            "$pool" => self.pool_field(call.node.as_str()?, &[])?,
            "$case" => self.case(&call.node)?,
            "$omit" => Shares::one(ABSENT.to_owned()),
            _ => return None,
        };
        let mut shares = Shares::nothing();
        shares.add(&drawn, 1.0 - missing);
        if missing > 0.0 {
            shares.add(&Shares::one(ABSENT.to_owned()), missing);
        }
        Some(shares)
    }

    fn weighted(&self, node: &Node) -> Option<Shares> {
        let mut shares = Shares::nothing();
        match &node.value {
            Value::Map(entries) => {
                for entry in entries {
                    shares.add(&Shares::one(entry.key.clone()), entry.node.as_f64()?);
                }
            }
            Value::List(pairs) => {
                for pair in pairs {
                    let [weight, value] = pair.as_list()? else { return None };
                    shares.add(&self.node(value)?, weight.as_f64()?);
                }
            }
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => return None,
        }
        shares.normalised()
    }

    /// The first branch that holds, where every condition asks about one and the same name, such as `status >= 400`.
    fn case(&self, node: &Node) -> Option<Shares> {
        let mut asked: Option<Vec<&str>> = None;
        let mut branches = Vec::new();
        for branch in node.as_list()? {
            let [condition, value] = branch.as_list()? else { return None };
            // A branch that depends on what was drawn would be drawn from the part of it that leads there.
            if mentions(value) {
                return None;
            }
            let condition = Condition::read(condition)?;
            if let Condition::Compares(name, ..) = &condition {
                let path: Vec<&str> = name.split('.').collect();
                if *asked.get_or_insert_with(|| path.clone()) != path {
                    return None;
                }
            }
            branches.push((condition, self.node(value)?));
        }
        let decided = self.path(&asked?)?;
        let mut shares = Shares::nothing();
        for (key, share) in &decided.values {
            let branch = branches.iter().find(|(condition, _)| condition.holds(key));
            let missing = Shares::one("null".to_owned());
            shares.add(branch.map_or(&missing, |(_, shares)| shares), *share);
        }
        shares.drawn = shares.drawn.max(decided.drawn);
        Some(shares)
    }

    /// The mean of a template whose values are all numbers.
    fn mean(&self, node: &Node) -> Option<f64> {
        let shares = self.node(node)?;
        let mut mean = 0.0;
        for (key, share) in &shares.values {
            mean += key.parse::<f64>().ok()? * share;
        }
        (0.0..=1.0).contains(&mean).then_some(mean)
    }

    fn path(&self, path: &[&str]) -> Option<Shares> {
        let (first, rest) = path.split_first()?;
        if let Some(node) = self.scope.event.get(*first) {
            return self.field(node, rest);
        }
        let (bound, rest, drawn) = match (*first, rest) {
            ("user", [name, rest @ ..]) => (self.scope.user?.get(*name)?, rest, Drawn::User),
            ("session" | "entity", [name, rest @ ..]) => (self.scope.session?.get(*name)?, rest, Drawn::Session),
            (name, rest) => (self.scope.session?.get(name)?, rest, Drawn::Session),
        };
        let mut shares = self.field(bound, rest)?;
        shares.drawn = shares.drawn.max(drawn);
        Some(shares)
    }

    /// A field of what a template draws.
    fn field(&self, node: &Node, path: &[&str]) -> Option<Shares> {
        let deeper = self.deeper()?;
        if path.is_empty() {
            return deeper.node(node);
        }
        if let Some(pool) = node.get("$pool") {
            return (node.as_map()?.len() == 1).then(|| deeper.pool_field(pool.as_str()?, path))?;
        }
        if let Some(pairs) = node.get("$weighted").and_then(Node::as_list) {
            let mut shares = Shares::nothing();
            for pair in pairs {
                let [weight, value] = pair.as_list()? else { return None };
                shares.add(&deeper.field(value, path)?, weight.as_f64()?);
            }
            return shares.normalised();
        }
        if let Some(text) = node.as_str() {
            let mut whole = reference(text)?;
            whole.extend_from_slice(path);
            return deeper.path(&whole);
        }
        let (first, rest) = path.split_first()?;
        deeper.field(node.get(first)?, rest)
    }

    /// The shares of a field among the draws from a pool.
    fn pool_field(&self, name: &str, path: &[&str]) -> Option<Shares> {
        let pool = self.scope.scenario.pools.get(name)?;
        let mut shares = Shares::nothing();
        for (item, weight) in weighted_items(pool)? {
            let mut value = Some(item);
            for step in path {
                value = value.and_then(|node| node.get(step));
            }
            let key = match value {
                Some(node) => key_of(&node.value)?,
                None => ABSENT.to_owned(),
            };
            *shares.values.entry(key).or_default() += weight;
        }
        shares.normalised()
    }
}

/// Whether a template has an expression anywhere.
fn mentions(node: &Node) -> bool {
    match &node.value {
        Value::String(text) => text.contains("${"),
        Value::List(items) => items.iter().any(mentions),
        Value::Map(entries) => entries.iter().any(|entry| mentions(&entry.node)),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => false,
    }
}

/// A condition that can be decided from one value alone.
enum Condition<'a> {
    Always,
    /// A name, how it is compared, and with what.
    Compares(&'a str, &'static str, &'a str),
}

impl<'a> Condition<'a> {
    fn read(node: &'a Node) -> Option<Self> {
        if node.value == Value::Bool(true) {
            return Some(Self::Always);
        }
        let text = node.as_str()?;
        // Two characters first: `>` is the beginning of `>=`.
        let operator = ["==", "!=", ">=", "<=", ">", "<"].into_iter().find(|operator| text.contains(operator))?;
        let (name, other) = text.split_once(operator)?;
        let (name, other) = (name.trim(), other.trim());
        let literal =
            other.parse::<f64>().is_ok() || (other.len() > 1 && other.starts_with('\'') && other.ends_with('\''));
        let plain = name
            .split('.')
            .all(|step| !step.is_empty() && step.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
        let other = other.trim_matches('\'');
        (literal && plain && !other.contains('\'')).then_some(Self::Compares(name, operator, other))
    }

    fn holds(&self, key: &str) -> bool {
        let Self::Compares(_, operator, other) = self else { return true };
        let numbers = key.parse::<f64>().ok().zip(other.parse::<f64>().ok());
        match *operator {
            "==" => key == *other,
            "!=" => key != *other,
            ">=" => numbers.is_some_and(|(a, b)| a >= b),
            "<=" => numbers.is_some_and(|(a, b)| a <= b),
            ">" => numbers.is_some_and(|(a, b)| a > b),
            _ => numbers.is_some_and(|(a, b)| a < b),
        }
    }
}

/// The items of a pool with the weights they are drawn with; none where the seed decides who is popular.
fn weighted_items(pool: &Pool) -> Option<Vec<(&Node, f64)>> {
    let items = pool.inline.as_ref()?.as_list()?;
    let mut weighted = Vec::with_capacity(items.len());
    for item in items {
        let weight = match &pool.pick {
            Pick::Uniform => 1.0,
            Pick::Weighted(field) => item.get(field)?.as_f64()?,
            Pick::By { field, weights } => {
                let key = key_of(&item.get(field)?.value)?;
                let same = items.iter().filter(|other| other.get(field) == item.get(field)).count();
                weights.get(&key)? / same as f64
            }
            Pick::Zipf(_) | Pick::Recent(_) | Pick::Hot { .. } => return None,
        };
        weighted.push((item, weight));
    }
    Some(weighted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::read::read;

    fn node(json: &str) -> Node {
        serde_json::from_str(json).unwrap()
    }

    fn shares(scenario: &str, lets: &str, template: &str) -> Option<Vec<(String, f64)>> {
        let scenario: Scenario = read(&serde_json::from_str(scenario).unwrap()).value.unwrap();
        let event: IndexMap<String, Node> = serde_json::from_str(lets).unwrap();
        let scope = Scope { scenario: &scenario, event: &event, session: None, user: None };
        let shares = Shares::of(&node(template), &scope)?;
        Some(shares.values.into_iter().map(|(key, share)| (key, (share * 1e6 + 0.5).floor() / 1e6)).collect())
    }

    fn expect(pairs: &[(&str, f64)]) -> Option<Vec<(String, f64)>> {
        Some(pairs.iter().map(|(key, share)| ((*key).to_owned(), *share)).collect())
    }

    #[test]
    fn weights_lists_and_nested_draws_have_shares() {
        let q = r#"{"q": {"$weighted": {"1": 50, "2": 30, "3": 20}}}"#;
        assert_eq!(shares("{}", q, r#""${q}""#), expect(&[("1", 0.5), ("2", 0.3), ("3", 0.2)]));
        let nested = r#"{"$weighted": [[70, {"$pick": ["a", "b"]}], [30, "c"]]}"#;
        assert_eq!(shares("{}", "{}", nested), expect(&[("a", 0.35), ("b", 0.35), ("c", 0.3)]));
        assert_eq!(shares("{}", "{}", r#"{"$bool": 0.25}"#), expect(&[("true", 0.25), ("false", 0.75)]));
        let missing = r#"{"$pick": ["a"], "missing": 0.1}"#;
        assert_eq!(shares("{}", "{}", missing), expect(&[("a", 0.9), (ABSENT, 0.1)]));
    }

    #[test]
    fn a_condition_takes_the_mean_over_the_pool_that_it_depends_on() {
        let scenario =
            r#"{"pools": {"services": {"inline": [{"name": "a", "err": 0.02}, {"name": "b", "err": 0.06}]}}}"#;
        let lets = r#"{"svc": {"$pool": "services"}}"#;
        let status = r#"{"$if": {"p": "${svc.err}", "then": 500, "else": {"$weighted": {"200": 9, "201": 1}}}}"#;
        assert_eq!(shares(scenario, lets, status), expect(&[("500", 0.04), ("200", 0.864), ("201", 0.096)]));
    }

    #[test]
    fn a_case_over_one_name_takes_the_shares_of_its_values() {
        let lets = r#"{"status": {"$weighted": {"200": 80, "201": 10, "404": 6, "500": 4}}}"#;
        let severity = r#"{"$case": [["status >= 500", "error"], ["status >= 300", "warning"], [true, "info"]]}"#;
        let known = expect(&[("info", 0.9), ("warning", 0.06), ("error", 0.04)]);
        assert_eq!(shares("{}", lets, severity), known);
        let hit = r#"{"$case": [["status == 200", {"$bool": 0.25}], [true, false]]}"#;
        assert_eq!(shares("{}", lets, hit), expect(&[("true", 0.2), ("false", 0.8)]));
        // Two names, a calculation, a branch that depends on what was drawn: nobody can tell.
        for unknown in [
            r#"{"$case": [["status == 200", "a"], ["other == 1", "b"], [true, "c"]]}"#,
            r#"{"$case": [["status + 1 == 200", "a"], [true, "c"]]}"#,
            r#"{"$case": [["status == 200", "${status}"], [true, "c"]]}"#,
        ] {
            assert_eq!(shares("{}", lets, unknown), None, "{unknown}");
        }
    }

    #[test]
    fn weights_by_a_field_are_split_among_the_items_that_share_it() {
        let scenario = r#"{"pools": {"geo": {"inline": [{"city": "x", "region": "NA"}, {"city": "y", "region": "NA"},
            {"city": "z", "region": "EU"}], "pick": {"by": {"field": "region", "weights": {"NA": 60, "EU": 40}}}}}}"#;
        let lets = r#"{"place": {"$pool": "geo"}}"#;
        assert_eq!(shares(scenario, lets, r#""${place.region}""#), expect(&[("NA", 0.6), ("EU", 0.4)]));
        assert_eq!(shares(scenario, lets, r#""${place.city}""#), expect(&[("x", 0.3), ("y", 0.3), ("z", 0.4)]));
    }

    #[test]
    fn what_cannot_be_told_is_not_told() {
        let scenario = r#"{"pools": {"p": {"inline": ["a", "b"], "pick": {"zipf": 0.9}}}}"#;
        for template in [r#"{"$pool": "p"}"#, r#""${nowhere}""#, r#""${a + 1}""#, r#"{"$faker": "name"}"#, "[1]"] {
            assert_eq!(shares(scenario, "{}", template), None, "{template}");
        }
        // A circle ends.
        assert_eq!(shares("{}", r#"{"a": "${b}", "b": "${a}"}"#, r#""${a}""#), None);
    }
}
