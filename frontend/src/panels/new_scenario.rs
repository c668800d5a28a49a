//! The dialog that makes a scenario: over a built-in one, or as a copy.

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::api::{SaveScenario, ScenarioSummary};

use crate::api;
use crate::desk::Desk;
use crate::state::remote::RequestError;
use crate::state::route::Route;
use crate::state::scenario_form::{Kind, change, new_text, tidy_name};
use crate::widgets::dialog::Dialog;
use crate::widgets::notice::RequestFailure;

/// What a new scenario starts from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Origin {
    /// A built-in one, to be chosen.
    New,
    /// This one: a built-in one is extended, one of people's own is copied.
    Copy(String),
}

/// The dialog; it is open while there is an origin.
#[component]
pub(crate) fn NewScenario(origin: RwSignal<Option<Origin>>) -> impl IntoView {
    let title = Signal::derive(move || match origin.get() {
        Some(Origin::Copy(name)) => format!("New scenario from {name}"),
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
fn Fields(from: Origin, origin: RwSignal<Option<Origin>>) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let built_ins: Vec<ScenarioSummary> = desk.scenarios.with_untracked(|scenarios| {
        scenarios.ready().map(|all| all.iter().filter(|known| known.built_in).cloned().collect()).unwrap_or_default()
    });
    let copied = match &from {
        Origin::Copy(name) if built_ins.iter().all(|known| known.name != *name) => Some(name.clone()),
        Origin::Copy(_) | Origin::New => None,
    };
    let first = match &from {
        Origin::Copy(name) if copied.is_none() => name.clone(),
        Origin::Copy(_) | Origin::New => built_ins.first().map(|known| known.name.clone()).unwrap_or_default(),
    };
    let suggestion = match &from {
        Origin::Copy(name) => format!("{name}-copy"),
        Origin::New => String::new(),
    };
    let name = RwSignal::new(suggestion.clone());
    let base = RwSignal::new(first);
    let tidy = Memo::new(move |_| name.with(|name| tidy_name(name)));
    let is_taken = Memo::new(move |_| {
        let wanted = tidy.get();
        desk.scenarios
            .with(|scenarios| scenarios.ready().is_some_and(|all| all.iter().any(|known| known.name == wanted)))
    });
    let problem = move || match (tidy.with(String::is_empty), is_taken.get()) {
        (true, _) => Some("give it a name of letters and digits"),
        (_, true) => Some("this name is taken"),
        (false, false) => None,
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
        spawn_local(async move {
            let text = match source.get_value() {
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
                    prop:value=suggestion
                    on:input:target=move |event| name.set(event.target().value())
                />
            </label>
            {copied.is_none().then(|| view! {
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
                <button type="submit" class="primary" data-testid="create-scenario" disabled=move || problem().is_some()>"Create"</button>
            </div>
        </form>
    }
}
