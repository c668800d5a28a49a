//! The History page: every run, to find, open, label, compare, download or delete.

use leptos::task::spawn_local;
use shared::api::{Labels, RunSummary};
use shared::run::VerdictStatus;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

use crate::api;
use crate::desk::Desk;
use crate::dom::component::*;
use crate::format;
use crate::pages::compare::ComparePage;
use crate::panels::connection_notice::ConnectionNotice;
use crate::panels::run_about::RunAbout;
use crate::state::comparison::MOST_RUNS;
use crate::state::history::{matches, verdict_word};
use crate::state::remote::Remote;
use crate::state::route::Route;
use crate::widgets::dialog::Dialog;
use crate::widgets::empty::Empty;
use crate::widgets::icon::{Glyph, Icon};
use crate::widgets::notice::RequestFailure;
use crate::widgets::sparkline::Sparkline;

/// The History page: the list, or runs of it beside each other.
#[component]
pub(crate) fn HistoryPage() -> View {
    let desk = expect_context::<Desk>();
    let compared = Memo::new(move |_| match desk.route.get() {
        Route::Compare(ids) => Some(ids),
        Route::Run | Route::PastRun(_) | Route::Scenarios | Route::Scenario(_) | Route::History | Route::Target => None,
    });
    let page = move || match compared.get() {
        Some(ids) => view! { <ComparePage ids=ids /> },
        None => view! { <List /> },
    };
    page.into_view()
}

#[component]
fn List() -> View {
    let desk = expect_context::<Desk>();
    let chosen = RwSignal::new(Vec::<String>::new());
    let opened = RwSignal::new(None::<RunSummary>);
    let runs = RwSignal::new(Remote::<Vec<RunSummary>>::Loading);
    let search = RwSignal::new(String::new());
    let doomed = RwSignal::new(None::<RunSummary>);
    let load = move || {
        spawn_local(async move {
            let answer = api::runs().await;
            // The page may have been left meanwhile.
            let _ = runs.try_update(|runs| runs.refresh(answer));
        });
    };
    // A run that began or ended, and a runner that came back, change the list.
    let news = Memo::new(move |_| {
        let known = desk
            .status
            .with(|status| status.ready().map(|status| (status.active_run.clone(), status.latest_run.clone())));
        (known, desk.reachable.get())
    });
    Effect::new(move |_| {
        news.with(|_| ());
        load();
    });
    let found = Memo::new(move |_| {
        let search = search.get();
        runs.with(|runs| {
            let all = runs.ready().map_or(&[][..], Vec::as_slice);
            all.iter().filter(|run| matches(run, &search)).cloned().collect::<Vec<_>>()
        })
    });
    let total = move || runs.with(|runs| runs.ready().map_or(0, Vec::len));
    let why_not = move || match chosen.with(Vec::len) {
        0 | 1 => Some(format!("tick two to {MOST_RUNS} runs")),
        some if some > MOST_RUNS => Some(format!("at most {MOST_RUNS} runs can be told apart")),
        _ => None,
    };
    view! {
        <div class="page-head">
            <h1>"History"</h1>
            <span class="note">{move || format::counted(total() as u64, "run")}</span>
            <span class="spring"></span>
            <input
                type="search"
                placeholder="search: scenario, tag, note, verdict, day"
                aria-label="search the runs"
                data-testid="search"
                prop:value=search
                on:input:target=move |event| search.set(event.target().value())
            />
            <button
                type="button"
                data-testid="compare"
                disabled=move || why_not().is_some()
                title=move || why_not().unwrap_or_else(|| "draw them over each other".to_owned())
                on:click=move |_| desk.go(&Route::Compare(chosen.get_untracked()))
            >
                {move || match chosen.with(Vec::len) {
                    0 => "Compare".to_owned(),
                    some => format!("Compare {some}"),
                }}
            </button>
        </div>
        <ConnectionNotice />
        <section class="card" aria-label="Runs" data-testid="history">
            {move || runs.with(|runs| match runs {
                Remote::Loading => Some(view! { <p class="nothing">"Loading the runs …"</p> }),
                Remote::Failed(error) => Some(view! {
                    <RequestFailure error=error.clone()>
                        <button type="button" on:click=move |_| load()>"Try again"</button>
                    </RequestFailure>
                }),
                Remote::Ready(all) if all.is_empty() => Some(view! {
                    <Empty title="No run yet" text="Every run is kept here with its numbers, until you delete it.">
                        <a class="button" href=Route::Run.href()>"Start the first one"</a>
                    </Empty>
                }),
                Remote::Ready(_) if found.with(Vec::is_empty) => Some(view! {
                    <Empty title="No run matches" text="All words of the search must occur in the run.">
                        <button type="button" on:click=move |_| search.set(String::new())>"Clear the search"</button>
                    </Empty>
                }),
                Remote::Ready(_) => None,
            })}
            <Show when=move || !found.with(Vec::is_empty)>
                <div class="scroll">
                    <table class="history" on:keydown=move |event| step(&event)>
                        <thead>
                            <tr>
                                <th scope="col"><span class="hidden-text">"Compare"</span></th>
                                <th scope="col">"Started (UTC)"</th>
                                <th scope="col">"Scenario"</th>
                                <th scope="col">"State"</th>
                                <th scope="col">"Verdict"</th>
                                <th scope="col" class="number">"Events sent"</th>
                                <th scope="col" class="wide">"Throughput"</th>
                                <th scope="col" class="number wide">"Per second"</th>
                                <th scope="col" class="number wide">"p50"</th>
                                <th scope="col" class="number">"p99"</th>
                                <th scope="col" class="number">"Errors"</th>
                                <th scope="col" class="number wide">"Length"</th>
                                <th scope="col"><span class="hidden-text">"Actions"</span></th>
                            </tr>
                        </thead>
                        <tbody>
                            <For each=move || found.get() key=row_key children=move |run| view! { <RunRow run=run chosen=chosen opened=opened doomed=doomed changed=load /> } />
                        </tbody>
                    </table>
                </div>
            </Show>
        </section>
        <RunAbout run=opened kept=load />
        <DeleteDialog doomed=doomed deleted=move || { chosen.set(Vec::new()); load(); } />
    }
}

/// The arrow keys go from row to row, in the same column.
fn step(event: &KeyboardEvent) {
    let down = match event.key().as_str() {
        "ArrowDown" => true,
        "ArrowUp" => false,
        _ => return,
    };
    let focused = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let row = focused.as_ref().and_then(|element| element.closest("tr").ok().flatten());
    let (Some(focused), Some(row)) = (focused, row) else { return };
    let controls = |row: &Element| {
        let list = row.query_selector_all("a, input, button").ok()?;
        Some((0..list.length()).filter_map(|at| list.item(at)?.dyn_into::<HtmlElement>().ok()).collect::<Vec<_>>())
    };
    let next = if down { row.next_element_sibling() } else { row.previous_element_sibling() };
    let (Some(own), Some(other)) = (controls(&row), next.as_ref().and_then(controls)) else { return };
    event.prevent_default();
    // Rows need not have the same controls: the same one from the left, or the last.
    let at = own.iter().position(|control| control.is_same_node(Some(&focused))).unwrap_or(0);
    if let Some(control) = other.get(at).or_else(|| other.last()) {
        let _ = control.focus();
    }
}

/// A row is made anew when one of its figures has changed.
fn row_key(run: &RunSummary) -> String {
    let Labels { tags, note, baseline } = &run.labels;
    format!("{} {} {} {tags:?} {note:?} {baseline}", run.info.id.0, run.info.state.name(), run.totals.events.sent)
}

#[component]
fn RunRow(
    run: RunSummary,
    chosen: RwSignal<Vec<String>>,
    opened: RwSignal<Option<RunSummary>>,
    doomed: RwSignal<Option<RunSummary>>,
    /// Called once something about it was kept.
    changed: impl Fn() + Copy + Send + Sync + 'static,
) -> View {
    let desk = expect_context::<Desk>();
    let id = run.info.id.0.clone();
    let state = run.info.state.name();
    let verdict = run.verdict.status;
    let (glyph, class) = match verdict {
        VerdictStatus::Valid => (Glyph::Check, "verdict-word good"),
        VerdictStatus::Degraded => (Glyph::Warning, "verdict-word warning"),
        VerdictStatus::Invalid => (Glyph::Cross, "verdict-word bad"),
    };
    let reasons = run.verdict.reasons.join("; ");
    let time =
        |micros: u64| if run.response_time.count == 0 { "–".to_owned() } else { format::latency(micros as f64) };
    let (p50, p99) = (time(run.response_time.p50_us), time(run.response_time.p99_us));
    let totals = run.totals;
    let is_over = run.info.state.is_over();
    let (name, profile) = (run.info.scenario.clone(), run.info.profile.clone());
    let about = format!("{name}, {}", format::moment(&run.info.started_at));
    let download = is_over.then(|| {
        view! {
            <a
                class="button icon-button small"
                href=api::result_href(&id)
                download=format!("throng-{id}.json")
                aria-label=format!("download the result of {about}")
                title="download the result"
            >
                <Icon glyph=Glyph::Download />
            </a>
        }
    });
    let delete_label = format!("delete {about}");
    let about_label = format!("tags, note and downloads of {about}");
    let choose_label = format!("compare {about}");
    let tags = run.labels.tags.iter().map(|tag| view! { " "<span class="tag">{tag.clone()}</span> }).collect_view();
    let baseline =
        run.labels.baseline.then(|| view! { " "<span class="tag good" data-testid="baseline">"baseline"</span> });
    let note = run.labels.note.lines().next().unwrap_or_default().to_owned();
    let (own, known) = (StoredValue::new(id.clone()), run.clone());
    let is_chosen = move || own.with_value(|own| chosen.with(|chosen| chosen.contains(own)));
    let choose = move |on: bool| {
        chosen.update(|chosen| {
            chosen.retain(|id| own.with_value(|own| id != own));
            if on {
                chosen.push(own.get_value());
            }
        });
    };
    let started = format::moment(&run.info.started_at);
    let spark = run.spark.clone();
    let (is_baseline, labels) = (run.labels.baseline, run.labels.clone());
    let pin_label = format!("baseline: {about}");
    let pin = move |_| {
        let (id, labels) = (own.get_value(), Labels { baseline: !is_baseline, ..labels.clone() });
        spawn_local(async move {
            desk.failure.set(api::label_run(&id, &labels).await.err());
            changed();
        });
    };
    view! {
        <tr data-testid="history-row">
            <td class="choose">
                <input
                    type="checkbox"
                    data-testid="choose-run"
                    aria-label=choose_label
                    disabled=!is_over
                    prop:checked=is_chosen
                    on:change:target=move |event| choose(event.target().checked())
                />
            </td>
            <td class="when"><a class="number" href=Route::PastRun(id).href()>{started}</a></td>
            <td class="what"><strong>{name}</strong>" "<span class="note">{profile}</span>{baseline}{tags}<span class="note line">{note}</span></td>
            <td class="state-cell"><span class="state" data-state=state>{state}</span></td>
            <td class="verdict-cell"><span class=class title=reasons><Icon glyph=glyph />{verdict_word(verdict)}</span></td>
            <td class="number" data-name="sent">{format::count(totals.events.sent)}</td>
            <td class="wide spark-cell"><Sparkline points=spark /></td>
            <td class="number wide">{format::figure(totals.events_per_second)}</td>
            <td class="number wide">{p50}</td>
            <td class="number" data-name="p99">{p99}</td>
            <td class="number" data-name="errors" class:bad=totals.error_rate.gt(&0.0)>{format::percent(totals.error_rate)}</td>
            <td class="number wide">{format::clock(totals.elapsed_seconds)}</td>
            <td class="row-actions">
                <button
                    type="button"
                    class="icon-button small"
                    data-testid="pin"
                    aria-label=pin_label
                    aria-pressed=is_baseline.to_string()
                    disabled=!is_over
                    title=if is_baseline { "the baseline; press to let it go" } else { "compare others of this scenario with it" }
                    on:click=pin
                >
                    <Icon glyph=Glyph::Pin />
                </button>
                <button
                    type="button"
                    class="icon-button small"
                    data-testid="run-about-open"
                    aria-label=about_label
                    title="tags, note, every download"
                    on:click=move |_| opened.set(Some(known.clone()))
                >
                    <Icon glyph=Glyph::Edit />
                </button>
                {download}
                <button
                    type="button"
                    class="icon-button small"
                    disabled=!is_over
                    aria-label=delete_label
                    title=if is_over { "delete" } else { "stop the run to delete it" }
                    on:click=move |_| doomed.set(Some(run.clone()))
                >
                    <Icon glyph=Glyph::Delete />
                </button>
            </td>
        </tr>
    }
}

/// Asks once more before a run is gone.
#[component]
fn DeleteDialog(doomed: RwSignal<Option<RunSummary>>, deleted: impl Fn() + Copy + Send + Sync + 'static) -> View {
    let desk = expect_context::<Desk>();
    let close = move || doomed.set(None);
    let delete = move |_| {
        let Some(run) = doomed.get_untracked() else { return };
        close();
        spawn_local(async move {
            let answer = api::delete_run(&run.info.id.0).await;
            desk.failure.set(answer.err());
            deleted();
            desk.refresh_status().await;
        });
    };
    view! {
        <Dialog title="Delete this run?" id="delete-dialog" open=Signal::derive(move || doomed.with(Option::is_some)) on_close=close>
            {move || doomed.get().map(|run| view! {
                <p>
                    {format!(
                        "{} of {} with {} and everything measured. This cannot be undone.",
                        run.info.scenario,
                        format::moment(&run.info.started_at),
                        format::counted(run.totals.events.sent, "event"),
                    )}
                </p>
            })}
            <div class="actions end">
                <button type="button" on:click=move |_| close()>"Keep it"</button>
                <button type="button" class="danger" data-testid="confirm-delete" on:click=delete>"Delete"</button>
            </div>
        </Dialog>
    }
}
