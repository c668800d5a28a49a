//! A dialog over the page: the browser's own element, which keeps the focus inside and closes on Esc.

use wasm_bindgen::JsCast;
use web_sys::HtmlDialogElement;

use crate::dom::component::*;
use crate::widgets::icon::{Glyph, Icon};

/// A dialog; its content is made when it opens.
#[component]
pub(crate) fn Dialog(
    /// Its heading.
    #[prop(into)]
    title: Signal<String>,
    /// Its test id.
    id: &'static str,
    /// Whether it is open.
    #[prop(into)]
    open: Signal<bool>,
    /// Called when a person closes it.
    on_close: impl Fn() + Copy + 'static,
    /// What it shows.
    children: ChildrenFn,
) -> View {
    let dialog = Reference::<HtmlDialogElement>::new();
    let children = StoredValue::new(children);
    Effect::new(move |_| {
        let Some(dialog) = dialog.get() else { return };
        match (open.get(), dialog.open()) {
            (true, false) => {
                let _ = dialog.show_modal();
            }
            (false, true) => dialog.close(),
            (true, true) | (false, false) => {}
        }
    });
    // A press on the dialog itself, not on what is in it, is a press on the veil around it.
    let on_veil = move |event: leptos::ev::MouseEvent| {
        let pressed = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlDialogElement>().ok());
        if pressed.is_some() {
            on_close();
        }
    };
    view! {
        <dialog node_ref=dialog aria-label=title data-testid=id on:close=move |_| on_close() on:click=on_veil>
            <div class="dialog-body">
                <header class="card-head">
                    <h2>{title}</h2>
                    <span class="spring"></span>
                    <button type="button" class="icon-button" aria-label="close" on:click=move |_| on_close()>
                        <Icon glyph=Glyph::Cross />
                    </button>
                </header>
                <Show when=move || open.get()>{children.with_value(|children| children())}</Show>
            </div>
        </dialog>
    }
}
