//! The load over time as a curve whose corners can be dragged, with what it sums to.

use shared::chart::scale::Scale;
use shared::chart::ticks;
use web_sys::{Element, KeyboardEvent, PointerEvent, SvgElement};

use crate::dom::component::*;
use crate::editing::Editing;
use crate::format;
use crate::state::load_curve::{Handle, LoadCurve, Moves};
use crate::state::outlook::WorkloadOutlook;
use crate::state::scenario_form::Kind;

/// Size of the drawing; it is scaled to the width there is.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 22.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 24.0;

/// The curves of all workloads of the scenario on the table.
#[component]
pub(crate) fn LoadCurves() -> View {
    let editing = expect_context::<Editing>();
    let names = Memo::new(move |_| {
        editing
            .outlook
            .with(|outlook| outlook.workloads.iter().map(|workload| workload.name.clone()).collect::<Vec<_>>())
    });
    view! { <For each=move || names.get() key=Clone::clone children=move |name| view! { <LoadCurveCard workload=name /> } /> }
}

#[component]
fn LoadCurveCard(workload: String) -> View {
    let editing = expect_context::<Editing>();
    let name = StoredValue::new(workload.clone());
    let outlook = Memo::new(move |_| {
        editing.outlook.with(|outlook| {
            let found =
                name.with_value(|name| outlook.workloads.iter().find(|workload| workload.name == *name).cloned());
            found.unwrap_or_default()
        })
    });
    let curve = Memo::new(move |_| {
        editing.checked.with(|checked| {
            let curves = &checked.form.curves;
            name.with_value(|name| curves.iter().find(|curve| curve.workload == *name).cloned()).unwrap_or_default()
        })
    });
    let handles = Memo::new(move |_| {
        let seconds = outlook.with(|outlook| outlook.seconds);
        if editing.built_in { Vec::new() } else { curve.with(|curve| curve.handles(seconds)) }
    });
    let kinds =
        Memo::new(move |_| handles.with(|handles| handles.iter().map(|handle| handle.moves).collect::<Vec<_>>()));
    // The axes stay while a handle is held, or it would run away from under the pointer.
    let held_axes = RwSignal::new(None::<(f64, f64)>);
    let axes = Memo::new(move |_| {
        held_axes
            .get()
            .unwrap_or_else(|| outlook.with(|outlook| (outlook.seconds.max(1.0), top_of(outlook, &handles.get()))))
    });
    let svg = Reference::<SvgElement>::new();
    let totals = move || outlook.with(words);
    view! {
        <section class="card load-curve" aria-label=format!("Load of {workload}") data-testid=format!("curve-{workload}")>
            <div class="card-head">
                <h2>{format!("Load of {workload}")}</h2>
                <span class="note" data-testid=format!("totals-{workload}")>{totals}</span>
            </div>
            <svg node_ref=svg class:away=move || outlook.with(|outlook| outlook.paced_by.is_some()) viewBox=format!("0 0 {WIDTH} {HEIGHT}") role="group" aria-label=format!("arrival rate of {workload} over time")>
                {move || axes_view(axes.get())}
                <path class="curve-fill" d=move || outlook.with(|outlook| path(outlook, axes.get(), true)) />
                <path class="curve-line" d=move || outlook.with(|outlook| path(outlook, axes.get(), false)) />
                <For
                    each=move || kinds.get()
                    key=|moves| *moves as u64
                    children=move |moves| view! {
                        <HandleView moves=moves handles=handles curve=curve outlook=outlook axes=axes held_axes=held_axes svg=svg />
                    }
                />
            </svg>
        </section>
    }
}

#[component]
fn HandleView(
    moves: Moves,
    handles: Memo<Vec<Handle>>,
    curve: Memo<LoadCurve>,
    outlook: Memo<WorkloadOutlook>,
    axes: Memo<(f64, f64)>,
    held_axes: RwSignal<Option<(f64, f64)>>,
    svg: Reference<SvgElement>,
) -> View {
    let editing = expect_context::<Editing>();
    let handle = move || handles.with(|handles| handles.iter().find(|handle| handle.moves == moves).cloned());
    let place = move || handle().map(|handle| (x(axes.get()).place(handle.seconds), y(axes.get()).place(handle.rate)));
    let write = move |seconds: f64, rate: f64| {
        let Some(handle) =
            handles.with_untracked(|handles| handles.iter().find(|handle| handle.moves == moves).cloned())
        else {
            return;
        };
        let span = outlook.with_untracked(|outlook| outlook.seconds);
        let value = curve.with_untracked(|curve| curve.moved(&handle, seconds, rate, span));
        if value != handle.written {
            editing.change(&handle.path, Kind::Number, &value);
        }
    };
    let on_down = move |event: PointerEvent| {
        event.prevent_default();
        held_axes.set(Some(axes.get_untracked()));
        if let Some(target) =
            event.current_target().and_then(|target| wasm_bindgen::JsCast::dyn_into::<Element>(target).ok())
        {
            // Without capture the drag merely ends at the edge.
            let _ = target.set_pointer_capture(event.pointer_id());
        }
    };
    let on_move = move |event: PointerEvent| {
        let (Some(held), Some(svg)) = (held_axes.get_untracked(), svg.get_untracked()) else { return };
        let bounds = svg.get_bounding_client_rect();
        if bounds.width() <= 0.0 {
            return;
        }
        let scale = WIDTH / bounds.width();
        let (at_x, at_y) = (
            (f64::from(event.client_x()) - bounds.left()) * scale,
            (f64::from(event.client_y()) - bounds.top()) * scale,
        );
        write(x(held).value(at_x), y(held).value(at_y.min(HEIGHT - BOTTOM)));
    };
    let on_key = move |event: KeyboardEvent| {
        let up = match event.key().as_str() {
            "ArrowUp" | "ArrowRight" => true,
            "ArrowDown" | "ArrowLeft" => false,
            _ => return,
        };
        event.prevent_default();
        if let Some(handle) =
            handles.with_untracked(|handles| handles.iter().find(|handle| handle.moves == moves).cloned())
        {
            let span = outlook.with_untracked(|outlook| outlook.seconds);
            let (seconds, rate) = curve.with_untracked(|curve| curve.nudged(&handle, up, span));
            write(seconds, rate);
        }
    };
    view! {
        <g
            class="handle"
            class:vertical=moves.is_vertical()
            tabindex="0"
            role="slider"
            aria-label=moves.label()
            aria-orientation=if moves.is_vertical() { "vertical" } else { "horizontal" }
            aria-valuetext=move || handle().map(|handle| handle.written)
            aria-valuenow=move || handle().map(|handle| if moves.is_vertical() { handle.rate } else { handle.seconds }.round().to_string())
            data-testid=format!("handle-{}", moves.label().replace(' ', "-"))
            transform=move || place().map(|(x, y)| format!("translate({x:.1} {y:.1})"))
            on:pointerdown=on_down
            on:pointermove=on_move
            on:pointerup=move |_| held_axes.set(None)
            on:pointercancel=move |_| held_axes.set(None)
            on:keydown=on_key
        >
            <circle class="grip" r="13" />
            <circle class="knob" r="5.5" />
            <text y="-11" text-anchor=move || if place().is_some_and(|(x, _)| x > WIDTH - 90.0) { "end" } else { "middle" }>
                {move || handle().map(|handle| handle.written)}
            </text>
        </g>
    }
}

/// What a load sums to, in words.
fn words(outlook: &WorkloadOutlook) -> String {
    if let Some(pace) = &outlook.paced_by {
        return format!("{pace}; for {}", outlook.length);
    }
    let amount = match outlook.expected {
        Some(expected) => {
            format!("about {} in {}", format::counted(expected.round() as u64, "arrival"), outlook.length)
        }
        None => "until it is stopped".to_owned(),
    };
    let users = if outlook.users > 1 { format!(", {}", format::counted(outlook.users, "user")) } else { String::new() };
    format!("{amount}{users}, at most {}", format::rate(outlook.peak))
}

fn top_of(outlook: &WorkloadOutlook, handles: &[Handle]) -> f64 {
    let drawn = outlook.rates.iter().copied().fold(0.0, f64::max);
    let dragged = handles.iter().map(|handle| handle.rate).fold(0.0, f64::max);
    let highest = drawn.max(dragged).max(outlook.peak.min(drawn * 4.0));
    ticks::round_end(if highest > 0.0 { highest * 1.25 } else { 10.0 }, 4)
}

fn x((seconds, _): (f64, f64)) -> Scale {
    Scale::linear((0.0, seconds), (LEFT, WIDTH - RIGHT))
}

fn y((_, rate): (f64, f64)) -> Scale {
    Scale::linear((0.0, rate), (HEIGHT - BOTTOM, TOP))
}

/// The rate as a path: up and down where it jumps, straight where it ramps.
fn path(outlook: &WorkloadOutlook, axes: (f64, f64), filled: bool) -> String {
    let (across, up) = (x(axes), y(axes));
    let pieces = outlook.rates.len().max(1) as f64;
    let mut path = String::new();
    for (index, rate) in outlook.rates.iter().enumerate() {
        let middle = (index as f64 + 0.5) / pieces * outlook.seconds;
        let (px, py) = (across.place_inside(middle), up.place_inside(*rate));
        path.push_str(&format!("{}{px:.1} {py:.1}", if index == 0 { "M" } else { "L" }));
    }
    if filled && !path.is_empty() {
        let floor = HEIGHT - BOTTOM;
        let (left, right) = (across.place_inside(0.5 / pieces * outlook.seconds), across.place_inside(outlook.seconds));
        path.push_str(&format!("L{right:.1} {floor}L{left:.1} {floor}Z"));
    }
    path
}

fn axes_view(axes: (f64, f64)) -> View {
    let (across, up) = (x(axes), y(axes));
    let rates = ticks::linear(0.0, axes.1, 4).into_iter().map(move |rate| {
        let at = up.place(rate);
        view! {
            <line class="grid" x1=LEFT x2=WIDTH - RIGHT y1=at y2=at />
            <text class="tick" x=LEFT - 6.0 y=at + 4.0 text-anchor="end">{format::figure(rate)}</text>
        }
    });
    let times = ticks::time(0.0, axes.0, 8).into_iter().map(move |second| {
        view! {
            <text class="tick" x=across.place(second) y=HEIGHT - 6.0 text-anchor="middle">{format::time_tick(second, axes.0)}</text>
        }
    });
    view! { <g aria-hidden="true">{rates.collect_view()} {times.collect_view()}</g> }
}
