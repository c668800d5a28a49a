//! The Scenarios page: the gallery, or one scenario in the editor.

use crate::desk::Desk;
use crate::dom::component::*;
use crate::panels::connection_notice::ConnectionNotice;
use crate::panels::new_scenario::{NewScenario, Origin};
use crate::panels::scenario_editor::ScenarioEditor;
use crate::panels::scenario_gallery::Gallery;
use crate::state::route::Route;

/// The Scenarios page.
#[component]
pub(crate) fn ScenariosPage() -> View {
    let desk = expect_context::<Desk>();
    let origin = RwSignal::new(None::<Origin>);
    let opened = Memo::new(move |_| match desk.route.get() {
        Route::Scenario(name) => Some(name),
        Route::Run | Route::PastRun(_) | Route::Scenarios | Route::History | Route::Compare(_) | Route::Target => None,
    });
    view! {
        <ConnectionNotice />
        {move || match opened.get() {
            Some(name) => view! { <ScenarioEditor name=name origin=origin /> },
            None => view! { <Gallery origin=origin /> },
        }}
        <NewScenario origin=origin />
    }
}
