//! The part of the page that was made of a view, and how it becomes the next one.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use leptos::prelude::document;
#[cfg(debug_assertions)]
use leptos::reactive::diagnostics::SpecialNonReactiveZone;
use leptos::reactive::effect::RenderEffect;
use leptos::reactive::owner::Owner;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, HtmlElement, HtmlTemplateElement, Node, SvgElement};

use super::flow::{Key, found};
use super::{Bond, Element, Handler, Item, Part, Source, Template, Value, View, follow};

/// What was made of a view. Always in a parent, before a node that stays: its place.
pub(super) enum Built {
    Nothing,
    Text(web_sys::Text, Cow<'static, str>),
    Element(Box<BuiltElement>),
    Several(Vec<Built>),
    Live(Live),
    Keyed(Keyed),
}

impl Built {
    /// Makes a view and puts it before `place`.
    pub(super) fn build(view: View, place: &Node) -> Self {
        match view {
            View::Nothing => Self::Nothing,
            View::Text(text) => {
                let node = document().create_text_node(&text);
                insert(&node, place);
                Self::Text(node, text)
            }
            View::Element(element) => {
                let built = BuiltElement::build(*element);
                insert(&built.node, place);
                Self::Element(Box::new(built))
            }
            View::Several(views) => Self::Several(views.into_iter().map(|view| Self::build(view, place)).collect()),
            View::Live(view) => Self::Live(Live::build(view, place)),
            View::Keyed(items) => Self::Keyed(Keyed::build(items, place)),
        }
    }

    /// Becomes another view: what is alike stays in the page, with its focus, and takes what differs.
    pub(super) fn update(&mut self, view: View, place: &Node) {
        match (&mut *self, view) {
            (Self::Nothing, View::Nothing) => {}
            (Self::Text(node, old), View::Text(text)) => {
                if *old != text {
                    node.set_data(&text);
                    *old = text;
                }
            }
            (Self::Element(built), View::Element(element)) if std::ptr::eq(built.template, element.template) => {
                built.update(element.parts);
            }
            (Self::Several(built), View::Several(views)) => update_all(built, views, place),
            (Self::Live(live), View::Live(view)) => live.update(view),
            (Self::Keyed(keyed), View::Keyed(items)) => keyed.update(items),
            (old, view) => {
                std::mem::replace(old, Self::Nothing).discard();
                *old = Self::build(view, place);
            }
        }
    }

    /// Its outermost nodes, in their order.
    fn nodes(&self, into: &mut Vec<Node>) {
        match self {
            Self::Nothing => {}
            Self::Text(node, _) => into.push(node.clone().into()),
            Self::Element(built) => into.push(built.node.clone()),
            Self::Several(several) => several.iter().for_each(|built| built.nodes(into)),
            Self::Live(live) => {
                live.content.borrow().nodes(into);
                into.push(live.end.clone());
            }
            Self::Keyed(keyed) => {
                keyed.rows.borrow().iter().for_each(|row| row.built.nodes(into));
                into.push(keyed.end.clone());
            }
        }
    }

    /// Takes it out of the page. Its listeners go first: an element that has the focus says that it loses it as it is
    /// taken out, and the signals of those who would listen are gone by then.
    fn discard(self) {
        let mut nodes = Vec::new();
        self.nodes(&mut nodes);
        drop(self);
        for node in nodes {
            take_out(&node);
        }
    }

    /// Puts it before `place` unless it is there; returns the place before it.
    fn settle(&self, place: &Node) -> Node {
        let mut nodes = Vec::new();
        self.nodes(&mut nodes);
        if nodes.last().is_some_and(|last| last.next_sibling().as_ref() != Some(place)) {
            for node in &nodes {
                insert(node, place);
            }
        }
        nodes.into_iter().next().unwrap_or_else(|| place.clone())
    }
}

/// Brings a list without keys up to date, from its end, so that the place of each is known.
fn update_all(built: &mut Vec<Built>, mut views: Vec<View>, place: &Node) {
    for gone in built.drain(views.len().min(built.len())..) {
        gone.discard();
    }
    let added = views.split_off(built.len());
    let mut fresh: Vec<Built> = added.into_iter().map(|view| Built::build(view, place)).collect();
    let mut place = fresh.iter().rev().fold(place.clone(), |place, built| built.settle(&place));
    for (built, view) in built.iter_mut().zip(views).rev() {
        built.update(view, &place);
        place = built.settle(&place);
    }
    built.append(&mut fresh);
}

/// A view that follows signals; its content stands before an empty comment of its own.
///
/// The effects hold what they change weakly: a task ends only when it is next polled, and until then nothing in it may
/// outlive what is around it.
pub(super) struct Live {
    content: Rc<RefCell<Built>>,
    end: Node,
    _effect: RenderEffect<()>,
}

impl Live {
    fn build(view: Box<dyn FnMut() -> View>, place: &Node) -> Self {
        let end: Node = document().create_comment("").into();
        insert(&end, place);
        let content = Rc::new(RefCell::new(Built::Nothing));
        let _effect = Self::follow(view, &content, &end);
        Self { content, end, _effect }
    }

    fn update(&mut self, view: Box<dyn FnMut() -> View>) {
        self._effect = Self::follow(view, &self.content, &self.end);
    }

    fn follow(mut view: Box<dyn FnMut() -> View>, content: &Rc<RefCell<Built>>, end: &Node) -> RenderEffect<()> {
        let (content, end) = (Rc::downgrade(content), end.clone());
        follow(Box::new(move || {
            // What is gone already is not asked again: what it needs may be gone as well.
            let Some(content) = content.upgrade() else { return };
            let view = view();
            content.borrow_mut().update(view, &end);
        }))
    }
}

/// A list with keys; its rows stand before an empty comment of its own.
pub(super) struct Keyed {
    rows: Rc<RefCell<Vec<Row>>>,
    end: Node,
    _effect: RenderEffect<()>,
}

/// A row of a list.
struct Row {
    key: Key,
    built: Built,
    /// Of the signals that were made for it; the list's effect runs without an end to theirs.
    _owner: Owner,
}

impl Keyed {
    fn build(items: Box<dyn FnMut() -> Vec<Item>>, place: &Node) -> Self {
        let end: Node = document().create_comment("").into();
        insert(&end, place);
        let rows = Rc::new(RefCell::new(Vec::new()));
        let _effect = Self::follow(items, &rows, &end, false);
        Self { rows, end, _effect }
    }

    /// The rows are made of signals that may be gone: each becomes what it is now.
    fn update(&mut self, items: Box<dyn FnMut() -> Vec<Item>>) {
        self._effect = Self::follow(items, &self.rows, &self.end, true);
    }

    fn follow(
        mut items: Box<dyn FnMut() -> Vec<Item>>,
        rows: &Rc<RefCell<Vec<Row>>>,
        end: &Node,
        mut anew: bool,
    ) -> RenderEffect<()> {
        let (rows, end) = (Rc::downgrade(rows), end.clone());
        let parent = Owner::current().unwrap_or_default();
        follow(Box::new(move || {
            let Some(rows) = rows.upgrade() else { return };
            let items = items();
            bring_in_order(&mut rows.borrow_mut(), items, &end, &parent, std::mem::take(&mut anew));
        }))
    }
}

/// Makes the rows those of the items: known ones keep their elements, the others come and go.
fn bring_in_order(rows: &mut Vec<Row>, items: Vec<Item>, end: &Node, parent: &Owner, anew: bool) {
    let keys = |row: &Row| row.key.clone();
    let places = found(&rows.iter().map(keys).collect::<Vec<_>>(), items.iter().map(|item| &item.key));
    let mut old: Vec<Option<Row>> = rows.drain(..).map(Some).collect();
    let known: Vec<Option<Row>> = places.into_iter().map(|at| old.get_mut(at?)?.take()).collect();
    for gone in old.into_iter().flatten() {
        gone.built.discard();
    }
    let mut place = end.clone();
    for (item, row) in items.into_iter().zip(known).rev() {
        let row = match row {
            Some(row) if !anew => row,
            row => Row::made(item, row, &place, parent),
        };
        place = row.built.settle(&place);
        rows.push(row);
    }
    rows.reverse();
}

impl Row {
    /// A row made anew; what was there under its key becomes what it is now.
    fn made(item: Item, old: Option<Self>, place: &Node, parent: &Owner) -> Self {
        let owner = parent.with(Owner::new);
        let built = owner.with(|| {
            let view = (item.make)();
            match old {
                Some(mut old) => {
                    old.built.settle(place);
                    old.built.update(view, place);
                    old.built
                }
                None => Built::build(view, place),
            }
        });
        Self { key: item.key, built, _owner: owner }
    }
}

/// An element in the page.
pub(super) struct BuiltElement {
    template: &'static Template,
    node: Node,
    parts: Vec<BuiltPart>,
}

enum BuiltPart {
    Bound(Bound),
    Listener(Listener),
    Reference(web_sys::Element),
    Child(Built, Node),
}

impl BuiltElement {
    /// Copies the template, and gives each part its node.
    fn build(element: Element) -> Self {
        let node = copy(element.template);
        // All nodes are found before anything is put between them.
        let mut places = Vec::with_capacity(element.parts.len());
        let mut at = Some(node.clone());
        for step in element.template.way.bytes() {
            match step {
                b'd' => at = at.and_then(|node| node.first_child()),
                b'n' => at = at.and_then(|node| node.next_sibling()),
                b'u' => at = at.and_then(|node| node.parent_node()),
                _ => places.extend(at.clone()),
            }
        }
        debug_assert_eq!(places.len(), element.parts.len(), "the template {} has other nodes", element.template.html);
        let parts = element.parts.into_iter().zip(places).map(|(part, node)| BuiltPart::build(part, node)).collect();
        Self { template: element.template, node, parts }
    }

    fn update(&mut self, parts: Vec<Part>) {
        for (built, part) in self.parts.iter_mut().zip(parts) {
            match (built, part) {
                (BuiltPart::Bound(bound), Part::Bound(_, _, source)) => bound.take(source),
                (BuiltPart::Listener(listener), Part::Listener(_, handler)) => listener.take(handler),
                (BuiltPart::Reference(element), Part::Reference(reference)) => reference.set(element),
                (BuiltPart::Child(built, place), Part::Child(view)) => built.update(view, place),
                // The parts of a template are always of the same kinds.
                (_, _) => {}
            }
        }
    }
}

impl BuiltPart {
    fn build(part: Part, node: Node) -> Self {
        match part {
            Part::Bound(bond, name, source) => {
                let mut bound = Bound { bond, name, node, current: Rc::new(RefCell::new(Value::Absent)), effect: None };
                bound.take(source);
                Self::Bound(bound)
            }
            Part::Listener(event, handler) => Self::Listener(Listener::build(node, event, handler)),
            Part::Reference(reference) => {
                let element = node.unchecked_into();
                reference.set(&element);
                Self::Reference(element)
            }
            Part::Child(view) => Self::Child(Built::build(view, &node), node),
        }
    }
}

/// A value of an element.
struct Bound {
    bond: Bond,
    name: &'static str,
    node: Node,
    current: Rc<RefCell<Value>>,
    effect: Option<RenderEffect<()>>,
}

impl Bound {
    fn take(&mut self, source: Source) {
        self.effect = None;
        match source {
            Source::Fixed(value) => change(self.bond, self.name, &self.node, &mut self.current.borrow_mut(), value),
            Source::Live(mut value) => {
                let (bond, name, node, current) =
                    (self.bond, self.name, self.node.clone(), Rc::downgrade(&self.current));
                self.effect = Some(follow(Box::new(move || {
                    let Some(current) = current.upgrade() else { return };
                    let value = value();
                    change(bond, name, &node, &mut current.borrow_mut(), value);
                })));
            }
        }
    }
}

/// Writes a value if it is another one.
fn change(bond: Bond, name: &'static str, node: &Node, current: &mut Value, value: Value) {
    if *current == value {
        return;
    }
    let element: &web_sys::Element = node.unchecked_ref();
    // What the browser refuses, it says in its console; the rest of the page goes on.
    match (bond, &value) {
        // Classes that are switched one by one stay beside those that are written as a whole.
        (Bond::Attribute, _) if name == "class" => {
            let classes = element.class_list();
            for gone in words(current) {
                let _ = classes.remove_1(gone);
            }
            for new in words(&value) {
                let _ = classes.add_1(new);
            }
        }
        (Bond::Attribute, Value::Text(text)) => {
            let _ = element.set_attribute(name, text);
        }
        (Bond::Attribute, Value::Flag(true)) => {
            let _ = element.set_attribute(name, "");
        }
        (Bond::Attribute, Value::Flag(false) | Value::Absent) => {
            let _ = element.remove_attribute(name);
        }
        (Bond::Class, value) => {
            let _ = element.class_list().toggle_with_force(name, *value == Value::Flag(true));
        }
        (Bond::Style, value) => {
            let style = match element.dyn_ref::<SvgElement>() {
                Some(drawn) => drawn.style(),
                None => element.unchecked_ref::<HtmlElement>().style(),
            };
            let _ = match value {
                Value::Text(text) => style.set_property(name, text),
                Value::Flag(_) | Value::Absent => style.remove_property(name).map(drop),
            };
        }
        (Bond::Property, value) => {
            let value = match value {
                Value::Text(text) => JsValue::from_str(text),
                Value::Flag(flag) => JsValue::from_bool(*flag),
                Value::Absent => JsValue::NULL,
            };
            let _ = js_sys::Reflect::set(element, &JsValue::from_str(name), &value);
        }
    }
    *current = value;
}

fn words(value: &Value) -> std::str::SplitWhitespace<'_> {
    match value {
        Value::Text(text) => text.split_whitespace(),
        Value::Flag(_) | Value::Absent => "".split_whitespace(),
    }
}

/// A listener; it can be given another handler without the page knowing.
struct Listener {
    node: Node,
    event: Cow<'static, str>,
    handler: Rc<RefCell<(Owner, Handler)>>,
    callback: Closure<dyn FnMut(Event)>,
}

impl Listener {
    fn build(node: Node, event: Cow<'static, str>, handler: Handler) -> Self {
        let handler = Rc::new(RefCell::new((Owner::current().unwrap_or_default(), handler)));
        let called = Rc::clone(&handler);
        let callback = Closure::<dyn FnMut(Event)>::new(move |event| {
            // An event within itself is heard once.
            if let Ok(mut called) = called.try_borrow_mut() {
                // A handler reads what is now and follows nothing.
                #[cfg(debug_assertions)]
                let _zone = SpecialNonReactiveZone::enter();
                let (owner, handler) = &mut *called;
                owner.with(|| handler(event));
            }
        });
        let _ = node.add_event_listener_with_callback(&event, callback.as_ref().unchecked_ref());
        Self { node, event, handler, callback }
    }

    fn take(&mut self, handler: Handler) {
        if let Ok(mut old) = self.handler.try_borrow_mut() {
            *old = (Owner::current().unwrap_or_default(), handler);
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.node.remove_event_listener_with_callback(&self.event, self.callback.as_ref().unchecked_ref());
    }
}

thread_local! {
    /// What the templates became, by the address of their HTML.
    static PARSED: RefCell<HashMap<usize, Node>> = RefCell::default();
}

/// A copy of a template's element; parsed when it is asked for first.
fn copy(template: &'static Template) -> Node {
    PARSED.with_borrow_mut(|parsed| {
        let model = parsed.entry(std::ptr::from_ref(template).addr()).or_insert_with(|| parse(template));
        // A copy of an element is always made.
        model.clone_node_with_deep(true).unwrap_or_else(|_| model.clone())
    })
}

fn parse(template: &Template) -> Node {
    let Ok(parser) = document().create_element("template") else { return document().create_comment("").into() };
    let parser: HtmlTemplateElement = parser.unchecked_into();
    let root = if template.is_drawn {
        parser.set_inner_html(&format!("<svg>{}</svg>", template.html));
        parser.content().first_child().and_then(|drawing| drawing.first_child())
    } else {
        parser.set_inner_html(template.html);
        parser.content().first_child()
    };
    root.unwrap_or_else(|| document().create_comment("").into())
}

fn insert(node: &Node, place: &Node) {
    if let Some(parent) = place.parent_node() {
        let _ = parent.insert_before(node, Some(place));
    }
}

fn take_out(node: &Node) {
    if let Some(parent) = node.parent_node() {
        let _ = parent.remove_child(node);
    }
}
