//! A chart over time as a component: canvas, legend with values, crosshair, zoom, and its text alternative.

use shared::chart::heat::SHADES;
use shared::metrics::heat_cell_floor_us;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{HtmlCanvasElement, HtmlElement, KeyboardEvent, PointerEvent, ResizeObserver};

use crate::charts::canvas::{Palette, Pointing, draw};
use crate::charts::scene::{Look, Scene};
use crate::charts::spec::{ChartSpec, Content, LineSpec};
use crate::desk::Desk;
use crate::dom::component::*;
use crate::format;
use crate::state::limits::limits;
use crate::state::run_board::RunBoard;
use crate::widgets::icon::{Glyph, Icon};

/// Rows of the table that stands in for a chart.
const TABLE_ROWS: usize = 20;
/// A pointer that moved less than this, in pixels, clicked and did not select.
const CLICK: f64 = 6.0;

/// A chart over time of the shown run.
#[component]
pub(crate) fn TimeChart(spec: &'static ChartSpec) -> View {
    let desk = expect_context::<Desk>();
    let canvas = Reference::<HtmlCanvasElement>::new();
    let plot = Reference::<HtmlElement>::new();
    let size = RwSignal::new((0.0, 0.0));
    let hidden = RwSignal::new(0_u32);
    let dragged = RwSignal::new(None::<(f64, f64)>);
    let as_table = RwSignal::new(false);
    // Changes, the state and the axis move the chart as much as new points do. Whoever depends on it must read it: a
    // memo that nobody reads does not run.
    let drawn = Memo::new(move |_| {
        desk.board.with(|board| {
            board.as_ref().map(|board| {
                (
                    board.run.id.clone(),
                    board.timeline.revision(),
                    board.axis_end(),
                    board.changes.len(),
                    board.is_over(),
                    limits(&board.snapshot.thresholds, spec.limits),
                )
            })
        })
    });
    let look = move || {
        let (width, height) = size.get();
        Look { width, height, zoom: desk.zoom.get(), hidden: hidden.get() }
    };

    observe_size(plot, size);
    let palette = StoredValue::new(None::<(u32, Palette)>);
    let scheduled = StoredValue::new(false);
    Effect::new(move |_| {
        drawn.with(|_| ());
        let look = look();
        // Read here to be called again; the frame reads them anew.
        desk.crosshair.track();
        dragged.track();
        desk.themed.track();
        if look.width < 1.0 || as_table.get() || scheduled.get_value() {
            return;
        }
        scheduled.set_value(true);
        request_animation_frame(move || {
            // The page may have gone since the frame was asked for.
            if scheduled.try_set_value(false).is_some() {
                return;
            }
            let (Some(canvas), Some(size)) = (canvas.get_untracked(), size.try_get_untracked()) else {
                return;
            };
            let look =
                Look { width: size.0, height: size.1, zoom: desk.zoom.get_untracked(), hidden: hidden.get_untracked() };
            let pointing = Pointing { crosshair: desk.crosshair.get_untracked(), selection: dragged.get_untracked() };
            let themed = desk.themed.get_untracked();
            let known = palette.with_value(|known| known.as_ref().is_some_and(|(at, _)| *at == themed));
            if !known {
                let probe: &HtmlElement = canvas.unchecked_ref();
                palette.set_value(Some((themed, Palette::read(probe, spec))));
            }
            let scene = desk.board.with_untracked(|board| Scene::new(spec, board.as_ref(), &look));
            palette.with_value(|palette| {
                if let Some((_, palette)) = palette {
                    draw(&canvas, spec, &scene, &look, palette, &pointing);
                }
            });
        });
    });

    let seconds_at = move |x: f64| -> f64 {
        let (width, height) = size.get_untracked();
        let look = Look { width, height, zoom: desk.zoom.get_untracked(), hidden: 0 };
        desk.board.with_untracked(|board| {
            let scene = Scene::new(spec, board.as_ref(), &Look { ..look });
            let span = scene.x.span();
            scene.x.value(x).clamp(span.low, span.high)
        })
    };
    let on_move = move |event: PointerEvent| {
        let at = seconds_at(f64::from(event.offset_x()));
        desk.crosshair.set(Some(at));
        dragged.update(|dragged| {
            if let Some((_, to)) = dragged {
                *to = at;
            }
        });
    };
    let pressed_at = StoredValue::new(0.0_f64);
    let on_down = move |event: PointerEvent| {
        // A finger scrolls the page; only mouse and pen select.
        if event.button() == 0 && event.pointer_type() != "touch" {
            pressed_at.set_value(f64::from(event.client_x()));
            let at = seconds_at(f64::from(event.offset_x()));
            dragged.set(Some((at, at)));
        }
    };
    let on_up = move |event: PointerEvent| {
        let moved = (f64::from(event.client_x()) - pressed_at.get_value()).abs() >= CLICK;
        if let Some((from, to)) = dragged.get_untracked().filter(|_| moved) {
            desk.zoom.set(Some((from.min(to), from.max(to).max(from.min(to) + 1.0))));
        }
        dragged.set(None);
    };
    let on_leave = move |_| {
        desk.crosshair.set(None);
        dragged.set(None);
    };
    let on_key = move |event: KeyboardEvent| {
        let (start, end) = desk.zoom.get_untracked().unwrap_or_else(|| (0.0, desk.axis_end()));
        let step = ((end - start) / 60.0).max(1.0).round() * if event.shift_key() { 10.0 } else { 1.0 };
        let now = desk.crosshair.get_untracked();
        let next = match event.key().as_str() {
            "ArrowLeft" => Some(now.map_or(end, |now| (now - step).max(start))),
            "ArrowRight" => Some(now.map_or(start, |now| (now + step).min(end))),
            "Home" => Some(start),
            "End" => Some(end),
            "[" | "]" => {
                let Some(now) = now else { return };
                let (from, to) = if event.key() == "[" { (now, end) } else { (start, now) };
                desk.zoom.set((to - from >= 1.0).then_some((from, to)).or(desk.zoom.get_untracked()));
                return;
            }
            "Escape" => {
                desk.zoom.set(None);
                desk.crosshair.set(None);
                return;
            }
            _ => return,
        };
        event.prevent_default();
        desk.crosshair.set(next);
    };

    let pointed = Memo::new(move |_| -> Option<crate::state::timeline::Point> {
        let moment = desk.crosshair.get();
        drawn.with(|_| ());
        desk.board.with_untracked(|board| {
            let board = board.as_ref()?;
            board.timeline.at(moment.unwrap_or(f64::MAX), board.is_over()).cloned()
        })
    });
    let spoken = move || match (desk.crosshair.get(), pointed.get()) {
        (Some(_), Some(point)) => {
            let mut text = format::clock(f64::from(point.second));
            for line in spec.lines {
                if let Some(value) = line.at(&point).filter(|value| says(spec, *value)) {
                    text.push_str(&format!(", {} {}", line.name, spec.measure.write(value)));
                }
            }
            if spec.content == Content::Heat {
                text.push_str(&format!(", {}", heat_words(&point)));
            }
            text
        }
        _ => "arrow keys move the crosshair".to_owned(),
    };
    // The sentence follows the drawn points, not every tick: a screen reader is not to be chased.
    let summary = Memo::new(move |_| {
        drawn.with(|_| ());
        desk.board.with_untracked(|board| match board {
            Some(board) => (spec.summary)(board),
            None => "Nothing has run yet.".to_owned(),
        })
    });
    let legend = spec.lines.iter().enumerate().rev().map(|(index, line)| {
        let is_shown = move || hidden.get() >> index & 1 == 0;
        let is_present = move || {
            drawn.with(|_| ());
            desk.board.with_untracked(|board| line.is_present(board.as_ref()))
        };
        let value = move || {
            pointed
                .with(|point| point.as_ref().and_then(|point| line.at(point)))
                .map_or("–".to_owned(), |value| spec.measure.write(value))
        };
        view! {
            <button
                type="button"
                class="legend-entry"
                class:dashed=line.dashed
                class:away=move || !is_present()
                aria-pressed=move || is_shown().to_string()
                title="show or hide this line"
                on:click=move |_| hidden.update(|hidden| *hidden ^= 1 << index)
            >
                <span class="swatch" style:color=format!("var({})", line.colour)></span>
                <span>{line.name}</span>
                <span class="legend-value">{value}</span>
            </button>
        }
    });
    let drawn_limits =
        move || drawn.with(|drawn| drawn.as_ref().map(|(.., limits)| limits.clone()).unwrap_or_default());
    let crosshair_time =
        move || desk.crosshair.get().and_then(|_| pointed.get()).map(|point| format::clock(f64::from(point.second)));

    view! {
        <figure class="card chart" data-testid=format!("chart-{}", spec.id) aria-label=spec.title>
            <figcaption class="card-head">
                <h2>{spec.title}</h2>
                <span class="note">{spec.note}</span>
                <span class="spring"></span>
                <Show when=move || desk.zoom.get().is_some()>
                    <button type="button" class="small" on:click=move |_| desk.zoom.set(None)>"Whole run"</button>
                </Show>
                <button
                    type="button"
                    class="icon-button small"
                    aria-pressed=move || as_table.get().to_string()
                    aria-label=format!("{} as a table", spec.title)
                    title="as a table"
                    on:click=move |_| as_table.update(|table| *table = !*table)
                >
                    <Icon glyph=Glyph::Table />
                </button>
            </figcaption>
            <div class="legend">
                {legend.collect_view()}
                {(spec.content == Content::Heat).then(|| view! { <HeatLegend pointed=pointed /> })}
                {(spec.content == Content::Stack).then(|| view! {
                    <span class="legend-note">{move || { drawn.with(|_| ()); no_failures(desk) }}</span>
                })}
                {move || drawn_limits().into_iter().map(|limit| view! {
                    <span class="legend-limit" class:bad=!limit.holds>
                        <span class="swatch limit"></span>
                        <span>{limit.label}</span>
                        <span>{if limit.holds { "holds" } else { "broken" }}</span>
                    </span>
                }).collect_view()}
                <span class="legend-time">{crosshair_time}</span>
            </div>
            <p class="hidden-text" data-testid=format!("summary-{}", spec.id)>{move || summary.get()}</p>
            <div
                class="plot"
                node_ref=plot
                class:away=move || as_table.get()
                tabindex="0"
                role="slider"
                aria-label=format!("{} over time", spec.title)
                aria-valuemin="0"
                aria-valuemax=move || { drawn.with(|_| ()); desk.axis_end().round().to_string() }
                aria-valuenow=move || desk.crosshair.get().unwrap_or(0.0).round().to_string()
                aria-valuetext=spoken
                on:pointermove=on_move
                on:pointerdown=on_down
                on:pointerup=on_up
                on:pointerleave=on_leave
                on:dblclick=move |_| desk.zoom.set(None)
                on:keydown=on_key
                on:blur=move |_| desk.crosshair.set(None)
            >
                <canvas node_ref=canvas aria-hidden="true"></canvas>
            </div>
            <Show when=move || as_table.get()>
                <div class="plot-table">{move || { drawn.with(|_| ()); desk.board.with_untracked(|board| table(spec, board.as_ref())) }}</div>
            </Show>
        </figure>
    }
}

/// A stack says only what is there; a chart of lines says zeros, too.
fn says(spec: &ChartSpec, value: f64) -> bool {
    spec.content != Content::Stack || value > 0.0
}

/// What stands where a stack's legend would: nothing has failed.
fn no_failures(desk: Desk) -> &'static str {
    desk.board.with_untracked(|board| match board {
        Some(board) if board.snapshot.failures.values().any(|count| *count > 0) => "",
        Some(_) => "no event has failed",
        None => "",
    })
}

/// How strong how many answers are, and what lies under the crosshair.
#[component]
fn HeatLegend(pointed: Memo<Option<crate::state::timeline::Point>>) -> View {
    let shades = (1..=SHADES).map(|number| {
        view! { <span class="shade" style:background=format!("var(--heat-{number})")></span> }
    });
    view! {
        <span class="heat-legend" aria-hidden="true">"few " {shades.collect_view()} " many"</span>
        <span class="legend-note">{move || pointed.get().map(|point| heat_words(&point))}</span>
    }
}

/// The answers of a point in words: how many, and where most of them lie.
fn heat_words(point: &crate::state::timeline::Point) -> String {
    let Some((cell, count)) = point.heat.iter().max_by_key(|(_, count)| *count) else {
        return "no answer".to_owned();
    };
    let [from, to] = [*cell, cell.saturating_add(1)].map(|cell| format::latency(heat_cell_floor_us(cell)));
    format!("{}, {} of them {from} to {to}", format::counted(point.answers, "answer"), format::count((*count).into()))
}

/// The chart as a table: few rows, each a stretch of the run.
fn table(spec: &'static ChartSpec, board: Option<&RunBoard>) -> View {
    let shown: Vec<&'static LineSpec> = spec.lines.iter().filter(|line| line.is_present(board)).collect();
    let heads = shown.iter().rev().map(|line| view! { <th scope="col" class="number">{line.name}</th> }).collect_view();
    let heat_head = (spec.content == Content::Heat).then(|| view! { <th scope="col">"answers"</th> });
    let rows = board.map(|board| board.timeline.rows(board.is_over(), TABLE_ROWS)).unwrap_or_default();
    let body = rows.into_iter().map(|row| {
        let cells = shown.iter().rev().map(|line| {
            let text = line.at(&row).map_or("–".to_owned(), |value| spec.measure.write(value));
            view! { <td class="number">{text}</td> }
        });
        let cells = cells.collect_view();
        let heat = (spec.content == Content::Heat).then(|| view! { <td>{heat_words(&row)}</td> });
        view! { <tr><th scope="row">{format::clock(f64::from(row.second))}</th>{cells}{heat}</tr> }
    });
    view! {
        <table>
            <thead>
                <tr>
                    <th scope="col">"from"</th>
                    {heads}
                    {heat_head}
                </tr>
            </thead>
            <tbody>{body.collect_view()}</tbody>
        </table>
    }
}

/// Keeps `size` at the element's, in CSS pixels.
fn observe_size(element: Reference<HtmlElement>, size: RwSignal<(f64, f64)>) {
    // The observer and its callback live as long as the component.
    let kept = StoredValue::new_local(None::<(ResizeObserver, Closure<dyn FnMut(JsValue)>)>);
    Effect::new(move |_| {
        let Some(element) = element.get() else { return };
        let measured = element.clone();
        let callback = Closure::<dyn FnMut(JsValue)>::new(move |_| {
            let bounds = measured.get_bounding_client_rect();
            let next = (bounds.width().round(), bounds.height().round());
            // A hidden plot has no size; it keeps the one that it had.
            if next.0 > 0.0 && size.try_get_untracked().is_some_and(|known| known != next) {
                size.set(next);
            }
        });
        if let Ok(observer) = ResizeObserver::new(callback.as_ref().unchecked_ref()) {
            observer.observe(&element);
            kept.set_value(Some((observer, callback)));
        }
    });
    on_cleanup(move || {
        kept.try_update_value(|kept| {
            if let Some((observer, _)) = kept.take() {
                observer.disconnect();
            }
        });
    });
}
