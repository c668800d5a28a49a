//! The gallery: what ships inside and what people made of it.

use leptos::task::spawn_local;
use shared::api::{SaveScenario, ScenarioSummary};

use crate::api;
use crate::desk::Desk;
use crate::dom::component::*;
use crate::format;
use crate::panels::new_scenario::Origin;
use crate::state::draft::Draft;
use crate::state::remote::Remote;
use crate::state::route::Route;
use crate::storage;
use crate::widgets::empty::Empty;
use crate::widgets::icon::{Glyph, Icon};
use crate::widgets::notice::{Notice, RequestFailure, Weight};

/// The gallery.
#[component]
pub(crate) fn Gallery(
    /// Opens the dialog for a new scenario.
    origin: RwSignal<Option<Origin>>,
) -> View {
    let desk = expect_context::<Desk>();
    let search = RwSignal::new(String::new());
    let found = move |built_in: bool| {
        let search = search.get().to_lowercase();
        desk.scenarios.with(|scenarios| {
            let all = scenarios.ready().map_or(&[][..], Vec::as_slice);
            let text =
                |scenario: &ScenarioSummary| format!("{} {}", scenario.name, scenario.description).to_lowercase();
            all.iter()
                .filter(|scenario| scenario.built_in == built_in && text(scenario).contains(&search))
                .cloned()
                .collect::<Vec<_>>()
        })
    };
    let cards = move |built_in: bool| {
        found(built_in).into_iter().map(|scenario| view! { <Card scenario=scenario origin=origin /> }).collect_view()
    };
    let state = move || {
        desk.scenarios.with(|scenarios| match scenarios {
            Remote::Loading => Some(view! { <p class="nothing">"Loading the scenarios …"</p> }),
            Remote::Failed(error) => Some(view! {
                <RequestFailure error=error.clone()>
                    <button type="button" on:click=move |_| desk.load_scenarios()>"Try again"</button>
                </RequestFailure>
            }),
            Remote::Ready(_) => None,
        })
    };
    let put_back = move |name: String, text: String| {
        spawn_local(async move {
            match api::save_scenario(&name, &SaveScenario { text, expected_revision: None }).await {
                Ok(_) => {
                    desk.deleted.set(None);
                    desk.failure.set(None);
                }
                Err(error) => desk.failure.set(Some(error)),
            }
            desk.load_scenarios();
        });
    };
    let is_ready = Memo::new(move |_| desk.scenarios.with(|scenarios| scenarios.ready().is_some()));
    view! {
        <div class="page-head">
            <h1>"Scenarios"</h1>
            <span class="spring"></span>
            <input
                type="search"
                placeholder="search"
                aria-label="search the scenarios"
                prop:value=search
                on:input:target=move |event| search.set(event.target().value())
            />
            <button type="button" data-testid="import-scenario" disabled=move || !is_ready.get() on:click=move |_| origin.set(Some(Origin::Import))>
                <Icon glyph=Glyph::Up />
                "Import"
            </button>
            <button type="button" class="primary" data-testid="new-scenario" disabled=move || !is_ready.get() on:click=move |_| origin.set(Some(Origin::New))>
                <Icon glyph=Glyph::Add />
                "New scenario"
            </button>
        </div>
        {move || desk.deleted.get().map(|(name, text)| view! {
            <Notice weight=Weight::Plain message=format!("{name} is deleted.")>
                <button type="button" class="small" data-testid="undo-delete" on:click=move |_| put_back(name.clone(), text.clone())>"Undo"</button>
                <button type="button" class="small" on:click=move |_| desk.deleted.set(None)>"Dismiss"</button>
            </Notice>
        })}
        {state}
        <Show when=move || is_ready.get()>
            <h2>"Your own"</h2>
            {move || match found(false).is_empty() {
                true => view! {
                    <Empty title="None yet" text="A scenario of your own starts from a built-in one: change its rate, its mix, its target.">
                        <button type="button" on:click=move |_| origin.set(Some(Origin::New))>"Make one"</button>
                    </Empty>
                },
                false => view! { <ul class="gallery" data-testid="own-scenarios">{cards(false)}</ul> },
            }}
            <h2>"Built in"</h2>
            <ul class="gallery" data-testid="built-in-scenarios">{cards(true)}</ul>
        </Show>
    }
}

#[component]
fn Card(scenario: ScenarioSummary, origin: RwSignal<Option<Origin>>) -> View {
    let desk = expect_context::<Desk>();
    let name = scenario.name.clone();
    let has_draft = !scenario.built_in && storage::read(&Draft::storage_key(&name)).is_some();
    let profiles = scenario.profiles.iter().map(|profile| view! {
        <li><span class="mono">{profile.name.clone()}</span>" "<span class="note">{profile.summary.clone()}</span></li>
    }).collect_view();
    let (chosen, copied) = (name.clone(), name.clone());
    let use_it = move |_| {
        let (name, built_in) = (chosen.clone(), scenario.built_in);
        let first = scenario.profiles.first().filter(|_| built_in).map(|profile| profile.name.clone());
        desk.prefer(|preferences| {
            preferences.scenario = name;
            preferences.profile = first.unwrap_or_default();
        });
        desk.go(&Route::Run);
    };
    view! {
        <li class="card scenario-card" data-testid="scenario-card">
            <div class="card-head">
                <h3><a href=Route::Scenario(name.clone()).href()>{name.clone()}</a></h3>
                <span class="spring"></span>
                {has_draft.then(|| view! { <span class="tag">"unsaved edits"</span> })}
                {(scenario.problems > 0).then(|| view! {
                    <span class="tag bad">{format::counted(u64::from(scenario.problems), "problem")}</span>
                })}
            </div>
            <p>{scenario.description.clone()}</p>
            <ul class="profiles">{profiles}</ul>
            <div class="actions">
                <button type="button" class="small" title="choose it on the Run page" on:click=use_it>
                    <Icon glyph=Glyph::Start />
                    "Choose"
                </button>
                <a class="button small" href=Route::Scenario(name.clone()).href()>
                    {if scenario.built_in { "Look inside" } else { "Edit" }}
                </a>
                <button
                    type="button"
                    class="small"
                    on:click=move |_| origin.set(Some(Origin::Copy(copied.clone())))
                >
                    <Icon glyph=Glyph::Copy />
                    {if scenario.built_in { "Make it yours" } else { "Duplicate" }}
                    <span class="hidden-text">{format!(": {name}")}</span>
                </button>
            </div>
        </li>
    }
}
