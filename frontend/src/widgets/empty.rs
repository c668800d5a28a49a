//! What a page shows while it has nothing to show: why, and what to do.

use crate::dom::component::*;

/// An empty state.
#[component]
pub(crate) fn Empty(
    /// Why there is nothing.
    #[prop(into)]
    title: Signal<String>,
    /// What to do.
    #[prop(into, optional)]
    text: Signal<String>,
    /// Buttons.
    #[prop(optional)]
    children: Option<Children>,
) -> View {
    view! {
        <div class="empty">
            <p class="empty-title">{title}</p>
            <p>{text}</p>
            {children.map(|children| view! { <div class="actions">{children()}</div> })}
        </div>
    }
}
