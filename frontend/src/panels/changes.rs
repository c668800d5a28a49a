//! What was changed while the run went on.

use crate::desk::Desk;
use crate::dom::component::*;
use crate::format;
use crate::state::run_board::describe;

/// The changes, newest first.
#[component]
pub(crate) fn Changes() -> View {
    let desk = expect_context::<Desk>();
    let changes = Memo::new(move |_| {
        desk.board.with(|board| board.as_ref().map(|board| board.changes.clone()).unwrap_or_default())
    });
    view! {
        <section class="card" aria-label="Changes" data-testid="changes">
            <div class="card-head">
                <h2>"Changes"</h2>
                <span class="note">"marks on the charts"</span>
            </div>
            {move || {
                let changes = changes.get();
                if changes.is_empty() {
                    return view! { <p class="nothing">"Pauses and changes of rate, mix, users and faults are noted here and in the result."</p> };
                }
                let rows = changes.into_iter().rev().map(|change| view! {
                    <li>
                        <span class="number">{format::clock(change.elapsed_seconds)}</span>
                        <span>{describe(&change.command)}</span>
                        <span class="note">{format!("by {}", change.origin)}</span>
                    </li>
                });
                view! { <ol class="changes">{rows.collect_view()}</ol> }
            }}
        </section>
    }
}
