//! Finding scenarios: built-ins by name, people's own by name, files by path.

pub mod loading;

use std::io;
use std::path::{Path, PathBuf};

use shared::api::{ScenarioDocument, ScenarioSummary};
use shared::scenario::{built_in, profiles};
use shared::tree::Node;

use crate::folder::{Folder, read_text};
use crate::library::loading::look_at;
use crate::store::{ScenarioFiles, ScenarioStoreError, revision};

/// The longest scenario file, in bytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// Why there is no such scenario.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// Neither a built-in nor a stored scenario nor a file.
    #[error("there is no scenario `{0}`, and no file of this name")]
    Unknown(String),
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The built-in of this name cannot be changed.
    #[error("`{0}` is built in and cannot be changed; save it under another name")]
    BuiltIn(String),
    /// The stored scenarios cannot be used.
    #[error(transparent)]
    Store(#[from] ScenarioStoreError),
}

/// A scenario's text and where it came from.
#[derive(Clone, Debug)]
pub struct Found {
    /// The name of the text in problems: the built-in's or stored one's name, or the file's path.
    pub source: String,
    /// Whether it ships inside the binary.
    pub built_in: bool,
    /// The YAML or JSON.
    pub text: String,
    /// Where the files are that it names.
    pub folder: Folder,
}

/// All scenarios that can be named.
#[derive(Clone, Debug)]
pub struct Library {
    own: ScenarioFiles,
    /// Where files are that scenarios without a place of their own may name.
    files: PathBuf,
}

impl Library {
    /// The built-ins and the scenarios of a data directory; the files that these name lie in a folder of it.
    pub fn new(own: ScenarioFiles, files: PathBuf) -> Self {
        Self { own, files }
    }

    /// A text without a name, as it came over the network.
    pub fn nameless(&self, text: String) -> Found {
        Found { source: "scenario".to_owned(), built_in: false, text, folder: self.folder() }
    }

    fn folder(&self) -> Folder {
        Folder::Inside(self.files.clone())
    }

    /// Every scenario: built-ins first, then people's own by name.
    ///
    /// # Errors
    ///
    /// The data directory cannot be read.
    pub fn list(&self) -> Result<Vec<ScenarioSummary>, LibraryError> {
        let built_ins =
            built_in::all().iter().map(|built_in| self.summary(built_in.name, true, built_in.text.to_owned()));
        let mut summaries: Vec<ScenarioSummary> = built_ins.collect();
        for name in self.own.names()? {
            if built_in::find(&name).is_none() {
                summaries.push(self.summary(&name, false, self.own.read(&name)?));
            }
        }
        Ok(summaries)
    }

    /// A scenario by its name only: what a request over the network may ask for.
    ///
    /// # Errors
    ///
    /// There is none, or it cannot be read.
    pub fn named(&self, name: &str) -> Result<Found, LibraryError> {
        if let Some(built_in) = built_in::find(name) {
            let (source, text) = (name.to_owned(), built_in.text.to_owned());
            return Ok(Found { source, built_in: true, text, folder: self.folder() });
        }
        match self.own.read(name) {
            Ok(text) => Ok(Found { source: name.to_owned(), built_in: false, text, folder: self.folder() }),
            Err(ScenarioStoreError::Missing(_) | ScenarioStoreError::Name(_)) => {
                Err(LibraryError::Unknown(name.to_owned()))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A scenario by name or by the path of a file: what the command line may ask for.
    ///
    /// # Errors
    ///
    /// There is none, or it cannot be read.
    pub fn open(&self, name: &str) -> Result<Found, LibraryError> {
        let path = Path::new(name);
        let looks_like_a_file = name.contains(['/', '\\'])
            || path.extension().is_some_and(|end| ["yaml", "yml", "json"].iter().any(|known| end == *known));
        match self.named(name) {
            Err(LibraryError::Unknown(_)) if looks_like_a_file || path.is_file() => {
                let text =
                    read_text(path, MAX_FILE).map_err(|source| LibraryError::File { path: path.to_owned(), source })?;
                let folder = Folder::Beside(path.parent().unwrap_or(Path::new("")).to_owned());
                Ok(Found { source: name.to_owned(), built_in: false, text, folder })
            }
            // Whoever types a command may name any file: in a built-in with `--set`, for instance.
            Ok(found) if found.built_in => Ok(Found { folder: Folder::Beside(PathBuf::new()), ..found }),
            other => other,
        }
    }

    /// A scenario as the panel edits it.
    ///
    /// # Errors
    ///
    /// There is none, or it cannot be read.
    pub fn document(&self, name: &str) -> Result<ScenarioDocument, LibraryError> {
        let Found { built_in, text, .. } = self.named(name)?;
        Ok(ScenarioDocument { name: name.to_owned(), built_in, revision: revision(&text), text })
    }

    /// Stores a scenario of a person's own; returns its revision.
    ///
    /// # Errors
    ///
    /// The name is a built-in's, taken or unsafe, or the file cannot be written.
    pub fn save(&self, name: &str, text: &str, expected: Option<&str>) -> Result<String, LibraryError> {
        self.must_be_own(name)?;
        Ok(self.own.save(name, text, expected)?)
    }

    /// Deletes a scenario of a person's own.
    ///
    /// # Errors
    ///
    /// It is built in, or there is none.
    pub fn delete(&self, name: &str) -> Result<(), LibraryError> {
        self.must_be_own(name)?;
        Ok(self.own.delete(name)?)
    }

    fn summary(&self, name: &str, built_in: bool, text: String) -> ScenarioSummary {
        let profiles = profiles(&text);
        let found = Found { source: name.to_owned(), built_in, text, folder: self.folder() };
        let loading = look_at(&found, None);
        let errors = loading.problems().iter().filter(|problem| problem.is_error()).count();
        let description = loading.document().get("description").and_then(Node::as_str);
        ScenarioSummary {
            name: name.to_owned(),
            description: description.unwrap_or_default().to_owned(),
            built_in,
            profiles,
            problems: u32::try_from(errors).unwrap_or(u32::MAX),
        }
    }

    fn must_be_own(&self, name: &str) -> Result<(), LibraryError> {
        if built_in::find(name).is_some() { Err(LibraryError::BuiltIn(name.to_owned())) } else { Ok(()) }
    }
}
