//! What the page says when the runner, the stream or the last request fails.

use crate::desk::Desk;
use crate::dom::component::*;
use crate::state::connection::Connection;
use crate::state::route::Route;
use crate::widgets::notice::{Notice, RequestFailure, Weight};

/// The panel's version: a runner of another one speaks another language.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Banners, most urgent first.
#[component]
pub(crate) fn ConnectionNotice() -> View {
    let desk = expect_context::<Desk>();
    let other_version = Memo::new(move |_| {
        let known = desk.status.with(|status| status.ready().map(|status| status.version.clone()));
        known.filter(|version| version != VERSION)
    });
    let connection = Memo::new(move |_| desk.connection.get());
    let reload = move |_| {
        let _ = window().location().reload();
    };
    view! {
        {move || other_version.get().map(|version| view! {
            <Notice
                weight=Weight::Warning
                message=format!("The runner is version {version}, this page {VERSION}.")
                hint="Reload to get the page that belongs to it."
            >
                <button type="button" on:click=reload>"Reload"</button>
            </Notice>
        })}
        {move || match connection.get() {
            Connection::Lost { retry_seconds } => {
                let message = if retry_seconds == 0 {
                    "The runner does not answer; trying again …".to_owned()
                } else {
                    format!("The runner does not answer; trying again in {retry_seconds} s.")
                };
                let hint = "The run itself goes on without this page. If the runner was stopped, start it with `throng serve`.";
                view! {
                    <Notice weight=Weight::Warning message=message hint=hint>
                        <button type="button" on:click=move |_| desk.retry_now.set(true)>"Try now"</button>
                    </Notice>
                }
            }
            Connection::Gone => {
                view! {
                    <Notice weight=Weight::Warning message="This run does not exist (any more)." hint="It may have been deleted.">
                        <a class="button" href=Route::History.href()>"To the history"</a>
                    </Notice>
                }
            }
            Connection::Idle if !desk.reachable.get() => {
                view! {
                    <Notice
                        weight=Weight::Warning
                        message="The runner does not answer."
                        hint="Start it with `throng serve`; this page connects by itself."
                    />
                }
            }
            Connection::Idle | Connection::Opening | Connection::Live | Connection::Over => View::Nothing,
        }}
        {move || desk.failure.get().map(|error| view! {
            <RequestFailure error=error>
                <button type="button" on:click=move |_| desk.failure.set(None)>"Dismiss"</button>
            </RequestFailure>
        })}
    }
}
