//! What the panel remembers between visits. Never a secret.

use serde::Serialize;
use shared::tree::read::{Readable, from_json};

/// Light, dark, or as the system has it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// The theme that one press of the toggle leads to: the opposite of what is seen, and back to the system's when
    /// that is the same.
    pub(crate) fn toggled(self, system_is_dark: bool) -> Self {
        let seen_dark = self.is_dark(system_is_dark);
        match (seen_dark, system_is_dark) {
            (true, false) | (false, true) => Self::System,
            (true, true) => Self::Light,
            (false, false) => Self::Dark,
        }
    }

    /// Whether the page is dark.
    pub(crate) fn is_dark(self, system_is_dark: bool) -> bool {
        match self {
            Self::System => system_is_dark,
            Self::Light => false,
            Self::Dark => true,
        }
    }

    /// The attribute on the root element; none follows the system.
    pub(crate) fn attribute(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light => Some("light"),
            Self::Dark => Some("dark"),
        }
    }
}

/// What the panel remembers between visits.
#[derive(Clone, Debug, Eq, PartialEq, Readable, Serialize)]
#[serde(default)]
pub(crate) struct Preferences {
    /// Light or dark.
    pub(crate) theme: Theme,
    /// The scenario chosen last.
    pub(crate) scenario: String,
    /// Its profile; empty for none.
    pub(crate) profile: String,
    /// Whether runs go to the practice target.
    pub(crate) practice_target: bool,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            scenario: "commerce-events".to_owned(),
            profile: "quick_test".to_owned(),
            practice_target: true,
        }
    }
}

impl Preferences {
    /// Reads what was stored; anything unreadable is forgotten.
    pub(crate) fn from_json(text: &str) -> Self {
        from_json(text).unwrap_or_default()
    }

    /// As it is stored.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_toggle_always_changes_what_is_seen() {
        for theme in [Theme::System, Theme::Light, Theme::Dark] {
            for system_is_dark in [false, true] {
                let next = theme.toggled(system_is_dark);
                assert_ne!(next.is_dark(system_is_dark), theme.is_dark(system_is_dark), "{theme:?}");
            }
        }
    }

    #[test]
    fn preferences_survive_storage_and_nonsense_is_forgotten() {
        let kept = Preferences { theme: Theme::Dark, profile: String::new(), ..Preferences::default() };
        assert_eq!(Preferences::from_json(&kept.to_json()), kept);
        assert_eq!(Preferences::from_json("{not json"), Preferences::default());
    }
}
