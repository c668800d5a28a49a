//! Keys that work everywhere except where one types.

use crate::state::route::Route;

/// What a key asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Shortcut {
    /// Start, pause or resume, whichever can be done.
    StartOrPause,
    /// Stop the run.
    Stop,
    /// One step faster.
    Faster,
    /// One step slower.
    Slower,
    /// Go to a page.
    Go(Route),
    /// Hold the view, or let it go.
    HoldView,
    /// Put the cursor into the page's search field.
    Search,
    /// Switch between dark and light.
    Theme,
    /// Show the keys.
    Help,
}

/// The keys with what they do, for the help.
pub(crate) const KEYS: [(&str, &str); 14] = [
    ("Space", "start, pause or resume"),
    ("S", "stop; once more while it waits for answers: stop now"),
    ("+  −", "faster, slower"),
    ("V", "hold the view while the run goes on; once more: show what happened meanwhile"),
    ("1  2  3  4", "Run, Scenarios, History, Target"),
    ("/", "search in the page's list"),
    ("←  →", "in a chart: move the crosshair (Shift: further; Esc: leave)"),
    ("[  ]", "in a chart: zoom in from the crosshair on, or up to it (Esc: the whole run)"),
    ("↑  ↓", "in the history: from row to row; on a slider, a corner of the load, a way: more or less"),
    ("Delete", "on a page, a state or a way of a drawing: remove it"),
    ("Ctrl+Space", "in a scenario's text: what can be written here"),
    ("Ctrl+S", "in the editor: save"),
    ("D", "dark or light"),
    ("?", "this help"),
];

/// What a key means; `typing` says that a field has the focus, `pressing` that a button or a link has.
pub(crate) fn shortcut(key: &str, typing: bool, pressing: bool, modified: bool) -> Option<Shortcut> {
    if typing || modified {
        return None;
    }
    match key {
        // On a button the space bar presses the button.
        " " if !pressing => Some(Shortcut::StartOrPause),
        "s" | "S" => Some(Shortcut::Stop),
        "+" | "=" => Some(Shortcut::Faster),
        "-" => Some(Shortcut::Slower),
        "1" => Some(Shortcut::Go(Route::Run)),
        "2" => Some(Shortcut::Go(Route::Scenarios)),
        "3" => Some(Shortcut::Go(Route::History)),
        "4" => Some(Shortcut::Go(Route::Target)),
        "v" | "V" => Some(Shortcut::HoldView),
        "/" => Some(Shortcut::Search),
        "d" | "D" => Some(Shortcut::Theme),
        "?" => Some(Shortcut::Help),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_left_alone_where_they_mean_something_else() {
        assert_eq!(shortcut(" ", false, false, false), Some(Shortcut::StartOrPause));
        assert_eq!(shortcut(" ", false, true, false), None);
        assert_eq!(shortcut("s", true, false, false), None);
        assert_eq!(shortcut("s", false, false, true), None);
        assert_eq!(shortcut("x", false, false, false), None);
    }
}
