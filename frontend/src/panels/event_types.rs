//! The table of event types: what the mix declares, what was sent, how the target answered.

use shared::run::EventTypeRow;

use crate::desk::Desk;
use crate::dom::component::*;
use crate::format;
use crate::state::run_board::{EventColumn, ordered};
use crate::widgets::icon::{Glyph, Icon};
use crate::widgets::share_bar::ShareBar;

/// The columns with their headings.
const COLUMNS: [(EventColumn, &str); 7] = [
    (EventColumn::Name, "Event type"),
    (EventColumn::Sent, "Sent"),
    (EventColumn::Share, "Share: actual | declared"),
    (EventColumn::P50, "p50"),
    (EventColumn::P95, "p95"),
    (EventColumn::P99, "p99"),
    (EventColumn::Errors, "Errors"),
];

/// The table of event types.
#[component]
pub(crate) fn EventTypes() -> View {
    let desk = expect_context::<Desk>();
    let order = RwSignal::new((EventColumn::Share, false));
    let names = Memo::new(move |_| {
        let (column, reversed) = order.get();
        desk.read_calmly(|board| {
            board.map(|board| ordered(&board.snapshot.event_types, column, reversed)).unwrap_or_default()
        })
    });
    let largest = Memo::new(move |_| {
        desk.read_calmly(|board| {
            let rows = board.map_or(&[][..], |board| &board.snapshot.event_types);
            rows.iter().map(|row| row.actual_share.max(row.declared_share.unwrap_or(0.0))).fold(0.01, f64::max)
        })
    });
    let headings = COLUMNS.into_iter().map(|(column, name)| {
        let is_ordered = move || order.with(|(ordered, _)| *ordered == column);
        let is_ascending = move || order.with(|(ordered, reversed)| (*ordered == EventColumn::Name) != *reversed);
        let glyph = Signal::derive(move || if is_ascending() { Glyph::Up } else { Glyph::Down });
        let sort = move || is_ordered().then(|| if is_ascending() { "ascending" } else { "descending" });
        view! {
            <th scope="col" class:number=column != EventColumn::Name aria-sort=sort>
                <button
                    type="button"
                    class="sort"
                    on:click=move |_| order.update(|order| *order = (column, order.0 == column && !order.1))
                >
                    {name}
                    <span class="sort-mark" class:away=move || !is_ordered()><Icon glyph=glyph /></span>
                </button>
            </th>
        }
    });
    view! {
        <section class="card" aria-label="Event types" data-testid="event-types">
            <div class="card-head">
                <h2>"Event types"</h2>
                <span class="note">"of events sent so far"</span>
            </div>
            <div class="scroll">
                <table class="events">
                    <thead><tr>{headings.collect_view()}</tr></thead>
                    <tbody>
                        <For each=move || names.get() key=Clone::clone children=move |name| view! { <EventRow name=name largest=largest /> } />
                    </tbody>
                </table>
                <Show when=move || names.with(Vec::is_empty)>
                    <p class="nothing">"Each event type gets a row as soon as a run starts."</p>
                </Show>
            </div>
        </section>
    }
}

#[component]
fn EventRow(name: String, largest: Memo<f64>) -> View {
    let desk = expect_context::<Desk>();
    let wanted = name.clone();
    let row = Memo::new(move |_| {
        desk.read_calmly(|board| {
            let rows = board.map_or(&[][..], |board| &board.snapshot.event_types);
            rows.iter().find(|row| row.name == wanted).cloned().unwrap_or_default()
        })
    });
    let time = move |of: fn(&EventTypeRow) -> u64| {
        row.with(|row| if row.response_time.count == 0 { "–".to_owned() } else { format::latency(of(row) as f64) })
    };
    view! {
        <tr>
            <th scope="row" class="mono">{name}</th>
            <td class="number">{move || row.with(|row| format::count(row.events.sent))}</td>
            <td class="share">
                <span class="number">{move || row.with(|row| format::percent(row.actual_share))}</span>
                <ShareBar
                    actual=Signal::derive(move || row.with(|row| row.actual_share) / largest.get())
                    declared=Signal::derive(move || row.with(|row| row.declared_share).map(|share| share / largest.get()))
                />
                <span class="number declared">{move || row.with(|row| row.declared_share.map(format::percent))}</span>
            </td>
            <td class="number">{move || time(|row| row.response_time.p50_us)}</td>
            <td class="number">{move || time(|row| row.response_time.p95_us)}</td>
            <td class="number">{move || time(|row| row.response_time.p99_us)}</td>
            <td class="number" class:bad=move || row.with(|row| row.events.failed > 0)>
                {move || row.with(|row| format::percent(row.events.error_rate()))}
            </td>
        </tr>
    }
}
