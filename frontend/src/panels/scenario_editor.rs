//! The editor: the form on one side, the text on the other, what is wrong between them.

use leptos::task::spawn_local;
use shared::api::{ScenarioDocument, StartRun};
use web_sys::KeyboardEvent;

use crate::desk::Desk;
use crate::dom::component::*;
use crate::editing::Editing;
use crate::panels::new_scenario::Origin;
use crate::panels::scenario_difference::ScenarioDifference;
use crate::panels::scenario_fields::ScenarioFields;
use crate::panels::scenario_outlook::ScenarioOutlook;
use crate::panels::scenario_text::ScenarioText;
use crate::panels::try_out::TryOut;
use crate::state::draft::{Draft, without_typed_secrets};
use crate::state::remote::Remote;
use crate::state::route::Route;
use crate::widgets::dialog::Dialog;
use crate::widgets::empty::Empty;
use crate::widgets::icon::{Glyph, Icon};
use crate::widgets::notice::{Notice, RequestFailure, Weight};
use crate::{actions, api, storage};

/// Loads a scenario and opens it.
#[component]
pub(crate) fn ScenarioEditor(
    /// Its name.
    name: String,
    /// Opens the dialog for a copy.
    origin: RwSignal<Option<Origin>>,
) -> View {
    let document = RwSignal::new(Remote::<ScenarioDocument>::Loading);
    let wanted = StoredValue::new(name);
    let load = move || {
        spawn_local(async move {
            let Some(name) = wanted.try_get_value() else { return };
            let answer = api::scenario(&name).await;
            let _ = document.try_update(|document| document.refresh(answer));
        });
    };
    load();
    let shown = move || {
        document.with(|document| match document {
            Remote::Loading => view! { <p class="nothing">"Loading the scenario …"</p> },
            Remote::Failed(error) if error.is_not_found() => view! {
                <Empty title="There is no such scenario" text="It may have been deleted or renamed.">
                    <a class="button" href=Route::Scenarios.href()>"All scenarios"</a>
                </Empty>
            },
            Remote::Failed(error) => view! {
                <RequestFailure error=error.clone()>
                    <button type="button" on:click=move |_| load()>"Try again"</button>
                </RequestFailure>
            },
            Remote::Ready(document) => view! { <Editor document=document.clone() origin=origin /> },
        })
    };
    shown.into_view()
}

#[component]
fn Editor(document: ScenarioDocument, origin: RwSignal<Option<Origin>>) -> View {
    let desk = expect_context::<Desk>();
    let editing = Editing::new(document);
    provide_context(editing);
    let on_key = move |event: KeyboardEvent| {
        if (event.ctrl_key() || event.meta_key()) && event.key().eq_ignore_ascii_case("s") {
            event.prevent_default();
            editing.save(desk);
        }
    };
    view! {
        <div class="editor" on:keydown=on_key>
            <EditorHead origin=origin />
            <Show when=move || editing.restored.get()>
                <Notice
                    weight=Weight::Plain
                    message="Unsaved edits of your last visit were put back."
                    hint=Signal::derive(move || match editing.is_outdated() {
                        true => "The stored scenario has changed since: keep them to replace it, or discard them.".to_owned(),
                        false => "Keys that were typed into the text are not kept; look for ***.".to_owned(),
                    })
                >
                    <button type="button" class="small" on:click=move |_| editing.revert()>"Discard them"</button>
                    <button type="button" class="small" on:click=move |_| editing.keep_restored()>"Keep them"</button>
                </Notice>
            </Show>
            <div class="halves">
                <ScenarioFields />
                <div class="stack">
                    <ScenarioText />
                    <TryOut />
                    <ScenarioOutlook />
                </div>
            </div>
        </div>
    }
}

/// Name, state and what can be done.
#[component]
fn EditorHead(origin: RwSignal<Option<Origin>>) -> View {
    let desk = expect_context::<Desk>();
    let editing = expect_context::<Editing>();
    let doomed = RwSignal::new(false);
    let compared = RwSignal::new(false);
    let export = move |_| {
        let name = editing.name.get_value();
        let text = editing.text.with_untracked(|text| without_typed_secrets(text));
        storage::save_file(&format!("{name}.yaml"), &text);
    };
    let is_changed = Memo::new(move |_| editing.is_changed());
    let is_sound = Memo::new(move |_| editing.is_sound());
    let has_target = Memo::new(move |_| {
        desk.status.with(|status| status.ready().is_some_and(|status| status.practice_target.is_some()))
    });
    let can_start = Memo::new(move |_| {
        let is_idle = desk.status.with(|status| status.ready().is_some_and(|status| status.active_run.is_none()));
        is_idle && is_sound.get() && desk.reachable.get()
    });
    let run = move |_| {
        let name = editing.name.get_value();
        let profile = Some(editing.profile.get_untracked()).filter(|profile| !profile.is_empty());
        let (kept_name, kept_profile) = (name.clone(), profile.clone().unwrap_or_default());
        desk.prefer(|preferences| {
            preferences.scenario = kept_name;
            preferences.profile = kept_profile;
        });
        let scenario = untrack(|| editing.choice());
        let practice_target = untrack(|| desk.to_practice_target());
        actions::start(desk, StartRun { scenario, profile, set: desk.keys_of(&name), seed: None, practice_target });
    };
    let why_not = move || match (is_sound.get(), can_start.get()) {
        (false, _) => "mend the problems first",
        (true, false) => "a run goes on; stop it first",
        (true, true) => "run what is in the editor, saved or not",
    };
    let state = move || match (editing.built_in, is_changed.get()) {
        (true, _) => "built in, cannot be changed",
        (false, true) => "unsaved edits",
        (false, false) => "saved",
    };
    view! {
        <div class="page-head">
            <a href=Route::Scenarios.href()>"Scenarios"</a>
            <span class="note" aria-hidden="true">"/"</span>
            <h1>{editing.name.get_value()}</h1>
            <span class="tag" class:warning=move || is_changed.get() data-testid="edit-state" role="status">{state}</span>
            <span class="spring"></span>
            <button
                type="button"
                data-testid="duplicate"
                on:click=move |_| origin.set(Some(Origin::Copy(editing.name.get_value())))
            >
                <Icon glyph=Glyph::Copy />
                {if editing.built_in { "Make it yours" } else { "Duplicate" }}
            </button>
            <button type="button" data-testid="export-scenario" title="what is in the editor, as a file" on:click=export>
                <Icon glyph=Glyph::Download />
                "Export"
            </button>
            <Show when=move || !editing.built_in>
                <button
                    type="button"
                    data-testid="rename"
                    title=move || if is_changed.get() { "save first" } else { "give it another name" }
                    disabled=move || is_changed.get()
                    on:click=move |_| origin.set(Some(Origin::Rename(editing.name.get_value())))
                >
                    <Icon glyph=Glyph::Edit />
                    "Rename"
                </button>
                <button type="button" data-testid="show-difference" disabled=move || !is_changed.get() on:click=move |_| compared.set(true)>
                    "Difference"
                </button>
                <button type="button" data-testid="delete-scenario" on:click=move |_| doomed.set(true)>
                    <Icon glyph=Glyph::Delete />
                    "Delete"
                </button>
                <button type="button" disabled=move || !is_changed.get() on:click=move |_| editing.revert()>"Undo all"</button>
                <button
                    type="button"
                    data-testid="save"
                    title="save (Ctrl+S)"
                    disabled=move || !is_changed.get() || desk.busy.get()
                    on:click=move |_| editing.save(desk)
                >
                    "Save"
                </button>
            </Show>
            <Show when=move || has_target.get()>
                <label class="check" title="send everything to the practice target, wherever the scenario points">
                    <input
                        type="checkbox"
                        prop:checked=move || desk.preferences.with(|kept| kept.practice_target)
                        on:change:target=move |event| {
                            let checked = event.target().checked();
                            desk.prefer(|preferences| preferences.practice_target = checked);
                        }
                    />
                    <span>"practice target"</span>
                </label>
            </Show>
            <button type="button" class="primary" data-testid="run-this" title=why_not disabled=move || !can_start.get() || desk.busy.get() on:click=run>
                <Icon glyph=Glyph::Start />
                "Run this"
            </button>
            <DeleteDialog doomed=doomed />
            <ScenarioDifference open=compared />
        </div>
    }
}

#[component]
fn DeleteDialog(doomed: RwSignal<bool>) -> View {
    let desk = expect_context::<Desk>();
    let editing = expect_context::<Editing>();
    let close = move || doomed.set(false);
    let delete = move |_| {
        let name = editing.name.get_value();
        let text = editing.stored.with_untracked(|(text, _)| text.clone());
        close();
        spawn_local(async move {
            match api::delete_scenario(&name).await {
                Ok(()) => {
                    storage::remove(&Draft::storage_key(&name));
                    desk.deleted.set(Some((name, text)));
                    desk.failure.set(None);
                    desk.load_scenarios();
                    desk.go(&Route::Scenarios);
                }
                Err(error) => desk.failure.set(Some(error)),
            }
        });
    };
    view! {
        <Dialog title="Delete this scenario?" id="delete-scenario-dialog" open=doomed on_close=close>
            <p>"It can be put back as it is stored until this page is closed. Runs that it made stay in the history."</p>
            <div class="actions end">
                <button type="button" on:click=move |_| close()>"Keep it"</button>
                <button type="button" class="danger" data-testid="confirm-delete-scenario" on:click=delete>"Delete"</button>
            </div>
        </Dialog>
    }
}
