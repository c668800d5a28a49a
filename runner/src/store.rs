//! What lasts: every run from its first second in SQLite, scenarios as files, all in one data directory.
//!
//! Reading happens on the caller's thread; writing on one thread of the store's own, fed by a bounded channel, so that
//! a slow disk never slows a run.

mod journal;
mod owner;
mod rebuild;
mod runs;
mod scenarios;
mod schema;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::{fs, io};

use rusqlite::Connection;
use shared::api::Labels;
use shared::run::{RunId, RunResult};

use crate::private;

pub use journal::StoreJournal;
use owner::Owner;
pub use scenarios::{ScenarioFiles, ScenarioStoreError, revision};
use writer::Writer;

/// Name of the database inside the data directory.
const DATABASE: &str = "throng.db";
/// Folder inside the data directory for the files that scenarios of the server may name.
pub const FILES: &str = "files";
/// Folder inside the data directory for what targets answered before runs, a file per run.
pub const SUPPLIES: &str = "supplies";

/// Why the store cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The data directory cannot be made or written.
    #[error("cannot use the data directory {}: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// SQLite refuses: corrupt, locked, full, read-only.
    #[error("cannot use the database {}: {source}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The database is from a later version of Throng.
    #[error("the database {} was written by a newer version of throng (schema {found}, this one knows {known})", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest that this binary knows.
        known: i64,
    },
    /// Somebody took the file away, or put something else in its place.
    #[error("the database {} was moved, deleted or emptied while it was in use", path.display())]
    Gone {
        /// Where it was.
        path: PathBuf,
    },
    /// A row does not hold what was written there.
    #[error("the stored run {run} cannot be read: {reason}")]
    Unreadable {
        /// The run.
        run: RunId,
        /// What is wrong with it.
        reason: String,
    },
    /// The writing thread could not do its work.
    #[error("the run could not be stored: {0}")]
    Writing(String),
}

/// The runs of one data directory.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
    /// The file that is open, whatever its name leads to by now.
    file: FileId,
    reader: Mutex<Connection>,
    writer: Writer,
    scenarios: ScenarioFiles,
    /// Held for as long as this process may own unfinished runs.
    _owner: Owner,
}

impl Store {
    /// Opens (or makes) a data directory; runs that a dead process left unfinished become `interrupted`.
    ///
    /// # Errors
    ///
    /// The directory or the database cannot be used.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::Directory { path: directory.to_owned(), source };
        private::create_directory(directory).map_err(failed)?;
        let owner = Owner::claim(directory).map_err(failed)?;
        let path = directory.join(DATABASE);
        // Its log and index are made by SQLite with the access that it has itself.
        private::create_file(&path).map_err(failed)?;
        let broken = |source| StoreError::Database { path: path.clone(), source };
        let mut connection = schema::connect(&path).map_err(broken)?;
        if let Some((found, known)) = schema::migrate(&mut connection).map_err(broken)? {
            return Err(StoreError::Newer { path, found, known });
        }
        runs::mark_interrupted(&mut connection, &owner).map_err(broken)?;
        let reader = schema::connect(&path).map_err(broken)?;
        let writer = Writer::start(connection, owner.token().to_owned()).map_err(failed)?;
        let scenarios = ScenarioFiles::new(directory.join("scenarios"));
        let file = FileId::of(&path).map_err(failed)?;
        Ok(Self { directory: directory.to_owned(), file, reader: Mutex::new(reader), writer, scenarios, _owner: owner })
    }

    /// The data directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// People's own scenarios.
    pub fn scenarios(&self) -> &ScenarioFiles {
        &self.scenarios
    }

    /// A journal that writes one run as it happens.
    pub fn journal(&self) -> StoreJournal {
        StoreJournal::new(self.writer.clone())
    }

    /// Whether the database is still where it was: an open file takes what is written also when nobody can find it any
    /// more.
    ///
    /// # Errors
    ///
    /// It is gone, or another file is in its place.
    pub fn check(&self) -> Result<(), StoreError> {
        let path = self.directory.join(DATABASE);
        if FileId::of(&path).is_ok_and(|file| file == self.file) { Ok(()) } else { Err(StoreError::Gone { path }) }
    }

    /// Stores a run's result for good and waits until it is on disk, where the next process finds it.
    ///
    /// # Errors
    ///
    /// The database refuses, or is gone.
    pub fn finish(&self, result: &RunResult) -> Result<(), StoreError> {
        self.writer.finish(result)?;
        let path = self.directory.join(DATABASE);
        if schema::holds(&path, &result.run.info.id).is_ok_and(|held| held) {
            Ok(())
        } else {
            Err(StoreError::Gone { path })
        }
    }

    /// Waits until everything that journals wrote so far can be read.
    ///
    /// # Errors
    ///
    /// The writing thread is gone.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.writer.flush()
    }

    /// Removes a run that is over; whether there was one.
    ///
    /// # Errors
    ///
    /// The database refuses.
    pub fn delete(&self, id: &RunId) -> Result<bool, StoreError> {
        let found = self.writer.delete(id)?;
        if found {
            match fs::remove_file(self.supplies_of(id)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(StoreError::Directory { path: self.supplies_of(id), source }),
            }
        }
        Ok(found)
    }

    /// The file of what targets answered before a run.
    pub fn supplies_of(&self, id: &RunId) -> PathBuf {
        self.directory.join(SUPPLIES).join(format!("{id}.json"))
    }

    /// Keeps words with a run; whether there is one. A new baseline takes the place of its scenario's old one.
    ///
    /// # Errors
    ///
    /// The database refuses.
    pub fn label(&self, id: &RunId, labels: &Labels) -> Result<bool, StoreError> {
        self.writer.label(id, labels)
    }

    fn database_error(&self, source: rusqlite::Error) -> StoreError {
        StoreError::Database { path: self.directory.join(DATABASE), source }
    }

    /// The reading connection; a panic elsewhere leaves it usable, since reading changes nothing.
    fn reader(&self) -> std::sync::MutexGuard<'_, Connection> {
        self.reader.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// What makes a file this one and no other of the same name.
#[derive(Debug, Eq, PartialEq)]
struct FileId(u64, u64);

impl FileId {
    #[cfg(unix)]
    fn of(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = fs::metadata(path)?;
        Ok(Self(metadata.dev(), metadata.ino()))
    }

    /// Where an open file can be neither deleted nor moved it is enough that there is one.
    #[cfg(not(unix))]
    fn of(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|_metadata| Self(0, 0))
    }
}

/// Where runs and scenarios are kept unless told otherwise: `$XDG_DATA_HOME/throng`, else `~/.local/share/throng`.
pub fn default_directory() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let data = named("XDG_DATA_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| named("HOME").map(|home| home.join(".local").join("share")))
        .or_else(|| named("LOCALAPPDATA"))?;
    Some(data.join("throng"))
}

#[cfg(test)]
mod tests;
