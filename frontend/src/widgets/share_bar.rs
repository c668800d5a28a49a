//! A share as a bar, with a tick where it was declared to be.

use crate::dom::component::*;

/// A bar from 0 to the largest share of its table.
#[component]
pub(crate) fn ShareBar(
    /// The share that is (0 to 1 of the bar).
    #[prop(into)]
    actual: Signal<f64>,
    /// The share that was declared (0 to 1 of the bar).
    #[prop(into)]
    declared: Signal<Option<f64>>,
) -> View {
    let percent = |share: f64| format!("{:.1}%", share.clamp(0.0, 1.0) * 100.0);
    view! {
        <span class="share-bar" aria-hidden="true">
            <span class="share-fill" style:width=move || percent(actual.get())></span>
            {move || declared.get().map(|declared| view! { <span class="share-mark" style:left=percent(declared)></span> })}
        </span>
    }
}
