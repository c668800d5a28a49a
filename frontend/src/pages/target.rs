//! The Target page: the practice target's switches, and what it counted.

use std::time::Duration;

use leptos::task::spawn_local;
use shared::api::{TargetReport, TargetSettings};
use shared::order;

use crate::api;
use crate::desk::Desk;
use crate::dom::component::*;
use crate::format;
use crate::panels::connection_notice::ConnectionNotice;
use crate::state::remote::Remote;
use crate::state::target_form::{TargetField, presets};
use crate::widgets::empty::Empty;
use crate::widgets::notice::RequestFailure;

/// How often the account is asked for, in milliseconds.
const POLL_MILLIS: u64 = 1_000;

/// The switches with a number: what they are, their unit, what they do.
const FIELDS: [(TargetField, &str, &str, &str); 17] = [
    (TargetField::LatencyP50, "Answer time, median", "ms", "0 answers at once"),
    (TargetField::LatencyP99, "Answer time, p99", "ms", "one answer in a hundred takes longer"),
    (TargetField::ErrorRate, "Errors", "%", "share of requests answered with an error"),
    (TargetField::DropRate, "Dropped connections", "%", "share of requests reset before anything is accepted"),
    (TargetField::LostAnswerRate, "Lost answers", "%", "share of requests accepted and reset instead of answered"),
    (TargetField::BatchFailureRate, "Partial batches", "%", "share of events inside batches that are refused"),
    (TargetField::RateLimit, "Rate limit", "/s", "429 above it; empty for none"),
    (TargetField::SpikeRate, "Spikes", "%", "share of requests that take longer"),
    (TargetField::SpikeMs, "Length of a spike", "ms", "how much longer they take"),
    (TargetField::CloseRate, "Closed connections", "%", "share of answers after which the connection is closed"),
    (TargetField::ReadSpeed, "Reads at", "B/s", "how fast requests are read; empty for as they come"),
    (TargetField::AnswerSpeed, "Answers at", "B/s", "how fast answers are written; empty for at once"),
    (TargetField::ForgetRate, "Forgotten events", "%", "acknowledged and not kept, for an audit to find"),
    (TargetField::KeepTwiceRate, "Events kept twice", "%", "acknowledged once, for an audit to find"),
    (TargetField::CorruptRate, "Corrupted events", "%", "kept with another content, for an audit to find"),
    (TargetField::ReorderRate, "Reordered events", "%", "kept after the next one of their user, for an audit to find"),
    (TargetField::PhantomRate, "Phantom events", "%", "made up for each that is acknowledged, for an audit to find"),
];

/// The Target page.
#[component]
pub(crate) fn TargetPage() -> View {
    let desk = expect_context::<Desk>();
    let report = RwSignal::new(Remote::<TargetReport>::Loading);
    let asking = StoredValue::new(false);
    let ask = move || {
        if document().hidden() || asking.get_value() {
            return;
        }
        asking.set_value(true);
        spawn_local(async move {
            let answer = api::target().await;
            // The page may have been left meanwhile.
            if asking.try_set_value(false).is_none() {
                report.update(|report| report.refresh(answer));
            }
        });
    };
    ask();
    if let Ok(handle) = set_interval_with_handle(ask, Duration::from_millis(POLL_MILLIS)) {
        on_cleanup(move || handle.clear());
    }
    let take = move |answer: api::Answer<TargetReport>| match answer {
        Ok(known) => {
            desk.failure.set(None);
            let _ = report.try_set(Remote::Ready(known));
        }
        Err(error) => desk.failure.set(Some(error)),
    };
    let apply = move |settings: TargetSettings| spawn_local(async move { take(api::set_target(&settings).await) });
    let reset = move |_| spawn_local(async move { take(api::reset_target().await) });
    let settings = Memo::new(move |_| report.with(|report| report.ready().map(|report| report.settings.clone())));
    let url =
        Memo::new(move |_| report.with(|report| report.ready().map(|report| report.url.clone()).unwrap_or_default()));
    let is_known = Memo::new(move |_| settings.with(Option::is_some));
    view! {
        <div class="page-head">
            <h1>"Practice target"</h1>
            <span class="note mono">{url}</span>
        </div>
        <ConnectionNotice />
        {move || report.with(|report| match report {
            Remote::Loading => Some(view! { <p class="nothing">"Asking the practice target …"</p> }),
            Remote::Failed(error) if error.is_not_found() => Some(view! {
                <Empty
                    title="This runner has no practice target"
                    text="It was started with --no-practice-target. Start it without, or point scenarios at a server of your own."
                />
            }),
            Remote::Failed(error) => Some(view! { <RequestFailure error=error.clone() /> }),
            Remote::Ready(_) => None,
        })}
        <Show when=move || is_known.get()>
            <div class="halves">
                <Switches settings=settings apply=apply />
                <Account report=report>
                    <button type="button" class="small" data-testid="target-reset" on:click=reset>"Count from zero"</button>
                </Account>
            </div>
        </Show>
    }
}

/// How the practice target answers.
#[component]
fn Switches(
    settings: Memo<Option<TargetSettings>>,
    apply: impl Fn(TargetSettings) + Copy + Send + Sync + 'static,
) -> View {
    let current = move || settings.get_untracked().unwrap_or_default();
    let is_frozen =
        Memo::new(move |_| settings.with(|settings| settings.as_ref().is_some_and(|settings| settings.frozen)));
    let presets = presets().into_iter().map(|preset| {
        let chosen = preset.settings.clone();
        let is_on = Memo::new(move |_| settings.with(|settings| settings.as_ref() == Some(&chosen)));
        view! {
            <button
                type="button"
                class="preset"
                aria-pressed=move || is_on.get().to_string()
                on:click=move |_| apply(preset.settings.clone())
            >
                <strong>{preset.name}</strong>
                <span class="note">{preset.meaning}</span>
            </button>
        }
    });
    let fields = FIELDS.into_iter().map(|(field, name, unit, meaning)| {
        let problem = RwSignal::new(None::<&'static str>);
        let written = Memo::new(move |_| settings.with(|settings| settings.as_ref().map(|settings| field.written(settings)).unwrap_or_default()));
        let id = format!("target-{field:?}").to_lowercase();
        view! {
            <div class="setting">
                <label for=id.clone()>{name}<span class="note">{meaning}</span></label>
                <span class="with-unit">
                    <input
                        type="text"
                        inputmode="decimal"
                        id=id.clone()
                        data-testid=id
                        aria-invalid=move || problem.get().is_some().to_string()
                        prop:value=written
                        on:input:target=move |event| problem.set(field.read(&event.target().value(), &current()).err())
                        on:change:target=move |event| if let Ok(next) = field.read(&event.target().value(), &current()) { apply(next) }
                    />
                    <span class="unit">{unit}</span>
                </span>
                <span class="field-problem" role="alert">{move || problem.get()}</span>
            </div>
        }
    });
    view! {
        <section class="card" aria-label="How it answers">
            <div class="card-head"><h2>"How it answers"</h2><span class="note">"in force at once, also while a run goes on"</span></div>
            <div class="presets">{presets.collect_view()}</div>
            <div class="settings">
                {fields.collect_view()}
                <div class="setting">
                    <span>"Freeze"<span class="note">"accepts everything, answers nothing until it is let go"</span></span>
                    <button
                        type="button"
                        data-testid="target-freeze"
                        class:primary=move || is_frozen.get()
                        aria-pressed=move || is_frozen.get().to_string()
                        on:click=move |_| apply(TargetSettings { frozen: !is_frozen.get_untracked(), ..current() })
                    >
                        {move || if is_frozen.get() { "Let go" } else { "Freeze" }}
                    </button>
                </div>
            </div>
        </section>
    }
}

/// Takes a figure out of a report.
type Figure = fn(&TargetReport) -> u64;

/// What the practice target counted by itself.
#[component]
fn Account(report: RwSignal<Remote<TargetReport>>, children: Children) -> View {
    let figures: [(&str, Figure); 17] = [
        ("Requests", |report| report.account.requests),
        ("Events accepted", |report| report.account.accepted),
        ("Events refused as malformed", |report| report.account.rejected),
        ("Events refused for the rate", |report| report.account.throttled),
        ("Events answered with an error", |report| report.account.failed),
        ("Events on dropped connections", |report| report.account.dropped),
        ("Events accepted without an answer", |report| report.account.answer_lost),
        ("Events whose id had come before", |report| report.account.duplicates),
        ("Events held for an audit", |report| report.account.held),
        ("Events forgotten on purpose", |report| report.account.forgotten),
        ("Events kept twice on purpose", |report| report.account.kept_twice),
        ("Events corrupted on purpose", |report| report.account.corrupted),
        ("Events reordered on purpose", |report| report.account.reordered),
        ("Events made up on purpose", |report| report.account.phantoms),
        ("Events known already", |report| report.account.known),
        ("Events refused as known (409)", |report| report.account.conflicts),
        ("Distinct users", |report| report.account.users),
    ];
    let rows = figures.into_iter().map(|(name, of)| {
        let value = Memo::new(move |_| report.with(|report| report.ready().map_or(0, of)));
        view! { <tr><th scope="row">{name}</th><td class="number" data-testid=format!("account {name}").replace(' ', "-").to_lowercase()>{move || format::count(value.get())}</td></tr> }
    });
    let event_types = Memo::new(move |_| {
        report.with(|report| {
            let mut types: Vec<(String, u64)> = report
                .ready()
                .map(|report| report.account.event_types.clone().into_iter().collect())
                .unwrap_or_default();
            order::sort_by(&mut types, |a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            types
        })
    });
    view! {
        <section class="card" aria-label="What it counted" data-testid="account">
            <div class="card-head">
                <h2>"What it counted"</h2>
                <span class="note">"by itself, as a witness"</span>
                <span class="spring"></span>
                {children()}
            </div>
            <table><tbody>{rows.collect_view()}</tbody></table>
            <div class="card-head"><h2>"Accepted, by event type"</h2></div>
            {move || {
                let types = event_types.get();
                if types.is_empty() {
                    return view! { <p class="nothing">"Nothing accepted since it counts."</p> };
                }
                let rows = types.into_iter().map(|(name, count)| view! {
                    <tr><th scope="row" class="mono">{name}</th><td class="number">{format::count(count)}</td></tr>
                });
                view! { <table><tbody>{rows.collect_view()}</tbody></table> }
            }}
        </section>
    }
}
