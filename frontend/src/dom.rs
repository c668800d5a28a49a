//! What the panel shows, from descriptions to the page: Leptos' signals and components over views of one type.
//!
//! A component returns a [`View`], which says what should be there; a [`Built`](built::Built) is the part of the page
//! that was made of it, and takes the next view to change what differs. An element is a copy of its [`Template`] with
//! [`Part`]s at the nodes that change, so that an element costs a line of HTML and no code.
//!
//! Leptos' own views are types of their own for each element, each with its own code to build and to change it: with
//! them the panel's code was two thirds larger.

mod built;
pub(crate) mod component;
mod flow;
mod reference;
mod source;

use std::borrow::Cow;

use leptos::reactive::effect::RenderEffect;
use leptos::reactive::owner::Owner;
use leptos::tachys::html::event::{EventDescriptor, Targeted};
use wasm_bindgen::JsCast;

pub(crate) use flow::Item;
pub(crate) use reference::Reference;
pub(crate) use source::{IntoSource, Source, Value};

/// What should be seen at a place.
pub(crate) enum View {
    Nothing,
    Text(Cow<'static, str>),
    Element(Box<Element>),
    Several(Vec<View>),
    /// What is seen now; called again when a signal that it reads has changed.
    Live(Box<dyn FnMut() -> View>),
    /// A list whose items keep their elements as long as their keys are there.
    Keyed(Box<dyn FnMut() -> Vec<Item>>),
}

/// What never changes of an element.
pub(crate) struct Template {
    /// The element, with an empty comment at every place for a child.
    pub(crate) html: &'static str,
    /// How to walk to the nodes of the parts: see `markup`.
    pub(crate) way: &'static str,
    /// Whether it belongs into a drawing, and is SVG.
    pub(crate) is_drawn: bool,
}

/// An element: its template, and what changes of it.
pub(crate) struct Element {
    template: &'static Template,
    /// In the order of the template's way.
    parts: Vec<Part>,
}

/// One thing that changes about a node.
enum Part {
    Bound(Bond, &'static str, Source),
    Listener(Cow<'static, str>, Handler),
    Reference(Reference<web_sys::Element>),
    Child(View),
}

/// What of an element a value is bound to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Bond {
    Attribute,
    Class,
    Style,
    Property,
}

/// What listens to an event.
type Handler = Box<dyn FnMut(web_sys::Event)>;

impl Element {
    /// The element of this template; parts follow in the order of its way.
    pub(crate) fn of(template: &'static Template) -> Self {
        Self { template, parts: Vec::new() }
    }

    fn with(mut self, part: Part) -> Self {
        self.parts.push(part);
        self
    }

    pub(crate) fn attribute(self, name: &'static str, value: impl IntoSource) -> Self {
        self.with(Part::Bound(Bond::Attribute, name, value.into_source()))
    }

    pub(crate) fn class(self, name: &'static str, value: impl IntoSource) -> Self {
        self.with(Part::Bound(Bond::Class, name, value.into_source()))
    }

    pub(crate) fn style(self, name: &'static str, value: impl IntoSource) -> Self {
        self.with(Part::Bound(Bond::Style, name, value.into_source()))
    }

    pub(crate) fn property(self, name: &'static str, value: impl IntoSource) -> Self {
        self.with(Part::Bound(Bond::Property, name, value.into_source()))
    }

    pub(crate) fn on<E: EventDescriptor>(self, event: E, mut handler: impl FnMut(E::EventType) + 'static) -> Self
    where
        E::EventType: JsCast,
    {
        self.with(Part::Listener(event.name(), Box::new(move |event| handler(event.unchecked_into()))))
    }

    /// Like [`Self::on`]; the event knows the type of its element.
    pub(crate) fn on_target<E: EventDescriptor, T>(
        self,
        event: E,
        mut handler: impl FnMut(Targeted<E::EventType, T>) + 'static,
    ) -> Self
    where
        E::EventType: JsCast,
    {
        self.on(event, move |event| handler(Targeted::from(event)))
    }

    /// Keeps the element for code that needs it.
    pub(crate) fn reference<T: JsCast>(self, reference: Reference<T>) -> Self {
        self.with(Part::Reference(reference.untyped()))
    }

    pub(crate) fn child(self, child: impl IntoView) -> Self {
        self.with(Part::Child(child.into_view()))
    }

    pub(crate) fn done(self) -> View {
        View::Element(Box::new(self))
    }
}

/// What can stand as a child.
pub(crate) trait IntoView {
    fn into_view(self) -> View;
}

impl IntoView for View {
    fn into_view(self) -> View {
        self
    }
}

impl IntoView for () {
    fn into_view(self) -> View {
        View::Nothing
    }
}

impl<T: IntoView> IntoView for Option<T> {
    fn into_view(self) -> View {
        self.map_or(View::Nothing, T::into_view)
    }
}

impl<T: IntoView> IntoView for Vec<T> {
    fn into_view(self) -> View {
        self.into_iter().collect_view()
    }
}

impl<T: IntoView, F: FnMut() -> T + 'static> IntoView for F {
    fn into_view(mut self) -> View {
        View::Live(Box::new(move || self().into_view()))
    }
}

/// Collects views into one.
pub(crate) trait CollectView {
    fn collect_view(self) -> View;
}

impl<I: IntoIterator<Item: IntoView>> CollectView for I {
    fn collect_view(self) -> View {
        View::Several(self.into_iter().map(IntoView::into_view).collect())
    }
}

/// What is in a component, made once.
pub(crate) type Children = Box<dyn FnOnce() -> View>;

/// What is in a component, made as often as it is shown.
pub(crate) type ChildrenFn = std::sync::Arc<dyn Fn() -> View + Send + Sync>;

/// From what `view!` finds in a component to what the component takes.
pub(crate) trait ToChildren<F> {
    fn to_children(made: F) -> Self;
}

impl<F: FnOnce() -> View + 'static> ToChildren<F> for Children {
    fn to_children(made: F) -> Self {
        Box::new(made)
    }
}

impl<F: Fn() -> View + Send + Sync + 'static> ToChildren<F> for ChildrenFn {
    fn to_children(made: F) -> Self {
        std::sync::Arc::new(made)
    }
}

/// Runs now, and whenever a signal that it reads has changed, as long as the result is kept.
fn follow(mut run: Box<dyn FnMut()>) -> RenderEffect<()> {
    RenderEffect::new(move |_| run())
}

/// Puts a view into the page's body, for as long as there is a page.
pub(crate) fn mount(view: impl FnOnce() -> View) {
    // Fails when it is done already, which is as good.
    let _ = any_spawner::Executor::init_wasm_bindgen();
    let document = leptos::prelude::document();
    let Some(body) = document.body() else { return };
    let end = document.create_comment("");
    let _ = body.append_child(&end);
    let owner = Owner::new();
    let built = owner.with(|| built::Built::build(view(), &end));
    std::mem::forget((owner, built));
}
