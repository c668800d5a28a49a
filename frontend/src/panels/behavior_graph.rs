//! Behaviors as graphs: the states of a life, the pages of a visit, the journeys that people take; with the weights of
//! every choice on the way.

use leptos::prelude::*;

use crate::editing::Editing;
use crate::format;
use crate::panels::linked_weights::LinkedWeights;
use crate::state::behavior_graph::{BehaviorGraph, Choice};

/// Size of a node, and the room between two.
const NODE_WIDTH: f64 = 138.0;
const NODE_HEIGHT: f64 = 40.0;
const GAP_X: f64 = 64.0;
const GAP_Y: f64 = 22.0;
const MARGIN: f64 = 12.0;
/// Letters of a name that fit into a node.
const LETTERS: usize = 18;

/// Every behavior of the scenario that can be drawn.
#[component]
pub(crate) fn BehaviorGraphs() -> impl IntoView {
    let editing = expect_context::<Editing>();
    let names = Memo::new(move |_| {
        editing
            .checked
            .with(|checked| checked.form.graphs.iter().map(|graph| graph.behavior.clone()).collect::<Vec<_>>())
    });
    view! { <For each=move || names.get() key=Clone::clone children=move |name| view! { <GraphCard behavior=name /> } /> }
}

#[component]
fn GraphCard(behavior: String) -> impl IntoView {
    let editing = expect_context::<Editing>();
    let name = behavior.clone();
    let graph = Memo::new(move |_| {
        editing.checked.with(|checked| {
            checked.form.graphs.iter().find(|graph| graph.behavior == name).cloned().unwrap_or_default()
        })
    });
    let titles = Memo::new(move |_| {
        graph.with(|graph| graph.choices.iter().map(|choice| choice.title.clone()).collect::<Vec<_>>())
    });
    let heading = Memo::new(move |_| {
        graph.with(|graph| match graph.shows {
            "life" => format!("Life of {}", graph.behavior),
            "pages" => format!("Pages of {}", graph.behavior),
            _ => format!("Journeys of {}", graph.behavior),
        })
    });
    view! {
        <section class="card" aria-label=move || heading.get() data-testid=format!("graph-{behavior}")>
            <div class="card-head">
                <h2>{heading}</h2>
                <span class="note">{move || graph.with(in_words)}</span>
            </div>
            <div class="graph scroll" tabindex="0" role="img" aria-label=move || graph.with(spoken)>
                {move || graph.with(drawing)}
            </div>
            <For
                each=move || titles.get()
                key=Clone::clone
                children=move |title| {
                    let wanted = title.clone();
                    let choice = Memo::new(move |_| {
                        graph.with(|graph| {
                            graph.choices.iter().find(|choice| choice.title == wanted).cloned().unwrap_or_else(Choice::default)
                        })
                    });
                    view! {
                        <details class="choice" open=titles.with_untracked(Vec::len) == 1>
                            <summary>{title}</summary>
                            <LinkedWeights choice=choice />
                        </details>
                    }
                }
            />
        </section>
    }
}

fn in_words(graph: &BehaviorGraph) -> String {
    match graph.shows {
        "life" => format::counted(graph.nodes.len() as u64, "state"),
        "pages" => format::counted(graph.nodes.len() as u64, "page"),
        _ => format::counted(graph.choices.first().map_or(1, |choice| choice.options.len()) as u64, "journey"),
    }
}

/// The graph for those who do not see it.
fn spoken(graph: &BehaviorGraph) -> String {
    let ways = graph.edges.iter().filter_map(|edge| {
        let (from, to) = (graph.nodes.get(edge.from)?, graph.nodes.get(edge.to)?);
        let share = edge.share.map(|share| format!(" ({})", format::percent(share))).unwrap_or_default();
        Some(format!("{} to {}{share}", from.name, to.name))
    });
    ways.collect::<Vec<_>>().join("; ")
}

fn corner(cell: (u32, u32)) -> (f64, f64) {
    (MARGIN + f64::from(cell.0) * (NODE_WIDTH + GAP_X), MARGIN + f64::from(cell.1) * (NODE_HEIGHT + GAP_Y))
}

fn drawing(graph: &BehaviorGraph) -> impl IntoView + use<> {
    let (columns, rows) = graph.size();
    let width = 2.0 * MARGIN + f64::from(columns) * (NODE_WIDTH + GAP_X) - GAP_X;
    let back = graph.edges.iter().any(|edge| is_back(graph, edge.from, edge.to));
    let height = 2.0 * MARGIN + f64::from(rows) * (NODE_HEIGHT + GAP_Y) - if back { 0.0 } else { GAP_Y };
    let edges = graph.edges.iter().filter_map(|edge| {
        let (path, (x, y)) = edge_path(graph, edge.from, edge.to)?;
        let label = edge.share.map(format::percent).unwrap_or_default();
        Some(view! {
            <path class="edge" d=path marker-end="url(#arrow)" />
            <text class="edge-label" x=x y=y text-anchor="middle">{label}</text>
        })
    });
    let nodes = graph.nodes.iter().map(|node| {
        let (x, y) = corner(node.cell);
        let middle = x + NODE_WIDTH / 2.0;
        let has_note = !node.note.is_empty();
        let name_y = y + if has_note { 17.0 } else { NODE_HEIGHT / 2.0 + 4.0 };
        view! {
            <g class="node" class:journey=node.note == "journey">
                <rect x=x y=y width=NODE_WIDTH height=NODE_HEIGHT rx="7" />
                <text x=middle y=name_y text-anchor="middle">{shortened(&node.name)}<title>{node.name.clone()}</title></text>
                {has_note.then(|| view! { <text class="node-note" x=middle y=y + 32.0 text-anchor="middle">{shortened(&node.note)}</text> })}
            </g>
        }
    });
    view! {
        <svg width=width height=height viewBox=format!("0 0 {width} {height}") aria-hidden="true">
            <defs>
                <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
                    <path class="arrow" d="M0 0L8 4L0 8z" />
                </marker>
            </defs>
            {edges.collect_view()}
            {nodes.collect_view()}
        </svg>
    }
}

fn is_back(graph: &BehaviorGraph, from: usize, to: usize) -> bool {
    match (graph.nodes.get(from), graph.nodes.get(to)) {
        (Some(from), Some(to)) => to.cell.0 <= from.cell.0,
        _ => false,
    }
}

/// An edge as a path, and where its label stands.
fn edge_path(graph: &BehaviorGraph, from: usize, to: usize) -> Option<(String, (f64, f64))> {
    let ((x1, y1), (x2, y2)) = (corner(graph.nodes.get(from)?.cell), corner(graph.nodes.get(to)?.cell));
    let half = NODE_HEIGHT / 2.0;
    if is_back(graph, from, to) {
        // Back, or to itself: out below and in below.
        let (start, end) = (x1 + NODE_WIDTH * 0.6, x2 + NODE_WIDTH * 0.4);
        let (bottom1, bottom2) = (y1 + NODE_HEIGHT, y2 + NODE_HEIGHT);
        let low = bottom1.max(bottom2) + GAP_Y * 0.9;
        let path = format!("M{start} {bottom1}C{start} {low} {end} {low} {end} {bottom2}");
        return Some((path, ((start + end) / 2.0, low - 4.0)));
    }
    let (start, end) = (x1 + NODE_WIDTH, x2 - 1.0);
    let bend = (end - start) / 2.0;
    let path = format!(
        "M{start} {}C{} {} {} {} {end} {}",
        y1 + half,
        start + bend,
        y1 + half,
        end - bend,
        y2 + half,
        y2 + half
    );
    // Nearer to where it ends, where edges from one node have parted.
    let at = 0.62;
    Some((path, (start + (end - start) * at, (y1 + half) * (1.0 - at) + (y2 + half) * at - 5.0)))
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= LETTERS {
        return name.to_owned();
    }
    let mut short: String = name.chars().take(LETTERS - 1).collect();
    short.push('…');
    short
}
