//! Trouble made on purpose: how often it was decided, and how often it came to pass.

use crate::desk::Desk;
use crate::dom::component::*;
use crate::format;

/// The faults of the shown run; nothing where it has none.
#[component]
pub(crate) fn Faults() -> View {
    let desk = expect_context::<Desk>();
    let faults = Memo::new(move |_| {
        desk.read_calmly(|board| board.map(|board| board.snapshot.faults.clone()).unwrap_or_default())
    });
    view! {
        <Show when=move || !faults.with(Vec::is_empty)>
            <section class="card" aria-label="Faults" data-testid="faults">
                <div class="card-head">
                    <h2>"Faults"</h2>
                    <span class="note">"made on purpose, by what became of the events"</span>
                </div>
                <table>
                    <thead><tr>
                        <th scope="col">"Events"</th>
                        <th scope="col" class="number">"Decided"</th>
                        <th scope="col" class="number">"Came to pass"</th>
                    </tr></thead>
                    <tbody>
                        {move || faults.get().into_iter().map(|row| view! {
                            <tr>
                                <th scope="row">{row.kind.label()}</th>
                                <td class="number">{format::count(row.planned)}</td>
                                <td class="number">{format::count(row.applied)}</td>
                            </tr>
                        }).collect_view()}
                    </tbody>
                </table>
            </section>
        </Show>
    }
}
