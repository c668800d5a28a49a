//! Icons: one path each, drawn in the colour of the text around them.

use crate::dom::component::*;

/// What an icon shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Glyph {
    /// A triangle to the right.
    Start,
    /// Two bars.
    Pause,
    /// A square.
    Stop,
    /// An arrow into a tray.
    Download,
    /// A moon.
    Moon,
    /// A sun.
    Sun,
    /// A question mark.
    Help,
    /// A grid.
    Table,
    /// A hook.
    Check,
    /// A triangle with an exclamation mark.
    Warning,
    /// A cross.
    Cross,
    /// A bin.
    Delete,
    /// A pen.
    Edit,
    /// Two sheets.
    Copy,
    /// A plus.
    Add,
    /// An arrow up.
    Up,
    /// An arrow down.
    Down,
    /// A pin.
    Pin,
}

impl Glyph {
    /// The outline on a field of 16 by 16, and whether it is filled.
    fn path(self) -> (&'static str, bool) {
        match self {
            Self::Start => ("M4.5 2.8v10.4a.6.6 0 0 0 .9.5l8.3-5.2a.6.6 0 0 0 0-1L5.4 2.3a.6.6 0 0 0-.9.5Z", true),
            Self::Pause => ("M4 2.5h2.6v11H4zM9.4 2.5H12v11H9.4z", true),
            Self::Stop => ("M4 3h8a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1z", true),
            Self::Download => ("M8 2v8m0 0 3.2-3.2M8 10 4.8 6.8M2.5 11v2.5h11V11", false),
            Self::Moon => ("M13.5 9.6A6 6 0 0 1 6.4 2.5 6 6 0 1 0 13.5 9.6Z", false),
            Self::Sun => (
                "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM8 1v1.6M8 13.4V15M1 8h1.6M13.4 8H15M3 3l1.2 1.2M11.8 11.8 13 13M13 3l-1.2 1.2M4.2 11.8 3 13",
                false,
            ),
            Self::Help => ("M5.6 6a2.4 2.4 0 1 1 3.5 2.1c-.8.4-1.1.8-1.1 1.7M8 12.6v.1", false),
            Self::Table => ("M2 3h12v10H2zM2 6.3h12M2 9.6h12M6.5 6.3V13", false),
            Self::Check => ("m3 8.5 3.2 3.2L13 4.8", false),
            Self::Warning => ("M8 2 14.6 13.5H1.4L8 2ZM8 6.3v3.4M8 11.6v.1", false),
            Self::Cross => ("m3.5 3.5 9 9m0-9-9 9", false),
            Self::Delete => ("M2.5 4.2h11M6 4V2.5h4V4M4 4.2l.6 9.3h6.8l.6-9.3M6.6 6.7v4.3M9.4 6.7v4.3", false),
            Self::Edit => ("m2.5 13.5.7-3.2L10.8 2.7l2.5 2.5-7.6 7.6-3.2.7ZM9.3 4.2l2.5 2.5", false),
            Self::Copy => ("M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3", false),
            Self::Add => ("M8 3v10M3 8h10", false),
            Self::Up => ("m4 10 4-4 4 4", false),
            Self::Down => ("m4 6 4 4 4-4", false),
            Self::Pin => ("M5.5 2h5M6.3 2v4.6L4 9.2h8L9.7 6.6V2M8 9.2V14", false),
        }
    }
}

/// An icon; it says nothing, so that what it stands in must.
#[component]
pub(crate) fn Icon(#[prop(into)] glyph: Signal<Glyph>) -> View {
    view! {
        <svg class="icon" class:filled=move || glyph.get().path().1 viewBox="0 0 16 16" aria-hidden="true" focusable="false">
            <path d=move || glyph.get().path().0></path>
        </svg>
    }
}
