//! Throng's control panel: renders what the runner says and sends what people ask for; holds no domain logic.

#![expect(unreachable_pub, reason = "the component macro writes a `pub` function for every component")]

mod actions;
mod api;
mod app;
mod charts;
mod desk;
mod dom;
mod editing;
mod format;
mod live;
mod pages;
mod panels;
mod state;
mod storage;
mod widgets;

/// Puts the panel into the page, in place of the notice that it is loading.
pub fn start() {
    console_error_panic_hook::set_once();
    if let Some(notice) = leptos::prelude::document().get_element_by_id("boot") {
        notice.remove();
    }
    dom::mount(app::App);
}
