//! The frame around the pages: navigation, keys, theme, and the loops that keep the panel in step with the runner.

use std::time::Duration;

use leptos::ev;
use leptos::task::spawn_local;
use shared::run::RunId;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, KeyboardEvent};

use crate::desk::Desk;
use crate::dom::component::*;
use crate::pages::history::HistoryPage;
use crate::pages::run::RunPage;
use crate::pages::scenarios::ScenariosPage;
use crate::pages::target::TargetPage;
use crate::panels::header::Header;
use crate::panels::help::Help;
use crate::state::connection::Connection;
use crate::state::route::Route;
use crate::state::shortcut::{Shortcut, shortcut};
use crate::{actions, live};

/// How often the runner is asked what it does, in milliseconds.
const STATUS_MILLIS: u64 = 2_000;

/// The panel.
#[component]
pub(crate) fn App() -> View {
    let desk = Desk::new();
    provide_context(desk);
    follow_address(desk);
    follow_theme(desk);
    follow_runner(desk);
    let keys = window_event_listener(ev::keydown, move |event| on_key(desk, &event));
    on_cleanup(move || keys.remove());

    let page = Memo::new(move |_| desk.route.with(Route::page));
    view! {
        <a class="skip" href="#main" on:click=skip_to_main>"Skip to the page"</a>
        <Header />
        <main id="main" tabindex="-1">
            {move || match page.get() {
                Route::Scenarios | Route::Scenario(_) => view! { <ScenariosPage /> },
                Route::History | Route::Compare(_) => view! { <HistoryPage /> },
                Route::Target => view! { <TargetPage /> },
                Route::Run | Route::PastRun(_) => view! { <RunPage /> },
            }}
        </main>
        <Help />
    }
}

/// The fragment belongs to the pages, so that the link moves the focus itself.
fn skip_to_main(event: ev::MouseEvent) {
    event.prevent_default();
    if let Some(main) =
        document().get_element_by_id("main").and_then(|main| main.dyn_into::<web_sys::HtmlElement>().ok())
    {
        let _ = main.focus();
    }
}

fn follow_address(desk: Desk) {
    let read = move || {
        let route = Route::parse(&location_hash().unwrap_or_default());
        document().set_title(match route.page() {
            Route::Scenarios | Route::Scenario(_) => "Scenarios · Throng",
            Route::History | Route::Compare(_) => "History · Throng",
            Route::Target => "Target · Throng",
            Route::Run | Route::PastRun(_) => "Throng",
        });
        if desk.route.get_untracked() != route {
            desk.route.set(route);
        }
    };
    read();
    let listener = window_event_listener(ev::hashchange, move |_| read());
    on_cleanup(move || listener.remove());
}

fn follow_theme(desk: Desk) {
    if let Ok(Some(query)) = window().match_media("(prefers-color-scheme: dark)") {
        desk.system_is_dark.set(query.matches());
        let watched = query.clone();
        let callback = Closure::<dyn FnMut(JsValue)>::new(move |_| desk.system_is_dark.set(watched.matches()));
        let _ = query.add_event_listener_with_callback("change", callback.as_ref().unchecked_ref());
        // The panel lives as long as its page.
        callback.forget();
    }
    Effect::new(move |_| {
        let theme = desk.preferences.with(|preferences| preferences.theme);
        desk.system_is_dark.track();
        if let Some(root) = document().document_element() {
            let _ = match theme.attribute() {
                Some(value) => root.set_attribute("data-theme", value),
                None => root.remove_attribute("data-theme"),
            };
        }
        desk.themed.update(|themed| *themed += 1);
    });
}

/// Asks the runner what it does, and follows the run that the page should show.
fn follow_runner(desk: Desk) {
    desk.load_scenarios();
    spawn_local(desk.refresh_status());
    let asking = StoredValue::new(false);
    let ask = move || {
        // A page that nobody sees asks nothing; a runner that hangs is not asked twice.
        if document().hidden() || asking.get_value() {
            return;
        }
        asking.set_value(true);
        spawn_local(async move {
            desk.refresh_status().await;
            live::look_after(desk).await;
            asking.set_value(false);
        });
    };
    if let Ok(handle) = set_interval_with_handle(ask, Duration::from_millis(STATUS_MILLIS)) {
        on_cleanup(move || handle.clear());
    }
    let wanted = Memo::new(move |_| -> Option<RunId> {
        if let Route::PastRun(id) = desk.route.get() {
            return Some(RunId(id));
        }
        desk.status.with(|status| {
            let status = status.ready()?;
            status.active_run.clone().or_else(|| status.latest_run.clone())
        })
    });
    // A run that is gone stays in view until one goes elsewhere.
    Effect::new(move |_| {
        desk.route.track();
        if desk.connection.with_untracked(|connection| *connection == Connection::Gone) {
            live::let_go(desk);
        }
    });
    Effect::new(move |_| {
        if let Some(id) = wanted.get()
            && desk.following.with_untracked(|(_, followed)| followed.as_ref() != Some(&id))
        {
            live::follow(desk, id);
        }
    });
}

fn on_key(desk: Desk, event: &KeyboardEvent) {
    let focused = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let is = |selector: &str| focused.as_ref().is_some_and(|element| element.matches(selector).unwrap_or(false));
    let typing = is("input:not([type=checkbox]):not([type=range]), textarea, select, [contenteditable], dialog *");
    let pressing = is("button, a, summary, input, dialog");
    let modified = event.ctrl_key() || event.alt_key() || event.meta_key();
    let Some(found) = shortcut(&event.key(), typing, pressing, modified) else { return };
    let runs = matches!(
        found,
        Shortcut::StartOrPause | Shortcut::Stop | Shortcut::Faster | Shortcut::Slower | Shortcut::HoldView
    );
    // Elsewhere the space bar scrolls, and nobody stops a run that they do not see.
    if runs && desk.route.with_untracked(Route::page) != Route::Run {
        return;
    }
    event.prevent_default();
    match found {
        // A held key must not start and pause in turn.
        Shortcut::StartOrPause | Shortcut::Stop if event.repeat() => {}
        Shortcut::StartOrPause => actions::start_or_pause(desk),
        Shortcut::Stop => actions::stop(desk),
        Shortcut::Faster => actions::nudge_rate(desk, true),
        Shortcut::Slower => actions::nudge_rate(desk, false),
        Shortcut::HoldView => live::toggle_view(desk),
        Shortcut::Go(route) => desk.go(&route),
        Shortcut::Search => {
            if let Ok(Some(field)) = document().query_selector("input[type=search]")
                && let Ok(field) = field.dyn_into::<web_sys::HtmlElement>()
            {
                let _ = field.focus();
            }
        }
        Shortcut::Theme => desk.toggle_theme(),
        Shortcut::Help => desk.help.set(true),
    }
}
