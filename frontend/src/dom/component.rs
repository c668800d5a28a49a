//! What a component needs: Leptos' signals and components, and the panel's own views.

pub(crate) use leptos::prelude::*;
pub(crate) use markup::view;

pub(crate) use super::flow::{For, Show};
pub(crate) use super::{Children, ChildrenFn, CollectView, IntoView, Reference, View};
