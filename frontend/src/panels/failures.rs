//! Why events failed, by kind.

use crate::desk::Desk;
use crate::dom::component::*;
use crate::format;
use crate::state::run_board::RunBoard;
use crate::widgets::icon::{Glyph, Icon};

/// The kinds of failure with their counts.
#[component]
pub(crate) fn Failures() -> View {
    let desk = expect_context::<Desk>();
    let failures = Memo::new(move |_| desk.read_calmly(|board| board.map(RunBoard::failures).unwrap_or_default()));
    let sent = move || desk.read_calmly(|board| board.map_or(0, |board| board.snapshot.events.sent));
    let has_sent = Memo::new(move |_| sent() > 0);
    view! {
        <section class="card" aria-label="Failures" data-testid="failures">
            <div class="card-head">
                <h2>"Failures"</h2>
                <span class="note">"events, by kind"</span>
            </div>
            {move || {
                let failures = failures.get();
                if failures.is_empty() {
                    return match has_sent.get() {
                        true => view! { <p class="nothing"><Icon glyph=Glyph::Check />"No event has failed."</p> },
                        false => view! { <p class="nothing">"Nothing was sent yet."</p> },
                    };
                }
                let sent = untrack(sent).max(1);
                let rows = failures.into_iter().map(|(kind, count)| {
                    let share = format::percent(count as f64 / sent as f64);
                    view! { <tr><th scope="row">{kind.label()}</th><td class="number">{format::count(count)}</td><td class="number">{share}</td></tr> }
                });
                view! {
                    <table>
                        <thead><tr><th scope="col">"Kind"</th><th scope="col" class="number">"Events"</th><th scope="col" class="number">"Of sent"</th></tr></thead>
                        <tbody>{rows.collect_view()}</tbody>
                    </table>
                }
            }}
        </section>
    }
}
