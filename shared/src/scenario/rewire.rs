//! Changes the places of a session graph or a lifecycle and the ways between them, in a scenario's text: what leaves a
//! place sums to what it summed to before, whatever is added, removed or given another weight.

use crate::problem::Problem;
use crate::scenario::balance::{balanced, written};
use crate::scenario::edit::{set_key, unset_key};
use crate::scenario::options::LoadOptions;
use crate::scenario::source::compose;
use crate::tree::{Entry, Mark, Node, Value};

/// Where visits begin in a session graph.
const START: &str = "$start";
/// Where they leave.
const END: &str = "$end";
/// What takes away what a text inherits.
const UNSET: &str = "$unset";

/// What is wished for; places are pages of a graph or states of a life.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wish<'a> {
    /// A new way, as likely as the mean of those that leave the place with it.
    AddWay {
        /// From which place.
        from: &'a str,
        /// To which.
        to: &'a str,
    },
    /// Another weight for a way; the others that leave its place make room.
    Weigh {
        /// From which place.
        from: &'a str,
        /// To which.
        to: &'a str,
        /// Share of those who leave the place, 0 to 1.
        share: f64,
    },
    /// A way less; the others that leave its place take its share over.
    RemoveWay {
        /// From which place.
        from: &'a str,
        /// To which.
        to: &'a str,
    },
    /// A new place, with a way to it.
    AddPlace {
        /// Its name.
        name: &'a str,
        /// From which place it is reached.
        after: &'a str,
    },
    /// A place less, with every way to it.
    RemovePlace {
        /// Its name.
        name: &'a str,
    },
}

/// Does what is wished for in the text of a scenario, to the graph or the life of a behavior.
///
/// # Errors
///
/// There is no such behavior, place or way; the place cannot go, or the name is taken; the text cannot be changed in
/// place.
pub fn rewire(text: &str, behavior: &str, wish: Wish<'_>) -> Result<String, Problem> {
    let map = Map::read(text, behavior)?;
    let mut places = map.places.clone();
    apply(&mut places, wish, &map)?;
    let mut text = text.to_owned();
    // What is new comes first, so that no way leads to what is not there yet.
    for (name, ways) in places.iter().filter(|(name, _)| map.ways(name).is_none()) {
        text = map.write(&text, name, ways)?;
    }
    for (name, ways) in places.iter().filter(|(name, ways)| map.ways(name).is_some_and(|before| *before != *ways)) {
        text = map.write(&text, name, ways)?;
    }
    for (name, _) in map.places.iter().filter(|(name, _)| !places.iter().any(|(left, _)| left == name)) {
        text = map.remove(&text, name)?;
    }
    Ok(text)
}

type Places = Vec<(String, Vec<Way>)>;

#[derive(Clone, Debug, PartialEq)]
struct Way {
    to: String,
    weight: f64,
    /// A life's transition with all that it says; nothing for a graph.
    rest: Vec<Entry>,
}

impl Way {
    fn new(to: &str, weight: f64) -> Self {
        Self { to: to.to_owned(), weight, rest: Vec::new() }
    }
}

/// A graph or a life, as the merged document has it.
struct Map {
    behavior: String,
    /// The place in the document where the places stand.
    path: String,
    is_life: bool,
    initial: String,
    places: Places,
}

impl Map {
    fn read(text: &str, behavior: &str) -> Result<Self, Problem> {
        let merged = compose(text, &LoadOptions::new("")).document;
        let section = merged.get("behaviors").and_then(Node::as_map).unwrap_or_default();
        let node = section.iter().find(|entry| entry.key == behavior).map(|entry| &entry.node);
        if let Some(life) = node.and_then(|node| node.get("lifecycle")) {
            let states = life.get("states").and_then(Node::as_map).unwrap_or_default();
            let initial = life.get("initial").and_then(Node::as_str).unwrap_or_default().to_owned();
            let places = states.iter().map(|entry| (entry.key.clone(), transitions(&entry.node))).collect();
            let path = format!("behaviors.{behavior}.lifecycle.states");
            return Ok(Self { behavior: behavior.to_owned(), path, is_life: true, initial, places });
        }
        let graph = node.and_then(|node| node.get("session")).and_then(|session| session.get("graph"));
        match graph.and_then(Node::as_map) {
            Some(pages) => Ok(Self {
                behavior: behavior.to_owned(),
                path: format!("behaviors.{behavior}.session.graph"),
                is_life: false,
                initial: START.to_owned(),
                places: pages.iter().map(|entry| (entry.key.clone(), next_pages(&entry.node))).collect(),
            }),
            None => Err(Problem::error(
                format!("behaviors.{behavior}"),
                format!("`{behavior}` has neither a graph of pages nor a lifecycle"),
            )),
        }
    }

    fn ways(&self, place: &str) -> Option<&Vec<Way>> {
        self.places.iter().find(|(name, _)| name == place).map(|(_, ways)| ways)
    }

    fn problem(&self, message: String) -> Problem {
        Problem::error(self.path.clone(), message)
    }

    /// Writes the ways out of a place.
    fn write(&self, text: &str, name: &str, ways: &[Way]) -> Result<String, Problem> {
        if self.is_life {
            let next: Vec<Node> = ways.iter().map(transition).collect();
            if self.ways(name).is_none() {
                // A new state ends the life: nothing leads on from it yet.
                return set_key(text, &self.path, name, Node::from(Value::Map(Vec::new())));
            }
            return set_key(text, &format!("{}.{name}", self.path), "next", Node::from(Value::List(next)));
        }
        let mut row: Vec<Entry> = ways.iter().map(|way| entry(&way.to, number(way.weight))).collect();
        // Maps merge: what the text inherits and is to go must be taken away by name.
        let changed = set_key(text, &self.path, name, Node::from(Value::Map(row.clone())))?;
        let merged = Self::read(&changed, &self.behavior)?;
        let left = merged.ways(name).map_or(&[][..], Vec::as_slice);
        let surplus: Vec<&Way> = left.iter().filter(|left| !ways.iter().any(|way| way.to == left.to)).collect();
        if surplus.is_empty() {
            return Ok(changed);
        }
        row.extend(surplus.into_iter().map(|left| entry(&left.to, Value::String(UNSET.to_owned()))));
        set_key(text, &self.path, name, Node::from(Value::Map(row)))
    }

    fn remove(&self, text: &str, name: &str) -> Result<String, Problem> {
        let text = unset_key(text, &self.path, name)?;
        if Self::read(&text, &self.behavior).map_or(true, |merged| merged.ways(name).is_none()) {
            return Ok(text);
        }
        set_key(&text, &self.path, name, Node::from(Value::String(UNSET.to_owned())))
    }
}

fn apply(places: &mut Places, wish: Wish<'_>, map: &Map) -> Result<(), Problem> {
    match wish {
        Wish::AddWay { from, to } => {
            let is_place = to == END && !map.is_life || (to != START && map.ways(to).is_some());
            if !is_place {
                return Err(map.problem(format!("no way can lead to `{to}`")));
            }
            let ways = ways_of(places, from, map)?;
            if ways.iter().any(|way| way.to == to) {
                return Err(map.problem(format!("there is a way from `{from}` to `{to}` already")));
            }
            add(ways, to);
        }
        Wish::Weigh { from, to, share } => {
            let (ways, at) = way_of(places, from, to, map)?;
            let sum: f64 = ways.iter().map(|way| way.weight).sum();
            weigh(ways, at, share.clamp(0.0, 1.0) * sum);
        }
        Wish::RemoveWay { from, to } => {
            let (ways, at) = way_of(places, from, to, map)?;
            remove(ways, at);
            leave_somehow(ways, map);
        }
        Wish::AddPlace { name, after } => {
            let name = name.trim();
            if name.is_empty() || name.starts_with('$') || map.ways(name).is_some() {
                return Err(map.problem(format!("`{name}` is no name for a new place: empty, taken, or with a `$`")));
            }
            add(ways_of(places, after, map)?, name);
            let ways = if map.is_life { Vec::new() } else { vec![Way::new(END, 1.0)] };
            places.push((name.to_owned(), ways));
        }
        Wish::RemovePlace { name } => {
            if name == map.initial || name == END || map.ways(name).is_none() {
                return Err(map.problem(format!("`{name}` cannot be removed: everything begins or ends there")));
            }
            places.retain(|(known, _)| known != name);
            for (_, ways) in places.iter_mut() {
                if let Some(at) = ways.iter().position(|way| way.to == name) {
                    remove(ways, at);
                    leave_somehow(ways, map);
                }
            }
        }
    }
    Ok(())
}

fn ways_of<'p>(places: &'p mut Places, place: &str, map: &Map) -> Result<&'p mut Vec<Way>, Problem> {
    let found = places.iter_mut().find(|(name, _)| name == place);
    found.map(|(_, ways)| ways).ok_or_else(|| map.problem(format!("there is no place `{place}`")))
}

fn way_of<'p>(places: &'p mut Places, from: &str, to: &str, map: &Map) -> Result<(&'p mut Vec<Way>, usize), Problem> {
    let ways = ways_of(places, from, map)?;
    match ways.iter().position(|way| way.to == to) {
        Some(at) => Ok((ways, at)),
        None => Err(map.problem(format!("there is no way from `{from}` to `{to}`"))),
    }
}

fn add(ways: &mut Vec<Way>, to: &str) {
    let sum: f64 = ways.iter().map(|way| way.weight).sum();
    if ways.is_empty() || sum <= 0.0 {
        ways.push(Way::new(to, if ways.is_empty() { 1.0 } else { 0.0 }));
        return;
    }
    ways.push(Way::new(to, 0.0));
    let count = ways.len();
    weigh(ways, count - 1, sum / count as f64);
}

fn remove(ways: &mut Vec<Way>, at: usize) {
    weigh(ways, at, 0.0);
    ways.remove(at);
}

fn weigh(ways: &mut [Way], at: usize, to: f64) {
    let weights: Vec<f64> = ways.iter().map(|way| way.weight).collect();
    for (way, weight) in ways.iter_mut().zip(balanced(&weights, at, to)) {
        way.weight = weight;
    }
}

/// A page that leads nowhere leads out.
fn leave_somehow(ways: &mut Vec<Way>, map: &Map) {
    if ways.is_empty() && !map.is_life {
        ways.push(Way::new(END, 1.0));
    }
}

fn next_pages(node: &Node) -> Vec<Way> {
    let ways = node.as_map().unwrap_or_default();
    ways.iter().map(|Entry { key, node, .. }| Way::new(key, node.as_f64().unwrap_or(0.0))).collect()
}

fn transitions(state: &Node) -> Vec<Way> {
    let next = state.get("next").and_then(Node::as_list).unwrap_or_default();
    let way = |node: &Node| {
        Some(Way {
            to: node.get("to").and_then(Node::as_str)?.to_owned(),
            weight: node.get("p").and_then(Node::as_f64).unwrap_or(0.0),
            rest: node.as_map().unwrap_or_default().to_vec(),
        })
    };
    next.iter().filter_map(way).collect()
}

/// A transition as it is written: what it said before, with its weight.
fn transition(way: &Way) -> Node {
    let mut entries = way.rest.clone();
    if entries.is_empty() {
        entries.push(entry("to", Value::String(way.to.clone())));
    }
    match entries.iter_mut().find(|entry| entry.key == "p") {
        Some(entry) => entry.node = Node::from(number(way.weight)),
        None => entries.push(entry("p", number(way.weight))),
    }
    Node::from(Value::Map(entries))
}

fn entry(key: &str, value: Value) -> Entry {
    Entry { key: key.to_owned(), key_mark: Mark::default(), node: Node::from(value) }
}

/// A weight without a trace of arithmetic, whole where it is.
fn number(weight: f64) -> Value {
    let text = written(weight);
    match text.parse::<i64>() {
        Ok(whole) => Value::Int(whole),
        Err(_) => Value::Float(text.parse().unwrap_or(weight)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGES: &str = "\
behaviors:
  visit:
    session:
      graph: # where people go
        $start: {/home: 1}
        /home: {/cart: 0.5, $end: 0.5} # half
        /cart: {$end: 1}
";
    const LIFE: &str = "\
behaviors:
  order:
    lifecycle:
      initial: NEW
      states:
        NEW: {enter: created, next: [{to: DONE, p: 0.9, after: 5m}, {to: GONE, p: 0.1}]}
        DONE: {enter: finished}
        GONE: {}
";

    fn pages(wish: Wish<'_>) -> String {
        rewire(PAGES, "visit", wish).unwrap()
    }

    #[test]
    fn ways_of_a_graph_are_added_weighed_and_removed_and_the_rest_of_the_text_stays() {
        assert_eq!(
            pages(Wish::AddWay { from: "/cart", to: "/home" }),
            PAGES.replace("/cart: {$end: 1}", "/cart: {$end: 0.5, /home: 0.5}")
        );
        assert_eq!(
            pages(Wish::Weigh { from: "/home", to: "/cart", share: 0.8 }),
            PAGES.replace("{/cart: 0.5, $end: 0.5}", "{/cart: 0.8, $end: 0.2}")
        );
        assert_eq!(
            pages(Wish::RemoveWay { from: "/home", to: "/cart" }),
            PAGES.replace("{/cart: 0.5, $end: 0.5}", "{$end: 1}")
        );
    }

    #[test]
    fn pages_come_and_go_with_the_ways_to_them() {
        let text = pages(Wish::AddPlace { name: "/a.html", after: "/home" });
        assert!(text.contains("/a.html: {$end: 1}") && text.contains("# half"), "{text}");
        let again = rewire(&text, "visit", Wish::RemovePlace { name: "/a.html" }).unwrap();
        // Thirds are rounded to a thousandth, and back.
        assert!(again.contains("/home: {/cart: 0.501, $end: 0.499} # half") && !again.contains("a.html"), "{again}");
        let without = pages(Wish::RemovePlace { name: "/home" });
        assert!(without.contains("$start: {$end: 1}") && !without.contains("/home"), "{without}");
    }

    #[test]
    fn a_life_keeps_what_its_transitions_say_beside_their_weight() {
        let text = rewire(LIFE, "order", Wish::Weigh { from: "NEW", to: "GONE", share: 0.25 }).unwrap();
        assert_eq!(text, LIFE.replace("p: 0.9, after", "p: 0.75, after").replace("GONE, p: 0.1", "GONE, p: 0.25"));
        let text = rewire(LIFE, "order", Wish::AddPlace { name: "LOST", after: "DONE" }).unwrap();
        assert!(text.contains("LOST: {}") && text.contains("next: [{to: LOST, p: 1}]"), "{text}");
        let text = rewire(LIFE, "order", Wish::RemovePlace { name: "GONE" }).unwrap();
        assert!(text.contains("[{to: DONE, p: 1, after: 5m}]") && !text.contains("GONE"), "{text}");
    }

    #[test]
    fn what_is_inherited_is_changed_in_the_text_that_inherits_it() {
        let text = "extends: freshmart\n";
        let merged = compose(text, &LoadOptions::new("")).document;
        let behaviors = merged.get("behaviors").and_then(Node::as_map).unwrap();
        let life = behaviors.iter().find(|entry| entry.node.get("lifecycle").is_some()).unwrap();
        let map = Map::read(text, &life.key).unwrap();
        let (from, ways) = map.places.iter().find(|(_, ways)| ways.len() > 1).unwrap();
        let gone = ways[0].to.clone();
        let changed = rewire(text, &life.key, Wish::RemoveWay { from, to: &gone }).unwrap();
        let after = Map::read(&changed, &life.key).unwrap();
        assert_eq!(after.ways(from).unwrap().len(), ways.len() - 1, "{changed}");
        let unwanted = map.places.iter().map(|(name, _)| name).find(|name| **name != map.initial).unwrap();
        let changed = rewire(text, &life.key, Wish::RemovePlace { name: unwanted }).unwrap();
        assert!(Map::read(&changed, &life.key).unwrap().ways(unwanted).is_none(), "{changed}");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wish in [
            Wish::AddWay { from: "/home", to: "/cart" },
            Wish::AddWay { from: "/home", to: "/nowhere" },
            Wish::AddWay { from: "/home", to: "$start" },
            Wish::RemoveWay { from: "/cart", to: "/home" },
            Wish::AddPlace { name: "/cart", after: "/home" },
            Wish::AddPlace { name: " ", after: "/home" },
            Wish::RemovePlace { name: "$start" },
        ] {
            assert!(rewire(PAGES, "visit", wish).is_err(), "{wish:?}");
        }
        assert!(rewire(PAGES, "nobody", Wish::RemovePlace { name: "/home" }).is_err());
    }
}
