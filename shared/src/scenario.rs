//! Scenarios: from text to proof. [`document`] is the tree, [`model`] the types, [`built_in`] what ships inside.

pub mod built_in;
pub mod document;
pub mod model;

use std::ops::Deref;

use crate::problem::Problem;

use document::Node;
use model::Scenario;

/// A scenario that was found to be sound: only this one runs.
#[derive(Clone, Debug)]
pub struct ValidScenario {
    scenario: Scenario,
    document: Node,
}

impl Deref for ValidScenario {
    type Target = Scenario;

    fn deref(&self) -> &Scenario {
        &self.scenario
    }
}

impl ValidScenario {
    /// The typed scenario: names filled in, every workload with its target and behavior.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The merged document that it was read from, for marks.
    pub fn document(&self) -> &Node {
        &self.document
    }
}

/// Reads the files that a scenario refers to (`extends`, files of pools); the runner has files, the browser has not.
pub trait Files {
    /// The text of a file.
    ///
    /// # Errors
    ///
    /// Says why it cannot be read.
    fn read(&self, path: &str) -> Result<String, String>;
}

/// No files at all, as in the browser.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _path: &str) -> Result<String, String> {
        Err("files cannot be read here".to_owned())
    }
}

/// What to apply to a scenario's text, and where to find what it refers to.
#[derive(Clone, Copy)]
pub struct LoadOptions<'a> {
    /// Name of the text for problems: a file's name, or a built-in's.
    pub source: &'a str,
    /// Profile to apply; the document's own `profile` when none.
    pub profile: Option<&'a str>,
    /// Dotted paths to values in YAML, applied last.
    pub set: &'a [(String, String)],
    /// Seed that wins over the document's.
    pub seed: Option<u64>,
    /// Reads files.
    pub files: &'a dyn Files,
    /// Reads the environment, to find a placeholder or missing secret before anything is sent; nothing is kept.
    /// `None` where there is no environment (in the browser): references are then taken on trust.
    pub environment: Option<&'a dyn Fn(&str) -> Option<String>>,
}

impl<'a> LoadOptions<'a> {
    /// Options for a text of this name and nothing else.
    pub fn new(source: &'a str) -> Self {
        Self { source, profile: None, set: &[], seed: None, files: &NoFiles, environment: None }
    }
}

/// What became of a scenario's text.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Every problem at once, in the order of the document.
    pub problems: Vec<Problem>,
    /// The scenario, if no problem is an error.
    pub scenario: Option<ValidScenario>,
    /// The merged document, for marks.
    pub document: Node,
    /// Names of the sources that marks refer to; the first is the text itself.
    pub sources: Vec<String>,
}
