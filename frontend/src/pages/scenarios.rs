//! The Scenarios page: what can be run.

use leptos::prelude::*;

use crate::desk::Desk;
use crate::panels::connection_notice::ConnectionNotice;

/// The Scenarios page.
#[component]
pub(crate) fn ScenariosPage() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let cards = move || {
        desk.scenarios.with(|scenarios| scenarios.ready().cloned().unwrap_or_default()).into_iter().map(|scenario| view! {
            <li class="card"><div class="card-head"><h2>{scenario.name}</h2></div><p class="nothing">{scenario.description}</p></li>
        }).collect_view()
    };
    view! {
        <div class="page-head"><h1>"Scenarios"</h1></div>
        <ConnectionNotice />
        <ul class="gallery">{cards}</ul>
    }
}
