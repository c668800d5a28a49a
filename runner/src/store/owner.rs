//! Which process a run belongs to, told by a locked file: the system lets go of the lock when the process dies,
//! however it dies, and a number that a later process inherits fools nobody.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::private;

/// This process's claim on the runs that it starts.
#[derive(Debug)]
pub(super) struct Owner {
    token: String,
    path: PathBuf,
    /// Locked until dropped.
    _lock: File,
}

impl Owner {
    /// Makes and locks a file of this process's own; clears away those of the dead.
    pub(super) fn claim(directory: &Path) -> io::Result<Self> {
        let owners = directory.join("owners");
        private::create_directory(&owners)?;
        clear_the_dead(&owners);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let token = format!("{}-{}", std::process::id(), now.as_nanos());
        // Locked under another name first: a file with a token's name is locked, or its owner is dead.
        let (hidden, path) = (owners.join(format!(".{token}")), owners.join(&token));
        let lock = File::create(&hidden)?;
        lock.lock()?;
        fs::rename(&hidden, &path)?;
        Ok(Self { token, path, _lock: lock })
    }

    /// What the runs of this process are marked with.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Whether the process behind a token is alive, this one included.
    pub(super) fn is_alive(&self, token: &str) -> bool {
        if token == self.token {
            return true;
        }
        let path = self.path.with_file_name(token);
        match File::open(path) {
            Ok(file) => matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)),
            Err(_gone) => false,
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // What stays behind is cleared away by the next process.
        let _removed = fs::remove_file(&self.path);
    }
}

fn clear_the_dead(owners: &Path) {
    for entry in fs::read_dir(owners).into_iter().flatten().flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        if File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
            let _removed = fs::remove_file(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_lives_as_long_as_its_claim() {
        let directory = tempfile::tempdir().unwrap();
        let one = Owner::claim(directory.path()).unwrap();
        let other = Owner::claim(directory.path()).unwrap();
        assert!(one.is_alive(one.token()) && one.is_alive(other.token()) && other.is_alive(one.token()));
        let token = other.token().to_owned();
        drop(other);
        assert!(!one.is_alive(&token));
        assert!(!one.is_alive("1-1"));
    }
}
