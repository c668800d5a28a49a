//! How many sessions are going on and how many are over, told by the events that begin and end them.

use serde_json::Value;
use shared::run::EventTypeRow;

/// The events at both ends of a scenario's sessions.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Sessions {
    first: Vec<String>,
    last: Vec<String>,
}

/// Sessions of a run so far.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SessionCounts {
    /// Begun and not ended.
    pub active: u64,
    /// Ended.
    pub completed: u64,
}

impl Sessions {
    /// Those of a scenario as it ran; without events at both ends nothing can be told.
    pub fn of(scenario: &Value) -> Self {
        let mut sessions = Self::default();
        let behaviors = scenario.get("behaviors").and_then(Value::as_object);
        for behavior in behaviors.into_iter().flatten().map(|(_, behavior)| behavior) {
            let event = |key: &str| behavior.get("session")?.get(key)?.as_str().map(str::to_owned);
            if let (Some(first), Some(last)) = (event("first"), event("last")) {
                sessions.first.push(first);
                sessions.last.push(last);
            }
        }
        sessions
    }

    /// How they stand; none for a scenario without sessions.
    pub fn counted(&self, event_types: &[EventTypeRow]) -> Option<SessionCounts> {
        if self.first.is_empty() {
            return None;
        }
        let due = |names: &[String]| -> u64 {
            event_types.iter().filter(|row| names.contains(&row.name)).map(|row| row.events.offered).sum()
        };
        let (begun, completed) = (due(&self.first), due(&self.last));
        Some(SessionCounts { active: begun.saturating_sub(completed), completed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::run::Counts;

    #[test]
    fn sessions_are_told_by_the_events_at_their_ends() {
        let scenario = serde_json::json!({"behaviors": {"browse": {"session": {"first": "in", "last": "out"}},
            "buy": {"mix": {}}}});
        let row = |name: &str, offered| EventTypeRow {
            name: name.to_owned(),
            events: Counts { offered, ..Counts::default() },
            ..EventTypeRow::default()
        };
        let sessions = Sessions::of(&scenario);
        let counted = sessions.counted(&[row("in", 20), row("out", 12), row("click", 99)]);
        assert_eq!(counted, Some(SessionCounts { active: 8, completed: 12 }));
        assert_eq!(Sessions::of(&serde_json::json!({})).counted(&[row("in", 1)]), None);
    }
}
