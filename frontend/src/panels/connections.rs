//! Connections: opened, lost, closed and why, and what came over streams beside the answers.

use crate::desk::Desk;
use crate::dom::component::*;
use crate::format;
use crate::state::connections::{in_words, rows};

/// What happened on connections; nothing before the first was opened or refused.
#[component]
pub(crate) fn Connections() -> View {
    let desk = expect_context::<Desk>();
    let counts = Memo::new(move |_| {
        desk.read_calmly(|board| {
            board
                .map(|board| (board.snapshot.connections, board.snapshot.streams.clone()))
                .filter(|(connections, _)| connections.attempted > 0)
        })
    });
    view! {
        <Show when=move || counts.with(Option::is_some)>
            <section class="card" aria-label="Connections" data-testid="connections">
                <div class="card-head">
                    <h2>"Connections"</h2>
                    <span class="note">{move || counts.with(|counts| counts.as_ref().map(|(known, _)| in_words(known)))}</span>
                </div>
                <table>
                    <thead class="hidden-text"><tr><th scope="col">"What happened"</th><th scope="col">"How often"</th></tr></thead>
                    <tbody>
                        {move || counts.with(|counts| counts.as_ref().map(|(connections, streams)| {
                            rows(connections, streams).into_iter().map(|row| view! {
                                <tr>
                                    <th scope="row">{row.what}</th>
                                    <td class="number" class:bad=row.alarming>{format::count(row.count)}</td>
                                </tr>
                            }).collect_view()
                        }))}
                    </tbody>
                </table>
            </section>
        </Show>
    }
}
