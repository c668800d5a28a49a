//! The head of every page: navigation, the run that goes on, the practice target, theme and help.

use crate::desk::Desk;
use crate::dom::component::*;
use crate::format;
use crate::state::route::{PAGES, Route};
use crate::widgets::icon::{Glyph, Icon};

/// The head of every page.
#[component]
pub(crate) fn Header() -> View {
    let desk = expect_context::<Desk>();
    let links = PAGES.into_iter().map(|(page, name)| {
        let href = page.href();
        let is_current = Memo::new(move |_| desk.route.with(Route::page) == page);
        view! { <a href=href aria-current=move || is_current.get().then_some("page")>{name}</a> }
    });
    let is_dark = move || desk.preferences.with(|preferences| preferences.theme.is_dark(desk.system_is_dark.get()));
    let glyph = Signal::derive(move || if is_dark() { Glyph::Sun } else { Glyph::Moon });
    let theme_label = move || if is_dark() { "switch to light" } else { "switch to dark" };
    view! {
        <header class="top">
            <a class="brand" href=Route::Run.href() aria-label="Throng, the run">
                <svg viewBox="0 0 32 32" aria-hidden="true">
                    <rect width="32" height="32" rx="7"></rect>
                    <path d="M8 18v7M16 12v13M24 7v18"></path>
                </svg>
                <span>"Throng"</span>
            </a>
            <nav aria-label="Pages">{links.collect_view()}</nav>
            <span class="spring"></span>
            <RunSignal />
            <TargetSignal />
            <button
                type="button"
                class="icon-button"
                data-testid="theme"
                aria-label=theme_label
                title=theme_label
                on:click=move |_| desk.toggle_theme()
            >
                <Icon glyph=glyph />
            </button>
            <button type="button" class="icon-button" data-testid="help" aria-label="help" title="help (?)" on:click=move |_| desk.help.set(true)>
                <Icon glyph=Glyph::Help />
            </button>
        </header>
    }
}

/// On the other pages: that a run goes on, and how far it is.
#[component]
fn RunSignal() -> View {
    let desk = expect_context::<Desk>();
    let text = Memo::new(move |_| {
        if desk.route.with(|route| *route == Route::Run) {
            return None;
        }
        desk.board.with(|board| {
            let board = board.as_ref().filter(|board| !board.is_over())?;
            Some(format!("{} {}", board.run.state.name(), format::clock(board.snapshot.schedule_seconds)))
        })
    });
    let signal =
        |text: String| view! { <a class="signal live" href=Route::Run.href()><span class="dot"></span>{text}</a> };
    (move || text.get().map(signal)).into_view()
}

/// Where the practice target listens, or that the runner cannot be reached.
#[component]
fn TargetSignal() -> View {
    let desk = expect_context::<Desk>();
    let address =
        Memo::new(move |_| desk.status.with(|status| status.ready().and_then(|status| status.practice_target.clone())));
    let signal = move || {
        if !desk.reachable.get() {
            return Some(view! { <span class="signal lost"><span class="dot"></span>"runner away"</span> });
        }
        address.get().map(|address| {
            let short = address.trim_start_matches("http://").to_owned();
            view! {
                <a class="signal" href=Route::Target.href() title="the practice target's switches and account">
                    <span class="dot good"></span>
                    <span><span class="wide">"practice "</span>"target"</span>
                    <span class="wide">{short}</span>
                </a>
            }
        })
    };
    signal.into_view()
}
