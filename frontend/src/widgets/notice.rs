//! A banner that says what went wrong, and what to do.

use crate::dom::component::*;
use crate::state::remote::RequestError;
use crate::widgets::icon::{Glyph, Icon};

/// How much a notice matters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Weight {
    /// Good to know.
    Plain,
    /// Look at it.
    Warning,
    /// Something failed.
    Error,
}

/// A banner; what can be done about it stands in its end.
#[component]
pub(crate) fn Notice(
    /// How much it matters.
    weight: Weight,
    /// What happened.
    #[prop(into)]
    message: Signal<String>,
    /// What to do.
    #[prop(into, optional)]
    hint: Signal<String>,
    /// Buttons.
    #[prop(optional)]
    children: Option<Children>,
) -> View {
    let (class, role) = match weight {
        Weight::Plain => ("notice", "status"),
        Weight::Warning => ("notice warning", "status"),
        Weight::Error => ("notice error", "alert"),
    };
    view! {
        <div class=class role=role data-testid="notice">
            <Icon glyph=Glyph::Warning />
            <p>
                <strong>{message}</strong>
                " "
                {hint}
            </p>
            <span class="spring"></span>
            {children.map(|children| children())}
        </div>
    }
}

/// What went wrong with a request, with the scenario's problems where they are the reason.
#[component]
pub(crate) fn RequestFailure(
    /// What went wrong.
    error: RequestError,
    /// Buttons.
    #[prop(optional)]
    children: Option<Children>,
) -> View {
    let has_problems = !error.problems().is_empty();
    let problems = error.problems().iter().map(|problem| view! { <li>{problem.to_string()}</li> }).collect_view();
    view! {
        <Notice weight=Weight::Error message=error.message() hint=error.hint()>
            {children.map(|children| children())}
            {has_problems.then(|| view! { <ul class="problem-list">{problems}</ul> })}
        </Notice>
    }
}
