//! Which files a scenario may name: those beside its own, those of one folder, or none.
//!
//! A person at the command line may name any file. A scenario that came over the network may name only what the
//! operator put into a folder for that, so that nobody reads this machine's files through a run.

use std::fs;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

/// Which files a scenario may name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum FileAccess {
    /// None.
    #[default]
    Nothing,
    /// Any; relative paths begin in this folder.
    Beside(PathBuf),
    /// Those in this folder and below it, wherever links lead.
    Inside(PathBuf),
}

impl FileAccess {
    /// Where a named file is.
    ///
    /// # Errors
    ///
    /// Says why the scenario may not name it.
    pub fn locate(&self, name: &str) -> Result<PathBuf, String> {
        match self {
            Self::Nothing => Err(format!("`{name}` cannot be read: this scenario has no folder of its own")),
            Self::Beside(folder) => Ok(folder.join(name)),
            Self::Inside(folder) => {
                let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
                let outside = || format!("`{name}` lies outside of {}", folder.display());
                if !Path::new(name).components().all(plain) {
                    return Err(outside());
                }
                let missing = |error: std::io::Error| format!("{}: {error}", folder.join(name).display());
                // Links are followed before they are judged.
                let root = folder.canonicalize().map_err(missing)?;
                let path = folder.join(name).canonicalize().map_err(missing)?;
                if path.starts_with(root) { Ok(path) } else { Err(outside()) }
            }
        }
    }

    /// The bytes of a named file.
    ///
    /// # Errors
    ///
    /// Says why there are none: not allowed, not there, longer than `most`.
    pub fn read(&self, name: &str, most: u64) -> Result<Vec<u8>, String> {
        let path = self.locate(name)?;
        let said = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
        let mut bytes = Vec::new();
        let file = fs::File::open(&path).map_err(said)?;
        file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(said)?;
        if bytes.len() as u64 > most {
            return Err(format!("{} is longer than {most} bytes", path.display()));
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_from_the_network_reads_nothing_outside_its_folder() {
        let data = tempfile::tempdir().unwrap();
        let inside = data.path().join("files");
        fs::create_dir(&inside).unwrap();
        fs::write(inside.join("ca.pem"), "ours").unwrap();
        fs::write(data.path().join("secret"), "not ours").unwrap();
        std::os::unix::fs::symlink(data.path().join("secret"), inside.join("link")).unwrap();
        let access = FileAccess::Inside(inside.clone());
        assert_eq!(access.read("ca.pem", 10).unwrap(), b"ours");
        assert_eq!(access.read("./ca.pem", 10).unwrap(), b"ours");
        let absolute = data.path().join("secret");
        for name in ["../secret", "link", "/etc/passwd", absolute.to_str().unwrap(), "missing", ".."] {
            assert!(access.read(name, 100).is_err(), "{name}");
        }
        assert!(access.read("ca.pem", 3).unwrap_err().contains("longer"));
        assert!(FileAccess::Nothing.read("ca.pem", 10).is_err());
        assert_eq!(FileAccess::Beside(inside).read("../secret", 100).unwrap(), b"not ours");
    }
}
