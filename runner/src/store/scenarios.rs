//! People's own scenarios: one YAML file each, written whole or not at all.

use std::path::PathBuf;
use std::{fs, io};

use crate::atomic_file::write_whole;
use crate::private;

/// The longest name.
const MAX_NAME: usize = 64;
/// The longest text, in bytes.
const MAX_TEXT: u64 = 4 * 1024 * 1024;

/// Why a scenario cannot be read or stored.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioStoreError {
    /// The name could lead out of the directory, or is no name.
    #[error("`{0}` is not a name for a scenario: use up to 64 lower-case letters, digits, `-` and `_`")]
    Name(String),
    /// There is none of this name.
    #[error("there is no scenario `{0}`")]
    Missing(String),
    /// There is one of this name already.
    #[error("there is a scenario `{0}` already")]
    Taken(String),
    /// Somebody else stored another text meanwhile.
    #[error("the scenario `{0}` was changed elsewhere meanwhile")]
    Changed(String),
    /// The file is too long to be a scenario.
    #[error("the scenario `{0}` is longer than 4 MiB")]
    TooLong(String),
    /// The file cannot be read or written.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A directory of scenario files.
#[derive(Clone, Debug)]
pub struct ScenarioFiles {
    directory: PathBuf,
}

impl ScenarioFiles {
    /// Scenarios in a directory, which need not exist yet.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Their names in order.
    ///
    /// # Errors
    ///
    /// The directory cannot be read.
    pub fn names(&self) -> Result<Vec<String>, ScenarioStoreError> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(ScenarioStoreError::File { path: self.directory.clone(), source }),
        };
        let mut names: Vec<String> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".yaml").map(str::to_owned))
            .filter(|name| is_name(name))
            .collect();
        names.sort();
        Ok(names)
    }

    /// The text of one.
    ///
    /// # Errors
    ///
    /// There is none of this name, or its file cannot be read.
    pub fn read(&self, name: &str) -> Result<String, ScenarioStoreError> {
        let path = self.path(name)?;
        match fs::metadata(&path) {
            Ok(metadata) if metadata.len() > MAX_TEXT => return Err(ScenarioStoreError::TooLong(name.to_owned())),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ScenarioStoreError::Missing(name.to_owned()));
            }
            Err(source) => return Err(ScenarioStoreError::File { path, source }),
        }
        fs::read_to_string(&path).map_err(|source| ScenarioStoreError::File { path, source })
    }

    /// Stores a text and returns its revision. Without an expected revision the name must be free; with one, the
    /// stored text must still be that one.
    ///
    /// # Errors
    ///
    /// The name is taken or not a name, the stored text is another, or the file cannot be written.
    pub fn save(&self, name: &str, text: &str, expected: Option<&str>) -> Result<String, ScenarioStoreError> {
        let path = self.path(name)?;
        if text.len() as u64 > MAX_TEXT {
            return Err(ScenarioStoreError::TooLong(name.to_owned()));
        }
        match (self.read(name), expected) {
            (Ok(_), None) => return Err(ScenarioStoreError::Taken(name.to_owned())),
            (Ok(stored), Some(expected)) if revision(&stored) != expected => {
                return Err(ScenarioStoreError::Changed(name.to_owned()));
            }
            (Err(ScenarioStoreError::Missing(_)), Some(_)) => {
                return Err(ScenarioStoreError::Missing(name.to_owned()));
            }
            (Ok(_), Some(_)) | (Err(ScenarioStoreError::Missing(_)), None) => {}
            (Err(error), _) => return Err(error),
        }
        private::create_directory(&self.directory)
            .and_then(|()| write_whole(&path, text.as_bytes()))
            .map_err(|source| ScenarioStoreError::File { path, source })?;
        Ok(revision(text))
    }

    /// Removes one.
    ///
    /// # Errors
    ///
    /// There is none of this name, or its file cannot be removed.
    pub fn delete(&self, name: &str) -> Result<(), ScenarioStoreError> {
        let path = self.path(name)?;
        fs::remove_file(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => ScenarioStoreError::Missing(name.to_owned()),
            _ => ScenarioStoreError::File { path, source },
        })
    }

    fn path(&self, name: &str) -> Result<PathBuf, ScenarioStoreError> {
        if is_name(name) {
            Ok(self.directory.join(format!("{name}.yaml")))
        } else {
            Err(ScenarioStoreError::Name(name.to_owned()))
        }
    }
}

/// A fingerprint of a text (FNV-1a, 64 bits): it tells an edit from no edit, it keeps no secret.
pub fn revision(text: &str) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    format!("{hash:016x}")
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> (tempfile::TempDir, ScenarioFiles) {
        let directory = tempfile::tempdir().unwrap();
        let files = ScenarioFiles::new(directory.path().join("scenarios"));
        (directory, files)
    }

    #[test]
    fn a_scenario_is_stored_read_and_deleted() {
        let (_directory, files) = files();
        assert!(files.names().unwrap().is_empty());
        let first = files.save("mine", "a: 1\n", None).unwrap();
        assert_eq!(files.read("mine").unwrap(), "a: 1\n");
        assert_eq!(files.names().unwrap(), ["mine"]);
        let second = files.save("mine", "a: 2\n", Some(&first)).unwrap();
        assert_ne!(first, second);
        files.delete("mine").unwrap();
        assert!(matches!(files.read("mine"), Err(ScenarioStoreError::Missing(_))));
        assert!(matches!(files.delete("mine"), Err(ScenarioStoreError::Missing(_))));
    }

    #[test]
    fn nobody_overwrites_what_they_have_not_seen() {
        let (_directory, files) = files();
        let first = files.save("mine", "a: 1\n", None).unwrap();
        assert!(matches!(files.save("mine", "b: 1\n", None), Err(ScenarioStoreError::Taken(_))));
        files.save("mine", "a: 2\n", Some(&first)).unwrap();
        assert!(matches!(files.save("mine", "a: 3\n", Some(&first)), Err(ScenarioStoreError::Changed(_))));
        assert_eq!(files.read("mine").unwrap(), "a: 2\n");
    }

    #[test]
    fn no_name_leads_out_of_the_directory() {
        let (_directory, files) = files();
        for wrong in ["", "..", "../x", "a/b", "a\\b", "A", "a.b", "a\0b", "ä", "/etc/passwd", &"x".repeat(65)] {
            assert!(matches!(files.read(wrong), Err(ScenarioStoreError::Name(_))), "{wrong:?}");
            assert!(matches!(files.save(wrong, "a: 1", None), Err(ScenarioStoreError::Name(_))), "{wrong:?}");
        }
    }
}
