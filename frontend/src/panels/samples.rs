//! The live tail: the newest requests and their answers, held still while one points at them.

use shared::run::Sample;

use crate::desk::Desk;
use crate::dom::component::*;
use crate::format;
use crate::state::json::laid_out;
use crate::widgets::dialog::Dialog;

/// How many are listed.
const LISTED: usize = 20;

/// The live tail.
#[component]
pub(crate) fn Samples() -> View {
    let desk = expect_context::<Desk>();
    let held = RwSignal::new(None::<Vec<Sample>>);
    let failed_only = RwSignal::new(false);
    let opened = RwSignal::new(None::<Sample>);
    let newest = Memo::new(move |_| {
        let failed_only = failed_only.get();
        desk.read_calmly(|board| {
            let samples = board.iter().flat_map(|board| &board.samples);
            samples.filter(|sample| !failed_only || sample.failure.is_some()).take(LISTED).cloned().collect::<Vec<_>>()
        })
    });
    let listed = move || held.get().unwrap_or_else(|| newest.get());
    let hold = move || held.set(Some(newest.get_untracked()));
    let is_empty = move || newest.with(Vec::is_empty);
    view! {
        <section class="card tail" aria-label="Recent requests" data-testid="samples">
            <div class="card-head">
                <h2>"Recent requests"</h2>
                <span class="note">{move || if held.with(Option::is_some) { "held while you look" } else { "newest first" }}</span>
                <span class="spring"></span>
                <label class="check small">
                    <input type="checkbox" prop:checked=failed_only on:change:target=move |event| {
                        failed_only.set(event.target().checked());
                        held.set(None);
                    } />
                    <span>"failed only"</span>
                </label>
            </div>
            <div
                class="scroll"
                on:pointerenter=move |_| hold()
                on:pointerleave=move |_| held.set(None)
                on:focusin=move |_| hold()
                on:focusout=move |_| held.set(None)
            >
                <table class="samples">
                    <thead>
                        <tr>
                            <th scope="col" class="number">"At"</th>
                            <th scope="col">"Event"</th>
                            <th scope="col">"Answer"</th>
                            <th scope="col" class="number">"Response time"</th>
                            <th scope="col" class="address">"Request"</th>
                        </tr>
                    </thead>
                    <tbody>
                        <For each=listed key=|sample| sample.number children=move |sample| view! { <SampleRow sample=sample opened=opened /> } />
                    </tbody>
                </table>
                <Show when=is_empty>
                    <p class="nothing">
                        {move || if failed_only.get() { "No failed request among the newest." } else { "Requests and answers appear here while a run goes on." }}
                    </p>
                </Show>
            </div>
            <SampleDialog opened=opened />
        </section>
    }
}

#[component]
fn SampleRow(sample: Sample, opened: RwSignal<Option<Sample>>) -> View {
    let class = if sample.failure.is_some() { "answer bad" } else { "answer" };
    let (label, answer, request) = (sample.label.clone(), answer_words(&sample), sample.request.clone());
    let (at, time) = (format::clock(sample.elapsed_seconds), format::latency(sample.response_time_us as f64));
    view! {
        <tr>
            <td class="number">{at}</td>
            <td>
                <button type="button" class="link mono" data-testid="sample" on:click=move |_| opened.set(Some(sample.clone()))>{label}</button>
            </td>
            <td class=class>{answer}</td>
            <td class="number">{time}</td>
            <td class="address mono note">{request}</td>
        </tr>
    }
}

/// The answer in words: `200`, `503 server error (5xx)`, `timeout`.
fn answer_words(sample: &Sample) -> String {
    match (sample.status, sample.failure) {
        (Some(status), Some(failure)) => format!("{status} {}", failure.label()),
        (Some(status), None) => status.to_string(),
        (None, Some(failure)) => failure.label().to_owned(),
        (None, None) => "answered".to_owned(),
    }
}

/// A request and its answer at full length.
#[component]
fn SampleDialog(opened: RwSignal<Option<Sample>>) -> View {
    let title = Signal::derive(move || {
        opened.with(|sample| sample.as_ref().map(|sample| sample.label.clone()).unwrap_or_default())
    });
    let close = move || opened.set(None);
    view! {
        <Dialog title=title id="sample-dialog" open=Signal::derive(move || opened.with(Option::is_some)) on_close=close>
            {move || opened.get().map(|sample| view! {
                <p class="note">
                    {format!(
                        "{} at {}, {}, response time {}",
                        format::counted(u64::from(sample.events), "event"),
                        format::clock(sample.elapsed_seconds),
                        answer_words(&sample),
                        format::latency(sample.response_time_us as f64),
                    )}
                </p>
                <h3>"Request"</h3>
                <p class="mono">{sample.request.clone()}</p>
                <pre tabindex="0" aria-label="request body">{readable(&sample.request_body)}</pre>
                <h3>"Answer"</h3>
                <pre tabindex="0" aria-label="answer body">{readable(&sample.answer_body)}</pre>
            })}
        </Dialog>
    }
}

/// A body laid out for people.
fn readable(body: &str) -> String {
    if body.is_empty() { "(empty)".to_owned() } else { laid_out(body) }
}
