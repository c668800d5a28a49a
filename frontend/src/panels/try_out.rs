//! Trying a scenario out before it runs: is each target there, and what does it say to one event.

use leptos::task::spawn_local;
use shared::api::{Trial, TriedEvent, TriedTarget, TryScenario};

use crate::api;
use crate::desk::Desk;
use crate::dom::component::*;
use crate::editing::Editing;
use crate::format;
use crate::state::json::laid_out;
use crate::state::remote::RequestError;
use crate::state::trial::{answer_words, spoken};
use crate::widgets::icon::{Glyph, Icon};
use crate::widgets::notice::RequestFailure;

/// Every kind of event, as the runner calls it.
const ALL: &str = "all";

/// Where a trial stands.
#[derive(Clone, PartialEq)]
enum Stage {
    Untried,
    /// Asked; with events or without.
    Asking(bool),
    /// Answered: with events or without, for this text.
    Done(Trial, bool, String),
    Failed(RequestError),
}

/// The buttons, and what came of them.
#[component]
pub(crate) fn TryOut() -> View {
    let desk = expect_context::<Desk>();
    let editing = expect_context::<Editing>();
    let stage = RwSignal::new(Stage::Untried);
    let wanted = RwSignal::new(ALL.to_owned());
    let types = Memo::new(move |_| editing.outlook.with(|outlook| outlook.event_types.clone()));
    // A type that the text no longer has is not asked for.
    let chosen = Memo::new(move |_| {
        let wanted = wanted.get();
        if types.with(|types| types.contains(&wanted)) { wanted } else { ALL.to_owned() }
    });
    let is_asking = Memo::new(move |_| stage.with(|stage| matches!(stage, Stage::Asking(_))));
    let cannot = move || is_asking.get() || !editing.is_sound() || !desk.reachable.get();
    let ask = move |with_event: bool| {
        if untrack(cannot) {
            return;
        }
        let name = editing.name.get_value();
        let wish = untrack(|| TryScenario {
            scenario: editing.choice(),
            profile: Some(editing.profile.get()).filter(|profile| !profile.is_empty()),
            set: desk.keys_of(&name),
            practice_target: desk.to_practice_target(),
            events: with_event.then(|| chosen.get()),
        });
        let text = editing.text.get_untracked();
        stage.set(Stage::Asking(with_event));
        spawn_local(async move {
            let answer = api::try_scenario(&wish).await;
            let _left = stage.try_set(match answer {
                Ok(trial) => Stage::Done(trial, with_event, text),
                Err(error) => Stage::Failed(error),
            });
        });
    };
    let against = move || match desk.to_practice_target() {
        true => "against the practice target",
        false => "against the scenario's own targets",
    };
    let why_not = move || match editing.is_sound() {
        true => "",
        false => "mend the problems first",
    };
    view! {
        <section class="card" aria-label="Try it out" data-testid="try">
            <div class="card-head">
                <h2>"Try it out"</h2>
                <span class="note">{against}</span>
            </div>
            <div class="actions try-actions">
                <button type="button" data-testid="test-connection" title=why_not disabled=cannot on:click=move |_| ask(false)>
                    "Test connection"
                </button>
                <span class="joined">
                    <select
                        aria-label="which event to send"
                        data-testid="try-event"
                        on:change:target=move |event| wanted.set(event.target().value())
                    >
                        <option value=ALL selected=move || chosen.with(|chosen| chosen == ALL)>"one of each kind"</option>
                        {move || types.get().into_iter().map(|name| {
                            let (value, label) = (name.clone(), name.clone());
                            view! { <option value=value selected=move || chosen.with(|chosen| *chosen == name)>{label}</option> }
                        }).collect_view()}
                    </select>
                    <button type="button" data-testid="send-one" title=why_not disabled=cannot on:click=move |_| ask(true)>
                        "Send one event"
                    </button>
                </span>
            </div>
            <p class="hidden-text" role="status">{move || stage.with(|stage| match stage {
                Stage::Done(trial, asked, _) => spoken(&trial.targets, &trial.events, *asked),
                Stage::Asking(_) => "asking".to_owned(),
                Stage::Untried | Stage::Failed(_) => String::new(),
            })}</p>
            {move || stage.with(|stage| match stage {
                Stage::Untried => view! {
                    <p class="nothing">"Nothing is counted and no run begins: one look, or one event, and its answer."</p>
                },
                Stage::Asking(false) => view! { <p class="nothing">"Knocking at each target …"</p> },
                Stage::Asking(true) => view! { <p class="nothing">"Sending, and waiting for the answer …"</p> },
                Stage::Failed(error) => view! { <RequestFailure error=error.clone() /> },
                Stage::Done(trial, _, text) => view! { <Outcome trial=trial.clone() text=text.clone() /> },
            })}
        </section>
    }
}

#[component]
fn Outcome(trial: Trial, text: String) -> View {
    let editing = expect_context::<Editing>();
    let is_stale = Memo::new(move |_| editing.text.with(|now| *now != text));
    let targets = trial.targets.into_iter().map(target_row).collect_view();
    let only = trial.events.len() == 1;
    let events = trial.events.into_iter().map(|event| event_row(event, only)).collect_view();
    view! {
        <div class="trial" data-testid="trial">
            <Show when=move || is_stale.get()>
                <p class="note">"The text has changed since."</p>
            </Show>
            <ul class="tried">{targets}</ul>
            {events}
        </div>
    }
}

fn mark(good: bool) -> View {
    let (glyph, class) = if good { (Glyph::Check, "good") } else { (Glyph::Cross, "bad") };
    view! { <span class=class><Icon glyph=glyph /></span> }
}

fn target_row(target: TriedTarget) -> View {
    let words = if target.reachable { "answers after" } else { "gave up after" };
    view! {
        <li data-testid="tried-target">
            {mark(target.reachable)}
            <strong>{target.name}</strong>
            " "
            <span class="mono note">{target.url}</span>
            " "
            <span>{format!("{words} {}", format::latency(target.micros as f64))}</span>
            {target.detail.map(|detail| view! { <span class="tried-detail">{detail}</span> })}
        </li>
    }
}

fn event_row(event: TriedEvent, open: bool) -> View {
    let words = answer_words(&event);
    let body = |text: &str| if text.is_empty() { "(empty)".to_owned() } else { laid_out(text) };
    let (request, answer) = (body(&event.body), body(&event.answer));
    view! {
        <details class="upcoming tried-event" open=open || !event.accepted data-testid="tried-event">
            <summary>
                {mark(event.accepted)}
                <span class="mono">{event.event_type}</span>
                <span class="note">{format!("to {}", event.target)}</span>
                <span class=if event.accepted { "good" } else { "bad" }>{words}</span>
                <span class="number">{format::latency(event.micros as f64)}</span>
            </summary>
            <h3>"Answer"</h3>
            <pre tabindex="0" aria-label="answer">{answer}</pre>
            <h3>"Request"</h3>
            <p class="mono">{event.request}</p>
            <pre tabindex="0" aria-label="request">{request}</pre>
        </details>
    }
}
