//! What the editor holds against what is stored.

use crate::dom::component::*;
use crate::editing::Editing;
use crate::format;
use crate::state::difference::{Line, counts, difference};
use crate::widgets::dialog::Dialog;

/// The dialog.
#[component]
pub(crate) fn ScenarioDifference(
    /// Whether it is shown.
    open: RwSignal<bool>,
) -> View {
    let editing = expect_context::<Editing>();
    view! {
        <Dialog title="Difference to the saved scenario" id="difference-dialog" open=open on_close=move || open.set(false)>
            {move || {
                let lines = editing.stored.with(|(stored, _)| editing.text.with(|text| difference(stored, text)));
                let (added, removed) = counts(&lines);
                let lines = lines.into_iter().map(|line| match line {
                    Line::Same(text) => view! { <span class="same">{format!("  {text}\n")}</span> },
                    Line::Removed(text) => view! { <span class="removed">{format!("- {text}\n")}</span> },
                    Line::Added(text) => view! { <span class="added">{format!("+ {text}\n")}</span> },
                    Line::Skipped(count) => view! { <span class="skipped">{format!("  … {}\n", format::counted(count as u64, "line"))}</span> },
                }).collect_view();
                view! {
                    <p class="note">
                        {format!("{} added, {} removed", format::counted(added as u64, "line"), format::counted(removed as u64, "line"))}
                    </p>
                    <pre class="difference" data-testid="difference" tabindex="0">{lines}</pre>
                }
            }}
        </Dialog>
    }
}
