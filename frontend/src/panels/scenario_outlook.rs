//! The very next events of a scenario, made in the browser by the code that makes them in a run.

use wasm_bindgen::JsCast;
use web_sys::{HtmlDocument, HtmlElement};

use crate::dom::component::*;
use crate::editing::Editing;
use crate::format;
use crate::state::outlook::WorkloadOutlook;
use crate::widgets::icon::{Glyph, Icon};

/// The next events of each workload.
#[component]
pub(crate) fn ScenarioOutlook() -> View {
    let editing = expect_context::<Editing>();
    let chosen = RwSignal::new(0_usize);
    let is_stale = Memo::new(move |_| editing.checked.with(|checked| checked.planned.is_none()));
    let workloads = Memo::new(move |_| editing.outlook.with(|outlook| outlook.workloads.clone()));
    let names = Memo::new(move |_| {
        workloads.with(|workloads| workloads.iter().map(|workload| workload.name.clone()).collect::<Vec<_>>())
    });
    let shown = Memo::new(move |_| {
        workloads.with(|workloads| workloads.get(chosen.get()).or_else(|| workloads.first()).cloned())
    });
    view! {
        <section class="card" aria-label="Next events" data-testid="outlook">
            <div class="card-head">
                <h2>"Next events"</h2>
                <span class="note">
                    {move || if is_stale.get() { "of the last text without problems" } else { "as a run would send them, byte for byte" }}
                </span>
                <span class="spring"></span>
                <Show when=move || names.with(|names| names.len() > 1)>
                    <select
                        aria-label="workload"
                        on:change:target=move |event| chosen.set(event.target().value().parse().unwrap_or(0))
                    >
                        {move || names.get().into_iter().enumerate().map(|(index, name)| view! {
                            <option value=index.to_string() selected=move || chosen.get() == index>{name}</option>
                        }).collect_view()}
                    </select>
                </Show>
            </div>
            {move || match shown.get() {
                Some(workload) if !workload.events.is_empty() => events(&workload),
                _ => view! { <p class="nothing">"Nothing to show: no event comes up."</p> },
            }}
        </section>
    }
}

fn events(workload: &WorkloadOutlook) -> View {
    let rows = workload.events.iter().enumerate().map(|(index, event)| {
        let (due, name, json) =
            (format::latency(event.due_seconds * 1e6), event.event_type.clone(), event.json.clone());
        let command = event.command.clone().map(|command| view! { <Command command=command /> });
        view! {
            <details class="upcoming" open=index == 0>
                <summary><span class="number">{due}</span><span class="mono">{name}</span></summary>
                <pre tabindex="0" aria-label="event">{json}</pre>
                {command}
            </details>
        }
    });
    view! { <div class="upcoming-list">{rows.collect_view()}</div> }
}

/// An event's request as a command for a terminal, to be copied.
#[component]
fn Command(command: String) -> View {
    let text = Reference::<HtmlElement>::new();
    let copied = RwSignal::new(false);
    let copy = move |_| {
        let (Some(text), Ok(Some(selection))) = (text.get_untracked(), window().get_selection()) else { return };
        // The old way works on pages without a certificate, too.
        let selected = selection.select_all_children(&text).is_ok();
        let page = document().dyn_into::<HtmlDocument>().ok();
        copied.set(selected && page.is_some_and(|page| page.exec_command("copy").unwrap_or(false)));
    };
    view! {
        <div class="command-head">
            <span class="note">"as a command"</span>
            <button type="button" class="small" data-testid="copy-command" on:click=copy>
                <Icon glyph=Glyph::Copy />
                {move || if copied.get() { "Copied" } else { "Copy" }}
            </button>
        </div>
        <pre node_ref=text class="command" tabindex="0" aria-label="command" data-testid="command">{command}</pre>
    }
}
