//! The keys, and what the panel's words mean.

use crate::desk::Desk;
use crate::dom::component::*;
use crate::state::shortcut::KEYS;
use crate::widgets::dialog::Dialog;

/// Words that the panel uses, with their meaning.
const WORDS: [(&str, &str); 6] = [
    (
        "response time",
        "from the moment a request was due by the schedule to its complete answer; a target that stalls cannot hide in it",
    ),
    ("send lag", "from due to sent: the generator's own delay, kept apart from the target's"),
    ("p50, p95, p99", "half, 95 % and 99 % of the answers were faster than this"),
    ("target rate", "events per second that the schedule asks for, the rate multiplier included"),
    (
        "verdict",
        "whether the numbers can be trusted: valid, degraded, or invalid when the generator was the bottleneck",
    ),
    (
        "never sent",
        "events that the schedule asked for and that could not be sent in time: they are counted, not hidden",
    ),
];

/// The help.
#[component]
pub(crate) fn Help() -> View {
    let desk = expect_context::<Desk>();
    let close = move || desk.help.set(false);
    view! {
        <Dialog title="Help" id="help-dialog" open=desk.help on_close=close>
            <h3>"Keys"</h3>
            <dl class="keys">
                {KEYS.into_iter().map(|(key, meaning)| view! { <div><dt><kbd>{key}</kbd></dt><dd>{meaning}</dd></div> }).collect_view()}
            </dl>
            <h3>"Words"</h3>
            <dl class="words">
                {WORDS.into_iter().map(|(word, meaning)| view! { <div><dt>{word}</dt><dd>{meaning}</dd></div> }).collect_view()}
            </dl>
            <p class="note">{concat!("Throng ", env!("CARGO_PKG_VERSION"))}</p>
        </Dialog>
    }
}
