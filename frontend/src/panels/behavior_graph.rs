//! Behaviors as graphs: the states of a life, the pages of a visit, the journeys that people take; with the weights of
//! every choice on the way.

use leptos::ev::SubmitEvent;
use shared::scenario::rewire::Wish;
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent, PointerEvent, SvgElement};

use crate::dom::component::*;
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
/// How far a drawing shrinks before it scrolls.
const SMALLEST: f64 = 0.7;
/// Letters of a name that fit into a node.
const LETTERS: usize = 18;

/// By how much an arrow key changes a share.
const STEP: f64 = 0.01;

/// What of a drawing is chosen, by the ids of its places.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Chosen {
    Nothing,
    Place(String),
    Way(String, String),
}

impl Chosen {
    /// What marks it in the page.
    fn id(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Place(id) => id.clone(),
            Self::Way(from, to) => format!("{from} → {to}"),
        }
    }
}

/// Every behavior of the scenario that can be drawn.
#[component]
pub(crate) fn BehaviorGraphs() -> View {
    let editing = expect_context::<Editing>();
    let names = Memo::new(move |_| {
        editing
            .checked
            .with(|checked| checked.form.graphs.iter().map(|graph| graph.behavior.clone()).collect::<Vec<_>>())
    });
    view! { <For each=move || names.get() key=Clone::clone children=move |name| view! { <GraphCard behavior=name /> } /> }
}

#[component]
fn GraphCard(behavior: String) -> View {
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
    let chosen = RwSignal::new(Chosen::Nothing);
    view! {
        <section class="card" aria-label=move || heading.get() data-testid=format!("graph-{behavior}")>
            <div class="card-head">
                <h2>{heading}</h2>
                <span class="note">{move || graph.with(in_words)}</span>
            </div>
            <Drawing graph=graph chosen=chosen />
            <GraphTools graph=graph chosen=chosen />
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

/// The drawing: places and ways can be chosen, dragged and changed with the keys.
#[component]
fn Drawing(graph: Memo<BehaviorGraph>, chosen: RwSignal<Chosen>) -> View {
    let editing = expect_context::<Editing>();
    // Where a new way begins while it is dragged.
    let dragged = RwSignal::new(None::<String>);
    let can_change = move || !editing.built_in && editing.checked.with(|checked| checked.readable);
    view! {
        <div
            class="graph scroll"
            class:dragging=move || dragged.with(Option::is_some)
            tabindex="0"
            role="group"
            aria-label=move || graph.with(spoken)
            on:pointerup=move |_| dragged.set(None)
            on:pointerleave=move |_| dragged.set(None)
        >
            {move || {
                let can_change = can_change();
                graph.with(|graph| drawing(graph, can_change, editing, chosen, dragged))
            }}
        </div>
    }
}

fn drawing(
    graph: &BehaviorGraph,
    can_change: bool,
    editing: Editing,
    chosen: RwSignal<Chosen>,
    dragged: RwSignal<Option<String>>,
) -> View {
    let (columns, rows) = graph.size();
    let width = 2.0 * MARGIN + f64::from(columns) * (NODE_WIDTH + GAP_X) - GAP_X;
    let back = graph.edges.iter().any(|edge| is_back(graph, edge.from, edge.to));
    let height = 2.0 * MARGIN + f64::from(rows) * (NODE_HEIGHT + GAP_Y) - if back { 0.0 } else { GAP_Y };
    let has_ways = graph.shows != "journeys";
    let behavior = graph.behavior.clone();
    let edges = graph.edges.iter().filter_map(|edge| {
        let (path, (x, y)) = edge_path(graph, edge.from, edge.to)?;
        let (from, to) = (graph.nodes.get(edge.from)?, graph.nodes.get(edge.to)?);
        let label = edge.share.map(format::percent).unwrap_or_default();
        let share = edge.share.unwrap_or(1.0);
        let name = format!("{} to {}", from.name, to.name);
        let own = Chosen::Way(from.id.clone(), to.id.clone());
        let (focused, clicked) = (own.clone(), own.clone());
        let (behavior, from, to) = (behavior.clone(), from.id.clone(), to.id.clone());
        let on_key = move |event: KeyboardEvent| {
            let share = match event.key().as_str() {
                "ArrowUp" | "ArrowRight" => Some(share + STEP),
                "ArrowDown" | "ArrowLeft" => Some(share - STEP),
                "Delete" | "Backspace" => None,
                _ => return,
            };
            event.prevent_default();
            match share {
                Some(share) => {
                    editing.rewire(&behavior, Wish::Weigh { from: &from, to: &to, share: share.clamp(0.0, 1.0) });
                }
                None => {
                    editing.rewire(&behavior, Wish::RemoveWay { from: &from, to: &to });
                    chosen.set(Chosen::Place(from.clone()));
                }
            }
            focus_again(chosen);
        };
        let is_own = move || chosen.with(|chosen| *chosen == own);
        Some(match has_ways && can_change {
            true => view! {
                <g
                    class="way"
                    class:chosen=is_own
                    tabindex="0"
                    role="slider"
                    aria-label=name
                    aria-valuemin="0"
                    aria-valuemax="100"
                    aria-valuenow=(share * 100.0).round().to_string()
                    aria-valuetext=format::percent(share)
                    data-id=focused.id()
                    on:focus=move |_| chosen.set(focused.clone())
                    on:click=move |_| chosen.set(clicked.clone())
                    on:keydown=on_key
                >
                    <path class="edge" d=path.clone() marker-end="url(#arrow)" />
                    <path class="reach" d=path />
                    <text class="edge-label" x=x y=y text-anchor="middle">{label}</text>
                </g>
            },
            false => view! {
                <g aria-hidden="true">
                    <path class="edge" d=path marker-end="url(#arrow)" />
                    <text class="edge-label" x=x y=y text-anchor="middle">{label}</text>
                </g>
            },
        })
    });
    let edges = edges.collect_view();
    let nodes = graph.nodes.iter().map(|node| {
        let (x, y) = corner(node.cell);
        let middle = x + NODE_WIDTH / 2.0;
        let has_note = !node.note.is_empty();
        let name_y = y + if has_note { 17.0 } else { NODE_HEIGHT / 2.0 + 4.0 };
        let own = Chosen::Place(node.id.clone());
        let data_id = own.id();
        let (focused, clicked) = (own.clone(), own.clone());
        let (pressed, begun, ended) = (own.clone(), node.id.clone(), node.id.clone());
        let (behavior, removed) = (behavior.clone(), (graph.clone(), node.id.clone()));
        let keyed = behavior.clone();
        let body = view! {
            <rect x=x y=y width=NODE_WIDTH height=NODE_HEIGHT rx="7" />
            <text x=middle y=name_y text-anchor="middle">{shortened(&node.name)}<title>{node.name.clone()}</title></text>
            {has_note.then(|| view! { <text class="node-note" x=middle y=y + 32.0 text-anchor="middle">{shortened(&node.note)}</text> })}
        };
        match can_change {
            true => view! {
                <g
                    class="node"
                    class:journey=node.note == "journey"
                    class:chosen=move || chosen.with(|chosen| *chosen == own)
                    tabindex="0"
                    role="button"
                    aria-label=node.name.clone()
                    aria-pressed=move || chosen.with(|chosen| *chosen == pressed).to_string()
                    data-id=data_id
                    on:focus=move |_| chosen.set(focused.clone())
                    on:click=move |_| chosen.set(clicked.clone())
                    on:keydown=move |event: KeyboardEvent| {
                        if matches!(event.key().as_str(), "Delete" | "Backspace") {
                            event.prevent_default();
                            let (graph, id) = &removed;
                            remove_place(editing, &keyed, graph, id);
                            chosen.set(Chosen::Nothing);
                        }
                    }
                    on:pointerdown=move |event: PointerEvent| {
                        // A finger's events stay with the element where it began, unless they are let go.
                        if let Some(held) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) {
                            let _ = held.release_pointer_capture(event.pointer_id());
                        }
                        if has_ways {
                            dragged.set(Some(begun.clone()));
                        }
                    }
                    on:pointerup=move |_| {
                        if let Some(from) = dragged.get_untracked().filter(|from| *from != ended) {
                            dragged.set(None);
                            editing.rewire(&behavior, Wish::AddWay { from: &from, to: &ended });
                            chosen.set(Chosen::Way(from, ended.clone()));
                            focus_again(chosen);
                        }
                    }
                >
                    {body}
                </g>
            },
            false => view! { <g class="node" class:journey=node.note == "journey" aria-hidden="true">{body}</g> },
        }
    });
    let nodes = nodes.collect_view();
    view! {
        // It shrinks to the room that there is as long as its words can be read, then it scrolls.
        <svg
            style:max-width=format!("{width}px")
            style:min-width=format!("{}px", (width * SMALLEST).round())
            viewBox=format!("0 0 {width} {height}")
        >
            <defs>
                <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
                    <path class="arrow" d="M0 0L8 4L0 8z" />
                </marker>
            </defs>
            {edges}
            {nodes}
        </svg>
    }
}

/// What can be done with the chosen place or way.
#[component]
fn GraphTools(graph: Memo<BehaviorGraph>, chosen: RwSignal<Chosen>) -> View {
    let editing = expect_context::<Editing>();
    let can_change = move || !editing.built_in && editing.checked.with(|checked| checked.readable);
    // What is chosen, as long as the drawing has it.
    let known = Memo::new(move |_| {
        let chosen = chosen.get();
        graph.with(|graph| match &chosen {
            Chosen::Place(id) if graph.find(id).is_some() => chosen,
            Chosen::Way(from, to) if graph.share(from, to).is_some() => chosen,
            Chosen::Nothing | Chosen::Place(_) | Chosen::Way(..) => Chosen::Nothing,
        })
    });
    view! {
        <Show when=can_change>
            <div class="graph-tools" data-testid="graph-tools">
                {move || match known.get() {
                    Chosen::Nothing => view! { <p class="note">{move || graph.with(how_to)}</p> },
                    Chosen::Place(id) => view! { <PlaceTools graph=graph chosen=chosen id=id /> },
                    Chosen::Way(from, to) => view! { <WayTools graph=graph chosen=chosen from=from to=to /> },
                }}
            </div>
        </Show>
    }
}

#[component]
fn PlaceTools(graph: Memo<BehaviorGraph>, chosen: RwSignal<Chosen>, id: String) -> View {
    let editing = expect_context::<Editing>();
    let (shows, behavior) = graph.with_untracked(|graph| (graph.shows, graph.behavior.clone()));
    let name = graph.with_untracked(|graph| graph.find(&id).map(|node| node.name.clone()).unwrap_or_default());
    let is_journeys = shows == "journeys";
    let noun = if shows == "life" { "state" } else { "page" };
    let can_go = match is_journeys {
        true => graph.with_untracked(|graph| graph.without_page(&id).is_some()),
        false => !id.starts_with('$'),
    };
    let leads_on = id != "$end";
    let open = graph.with_untracked(|graph| if is_journeys { Vec::new() } else { graph.not_reached(&id) });
    let typed = RwSignal::new(String::new());
    let (id, behavior) = (StoredValue::new(id), StoredValue::new(behavior));
    let add = move |event: SubmitEvent| {
        event.prevent_default();
        let name = typed.get_untracked().trim().to_owned();
        if name.is_empty() {
            return;
        }
        let id = id.get_value();
        if is_journeys {
            if let Some((path, pages)) = graph.with_untracked(|graph| graph.with_page(&id, &name)) {
                editing.list(&path, &pages);
            }
        } else {
            behavior.with_value(|behavior| editing.rewire(behavior, Wish::AddPlace { name: &name, after: &id }));
        }
        focus_again(chosen);
    };
    let add_way = move |to: String| {
        let from = id.get_value();
        behavior.with_value(|behavior| editing.rewire(behavior, Wish::AddWay { from: &from, to: &to }));
        chosen.set(Chosen::Way(from, to));
        focus_again(chosen);
    };
    let remove = move |_| {
        let known = graph.get_untracked();
        behavior.with_value(|behavior| id.with_value(|id| remove_place(editing, behavior, &known, id)));
        chosen.set(Chosen::Nothing);
    };
    view! {
        <strong class="mono">{name}</strong>
        {(leads_on).then(|| view! {
            <form class="joined" on:submit=add>
                <input
                    type="text"
                    data-testid="new-place"
                    aria-label=format!("name of a new {noun}")
                    placeholder=format!("new {noun}")
                    autocomplete="off"
                    prop:value=typed
                    on:input:target=move |event| typed.set(event.target().value())
                />
                <button type="submit" data-testid="add-place" disabled=move || typed.with(|typed| typed.trim().is_empty())>
                    {format!("Add {noun} behind it")}
                </button>
            </form>
        })}
        {(leads_on && !open.is_empty()).then(|| view! {
            <select
                aria-label="add a way to"
                data-testid="add-way"
                on:change:target=move |event| add_way(event.target().value())
            >
                <option value="" selected=true disabled=true>"add a way to …"</option>
                {open.into_iter().map(|(id, name)| view! { <option value=id>{name}</option> }).collect_view()}
            </select>
        })}
        {can_go.then(|| view! {
            <button type="button" data-testid="remove-place" title="Delete" on:click=remove>{format!("Remove the {noun}")}</button>
        })}
    }
}

#[component]
fn WayTools(graph: Memo<BehaviorGraph>, chosen: RwSignal<Chosen>, from: String, to: String) -> View {
    let editing = expect_context::<Editing>();
    let name_of =
        |id: &str| graph.with_untracked(|graph| graph.find(id).map(|node| node.name.clone()).unwrap_or_default());
    let title = format!("{} → {}", name_of(&from), name_of(&to));
    let behavior = StoredValue::new(graph.with_untracked(|graph| graph.behavior.clone()));
    let ends = StoredValue::new((from, to));
    let share =
        Memo::new(move |_| graph.with(|graph| ends.with_value(|(from, to)| graph.share(from, to)).unwrap_or(0.0)));
    let weigh = move |percent: f64| {
        let (from, to) = ends.get_value();
        let share = (percent / 100.0).clamp(0.0, 1.0);
        behavior.with_value(|behavior| editing.rewire(behavior, Wish::Weigh { from: &from, to: &to, share }));
    };
    let remove = move |_| {
        let (from, to) = ends.get_value();
        behavior.with_value(|behavior| editing.rewire(behavior, Wish::RemoveWay { from: &from, to: &to }));
        chosen.set(Chosen::Place(from));
        focus_again(chosen);
    };
    view! {
        <strong class="mono">{title}</strong>
        <label class="joined">
            <span class="note">"share"</span>
            <input
                type="number"
                min="0"
                max="100"
                step="any"
                class="short"
                data-testid="way-share"
                prop:value=move || format::plain(share.get() * 100.0)
                on:change:target=move |event| if let Ok(percent) = event.target().value().parse() { weigh(percent) }
            />
            <span class="unit">"%"</span>
        </label>
        <button type="button" data-testid="remove-way" title="Delete" on:click=remove>"Remove the way"</button>
        <span class="note">"arrow keys make it likelier or less likely; the others make room"</span>
    }
}

fn remove_place(editing: Editing, behavior: &str, graph: &BehaviorGraph, id: &str) {
    if graph.shows == "journeys" {
        if let Some((path, pages)) = graph.without_page(id) {
            editing.list(&path, &pages);
        }
    } else {
        editing.rewire(behavior, Wish::RemovePlace { name: id });
    }
}

fn how_to(graph: &BehaviorGraph) -> &'static str {
    match graph.shows {
        "journeys" => "Choose a page to put another behind it or to take it out; the weights are below.",
        "life" => "Choose a state or a way to change it; drag from one state to another for a new way.",
        _ => "Choose a page or a way to change it; drag from one page to another for a new way.",
    }
}

/// The drawing is made anew with every change; the focus goes back to what is chosen.
fn focus_again(chosen: RwSignal<Chosen>) {
    request_animation_frame(move || {
        let Some(id) = chosen.try_get_untracked().map(|chosen| chosen.id()) else { return };
        let id = id.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(Some(element)) = document().query_selector(&format!("[data-id=\"{id}\"]"))
            && let Ok(element) = element.dyn_into::<SvgElement>()
        {
            let _ = element.focus();
        }
    });
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
