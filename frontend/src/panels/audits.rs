//! Whether what was acknowledged is there: the delivery audits of a run that is over.

use gloo_timers::future::TimeoutFuture;
use leptos::task::spawn_local;
use shared::run::RunId;
use shared::run::audit::AuditRecord;

use crate::api;
use crate::desk::Desk;
use crate::dom::component::*;
use crate::format;
use crate::state::audits::{Audited, Outcome, outcome, rows};
use crate::state::remote::RequestError;
use crate::widgets::icon::{Glyph, Icon};

/// How often it is looked whether they are made, in milliseconds.
const LOOK_MILLIS: u32 = 2_000;

/// The audits of the shown run; nothing where its scenario asks for none.
#[component]
pub(crate) fn Audits() -> View {
    let desk = expect_context::<Desk>();
    let over = Memo::new(move |_| {
        desk.board.with(|board| board.as_ref().filter(|board| board.is_over()).map(|board| board.run.id.clone()))
    });
    let audited = RwSignal::new(Audited::default());
    Effect::new(move |_| {
        audited.set(Audited::default());
        if let Some(id) = over.get() {
            spawn_local(look(id, over, audited));
        }
    });
    let is_asked_for = Memo::new(move |_| audited.with(Audited::asked_for) > 0);
    view! {
        <Show when=move || is_asked_for.get()>
            <section class="card" aria-label="Delivery audits" data-testid="audits">
                <div class="card-head">
                    <h2>"Delivery"</h2>
                    <span class="note">"whether what was acknowledged is there"</span>
                </div>
                <Show when=move || audited.with(Audited::is_waited_for)>
                    <p class="nothing" role="status">"The sink is being asked …"</p>
                </Show>
                {move || audited.with(|audited| audited.audits.iter().map(card).collect_view())}
            </section>
        </Show>
    }
}

/// Looks until the audits are made, or another run is shown.
async fn look(id: RunId, over: Memo<Option<RunId>>, audited: RwSignal<Audited>) {
    loop {
        let answer = api::audited(&id.0).await;
        // The page may have gone, or shows another run.
        if over.try_get_untracked().flatten().as_ref() != Some(&id) {
            return;
        }
        match answer {
            Ok(found) => {
                let is_waited_for = found.is_waited_for();
                audited.set(found);
                if !is_waited_for {
                    return;
                }
            }
            // It may come back, and the run with it.
            Err(RequestError::Unreachable) => {}
            Err(_refused) => return,
        }
        TimeoutFuture::new(LOOK_MILLIS).await;
    }
}

fn card(record: &AuditRecord) -> View {
    let (glyph, class, word) = match outcome(record) {
        Outcome::Agrees => (Glyph::Check, "verdict-word good", "the sink agrees"),
        Outcome::Differs => (Glyph::Cross, "verdict-word bad", "the sink differs"),
        Outcome::NotMade => (Glyph::Warning, "verdict-word warning", "it could not be made"),
    };
    let sink = record.result.as_ref().map(|result| result.sink.what.clone());
    let notes = record.result.as_ref().map(|result| result.notes.join("; ")).filter(|notes| !notes.is_empty());
    let found = rows(record).into_iter().map(|(what, count, is_difference, example)| {
        view! {
            <tr>
                <th scope="row">{what}{example.map(|id| view! { <span class="note mono line">{format!("throng explain {id}")}</span> })}</th>
                <td class="number" class:bad=is_difference>{format::count(count)}</td>
            </tr>
        }
    });
    view! {
        <div class="audit">
            <p><span class=class><Icon glyph=glyph />{word}</span>" "<span class="note">{sink}</span></p>
            {record.trouble.clone().map(|trouble| view! { <p class="note" role="alert">{trouble}</p> })}
            {notes.map(|notes| view! { <p class="note">{notes}</p> })}
        </div>
        <table>
            <thead class="hidden-text"><tr><th scope="col">"Finding"</th><th scope="col">"Events"</th></tr></thead>
            <tbody>{found.collect_view()}</tbody>
        </table>
    }
}
