//! One scenario on the editor's table: its text, what is stored of it, and what is wrong with it.

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::api::{SaveScenario, ScenarioChoice, ScenarioDocument};
use shared::problem::Problem;
use shared::scenario::rewire::{Wish, rewire};
use shared::scenario::{edit, quote};
use shared::units::EpochMicros;

use crate::api;
use crate::desk::Desk;
use crate::state::draft::{Draft, without_typed_secrets};
use crate::state::outlook::Outlook;
use crate::state::scenario_form::{Checked, Kind, change, change_all, check};
use crate::storage;

/// A text above this length is not looked over with every letter, but when the hand rests.
const LONG: usize = 100_000;
/// How long it has to rest, in milliseconds.
const SETTLED_MILLIS: u32 = 400;

/// One scenario on the editor's table; a handle that is copied freely.
#[derive(Clone, Copy)]
pub(crate) struct Editing {
    /// Its name.
    pub(crate) name: StoredValue<String>,
    /// Whether it ships inside and cannot be changed.
    pub(crate) built_in: bool,
    /// What the runner has: text and revision.
    pub(crate) stored: RwSignal<(String, String)>,
    /// What is in the editor.
    pub(crate) text: RwSignal<String>,
    /// A profile to look at it through; empty for none. People's own scenarios name theirs in the text.
    pub(crate) profile: RwSignal<String>,
    /// The text, looked over.
    pub(crate) checked: Memo<Checked>,
    /// What it would do; while something is wrong with it, what it would have done before.
    pub(crate) outlook: Memo<Outlook>,
    /// Revision of the stored text that the editor's text started from; a save replaces no other.
    pub(crate) started_from: RwSignal<String>,
    /// Whether unsaved edits of an earlier visit were put back.
    pub(crate) restored: RwSignal<bool>,
    /// Why the form's last change could not be written into the text.
    pub(crate) refused: RwSignal<Option<Problem>>,
}

impl Editing {
    /// A scenario as the runner has it, with unsaved edits of an earlier visit.
    pub(crate) fn new(document: ScenarioDocument) -> Self {
        let ScenarioDocument { name, built_in, text: stored_text, revision } = document;
        let key = Draft::storage_key(&name);
        let draft = storage::read(&key).and_then(|json| Draft::from_json(&json));
        let draft = draft.filter(|draft| !built_in && draft.text != stored_text);
        let restored = draft.is_some();
        let started_from =
            RwSignal::new(draft.as_ref().map_or_else(|| revision.clone(), |draft| draft.revision.clone()));
        let text = RwSignal::new(draft.map_or_else(|| stored_text.clone(), |draft| draft.text));
        let stored = RwSignal::new((stored_text, revision));
        let profile = RwSignal::new(String::new());
        let source = name.clone();
        let settled = settle(text);
        let checked = Memo::new(move |before: Option<&Checked>| {
            let profile = profile.get();
            let profile = Some(profile.as_str()).filter(|profile| !profile.is_empty());
            let is_long = text.with(|text| text.len() > LONG);
            let read = if is_long { settled } else { text };
            let mut checked = read.with(|text| check(&source, text, profile));
            // While the text cannot be read, the form stays as it was.
            if let Some(before) = before.filter(|_| !checked.readable) {
                checked.form = before.form.clone();
            }
            checked
        });
        let outlook = Memo::new(move |before: Option<&Outlook>| {
            let planned = checked.with(|checked| checked.planned.clone());
            match planned {
                Some(planned) => Outlook::new(&planned.plan, &planned.scenario, now()),
                None => before.cloned().unwrap_or_default(),
            }
        });
        Effect::new(move |_| {
            let unsaved = text.with(|text| stored.with(|(stored, _)| text != stored));
            if unsaved {
                let revision = started_from.get();
                let draft = Draft { text: text.with_untracked(|text| without_typed_secrets(text)), revision };
                storage::write(&key, &draft.to_json());
            } else {
                storage::remove(&key);
            }
        });
        Self {
            name: StoredValue::new(name),
            built_in,
            stored,
            text,
            profile,
            checked,
            outlook,
            started_from,
            restored: RwSignal::new(restored),
            refused: RwSignal::new(None),
        }
    }

    /// Whether the editor holds something else than the runner.
    pub(crate) fn is_changed(self) -> bool {
        self.text.with(|text| self.stored.with(|(stored, _)| text != stored))
    }

    /// What is in the editor, as the runner takes it: the stored scenario, or the text where it differs.
    pub(crate) fn choice(self) -> ScenarioChoice {
        match self.is_changed() {
            true => ScenarioChoice::Text(self.text.get()),
            false => ScenarioChoice::Named(self.name.get_value()),
        }
    }

    /// Whether the text can run.
    pub(crate) fn is_sound(self) -> bool {
        self.checked.with(|checked| !checked.problems.iter().any(Problem::is_error))
    }

    /// Writes a field of the form into the text.
    pub(crate) fn change(self, path: &str, kind: Kind, value: &str) {
        self.take(self.text.with_untracked(|text| change(text, path, kind, value)));
    }

    /// Writes several values into the text, all or none.
    pub(crate) fn change_all(self, values: &[(String, String)]) {
        self.take(self.text.with_untracked(|text| change_all(text, values)));
    }

    /// Changes places and ways of a behavior.
    pub(crate) fn rewire(self, behavior: &str, wish: Wish<'_>) {
        self.take(self.text.with_untracked(|text| rewire(text, behavior, wish)));
    }

    /// Writes a list of texts into the text.
    pub(crate) fn list(self, path: &str, items: &[String]) {
        let items: Vec<String> = items.iter().map(|item| quote(item)).collect();
        let written = format!("[{}]", items.join(", "));
        self.take(self.text.with_untracked(|text| edit::set(text, path, &written)));
    }

    fn take(self, changed: Result<String, Problem>) {
        match changed {
            Ok(text) => {
                self.refused.set(None);
                self.text.set(text);
            }
            Err(problem) => self.refused.set(Some(problem)),
        }
    }

    /// Goes back to what the runner has.
    pub(crate) fn revert(self) {
        self.text.set(self.stored.with_untracked(|(text, _)| text.clone()));
        self.keep_restored();
        self.refused.set(None);
    }

    /// Goes on with the restored edits, over what is stored now.
    pub(crate) fn keep_restored(self) {
        self.started_from.set(self.stored.with_untracked(|(_, revision)| revision.clone()));
        self.restored.set(false);
    }

    /// Whether somebody stored another text since the restored edits began.
    pub(crate) fn is_outdated(self) -> bool {
        self.started_from.with(|started| self.stored.with(|(_, revision)| started != revision))
    }

    /// Stores the text, sound or not.
    pub(crate) fn save(self, desk: Desk) {
        if self.built_in || desk.busy.get_untracked() {
            return;
        }
        let text = self.text.get_untracked();
        let revision = self.started_from.get_untracked();
        let name = self.name.get_value();
        desk.busy.set(true);
        spawn_local(async move {
            let save = SaveScenario { text: text.clone(), expected_revision: Some(revision) };
            let answer = api::save_scenario(&name, &save).await;
            desk.busy.set(false);
            match answer {
                Ok(saved) => {
                    desk.failure.set(None);
                    // The editor may have been left meanwhile.
                    if self.stored.try_set((text, saved.revision)).is_none() {
                        self.keep_restored();
                    }
                    desk.load_scenarios();
                }
                Err(error) => desk.failure.set(Some(error)),
            }
        });
    }
}

/// The text as it was when nobody had typed for a moment; followed only where it is long.
fn settle(text: RwSignal<String>) -> RwSignal<String> {
    let settled = RwSignal::new(text.get_untracked());
    let turn = StoredValue::new(0_u32);
    Effect::new(move |_| {
        let typed = text.get();
        if typed.len() <= LONG {
            return;
        }
        turn.update_value(|turn| *turn += 1);
        let own = turn.get_value();
        spawn_local(async move {
            TimeoutFuture::new(SETTLED_MILLIS).await;
            // The editor may have been left, or typed into, meanwhile.
            if turn.try_get_value() == Some(own) {
                settled.set(typed);
            }
        });
    });
    settled
}

/// Now, in whole seconds: what is shown then changes only when the scenario does.
fn now() -> EpochMicros {
    EpochMicros((js_sys::Date::now() / 1e3).floor() as i64 * 1_000_000)
}
