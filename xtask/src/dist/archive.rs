//! Packs files into a `.tar.gz` of which every byte follows from names and contents: sorted, one owner, one time.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use flate2::{Compression, GzBuilder};

/// A file to pack.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct File {
    /// What it holds.
    pub(crate) bytes: Vec<u8>,
    /// Whether it is a program.
    pub(crate) is_program: bool,
}

/// Packs files by path below one folder, all changed at `seconds` since 1970.
///
/// # Errors
/// A path that cannot stand in an archive.
pub(crate) fn packed(folder: &str, files: &BTreeMap<String, File>, seconds: u64) -> Result<Vec<u8>> {
    // Neither the name of a file nor a time nor the system: all that gzip's head could tell of where it was made.
    let zipped = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    let mut archive = tar::Builder::new(zipped);
    for (path, file) in files {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(file.bytes.len() as u64);
        header.set_mode(if file.is_program { 0o755 } else { 0o644 });
        header.set_mtime(seconds);
        header.set_uid(0);
        header.set_gid(0);
        let path = format!("{folder}/{path}");
        archive.append_data(&mut header, &path, &file.bytes[..]).with_context(|| format!("cannot pack {path}"))?;
    }
    archive.into_inner().context("cannot end the archive")?.finish().context("cannot compress the archive")
}

/// The files of an archive, by path.
#[cfg(test)]
fn unpacked(bytes: &[u8]) -> BTreeMap<String, File> {
    use std::io::Read as _;

    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes));
    let files = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let is_program = entry.header().mode().unwrap() & 0o111 != 0;
        (entry.path().unwrap().to_string_lossy().into_owned(), File { bytes, is_program })
    });
    files.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: [&str; 3]) -> BTreeMap<String, File> {
        let file = |name: &str| File { bytes: name.repeat(1_000).into_bytes(), is_program: name == "throng" };
        names.map(|name| (name.to_owned(), file(name))).into()
    }

    #[test]
    fn an_archive_holds_its_files_and_nothing_of_where_it_was_made() {
        let bytes = packed("throng-1", &files(["throng", "docs/a.md", "README.md"]), 1_700_000_000).unwrap();
        let again = packed("throng-1", &files(["README.md", "throng", "docs/a.md"]), 1_700_000_000).unwrap();
        assert!(bytes == again, "the order in which files are found must not matter");
        let back = unpacked(&bytes);
        assert_eq!(back.keys().collect::<Vec<_>>(), ["throng-1/README.md", "throng-1/docs/a.md", "throng-1/throng"]);
        assert_eq!(back["throng-1/throng"], files(["throng", "a", "b"])["throng"]);
        assert!(!back["throng-1/README.md"].is_program);
        // The head of gzip: no flags, so no name and no comment; no time; an unknown system.
        assert_eq!((bytes[3], &bytes[4..8], bytes[9]), (0, &[0; 4][..], 255));
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&bytes[..]));
        for entry in archive.entries().unwrap() {
            let header = entry.unwrap().header().clone();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            assert_eq!(header.mtime().unwrap(), 1_700_000_000);
            assert_eq!((header.username(), header.groupname()), (Ok(Some("")), Ok(Some(""))));
        }
    }

    #[test]
    fn other_contents_and_another_time_make_another_archive() {
        let usual = files(["throng", "a", "b"]);
        let bytes = packed("throng-1", &usual, 1).unwrap();
        assert_ne!(bytes, packed("throng-1", &usual, 2).unwrap());
        assert_ne!(bytes, packed("throng-2", &usual, 1).unwrap());
        assert_ne!(bytes, packed("throng-1", &files(["throng", "a", "c"]), 1).unwrap());
    }
}
