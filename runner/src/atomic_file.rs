//! Files that are written whole or not at all. What is no file, such as `/dev/stdout` or a pipe, is written as it is.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Writes a file beside its place first, then moves it there: nobody ever reads half of it.
///
/// # Errors
///
/// The directory is not writable or the disk is full; the file that was there is left alone.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_with(path, |file| file.write_all(bytes))
}

/// Like [`write_whole`] for what is too large to be kept: `write` writes it piece by piece.
///
/// # Errors
///
/// As [`write_whole`], or what `write` fails with; then nothing is left behind.
pub fn write_with<T>(path: &Path, write: impl FnOnce(&mut File) -> io::Result<T>) -> io::Result<T> {
    if is_device(path) {
        return write(&mut File::options().write(true).open(path)?);
    }
    let path = behind_links(path);
    let mut file = temporary_beside(&path)?;
    let written = write(file.as_file_mut())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(written)
}

/// Whether something is there that is neither file nor directory: a device, a pipe. It must never be replaced.
fn is_device(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|known| !known.is_file() && !known.is_dir())
}

/// The file that a link leads to: it is replaced, the link stays.
fn behind_links(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_missing| path.to_owned())
}

/// Finds out whether [`write_whole`] could write there, and leaves nothing behind.
///
/// # Errors
///
/// What the write would fail with.
pub fn check_writable(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if is_device(path) {
        return Ok(());
    }
    temporary_beside(&behind_links(path)).map(drop)
}

fn temporary_beside(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // Named first: its absence would otherwise be told with the temporary file's name.
    std::fs::metadata(directory)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".throng-");
    // A temporary file is private by default; this one becomes a file like any other of its writer's.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(directory).map_err(|error| error.kind().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("results.json");
        check_writable(&path).unwrap();
        write_whole(&path, b"first").unwrap();
        write_whole(&path, b"second").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_and_devices_are_written_and_never_replaced() {
        use std::os::unix::fs::FileTypeExt as _;
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        std::fs::write(&file, b"old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_whole(&link, b"new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read(&file).unwrap(), b"new");
        // A link to a device, so that the machine's own is safe whatever becomes of this code.
        let full = directory.path().join("full");
        std::os::unix::fs::symlink("/dev/full", &full).unwrap();
        check_writable(&full).unwrap();
        assert_eq!(write_whole(&full, b"x").unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert!(std::fs::metadata(&full).unwrap().file_type().is_char_device());
    }

    #[test]
    fn what_cannot_be_written_is_known_before() {
        let directory = tempfile::tempdir().unwrap();
        assert!(check_writable(directory.path()).is_err());
        assert!(check_writable(&directory.path().join("no").join("such").join("file")).is_err());
    }
}
