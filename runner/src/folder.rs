//! The files that a scenario may name, and where they are.
//!
//! Whoever types a command may name any file of theirs. A scenario that came over the network may not: what it names
//! lies inside of one folder, whatever it writes and wherever links in there lead.

use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use shared::scenario::Files;

/// The longest scenario file, in bytes.
const MAX_SCENARIO: u64 = 4 * 1024 * 1024;

/// Where the files are that a scenario names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Folder {
    /// Paths are relative to this folder and may lead out of it.
    Beside(PathBuf),
    /// Only files inside of this folder.
    Inside(PathBuf),
}

impl Folder {
    /// The file of a path.
    ///
    /// # Errors
    ///
    /// The path leads out of a folder that it must stay inside of.
    pub fn resolve(&self, path: &str) -> Result<PathBuf, String> {
        match self {
            Self::Beside(folder) => Ok(folder.join(path)),
            Self::Inside(folder) => confined(folder, path),
        }
    }
}

impl Folder {
    /// The bytes of a file, at most so many.
    ///
    /// # Errors
    ///
    /// The path leads out, the file cannot be read or is longer.
    pub fn read_bytes(&self, path: &str, most: u64) -> Result<Vec<u8>, String> {
        let path = self.resolve(path)?;
        let said = |error: io::Error| format!("cannot read {}: {error}", path.display());
        let mut bytes = Vec::new();
        let file = std::fs::File::open(&path).map_err(said)?;
        file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(said)?;
        if bytes.len() as u64 > most {
            return Err(format!("{} is longer than {most} bytes", path.display()));
        }
        Ok(bytes)
    }
}

impl Files for Folder {
    fn read(&self, path: &str) -> Result<String, String> {
        read_text(&self.resolve(path)?, MAX_SCENARIO).map_err(|error| error.to_string())
    }
}

/// Reads a text of at most so many bytes.
///
/// # Errors
///
/// It cannot be read, or is longer.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    let length = std::fs::metadata(path)?.len();
    if length > most {
        let why = format!("it is {length} bytes long, {most} are the most");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    String::from_utf8(std::fs::read(path)?).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
        io::Error::new(io::ErrorKind::InvalidData, format!("byte {} in line {line} is no UTF-8 text", valid + 1))
    })
}

fn confined(folder: &Path, path: &str) -> Result<PathBuf, String> {
    let plain = !path.is_empty()
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
        && !path.contains(['\\', '\0']);
    let hint = || format!("only files in {} can be named here, by a path without `..`", folder.display());
    if !plain {
        return Err(hint());
    }
    let wanted = folder.join(path);
    // Links may lead anywhere: as far as the path exists, it must really lie inside.
    let Ok(root) = folder.canonicalize() else { return Ok(wanted) };
    let existing = wanted.ancestors().find_map(|part| part.canonicalize().ok());
    match existing {
        Some(existing) if existing.starts_with(&root) => Ok(wanted),
        _ => Err(hint()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_may_name_any_file() {
        let folder = Folder::Beside(PathBuf::from("/data/scenarios"));
        assert_eq!(folder.resolve("../pools/a.csv"), Ok(PathBuf::from("/data/scenarios/../pools/a.csv")));
        assert_eq!(folder.resolve("/etc/hosts"), Ok(PathBuf::from("/etc/hosts")));
    }

    #[test]
    fn a_scenario_from_the_network_stays_inside_its_folder() {
        let data = tempfile::tempdir().unwrap();
        let root = data.path().join("files");
        std::fs::create_dir_all(root.join("deep")).unwrap();
        std::fs::write(root.join("deep").join("a.csv"), "a\n1\n").unwrap();
        std::fs::write(data.path().join("secret.csv"), "a\n1\n").unwrap();
        let folder = Folder::Inside(root.clone());
        for path in ["deep/a.csv", "./deep/a.csv", "new.jsonl", "new/new.jsonl"] {
            assert!(folder.resolve(path).is_ok(), "{path}");
        }
        for path in ["../secret.csv", "/etc/hosts", "deep/../../secret.csv", "", "..", "deep\\..\\..\\x"] {
            assert!(folder.resolve(path).is_err(), "{path}");
        }
        assert!(folder.read("deep/a.csv").is_ok());
        assert_eq!(folder.read_bytes("deep/a.csv", 4).unwrap(), b"a\n1\n");
        assert!(folder.read_bytes("deep/a.csv", 3).unwrap_err().contains("longer"));
        assert!(folder.read_bytes("../secret.csv", 100).is_err());
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(data.path().join("secret.csv"), root.join("link.csv")).unwrap();
            std::os::unix::fs::symlink(data.path(), root.join("out")).unwrap();
            for path in ["link.csv", "out/secret.csv", "out/new.csv"] {
                assert!(folder.resolve(path).is_err(), "{path} leads out");
            }
        }
    }
}
