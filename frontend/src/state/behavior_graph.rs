//! A behavior as a graph: states of a life, pages of a visit, or journeys, with the choices that are made on the way.

use shared::chart::graph::{Cell, layered};
use shared::tree::{Entry, Node, Value};

use crate::state::scalar::scalar;

/// What a journey without a path shows.
const ANY_PAGE: &str = "any page";

/// Nodes that a picture still shows; larger graphs are read in the text.
const MOST_NODES: usize = 60;

/// A behavior, drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct BehaviorGraph {
    /// The behavior's name.
    pub(crate) behavior: String,
    /// What it shows, in words: `life`, `pages`, `journeys`.
    pub(crate) shows: &'static str,
    /// Its nodes.
    pub(crate) nodes: Vec<GraphNode>,
    /// Ways between them.
    pub(crate) edges: Vec<GraphEdge>,
    /// What is chosen between, and with which weights.
    pub(crate) choices: Vec<Choice>,
}

/// A state or a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct GraphNode {
    /// Its name in the document; of journeys, which one and where in it: `2/3`, from 1, the journey itself 0.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// What happens there: the event on entering.
    pub(crate) note: String,
    /// Where it stands.
    pub(crate) cell: Cell,
}

/// A way from one node to another.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct GraphEdge {
    /// From which node.
    pub(crate) from: usize,
    /// To which node.
    pub(crate) to: usize,
    /// How likely, 0 to 1; none where there is only this one.
    pub(crate) share: Option<f64>,
}

/// Alternatives whose weights are linked: where one grows, the others shrink.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Choice {
    /// What the choice is about: `from CREATED`.
    pub(crate) title: String,
    /// The alternatives.
    pub(crate) options: Vec<ChoiceOption>,
}

/// An alternative.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ChoiceOption {
    /// Its name.
    pub(crate) name: String,
    /// Where its weight stands in the document.
    pub(crate) path: String,
    /// Its weight.
    pub(crate) weight: f64,
    /// What is written there, sense or nonsense.
    pub(crate) written: String,
}

/// The behaviors of a merged document that can be drawn.
pub(crate) fn read(document: &Node) -> Vec<BehaviorGraph> {
    let behaviors = document.get("behaviors").and_then(Node::as_map).unwrap_or_default();
    behaviors.iter().filter_map(|Entry { key, node, .. }| graph(key, node)).collect()
}

fn graph(name: &str, node: &Node) -> Option<BehaviorGraph> {
    let mut graph = if let Some(life) = node.get("lifecycle") {
        lifecycle(name, life)
    } else {
        let session = node.get("session")?;
        match session.get("graph").and_then(Node::as_map) {
            Some(pages) if !pages.is_empty() => page_graph(name, pages),
            _ => journeys(name, session),
        }
    };
    if graph.nodes.is_empty() || graph.nodes.len() > MOST_NODES {
        return None;
    }
    if graph.shows != "journeys" {
        let edges: Vec<(usize, usize)> = graph.edges.iter().map(|edge| (edge.from, edge.to)).collect();
        let count = graph.nodes.len();
        for (node, cell) in graph.nodes.iter_mut().zip(layered(count, &edges)) {
            node.cell = cell;
        }
    }
    graph.behavior = name.to_owned();
    Some(graph)
}

impl BehaviorGraph {
    /// Columns and rows that it takes.
    pub(crate) fn size(&self) -> (u32, u32) {
        let wide = self.nodes.iter().map(|node| node.cell.0 + 1).max().unwrap_or(0);
        let high = self.nodes.iter().map(|node| node.cell.1 + 1).max().unwrap_or(0);
        (wide, high)
    }

    /// A node by its id.
    pub(crate) fn find(&self, id: &str) -> Option<&GraphNode> {
        self.nodes.iter().find(|node| node.id == id)
    }

    /// The share of a way, 0 to 1, where there is such a way.
    pub(crate) fn share(&self, from: &str, to: &str) -> Option<f64> {
        let is_it = |edge: &&GraphEdge| {
            let id = |node: usize| self.nodes.get(node).map(|node| node.id.as_str());
            id(edge.from) == Some(from) && id(edge.to) == Some(to)
        };
        self.edges.iter().find(is_it).map(|edge| edge.share.unwrap_or(1.0))
    }

    /// The places to which a place has no way yet, by id and name.
    pub(crate) fn not_reached(&self, from: &str) -> Vec<(String, String)> {
        let mut open: Vec<(String, String)> = self
            .nodes
            .iter()
            .filter(|node| node.id != "$start" && self.share(from, &node.id).is_none())
            .map(|node| (node.id.clone(), node.name.clone()))
            .collect();
        if self.shows == "pages" && self.find("$end").is_none() {
            open.push(("$end".to_owned(), page_name("$end").to_owned()));
        }
        open
    }

    /// The path of a journey after a page was put in behind a node, as its place in the document and its pages.
    pub(crate) fn with_page(&self, behind: &str, page: &str) -> Option<(String, Vec<String>)> {
        let (journey, column) = journey_place(behind)?;
        let mut pages = self.pages_of(journey);
        pages.insert(column.min(pages.len()), page.trim().to_owned());
        Some((self.path_of(journey), pages))
    }

    /// The path of a journey without one of its pages.
    pub(crate) fn without_page(&self, id: &str) -> Option<(String, Vec<String>)> {
        let (journey, column) = journey_place(id)?;
        let mut pages = self.pages_of(journey);
        (column >= 1 && column <= pages.len()).then(|| pages.remove(column - 1))?;
        Some((self.path_of(journey), pages))
    }

    fn pages_of(&self, journey: usize) -> Vec<String> {
        let of_it = self
            .nodes
            .iter()
            .filter(|node| journey_place(&node.id).is_some_and(|(known, column)| known == journey && column > 0));
        of_it.map(|node| node.name.clone()).filter(|name| name != ANY_PAGE).collect()
    }

    fn path_of(&self, journey: usize) -> String {
        format!("behaviors.{}.session.journeys[{}].path", self.behavior, journey - 1)
    }

    fn node(&mut self, name: &str) -> usize {
        match self.nodes.iter().position(|node| node.name == name) {
            Some(index) => index,
            None => {
                self.nodes.push(GraphNode { id: name.to_owned(), name: name.to_owned(), ..GraphNode::default() });
                self.nodes.len() - 1
            }
        }
    }
}

fn lifecycle(name: &str, life: &Node) -> BehaviorGraph {
    let mut graph = BehaviorGraph { shows: "life", ..BehaviorGraph::default() };
    if let Some(initial) = life.get("initial").and_then(Node::as_str) {
        graph.node(initial);
    }
    for Entry { key, node, .. } in life.get("states").and_then(Node::as_map).unwrap_or_default() {
        let from = graph.node(key);
        graph.nodes[from].note = node.get("enter").and_then(Node::as_str).unwrap_or_default().to_owned();
        let Some(Value::List(ways)) = node.get("next").map(|next| &next.value) else { continue };
        let mut choice = Choice { title: format!("from {key}"), options: Vec::new() };
        for (index, way) in ways.iter().enumerate() {
            let Some(to) = way.get("to").and_then(Node::as_str) else { continue };
            let weight = way.get("p").and_then(Node::as_f64).unwrap_or(0.0);
            let to_node = graph.node(to);
            graph.edges.push(GraphEdge { from, to: to_node, share: (ways.len() > 1).then_some(weight) });
            choice.options.push(ChoiceOption {
                name: to.to_owned(),
                path: format!("behaviors.{name}.lifecycle.states.{key}.next[{index}].p"),
                weight,
                written: way.get("p").map(scalar).unwrap_or_default(),
            });
        }
        if choice.options.len() > 1 {
            graph.choices.push(choice);
        }
    }
    graph
}

fn page_graph(name: &str, pages: &[Entry]) -> BehaviorGraph {
    let mut graph = BehaviorGraph { shows: "pages", ..BehaviorGraph::default() };
    graph.node("$start");
    for Entry { key, node, .. } in pages {
        let from = graph.node(key);
        let mut choice = Choice { title: format!("from {}", page_name(key)), options: Vec::new() };
        let ways = node.as_map().unwrap_or_default();
        for Entry { key: to, node, .. } in ways {
            let weight = node.as_f64().unwrap_or(0.0);
            let to_node = graph.node(to);
            graph.edges.push(GraphEdge { from, to: to_node, share: (ways.len() > 1).then_some(weight) });
            choice.options.push(ChoiceOption {
                name: page_name(to).to_owned(),
                path: format!("behaviors.{name}.session.graph.{key}.{to}"),
                weight,
                written: scalar(node),
            });
        }
        if choice.options.len() > 1 {
            graph.choices.push(choice);
        }
    }
    if !graph.edges.iter().any(|edge| edge.from == 0 || edge.to == 0) {
        graph.nodes.remove(0);
        for edge in &mut graph.edges {
            edge.from -= 1;
            edge.to -= 1;
        }
    }
    for node in &mut graph.nodes {
        node.name = page_name(&node.name).to_owned();
    }
    graph
}

/// Which journey a node belongs to, from 1, and its place in it.
fn journey_place(id: &str) -> Option<(usize, usize)> {
    let (journey, column) = id.split_once('/')?;
    Some((journey.parse().ok().filter(|journey| *journey > 0)?, column.parse().ok()?))
}

fn page_name(name: &str) -> &str {
    match name {
        "$start" => "(arrives)",
        "$end" => "(leaves)",
        name => name,
    }
}

/// Each journey is a row of its own; a page that several pass stands in each.
fn journeys(name: &str, session: &Node) -> BehaviorGraph {
    let mut graph = BehaviorGraph { shows: "journeys", ..BehaviorGraph::default() };
    let Some(Value::List(journeys)) = session.get("journeys").map(|journeys| &journeys.value) else { return graph };
    let weight = |journey: &Node| journey.get("weight").and_then(Node::as_f64).unwrap_or(0.0);
    let total: f64 = journeys.iter().map(weight).sum();
    let mut choice = Choice { title: "journeys".to_owned(), options: Vec::new() };
    for (row, journey) in journeys.iter().enumerate() {
        let title = journey.get("name").and_then(Node::as_str).unwrap_or_default();
        let at = row as u32;
        let id = |column: usize| format!("{}/{column}", row + 1);
        graph.nodes.push(GraphNode { id: id(0), name: title.to_owned(), note: "journey".to_owned(), cell: (0, at) });
        let mut before = graph.nodes.len() - 1;
        let mut share = (total > 0.0).then(|| weight(journey) / total);
        let path = match journey.get("path").map(|path| &path.value) {
            Some(Value::List(path)) => path.iter().filter_map(Node::as_str).collect(),
            _ => Vec::new(),
        };
        let pages = if path.is_empty() { vec![ANY_PAGE] } else { path };
        for (column, page) in pages.into_iter().enumerate() {
            let cell = (column as u32 + 1, at);
            let id = id(column + 1);
            graph.nodes.push(GraphNode { id, name: page.to_owned(), note: String::new(), cell });
            let to = graph.nodes.len() - 1;
            graph.edges.push(GraphEdge { from: before, to, share: share.take() });
            before = to;
        }
        choice.options.push(ChoiceOption {
            name: title.to_owned(),
            path: format!("behaviors.{name}.session.journeys[{row}].weight"),
            weight: weight(journey),
            written: journey.get("weight").map(scalar).unwrap_or_default(),
        });
    }
    if choice.options.len() > 1 {
        graph.choices.push(choice);
    }
    graph
}

#[cfg(test)]
mod tests {
    use shared::scenario::read_tree;

    use super::*;

    fn one(text: &str) -> BehaviorGraph {
        let document = read_tree(text, "test").expect("the text can be read");
        read(&document).remove(0)
    }

    #[test]
    fn a_life_has_its_states_and_how_likely_each_way_is() {
        let graph = one("\
behaviors:
  order:
    lifecycle:
      initial: NEW
      states:
        NEW: {enter: created, next: [{to: DONE, p: 0.9, after: 5m}, {to: GONE, p: 0.1}]}
        DONE: {enter: finished}
        GONE: {}
");
        assert_eq!((graph.behavior.as_str(), graph.shows, graph.size()), ("order", "life", (2, 2)));
        assert_eq!(graph.nodes[0].note, "created");
        assert_eq!(graph.edges[0], GraphEdge { from: 0, to: 1, share: Some(0.9) });
        let option = &graph.choices[0].options[1];
        assert_eq!((option.name.as_str(), option.weight), ("GONE", 0.1));
        assert_eq!(option.path, "behaviors.order.lifecycle.states.NEW.next[1].p");
    }

    #[test]
    fn journeys_are_rows_with_their_share_at_the_start() {
        let graph = one("\
behaviors:
  browse:
    session:
      journeys:
        - {name: shopping, weight: 30, path: [/home, /cart]}
        - {name: random, weight: 10, path: []}
");
        assert_eq!(graph.size(), (3, 2));
        assert_eq!(graph.edges.iter().map(|edge| edge.share).collect::<Vec<_>>(), [Some(0.75), None, Some(0.25)]);
        assert_eq!(graph.choices[0].options[0].path, "behaviors.browse.session.journeys[0].weight");
    }

    #[test]
    fn a_journey_takes_a_page_in_and_gives_one_up() {
        let graph = one("\
behaviors:
  browse:
    session:
      journeys:
        - {name: shopping, weight: 30, path: [/home, /cart]}
        - {name: random, weight: 10, path: []}
");
        let path = |journey: usize| format!("behaviors.browse.session.journeys[{journey}].path");
        let pages = |pages: &[&str]| pages.iter().map(|page| (*page).to_owned()).collect::<Vec<_>>();
        assert_eq!(graph.with_page("1/1", " /list "), Some((path(0), pages(&["/home", "/list", "/cart"]))));
        assert_eq!(graph.with_page("2/0", "/a"), Some((path(1), pages(&["/a"]))));
        assert_eq!(graph.without_page("1/2"), Some((path(0), pages(&["/home"]))));
        assert_eq!(graph.without_page("1/0"), None, "the journey itself is no page");
        assert_eq!(graph.with_page("home", "/a"), None);
    }

    #[test]
    fn ways_that_are_missing_can_be_offered() {
        let graph = one("behaviors: {b: {session: {graph: {$start: {home: 1}, home: {home: 0.4, $end: 0.6}}}}}");
        assert_eq!(graph.share("home", "$end"), Some(0.6));
        assert_eq!(graph.share("$start", "home"), Some(1.0));
        assert_eq!(graph.not_reached("home"), []);
        assert_eq!(graph.not_reached("$start"), [("$end".to_owned(), "(leaves)".to_owned())]);
    }

    #[test]
    fn a_graph_of_pages_knows_where_people_arrive_and_leave() {
        let graph = one("behaviors: {b: {session: {graph: {$start: {home: 1}, home: {home: 0.5, $end: 0.5}}}}}");
        assert_eq!(
            graph.nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>(),
            ["(arrives)", "home", "(leaves)"]
        );
        assert_eq!(graph.choices.len(), 1);
    }

    #[test]
    fn what_is_no_graph_is_left_out() {
        let document = read_tree("behaviors: {a: {mix: {weights: {x: 1}}}, b: {session: {}}, c: nonsense}", "test");
        assert_eq!(read(&document.expect("the text can be read")), []);
    }
}
