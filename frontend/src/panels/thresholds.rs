//! What the run must hold, and whether it does so far.

use shared::run::{FigureUnit, ThresholdResult};

use crate::desk::Desk;
use crate::dom::component::*;
use crate::format;
use crate::state::limits::is_broken;
use crate::widgets::icon::{Glyph, Icon};

/// The thresholds of the shown run; nothing where it has none.
#[component]
pub(crate) fn Thresholds() -> View {
    let desk = expect_context::<Desk>();
    let thresholds = Memo::new(move |_| {
        desk.read_calmly(|board| board.map(|board| board.snapshot.thresholds.clone()).unwrap_or_default())
    });
    view! {
        <Show when=move || !thresholds.with(Vec::is_empty)>
            <section class="card" aria-label="Thresholds" data-testid="thresholds">
                <div class="card-head">
                    <h2>"Thresholds"</h2>
                    <span class="note">{move || thresholds.with(|all| in_words(all))}</span>
                </div>
                <div class="scroll">
                    <table>
                        <thead><tr>
                            <th scope="col">"Must hold"</th>
                            <th scope="col" class="number">"Observed"</th>
                            <th scope="col">"So far"</th>
                        </tr></thead>
                        <tbody>{move || thresholds.get().into_iter().map(row).collect_view()}</tbody>
                    </table>
                </div>
            </section>
        </Show>
    }
}

fn row(threshold: ThresholdResult) -> View {
    let observed = threshold.observed.map_or("–".to_owned(), |value| figure(value, threshold.unit));
    let (glyph, class, word) = match (is_broken(&threshold), threshold.observed) {
        (true, _) => (Glyph::Cross, "verdict-word bad", "broken"),
        (false, Some(_)) => (Glyph::Check, "verdict-word good", "holds"),
        (false, None) => (Glyph::Help, "verdict-word", "not measured yet"),
    };
    view! {
        <tr>
            <th scope="row" class="mono">{threshold.threshold}</th>
            <td class="number">{observed}</td>
            <td>
                <span class=class><Icon glyph=glyph />{word}</span>
                {threshold.reason.map(|reason| view! { " "<span class="note">{reason}</span> })}
            </td>
        </tr>
    }
}

fn figure(value: f64, unit: FigureUnit) -> String {
    match unit {
        FigureUnit::Microseconds => format::latency(value),
        FigureUnit::Ratio => format::percent(value),
        FigureUnit::PerSecond => format::rate(value),
        FigureUnit::Count => format::figure(value),
    }
}

fn in_words(thresholds: &[ThresholdResult]) -> String {
    match thresholds.iter().filter(|threshold| is_broken(threshold)).count() {
        0 => "all hold so far".to_owned(),
        broken => format!("{broken} of {} broken", thresholds.len()),
    }
}
