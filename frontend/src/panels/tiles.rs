//! The row of figures: rate, response time, errors, in flight, verdict.

use shared::run::VerdictStatus;

use crate::desk::Desk;
use crate::dom::component::*;
use crate::state::remote::sentence;
use crate::state::run_board::RunBoard;
use crate::state::tiles::{self, Tile};
use crate::widgets::icon::{Glyph, Icon};
use crate::widgets::tile::FigureTile;

/// The row of figures.
#[component]
pub(crate) fn Tiles() -> View {
    let desk = expect_context::<Desk>();
    let tile = move |of: fn(Option<&RunBoard>) -> Tile| Memo::new(move |_| desk.board.with(|board| of(board.as_ref())));
    let rate = tile(tiles::rate);
    let p50 = tile(|board| tiles::response_time(board, |times| times.p50_us));
    let p95 = tile(|board| tiles::response_time(board, |times| times.p95_us));
    let p99 = tile(|board| tiles::response_time(board, |times| times.p99_us));
    let errors = tile(tiles::errors);
    let in_flight = tile(tiles::in_flight);
    view! {
        <dl class="tiles" data-testid="tiles">
            <FigureTile name="Events" id="rate" title="events acknowledged per second" tile=rate />
            <FigureTile name="p50" id="p50" title="median response time" tile=p50 />
            <FigureTile name="p95" id="p95" title="95th percentile of the response time" tile=p95 />
            <FigureTile name="p99" id="p99" title="99th percentile of the response time" tile=p99 />
            <FigureTile name="Errors" id="errors" title="failed events as a share of sent events" tile=errors />
            <FigureTile name="In flight" id="in-flight" title="requests that wait for their answer" tile=in_flight />
            <VerdictTile />
        </dl>
    }
}

/// The verdict with its reasons.
#[component]
fn VerdictTile() -> View {
    let desk = expect_context::<Desk>();
    let verdict =
        Memo::new(move |_| desk.board.with(|board| board.as_ref().map(|board| board.snapshot.verdict.clone())));
    let status = move || verdict.with(|verdict| verdict.as_ref().map(|verdict| verdict.status));
    let glyph = Signal::derive(move || match status() {
        Some(VerdictStatus::Valid) | None => Glyph::Check,
        Some(VerdictStatus::Degraded) => Glyph::Warning,
        Some(VerdictStatus::Invalid) => Glyph::Cross,
    });
    let class = move || match status() {
        None => "tile verdict",
        Some(VerdictStatus::Valid) => "tile verdict good",
        Some(VerdictStatus::Degraded) => "tile verdict warning",
        Some(VerdictStatus::Invalid) => "tile verdict bad",
    };
    let word =
        move || verdict.with(|verdict| verdict.as_ref().map_or("–", |verdict| tiles::verdict_words(verdict).0));
    let reasons = move || {
        verdict.with(|verdict| match verdict {
            None => String::new(),
            Some(verdict) if verdict.reasons.is_empty() => tiles::verdict_words(verdict).1.to_owned(),
            Some(verdict) => sentence(&verdict.reasons.join("; ")),
        })
    };
    view! {
        <div class=class data-testid="tile-verdict" title=reasons>
            <dt>"Verdict"</dt>
            <dd>
                <span class="figure" data-testid="tile-verdict-value">
                    <Show when=move || status().is_some()><Icon glyph=glyph /></Show>
                    {word}
                </span>
                <span class="tile-note" data-testid="verdict-reasons">{reasons}</span>
            </dd>
        </div>
    }
}
