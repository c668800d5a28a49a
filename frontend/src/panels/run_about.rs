//! What people keep with a run: tags, a note, whether it is the baseline; and its result in every format.

use leptos::task::spawn_local;
use shared::api::{Labels, RunSummary};

use crate::api;
use crate::dom::component::*;
use crate::format;
use crate::state::labels::{note_problem, read_tags, typed_tags};
use crate::state::remote::RequestError;
use crate::widgets::dialog::Dialog;
use crate::widgets::notice::RequestFailure;

/// The formats of a result: the API's word, the file's ending, what it is for.
const FORMATS: [(&str, &str, &str); 4] = [
    ("json", "JSON", "everything, for programs"),
    ("html", "HTML", "a report for people, in one file"),
    ("csv", "CSV", "a row per second, for a spreadsheet"),
    ("hdr", "HDR", "the histogram, for other tools"),
];

/// The dialog; it is open while there is a run.
#[component]
pub(crate) fn RunAbout(
    /// The run.
    run: RwSignal<Option<RunSummary>>,
    /// Called once something was kept.
    kept: impl Fn() + Copy + Send + Sync + 'static,
) -> View {
    let close = move || run.set(None);
    let title =
        Signal::derive(move || run.with(|run| run.as_ref().map(|run| run.info.scenario.clone()).unwrap_or_default()));
    view! {
        <Dialog title=title id="run-about" open=Signal::derive(move || run.with(Option::is_some)) on_close=close>
            {move || run.get().map(|known| view! { <Fields known=known run=run kept=kept /> })}
        </Dialog>
    }
}

#[component]
fn Fields(
    known: RunSummary,
    run: RwSignal<Option<RunSummary>>,
    kept: impl Fn() + Copy + Send + Sync + 'static,
) -> View {
    let id = known.info.id.0.clone();
    let about = format!(
        "{}, {}, seed {}",
        format::moment(&known.info.started_at),
        known.info.targets.join(", "),
        known.info.seed,
    );
    let tags = RwSignal::new(typed_tags(&known.labels));
    let note = RwSignal::new(known.labels.note.clone());
    let baseline = RwSignal::new(known.labels.baseline);
    let failure = RwSignal::new(None::<RequestError>);
    let problem = Memo::new(move |_| match tags.with(|tags| read_tags(tags)) {
        Err(problem) => Some(problem),
        Ok(_) => note.with(|note| note_problem(note)),
    });
    let is_over = known.info.state.is_over();
    let downloads = FORMATS.into_iter().map(|(format, ending, meaning)| view! {
        <a class="button small" href=api::export_href(&id, format) download=format!("throng-{id}.{format}") title=meaning data-testid=format!("download-{format}")>
            {ending}
        </a>
    }).collect_view();
    let id = StoredValue::new(id);
    let keep = move || {
        let Ok(tags) = tags.with_untracked(|tags| read_tags(tags)) else { return };
        let labels = Labels { tags, note: note.get_untracked(), baseline: baseline.get_untracked() };
        let id = id.get_value();
        spawn_local(async move {
            match api::label_run(&id, &labels).await {
                Ok(_) => {
                    run.set(None);
                    kept();
                }
                Err(error) => {
                    let _ = failure.try_set(Some(error));
                }
            }
        });
    };
    view! {
        <form
            class="stack"
            on:submit=move |event| {
                event.prevent_default();
                keep();
            }
        >
            <p class="note">{about}</p>
            <label class="field">
                <span>"Tags, parted by commas"</span>
                <input
                    type="text"
                    data-testid="run-tags"
                    placeholder="nightly, before the fix"
                    prop:value=tags
                    on:input:target=move |event| tags.set(event.target().value())
                />
            </label>
            <label class="field">
                <span>"Note"</span>
                <textarea rows="4" data-testid="run-note" prop:value=note on:input:target=move |event| note.set(event.target().value())></textarea>
            </label>
            <label class="check">
                <input
                    type="checkbox"
                    data-testid="run-baseline"
                    prop:checked=baseline
                    on:change:target=move |event| baseline.set(event.target().checked())
                />
                <span>"Baseline: other runs of this scenario are compared with it"</span>
            </label>
            <p class="field-problem" role="alert">{problem}</p>
            {move || failure.get().map(|error| view! { <RequestFailure error=error /> })}
            {is_over.then(|| view! {
                <div class="actions"><span class="note">"Download the result as"</span>{downloads}</div>
            })}
            <div class="actions end">
                <button type="button" on:click=move |_| run.set(None)>"Cancel"</button>
                <button type="submit" class="primary" data-testid="keep-labels" disabled=move || problem.get().is_some()>"Keep"</button>
            </div>
        </form>
    }
}
