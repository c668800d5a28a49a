//! Which scenario, profile and target the next run gets.

use shared::api::ScenarioSummary;

use crate::desk::Desk;
use crate::dom::component::*;
use crate::state::remote::Remote;

/// The pickers; while a run goes on they rest.
#[component]
pub(crate) fn ScenarioChoice() -> View {
    let desk = expect_context::<Desk>();
    let disabled = Memo::new(move |_| !desk.controls().start);
    let known = move || desk.scenarios.with(|scenarios| scenarios.ready().cloned().unwrap_or_default());
    // While a run goes on, the pickers say what runs, whoever started it.
    let running = Memo::new(move |_| {
        desk.board.with(|board| {
            let run = board.as_ref().filter(|board| !board.is_over()).map(|board| &board.run)?;
            Some((run.scenario.clone(), run.profile.clone().unwrap_or_default()))
        })
    });
    let shown = Memo::new(move |_| {
        running.get().unwrap_or_else(|| desk.preferences.with(|kept| (kept.scenario.clone(), kept.profile.clone())))
    });
    let chosen = move || shown.with(|(scenario, _)| scenario.clone());
    let profiles = Memo::new(move |_| {
        desk.scenarios.with(|scenarios| {
            let all = scenarios.ready()?;
            all.iter().find(|scenario| scenario.name == chosen()).map(|scenario| scenario.profiles.clone())
        })
    });
    // What was chosen last may be gone; then the first of what there is.
    Effect::new(move |_| {
        desk.scenarios.with(|scenarios| {
            let Some(all) = scenarios.ready() else { return };
            let (scenario, profile) = desk.preferences.with(|kept| (kept.scenario.clone(), kept.profile.clone()));
            let Some(found) = all.iter().find(|known| known.name == scenario).or_else(|| all.first()) else { return };
            let has_profile = profile.is_empty() || found.profiles.iter().any(|known| known.name == profile);
            if found.name != scenario || !has_profile {
                choose(desk, found);
            }
        });
    });
    let choose_scenario = move |name: String| {
        desk.scenarios.with_untracked(|scenarios| {
            let found = scenarios.ready().and_then(|all| all.iter().find(|scenario| scenario.name == name));
            if let Some(found) = found {
                choose(desk, found);
            }
        });
    };
    let option = move |scenario: ScenarioSummary| {
        let name = scenario.name.clone();
        let label = if scenario.problems > 0 { format!("{name} (has problems)") } else { name.clone() };
        let value = name.clone();
        view! { <option value=value selected=move || chosen() == name>{label}</option> }
    };
    let group = move |built_in: bool, label: &'static str| {
        let some: Vec<ScenarioSummary> = known().into_iter().filter(|scenario| scenario.built_in == built_in).collect();
        (!some.is_empty())
            .then(|| view! { <optgroup label=label>{some.into_iter().map(option).collect_view()}</optgroup> })
    };
    // A text that was sent with the request, and a scenario that is gone meanwhile, are in no list.
    let unlisted = move || {
        let is_listed = known().iter().any(|scenario| scenario.name == chosen());
        (running.with(Option::is_some) && !is_listed).then(|| view! { <option selected>{chosen()}</option> })
    };
    let has_target = Memo::new(move |_| {
        desk.status.with(|status| status.ready().is_some_and(|status| status.practice_target.is_some()))
    });
    view! {
        <label class="field">
            <span>"Scenario"</span>
            <select data-testid="scenario" disabled=disabled on:change:target=move |event| choose_scenario(event.target().value())>
                {move || match desk.scenarios.with(|scenarios| matches!(scenarios, Remote::Loading)) {
                    true => view! { <option>"loading …"</option> },
                    false => view! { {unlisted()} {group(true, "Built in")} {group(false, "Your own")} },
                }}
            </select>
        </label>
        <label class="field">
            <span>"Profile"</span>
            <select
                data-testid="profile"
                disabled=disabled
                on:change:target=move |event| {
                    let profile = event.target().value();
                    desk.prefer(|preferences| preferences.profile = profile);
                }
            >
                <option value="" selected=move || shown.with(|(_, profile)| profile.is_empty())>"none: as written"</option>
                {move || profiles.get().unwrap_or_default().into_iter().map(|profile| {
                    let name = profile.name.clone();
                    let label = if profile.summary.is_empty() { name.clone() } else { format!("{name}: {}", profile.summary) };
                    view! {
                        <option value=name.clone() selected=move || shown.with(|(_, profile)| *profile == name)>{label}</option>
                    }
                }).collect_view()}
            </select>
        </label>
        <Show when=move || has_target.get()>
            <label class="check" title="send everything to the practice target, wherever the scenario points">
                <input
                    type="checkbox"
                    data-testid="practice-target"
                    disabled=disabled
                    prop:checked=move || desk.preferences.with(|kept| kept.practice_target)
                    on:change:target=move |event| {
                        let checked = event.target().checked();
                        desk.prefer(|preferences| preferences.practice_target = checked);
                    }
                />
                <span>"practice target"</span>
            </label>
        </Show>
    }
}

/// Chooses a scenario: a built-in one with its first profile, which is its smallest; one of people's own as written,
/// since a profile would lie above what they wrote.
fn choose(desk: Desk, scenario: &ScenarioSummary) {
    let first = scenario.profiles.first().filter(|_| scenario.built_in);
    desk.prefer(|preferences| {
        preferences.scenario.clone_from(&scenario.name);
        preferences.profile = first.map(|profile| profile.name.clone()).unwrap_or_default();
    });
}
