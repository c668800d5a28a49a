//! What can be written at the caret of the scenario's text, as a list under it, and what the word at the caret means.

use shared::template::reference::Entry;
use wasm_bindgen::JsCast;
use web_sys::{HtmlDocument, HtmlTextAreaElement, KeyboardEvent};

use crate::dom::component::*;
use crate::editing::Editing;
use crate::state::completion::{Completion, Offer, complete, described};

/// The list's id in the page.
pub(crate) const LIST_ID: &str = "completion";
/// Lines of the field below which the list stands above the caret.
const LOW: f64 = 0.55;

/// What is offered and which of it is lit; a handle that is copied freely.
#[derive(Clone, Copy)]
pub(crate) struct CompletionList {
    found: RwSignal<Option<Completion>>,
    lit: RwSignal<usize>,
    help: RwSignal<Option<&'static Entry>>,
}

impl CompletionList {
    pub(crate) fn new() -> Self {
        Self { found: RwSignal::new(None), lit: RwSignal::new(0), help: RwSignal::new(None) }
    }

    pub(crate) fn is_open(self) -> bool {
        self.found.with(Option::is_some)
    }

    /// The id of the lit offer, for those who do not see it.
    pub(crate) fn active_id(self) -> Option<String> {
        self.is_open().then(|| option_id(self.lit.get()))
    }

    pub(crate) fn close(self) {
        if self.found.with_untracked(Option::is_some) {
            self.found.set(None);
        }
    }

    /// Looks what can be written at the caret.
    pub(crate) fn look(self, editing: Editing, area: &HtmlTextAreaElement, asked: bool) {
        let caret = caret(area);
        let pools = editing.checked.with_untracked(|checked| checked.form.pools.clone());
        let found = editing.text.with_untracked(|text| complete(text, caret, asked, &pools));
        self.lit.set(0);
        self.found.set(found);
    }

    /// The caret may stand elsewhere now.
    pub(crate) fn moved(self, editing: Editing, area: &HtmlTextAreaElement) {
        let found = editing.text.with_untracked(|text| described(text, caret(area)));
        if self.help.get_untracked() != found {
            self.help.set(found);
        }
    }

    /// Keys that the list takes before the text does.
    pub(crate) fn on_key(self, editing: Editing, event: &KeyboardEvent, area: &HtmlTextAreaElement) {
        if event.key() == " " && event.ctrl_key() && !editing.built_in {
            event.prevent_default();
            self.look(editing, area, true);
            return;
        }
        let count = self.found.with_untracked(|found| found.as_ref().map_or(0, |found| found.offers.len()));
        if count == 0 {
            return;
        }
        let lit = self.lit.get_untracked();
        match event.key().as_str() {
            "ArrowDown" => self.light((lit + 1) % count),
            "ArrowUp" => self.light((lit + count - 1) % count),
            "Enter" | "Tab" => self.take(editing, area, lit),
            "Escape" => self.close(),
            "ArrowLeft" | "ArrowRight" | "Home" | "End" => {
                self.close();
                return;
            }
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    }

    fn light(self, place: usize) {
        self.lit.set(place);
        request_animation_frame(move || {
            if let Some(option) = document().get_element_by_id(&option_id(place)) {
                option.scroll_into_view_with_bool(false);
            }
        });
    }

    /// Writes an offer, so that the browser's own undo takes it back.
    fn take(self, editing: Editing, area: &HtmlTextAreaElement, place: usize) {
        let taken = self.found.with_untracked(|found| {
            let found = found.as_ref()?;
            Some((found.from, found.to, found.offers.get(place)?.clone()))
        });
        let Some((from, to, Offer { written, selected, .. })) = taken else { return };
        let _ = area.focus();
        let _ = area.set_selection_range(from, to);
        let typed = document().dyn_into::<HtmlDocument>().ok().is_some_and(|page| {
            page.exec_command_with_show_ui_and_value("insertText", false, &written).unwrap_or(false)
        });
        if !typed {
            let _ = area.set_range_text(&written);
            editing.text.set(area.value());
        }
        let _ = area.set_selection_range(from + selected.0, from + selected.1);
        self.close();
        self.moved(editing, area);
    }
}

fn caret(area: &HtmlTextAreaElement) -> u32 {
    area.selection_start().ok().flatten().unwrap_or(0)
}

fn option_id(place: usize) -> String {
    format!("{LIST_ID}-{place}")
}

/// The list, where the caret is.
#[component]
pub(crate) fn CompletionPopup(list: CompletionList, area: Reference<HtmlTextAreaElement>) -> View {
    let editing = expect_context::<Editing>();
    let place = move || {
        list.found.with(|found| {
            let (found, area) = (found.as_ref()?, area.get_untracked()?);
            let lines = editing.text.with_untracked(|text| text.bytes().filter(|byte| *byte == b'\n').count() + 1);
            let line = f64::from(area.scroll_height()) / lines.max(1) as f64;
            let top = f64::from(found.line) * line - f64::from(area.scroll_top());
            let above = top > f64::from(area.client_height()) * LOW;
            let left = format!("min({}ch - {}px, 100% - 320px)", found.column, area.scroll_left());
            let top = format!("calc({} * 1.55em - {}px)", found.line + u32::from(!above), area.scroll_top());
            Some((format!("left:max(0px, {left});top:{top}"), above))
        })
    };
    view! {
        <Show when=move || list.is_open()>
            <ul
                class="completion"
                class:above=move || place().is_some_and(|(_, above)| above)
                id=LIST_ID
                role="listbox"
                aria-label="what can be written here"
                data-testid="completion"
                style=move || place().map(|(style, _)| style)
            >
                {move || list.found.get().map(|found| found.offers.into_iter().enumerate().map(|(index, offer)| view! {
                    <li
                        role="option"
                        id=option_id(index)
                        aria-selected=move || (list.lit.get() == index).to_string()
                        on:mousedown=move |event| {
                            // The text keeps the focus.
                            event.prevent_default();
                            if let Some(area) = area.get_untracked() {
                                list.take(editing, &area, index);
                            }
                        }
                    >
                        <span class="mono">{offer.name}</span>
                        <span class="note">{offer.meaning}</span>
                    </li>
                }).collect_view())}
            </ul>
        </Show>
    }
}

/// What the word at the caret means, with an example.
#[component]
pub(crate) fn CompletionHelp(list: CompletionList) -> View {
    let editing = expect_context::<Editing>();
    view! {
        <p class="template-help" data-testid="template-help" aria-live="polite">
            {move || match list.help.get() {
                Some(entry) => view! {
                    <strong class="mono">{entry.name}</strong>
                    " "
                    {entry.meaning}
                    " "
                    <code>{entry.example}</code>
                },
                None if editing.built_in => view! { <span class="note">"Put the caret on a $call to see what it does."</span> },
                None => view! { <span class="note">"Type $ or press Ctrl+Space for what a template can say."</span> },
            }}
        </p>
    }
}
