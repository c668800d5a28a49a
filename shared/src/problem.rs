//! What is wrong with a scenario, said so that a person can mend it: a place, a sentence and a hint.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tree::read::Readable;

/// How much a [`Problem`] matters.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Readable, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The scenario cannot run.
    Error,
    /// The scenario runs, but probably not as meant.
    Warning,
}

/// Something wrong with a scenario.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Readable, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// Whether it stops the run.
    pub severity: Severity,
    /// The field, as a dotted path from the top of the document (`workloads.shop.load.rate`); empty for the whole.
    pub path: String,
    /// The document that it stands in: a file's name, or a built-in's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Line, counted from 1, where the place is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Column in characters, counted from 1, where the place is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Problem {
    /// An error at a path, its place not yet known.
    pub fn error(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, path, message)
    }

    /// A warning at a path, its place not yet known.
    pub fn warning(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, path, message)
    }

    fn new(severity: Severity, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity,
            path: path.into(),
            source: None,
            line: None,
            column: None,
            message: message.into(),
            hint: None,
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds where it stands in its document (line and column from 1).
    #[must_use]
    pub fn with_place(mut self, source: Option<&str>, line: u32, column: u32) -> Self {
        self.source = source.map(str::to_owned);
        self.line = Some(line);
        self.column = Some(column);
        self
    }

    /// Whether it stops the run.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Problem {
    /// One line: `shop.yaml:12:9: workloads.shop.load.rate: a rate must be above zero (write 10/s)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = &self.source {
            write!(f, "{source}:")?;
        }
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "{line}:{column}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{}", self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_as_place_path_sentence_hint() {
        let problem = Problem::error("load.rate", "a rate must be above zero").with_hint("write 10/s").with_place(
            Some("shop.yaml"),
            12,
            9,
        );
        assert_eq!(problem.to_string(), "shop.yaml:12:9: load.rate: a rate must be above zero (write 10/s)");
    }
}
