//! Turns what people have already into scenarios: configuration of the tools that Throng replaces, curl commands,
//! HAR recordings, OpenAPI documents. What cannot be carried over is said, never dropped in silence.

mod analytics;
mod build;
mod commerce;
mod config;
mod curl;
mod har;
mod openapi;
mod request;
mod schema;
mod shell;
mod testbench;

use std::fmt;

use shared::scenario::{read_tree, to_yaml};
use shared::tree::Node;

use testbench::Secrets;

/// Longest text that is read, in bytes; recordings are the large ones.
pub const MAX_BYTES: usize = 64 << 20;
/// Notes that are kept.
const MAX_NOTES: usize = 200;

/// What a text is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum Kind {
    /// Configuration of a shop-event harness: `api`, `users`, `events`, `scenarios` (YAML)
    Commerce,
    /// Configuration of a web-analytics simulator: `simulation`, `user_behavior`, `event_probabilities` (YAML)
    Analytics,
    /// Scenario of a stream testbench: `protocol`, `endpoint`, `rates`, `payloads` (JSON)
    Testbench,
    /// One or several curl commands
    Curl,
    /// Requests that a browser recorded (HTTP archive)
    Har,
    /// Description of an HTTP API, version 2 or 3 (YAML or JSON)
    Openapi,
}

/// Something that is not in the scenario, or not as it was.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Note {
    /// Where it stood; empty for the whole.
    pub path: String,
    /// What became of it.
    pub message: String,
}

/// A scenario made from another text.
#[derive(Clone, Debug)]
pub struct Imported {
    /// What the text was.
    pub kind: Kind,
    /// The scenario as YAML.
    pub scenario: String,
    /// What could not be carried over as it was.
    pub notes: Vec<Note>,
}

/// Why a text cannot be imported.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ImportError {
    /// It is too long.
    #[error("the file is longer than {} MiB", MAX_BYTES >> 20)]
    TooLong,
    /// It is none of the kinds.
    #[error("cannot tell what this file is")]
    Unknown,
    /// It is a scenario already.
    #[error("this is a scenario already")]
    Scenario,
    /// It cannot be read as what it is said to be.
    #[error("cannot read it as {kind}: {reason}")]
    Unreadable {
        /// What it is said to be.
        kind: Kind,
        /// Why not.
        reason: String,
    },
}

impl Kind {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Commerce => "shop-event configuration",
            Self::Analytics => "web-analytics configuration",
            Self::Testbench => "stream-testbench scenario",
            Self::Curl => "curl commands",
            Self::Har => "HTTP archive",
            Self::Openapi => "OpenAPI document",
        }
    }

    /// What a text is, by its content.
    ///
    /// # Errors
    ///
    /// It is none of the kinds, or a scenario already.
    pub fn of(text: &str) -> Result<Self, ImportError> {
        if curl::looks_like(text) {
            return Ok(Self::Curl);
        }
        // A recording may be too large for a tree; its beginning says what it is.
        let start: String = text.chars().take(4_096).collect();
        if start.trim_start().starts_with('{') && start.contains("\"log\"") && text.contains("\"entries\"") {
            return Ok(Self::Har);
        }
        let tree = read_tree(text, "").map_err(|_problems| ImportError::Unknown)?;
        let has = |keys: &[&str]| keys.iter().any(|key| tree.get(key).is_some());
        match () {
            () if has(&["openapi", "swagger"]) => Ok(Self::Openapi),
            () if has(&["targets", "workloads", "behaviors", "extends"]) => Err(ImportError::Scenario),
            () if has(&["simulation", "user_behavior", "event_probabilities", "user_journeys"]) => Ok(Self::Analytics),
            () if has(&["protocol"]) && has(&["rates", "endpoint", "payloads"]) => Ok(Self::Testbench),
            () if has(&["api", "users", "scenarios"]) && has(&["events", "scenarios", "users"]) => Ok(Self::Commerce),
            () => Err(ImportError::Unknown),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

/// Makes a scenario of a text; its kind is told by its content when none is given.
///
/// # Errors
///
/// The text is too long, of no known kind, or broken.
pub fn import(text: &str, kind: Option<Kind>) -> Result<Imported, ImportError> {
    if text.len() > MAX_BYTES {
        return Err(ImportError::TooLong);
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let kind = match kind {
        Some(kind) => kind,
        None => Kind::of(text)?,
    };
    let mut notes = Notes::default();
    let made = match kind {
        Kind::Commerce => tree(text).map(|tree| commerce::scenario(&tree, &mut notes)),
        Kind::Analytics => tree(text).map(|tree| analytics::scenario(&tree, &mut notes)),
        Kind::Testbench => tree(text).and_then(|tree| testbench::scenario(&tree, Secrets::ToEnvironment, &mut notes)),
        Kind::Curl => curl::scenario(text, &mut notes),
        Kind::Har => har::scenario(text, &mut notes),
        Kind::Openapi => tree(text).and_then(|tree| openapi::scenario(&tree, &mut notes)),
    };
    let document = made.map_err(|reason| ImportError::Unreadable { kind, reason })?;
    Ok(Imported { kind, scenario: to_yaml(&document), notes: notes.finish() })
}

/// The scenario of a stream testbench's file, to be run at once: what is secret in it stays in memory. None where a text
/// is something else.
///
/// # Errors
///
/// The file lacks what the testbench insists on.
pub fn testbench_to_run(text: &str) -> Option<Result<Imported, ImportError>> {
    let kind = Kind::of(text).ok().filter(|kind| *kind == Kind::Testbench)?;
    let mut notes = Notes::default();
    let made = tree(text).and_then(|tree| testbench::scenario(&tree, Secrets::Kept, &mut notes));
    let imported = made.map(|document| Imported { kind, scenario: to_yaml(&document), notes: notes.finish() });
    Some(imported.map_err(|reason| ImportError::Unreadable { kind, reason }))
}

fn tree(text: &str) -> Result<Node, String> {
    let tree = read_tree(text, "").map_err(|problems| {
        let first = problems.first();
        let place = first.and_then(|problem| Some(format!("line {}: ", problem.line?))).unwrap_or_default();
        format!("{place}{}", first.map_or("it is broken", |problem| problem.message.as_str()))
    })?;
    match tree.as_map() {
        Some(_) => Ok(tree),
        None => Err(format!("a map was expected, not {}", tree.kind())),
    }
}

/// Gathers notes.
#[derive(Debug, Default)]
struct Notes {
    kept: Vec<Note>,
    more: usize,
}

impl Notes {
    fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        let note = Note { path: path.into(), message: message.into() };
        if self.kept.contains(&note) {
            return;
        }
        if self.kept.len() < MAX_NOTES {
            self.kept.push(note);
        } else {
            self.more += 1;
        }
    }

    fn finish(mut self) -> Vec<Note> {
        if self.more > 0 {
            self.kept.push(Note { path: String::new(), message: format!("and {} notes more", self.more) });
        }
        self.kept
    }
}

#[cfg(test)]
mod tests;
