//! What every part of a plan is built with: the templates' compiler, the kinds of events, the problems found so far.

use indexmap::IndexMap;

use crate::plan::event::{self, Whole};
use crate::plan::{EventTypeId, EventTypeInfo};
use crate::problem::Problem;
use crate::scenario::model::Scenario;
use crate::template::compile::Compiler;
use crate::tree::nearest;

/// The tools and the bookkeeping of a plan under construction.
pub(crate) struct Workbench<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) compiler: Compiler<'a>,
    /// Kinds of events by their name on the wire.
    pub(crate) event_types: IndexMap<String, EventTypeInfo>,
    pub(crate) problems: Vec<Problem>,
}

impl Workbench<'_> {
    /// An event with everything it extends; a problem where it is named otherwise.
    pub(crate) fn whole(&mut self, name: &str, path: &str) -> Option<Whole> {
        if !self.scenario.events.contains_key(name) {
            let mut problem = Problem::error(path, format!("there is no event `{name}`"));
            problem.hint = nearest::hint(
                name,
                self.scenario.events.keys().map(String::as_str).filter(|name| !name.starts_with('_')),
            );
            self.problems.push(problem);
            return None;
        }
        match event::whole(&self.scenario.events, name) {
            Ok(whole) => Some(whole),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }

    /// The kind of an event: its index among all, new or known.
    pub(crate) fn event_type(&mut self, key: &str, whole: &Whole) -> EventTypeId {
        let name = whole.name.as_deref().unwrap_or(key);
        let entry = self.event_types.entry(name.to_owned());
        let index = entry.index();
        entry.or_insert_with(|| EventTypeInfo {
            name: name.to_owned(),
            topic: whole.topic.clone(),
            declared_share: None,
        });
        EventTypeId(index as u16)
    }
}
