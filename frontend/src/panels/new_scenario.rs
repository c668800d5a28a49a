//! The dialog that makes a scenario: over a built-in one, as a copy, from a file or a pasted text; or renames one.

use leptos::task::spawn_local;
use shared::api::{SaveScenario, ScenarioSummary};
use wasm_bindgen::JsCast;

use crate::api;
use crate::desk::Desk;
use crate::dom::component::*;
use crate::state::remote::RequestError;
use crate::state::route::Route;
use crate::state::scenario_form::{Kind, LONGEST_TEXT, change, new_text, tidy_name};
use crate::widgets::dialog::Dialog;
use crate::widgets::notice::RequestFailure;

/// What a new scenario starts from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Origin {
    /// A built-in one, to be chosen.
    New,
    /// This one: a built-in one is extended, one of people's own is copied.
    Copy(String),
    /// A text from elsewhere.
    Import,
    /// This one, under another name.
    Rename(String),
}

/// The dialog; it is open while there is an origin.
#[component]
pub(crate) fn NewScenario(origin: RwSignal<Option<Origin>>) -> View {
    let title = Signal::derive(move || match origin.get() {
        Some(Origin::Copy(name)) => format!("New scenario from {name}"),
        Some(Origin::Import) => "Import a scenario".to_owned(),
        Some(Origin::Rename(name)) => format!("Rename {name}"),
        Some(Origin::New) | None => "New scenario".to_owned(),
    });
    let close = move || origin.set(None);
    view! {
        <Dialog title=title id="new-scenario-dialog" open=Signal::derive(move || origin.with(Option::is_some)) on_close=close>
            {move || origin.get().map(|from| view! { <Fields from=from origin=origin /> })}
        </Dialog>
    }
}

#[component]
fn Fields(from: Origin, origin: RwSignal<Option<Origin>>) -> View {
    let desk = expect_context::<Desk>();
    let built_ins: Vec<ScenarioSummary> = desk.scenarios.with_untracked(|scenarios| {
        scenarios.ready().map(|all| all.iter().filter(|known| known.built_in).cloned().collect()).unwrap_or_default()
    });
    let copied = match &from {
        Origin::Copy(name) if built_ins.iter().all(|known| known.name != *name) => Some(name.clone()),
        Origin::Rename(name) => Some(name.clone()),
        Origin::Copy(_) | Origin::New | Origin::Import => None,
    };
    let first = match &from {
        Origin::Copy(name) if copied.is_none() => name.clone(),
        Origin::Copy(_) | Origin::New | Origin::Import | Origin::Rename(_) => {
            built_ins.first().map(|known| known.name.clone()).unwrap_or_default()
        }
    };
    let suggestion = match &from {
        Origin::Copy(name) => format!("{name}-copy"),
        Origin::Rename(name) => name.clone(),
        Origin::New | Origin::Import => String::new(),
    };
    let (is_import, is_rename) = (from == Origin::Import, matches!(from, Origin::Rename(_)));
    let pasted = RwSignal::new(String::new());
    let name = RwSignal::new(suggestion);
    let base = RwSignal::new(first);
    let tidy = Memo::new(move |_| name.with(|name| tidy_name(name)));
    let is_taken = Memo::new(move |_| {
        let wanted = tidy.get();
        desk.scenarios
            .with(|scenarios| scenarios.ready().is_some_and(|all| all.iter().any(|known| known.name == wanted)))
    });
    let problem = move || {
        if is_import && pasted.with(|text| text.trim().is_empty()) {
            Some("choose a file or paste a text")
        } else if is_import && pasted.with(|text| text.len() > LONGEST_TEXT) {
            Some("the text is longer than 5 MB, which is more than a scenario can have")
        } else if tidy.with(String::is_empty) {
            Some("give it a name of letters and digits")
        } else if is_taken.get() {
            Some("this name is taken")
        } else {
            None
        }
    };
    let read_file = move |event: web_sys::Event| {
        let field = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlInputElement>().ok());
        let Some(file) = field.and_then(|field| field.files()).and_then(|files| files.get(0)) else { return };
        let stem = file.name();
        let stem = stem.rsplit_once('.').map_or(stem.as_str(), |(stem, _)| stem).to_owned();
        spawn_local(async move {
            let read = wasm_bindgen_futures::JsFuture::from(file.text()).await;
            let Some(text) = read.ok().and_then(|text| text.as_string()) else { return };
            // The dialog may have been closed meanwhile.
            if pasted.try_set(text).is_none() && name.with_untracked(String::is_empty) {
                name.set(stem);
            }
        });
    };
    let failure = RwSignal::new(None::<RequestError>);
    let known = StoredValue::new(built_ins.clone());
    let source = StoredValue::new(copied.clone());
    let create = move || {
        if problem().is_some() {
            return;
        }
        let (name, base) = (tidy.get_untracked(), base.get_untracked());
        let profile = known.with_value(|known| {
            let of_base = known.iter().find(|known| known.name == base);
            of_base.and_then(|base| base.profiles.first()).map(|profile| profile.name.clone()).unwrap_or_default()
        });
        let pasted = is_import.then(|| pasted.get_untracked());
        spawn_local(async move {
            let text = match source.get_value() {
                _ if pasted.is_some() => Ok(pasted.unwrap_or_default()),
                Some(copied) => api::scenario(&copied).await.map(|document| {
                    // A copy says its own name, where the text says one.
                    let renamed = change(&document.text, "name", Kind::Text, &name);
                    renamed.unwrap_or(document.text)
                }),
                None => Ok(new_text(&name, &base, &profile)),
            };
            let saved = match text {
                Ok(text) => api::save_scenario(&name, &SaveScenario { text, expected_revision: None }).await,
                Err(error) => Err(error),
            };
            match saved {
                Ok(_) => {
                    if let Some(old) = source.get_value().filter(|_| is_rename) {
                        // The old one goes only once the new one is there.
                        desk.failure.set(api::delete_scenario(&old).await.err());
                    }
                    origin.set(None);
                    desk.load_scenarios();
                    desk.go(&Route::Scenario(name));
                }
                Err(error) => {
                    let _ = failure.try_set(Some(error));
                }
            }
        });
    };
    let options = built_ins
        .into_iter()
        .map(|known| {
            let value = known.name.clone();
            let is_chosen = base.get_untracked() == known.name;
            view! { <option value=value selected=is_chosen>{known.name}</option> }
        })
        .collect_view();
    let description = Memo::new(move |_| {
        let base = base.get();
        known.with_value(|known| known.iter().find(|known| known.name == base).map(|known| known.description.clone()))
    });
    view! {
        <form
            class="stack"
            on:submit=move |event| {
                event.prevent_default();
                create();
            }
        >
            <label class="field">
                <span>"Name"</span>
                <input
                    type="text"
                    data-testid="new-name"
                    autofocus=true
                    maxlength="64"
                    placeholder="rush-hour"
                    prop:value=name
                    on:input:target=move |event| name.set(event.target().value())
                />
            </label>
            {is_import.then(|| view! {
                <label class="field">
                    <span>"File: YAML or JSON"</span>
                    <input type="file" accept=".yaml,.yml,.json" data-testid="import-file" on:change=read_file />
                </label>
                <label class="field">
                    <span>"Or paste the text"</span>
                    <textarea
                        rows="10"
                        class="mono"
                        spellcheck="false"
                        data-testid="import-text"
                        prop:value=pasted
                        on:input:target=move |event| pasted.set(event.target().value())
                    ></textarea>
                </label>
                <p class="note">"It may have problems: they are shown beside the fields once it is imported."</p>
            })}
            {(copied.is_none() && !is_import).then(|| view! {
                <label class="field">
                    <span>"Starts from"</span>
                    <select data-testid="new-base" on:change:target=move |event| base.set(event.target().value())>{options}</select>
                </label>
                <p class="note">{description}</p>
            })}
            <p class="note" role="status">
                {move || problem().map_or_else(|| format!("It will be called {}.", tidy.get()), str::to_owned)}
            </p>
            {move || failure.get().map(|error| view! { <RequestFailure error=error /> })}
            <div class="actions end">
                <button type="button" on:click=move |_| origin.set(None)>"Cancel"</button>
                <button type="submit" class="primary" data-testid="create-scenario" disabled=move || problem().is_some()>
                    {if is_import { "Import" } else if is_rename { "Rename" } else { "Create" }}
                </button>
            </div>
        </form>
    }
}
