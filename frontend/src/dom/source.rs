//! Values of attributes, classes, styles and properties, and where they come from.

use std::borrow::Cow;

use leptos::prelude::{Get, Memo, ReadSignal, RwSignal, Signal};

use super::{IntoView, View};

/// What an attribute, class, style or property is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Value {
    /// An attribute is not there.
    Absent,
    /// There or not; of a property, true or false.
    Flag(bool),
    Text(Cow<'static, str>),
}

/// Where a value comes from.
pub(crate) enum Source {
    Fixed(Value),
    /// The value now; called again when a signal that it reads has changed.
    Live(Box<dyn FnMut() -> Value>),
}

/// What can be a value.
pub(crate) trait IntoValue {
    fn into_value(self) -> Value;
}

impl IntoValue for bool {
    fn into_value(self) -> Value {
        Value::Flag(self)
    }
}

impl<T: IntoValue> IntoValue for Option<T> {
    fn into_value(self) -> Value {
        self.map_or(Value::Absent, T::into_value)
    }
}

/// What is text, once it is spelt: as a child, and as a value.
macro_rules! text {
    ($spelt:path: $($type:ty),+) => {
        $(impl IntoView for $type {
            fn into_view(self) -> View {
                View::Text($spelt(self))
            }
        }

        impl IntoValue for $type {
            fn into_value(self) -> Value {
                Value::Text($spelt(self))
            }
        })+
    };
}
text!(Cow::from: &'static str, String, Cow<'static, str>);
text!(spelt: i32, u32, u64, usize, f64);

fn spelt(number: impl ToString) -> Cow<'static, str> {
    number.to_string().into()
}

/// What can stand as the value of an attribute, class, style or property.
pub(crate) trait IntoSource {
    fn into_source(self) -> Source;
}

impl<T: IntoValue, F: FnMut() -> T + 'static> IntoSource for F {
    fn into_source(mut self) -> Source {
        Source::Live(Box::new(move || self().into_value()))
    }
}

macro_rules! fixed {
    ($($type:ty),+) => {
        $(impl IntoSource for $type {
            fn into_source(self) -> Source {
                Source::Fixed(self.into_value())
            }
        })+
    };
}
fixed!(bool, &'static str, String, Cow<'static, str>, i32, u32, u64, usize, f64);

impl<T: IntoValue> IntoSource for Option<T> {
    fn into_source(self) -> Source {
        Source::Fixed(self.into_value())
    }
}

macro_rules! signal {
    ($($type:ident),+) => {
        $(impl<T: IntoValue + Clone + Send + Sync + 'static> IntoSource for $type<T> {
            fn into_source(self) -> Source {
                (move || self.get()).into_source()
            }
        }

        impl<T: IntoView + Clone + Send + Sync + 'static> IntoView for $type<T> {
            fn into_view(self) -> View {
                (move || self.get()).into_view()
            }
        })+
    };
}
signal!(Memo, ReadSignal, RwSignal, Signal);
