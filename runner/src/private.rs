//! Directories and files of ours that only their owner may read. What is there already keeps the access that it has.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::Path;

/// Makes a directory with those above it; only their owner may look into those that were not there.
///
/// # Errors
///
/// The system refuses.
pub fn create_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Makes an empty file that only its owner may read; one that is there is left as it is.
///
/// # Errors
///
/// The system refuses.
pub fn create_file(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_made_is_its_owners_and_what_was_there_stays_as_it_was() {
        let home = tempfile::tempdir().unwrap();
        let (shared, own) = (home.path().join("shared"), home.path().join("shared").join("a").join("b"));
        fs::create_dir(&shared).unwrap();
        fs::set_permissions(&shared, fs::Permissions::from_mode(0o755)).unwrap();
        create_directory(&own).unwrap();
        create_directory(&own).unwrap();
        assert_eq!((mode(&shared), mode(&shared.join("a")), mode(&own)), (0o755, 0o700, 0o700));
        let file = own.join("file");
        create_file(&file).unwrap();
        assert_eq!(mode(&file), 0o600);
        fs::write(&file, "kept").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        create_file(&file).unwrap();
        assert_eq!((mode(&file), fs::read(&file).unwrap()), (0o644, b"kept".to_vec()));
    }
}
