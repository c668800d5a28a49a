//! The mix, the users and the faults of the run that goes on, to be changed while it does.

use std::collections::BTreeMap;

use shared::run::Command;

use crate::actions;
use crate::desk::Desk;
use crate::dom::component::*;
use crate::format;
use crate::state::run_board::RunBoard;
use crate::state::steering::{declared, read_factor, read_users, read_weight, users_asked_for, weights};

/// The controls; they rest while no run goes on.
#[component]
pub(crate) fn Steering() -> View {
    let desk = expect_context::<Desk>();
    let disabled = Memo::new(move |_| !desk.controls().rate);
    // A change of the mix takes the declared shares away; the panel goes on from what it saw of them.
    let known = Memo::new(move |before: Option<&(String, BTreeMap<String, f64>)>| {
        desk.board.with(|board| {
            let Some(board) = board else { return Default::default() };
            let shares = declared(&board.snapshot.event_types, &board.changes);
            match before {
                Some((run, seen)) if *run == board.run.id.0 && !seen.is_empty() => (run.clone(), seen.clone()),
                Some(_) | None => (board.run.id.0.clone(), shares),
            }
        })
    });
    let in_force = Memo::new(move |_| {
        desk.board.with(|board| {
            let changes = board.as_ref().map_or(&[][..], |board| &board.changes);
            known.with(|(_, shares)| weights(shares, changes))
        })
    });
    let names = Memo::new(move |_| in_force.with(|weights| weights.keys().cloned().collect::<Vec<_>>()));
    // Where users arrive by a rate, their number is not for the hand.
    let has_users = Memo::new(move |_| {
        desk.board.with(|board| {
            let points = board.as_ref().map_or(&[][..], |board| board.timeline.drawn(false));
            points.iter().any(|point| point.users > 0) && points.iter().all(|point| point.target_rate == 0.0)
        })
    });
    let users =
        Memo::new(move |_| desk.board.with(|board| board.as_ref().and_then(|board| users_asked_for(&board.changes))));
    let has_faults = Memo::new(move |_| {
        desk.board.with(|board| board.as_ref().is_some_and(|board| !board.snapshot.faults.is_empty()))
    });
    let is_over = Memo::new(move |_| desk.board.with(|board| board.as_ref().is_none_or(RunBoard::is_over)));
    view! {
        <Show when=move || !is_over.get()>
            <section class="card" aria-label="Steer" data-testid="steering">
                <div class="card-head"><h2>"Steer"</h2><span class="note">"weights of the mix, and more; in force at once, marked on every chart"</span></div>
                <div class="settings steering">
                    <For each=move || names.get() key=|name| name.clone() children=move |name| {
                        let (own, sent) = (name.clone(), name.clone());
                        let value = Memo::new(move |_| in_force.with(|weights| weights.get(&own).copied().unwrap_or(0.0)));
                        view! {
                            <Setting
                                id=format!("mix-{name}")
                                name=name
                                meaning=""
                                value=Signal::derive(move || format::plain(value.get()))
                                disabled=disabled
                                read=move |text: &str| read_weight(text).map(|weight| Command::SetWeights {
                                    workload: None,
                                    weights: BTreeMap::from([(sent.clone(), weight)]),
                                })
                            />
                        }
                    } />
                    <Show when=move || has_users.get()>
                        <Setting
                            id="users"
                            name="Users"
                            meaning="how many from now on"
                            value=Signal::derive(move || users.get().map(|users| users.to_string()).unwrap_or_default())
                            disabled=disabled
                            read=move |text: &str| read_users(text).map(|users| Command::SetUsers { workload: None, users })
                        />
                    </Show>
                    <Show when=move || has_faults.get()>
                        <Faults disabled=disabled />
                    </Show>
                </div>
            </section>
        </Show>
    }
}

/// One figure that a command changes.
#[component]
fn Setting(
    #[prop(into)] id: String,
    #[prop(into)] name: String,
    meaning: &'static str,
    value: Signal<String>,
    disabled: Memo<bool>,
    read: impl Fn(&str) -> Result<Command, &'static str> + Send + Sync + 'static,
) -> View {
    let desk = expect_context::<Desk>();
    let problem = RwSignal::new(None::<&'static str>);
    let read = StoredValue::new(read);
    let id = format!("steer-{id}");
    view! {
        <div class="setting">
            <label for=id.clone()>{name}<span class="note">{meaning}</span></label>
            <input
                type="text"
                class="short"
                inputmode="decimal"
                id=id.clone()
                data-testid=id
                disabled=disabled
                aria-invalid=move || problem.get().is_some().to_string()
                prop:value=value
                on:input:target=move |event| problem.set(read.with_value(|read| read(&event.target().value())).err())
                on:change:target=move |event| if let Ok(command) = read.with_value(|read| read(&event.target().value())) {
                    actions::command(desk, command);
                }
            />
            <span class="field-problem" role="alert">{move || problem.get()}</span>
        </div>
    }
}

/// How strong a list of faults is.
#[component]
fn Faults(disabled: Memo<bool>) -> View {
    let desk = expect_context::<Desk>();
    let fault = RwSignal::new(String::new());
    let factor = RwSignal::new("0".to_owned());
    let problem = move || factor.with(|factor| read_factor(factor)).err();
    let set = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if let Ok(factor) = factor.with_untracked(|factor| read_factor(factor)) {
            actions::command(desk, Command::SetFault { fault: fault.get_untracked().trim().to_owned(), factor });
        }
    };
    view! {
        <form class="setting" on:submit=set>
            <label for="steer-fault">"Faults"<span class="note">"a list by its name in the scenario, or one kind of it: flaky.delay"</span></label>
            <span class="with-unit">
                <input type="text" id="steer-fault" data-testid="steer-fault" placeholder="flaky" disabled=disabled on:input:target=move |event| fault.set(event.target().value()) />
                <span class="unit">"×"</span>
                <input
                    type="text"
                    inputmode="decimal"
                    class="short"
                    aria-label="factor of the faults"
                    data-testid="steer-factor"
                    disabled=disabled
                    aria-invalid=move || problem().is_some().to_string()
                    prop:value=factor
                    on:input:target=move |event| factor.set(event.target().value())
                />
                <button type="submit" disabled=move || disabled.get() || problem().is_some() || fault.with(|fault| fault.trim().is_empty())>"Set"</button>
            </span>
            <span class="field-problem" role="alert">{problem}</span>
        </form>
    }
}
