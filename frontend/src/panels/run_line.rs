//! What is shown: which run, in which state, how far, against which target.

use crate::desk::Desk;
use crate::dom::component::*;
use crate::format;
use crate::state::route::Route;
use crate::state::run_board::RunBoard;
use crate::widgets::icon::{Glyph, Icon};
use crate::{api, live};

/// In place of the line until there is a run.
#[component]
fn NoRun() -> View {
    let desk = expect_context::<Desk>();
    let is_coming =
        Memo::new(move |_| desk.status.with(|status| status.ready().is_none_or(|status| status.latest_run.is_some())));
    let words = move || match is_coming.get() {
        true => "Loading the run …",
        false => {
            "Nothing has run yet. Press Start (or Space): the run is drawn here as it goes, and kept in the history."
        }
    };
    words.into_view()
}

/// The line under the controls.
#[component]
pub(crate) fn RunLine() -> View {
    let desk = expect_context::<Desk>();
    let of_board =
        move |read: fn(&RunBoard) -> String| desk.board.with(|board| board.as_ref().map(read).unwrap_or_default());
    let state = Memo::new(move |_| of_board(|board| board.run.state.name().to_owned()));
    let name = Memo::new(move |_| {
        of_board(|board| match &board.run.profile {
            Some(profile) => format!("{} · {profile}", board.run.scenario),
            None => board.run.scenario.clone(),
        })
    });
    let seed = Memo::new(move |_| of_board(|board| format!("seed {}", board.run.seed)));
    let target = Memo::new(move |_| of_board(|board| board.run.targets.join(", ")));
    let warnings =
        Memo::new(move |_| desk.board.with(|board| board.as_ref().map(|board| board.run.warnings.join("; "))));
    let done = Memo::new(move |_| of_board(|board| format::clock(board.snapshot.schedule_seconds)));
    let planned =
        Memo::new(move |_| of_board(|board| board.run.planned_seconds.map_or("no end".to_owned(), format::clock)));
    let progress = move || desk.board.with(|board| board.as_ref().and_then(RunBoard::progress));
    let is_known = Memo::new(move |_| desk.board.with(Option::is_some));
    let download = Memo::new(move |_| {
        let can = desk.controls().download;
        desk.board.with(|board| board.as_ref().filter(|_| can).map(|board| board.run.id.0.clone()))
    });
    let is_running = Memo::new(move |_| {
        desk.held.get() || desk.board.with(|board| board.as_ref().is_some_and(|board| !board.is_over()))
    });
    // Another run goes on while an old one is looked at.
    let other = Memo::new(move |_| {
        let active = desk.status.with(|status| status.ready().and_then(|status| status.active_run.clone()));
        let shown = desk.following.with(|(_, id)| id.clone());
        matches!(desk.route.get(), Route::PastRun(_)) && active.is_some() && active != shown
    });
    view! {
        <div class="run-line" data-testid="run-line">
            <Show when=move || is_known.get() fallback=NoRun>
                <span class="state" data-state=state data-testid="run-state" role="status">{state}</span>
                <span class="clock"><span data-testid="elapsed">{done}</span>" / "{planned}</span>
                <progress max="1" value=move || progress().map(|share| format!("{share:.4}")) aria-label="part of the plan that is done"></progress>
                <strong class="run-name">{name}</strong>
                <span class="note mono">{target}</span>
                <span class="note">{seed}</span>
                {move || warnings.get().filter(|text| !text.is_empty()).map(|text| view! {
                    <span class="state" data-state="failed" role="alert" data-testid="run-warning" title=text.clone()>{text.clone()}</span>
                })}
                <span class="spring"></span>
                {move || other.get().then(|| view! { <a href=Route::Run.href()>"to the run that goes on"</a> })}
                <Show when=move || is_running.get()>
                    <button
                        type="button"
                        class="small"
                        class:primary=move || desk.held.get()
                        aria-pressed=move || desk.held.get().to_string()
                        data-testid="hold-view"
                        title="the run goes on (V)"
                        on:click=move |_| live::toggle_view(desk)
                    >
                        {move || if desk.held.get() { "Show what happened meanwhile" } else { "Hold the view" }}
                    </button>
                </Show>
                {move || download.get().map(|id| view! {
                    <a class="button" href=api::result_href(&id) download=format!("throng-{id}.json") data-testid="download">
                        <Icon glyph=Glyph::Download />
                        "Download result"
                    </a>
                    <a class="button small" href=api::export_href(&id, "html") download=format!("throng-{id}.html") data-testid="download-html" title="a report for people">"HTML"</a>
                    <a class="button small" href=api::export_href(&id, "csv") download=format!("throng-{id}.csv") data-testid="download-csv" title="a row per second">"CSV"</a>
                })}
            </Show>
        </div>
    }
}
