//! Elements that code needs by themselves.

use std::marker::PhantomData;

use leptos::prelude::{Get as _, GetUntracked as _, LocalStorage, RwSignal, Set as _};
use wasm_bindgen::JsCast;
use web_sys::Element;

/// An element of the page, once it is there.
pub(crate) struct Reference<T> {
    element: RwSignal<Option<Element>, LocalStorage>,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Reference<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Reference<T> {}

impl<T: JsCast> Reference<T> {
    pub(crate) fn new() -> Self {
        Self { element: RwSignal::new_local(None), of: PhantomData }
    }

    /// The element; followed where signals are.
    pub(crate) fn get(self) -> Option<T> {
        self.element.get().map(JsCast::unchecked_into)
    }

    pub(crate) fn get_untracked(self) -> Option<T> {
        self.element.try_get_untracked().flatten().map(JsCast::unchecked_into)
    }

    pub(super) fn untyped(self) -> Reference<Element> {
        Reference { element: self.element, of: PhantomData }
    }
}

impl Reference<Element> {
    pub(super) fn set(self, element: &Element) {
        if self.element.try_get_untracked().flatten().as_ref() != Some(element) {
            self.element.set(Some(element.clone()));
        }
    }
}
