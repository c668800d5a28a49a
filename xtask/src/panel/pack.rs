//! Names files by their content and writes them with their compressed twins.

use std::fs;
use std::hash::Hasher as _;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Brotli's window, as a power of two: the largest that every browser takes.
const BROTLI_WINDOW: u32 = 22;

/// How a build trades its own time for the size of what it writes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Packing {
    /// Compressed as small as it gets; once per change.
    Small,
    /// Not compressed at all, for people who work on the panel.
    Plain,
}

/// A file that was written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Written {
    /// Its name.
    pub(crate) name: String,
    /// Its size.
    pub(crate) raw: u64,
    /// The size of its brotli twin.
    pub(crate) brotli: Option<u64>,
}

/// A fingerprint of some bytes, 16 hexadecimal digits.
pub(crate) fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    // Keyed with zeros, so that it is the same in every run; it names files and guards nothing.
    let mut hasher = std::hash::DefaultHasher::new();
    for part in parts {
        hasher.write_usize(part.len());
        hasher.write(part);
    }
    format!("{:016x}", hasher.finish())
}

/// Writes a file and, when packing small, its `.br` and `.gz` twins.
pub(crate) fn write(folder: &Path, name: &str, bytes: &[u8], packing: Packing) -> Result<Written> {
    put(folder, name, bytes)?;
    let brotli = match packing {
        Packing::Plain => None,
        Packing::Small => {
            let small = brotli(bytes)?;
            put(folder, &format!("{name}.br"), &small)?;
            put(folder, &format!("{name}.gz"), &gzip(bytes)?)?;
            Some(small.len() as u64)
        }
    };
    Ok(Written { name: name.to_owned(), raw: bytes.len() as u64, brotli })
}

fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let path = folder.join(name);
    fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut writer = brotli::CompressorWriter::new(Vec::new(), 1 << 16, 11, BROTLI_WINDOW);
    writer.write_all(bytes).and_then(|()| writer.flush()).context("cannot compress with brotli")?;
    Ok(writer.into_inner())
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(bytes).context("cannot compress with gzip")?;
    writer.finish().context("cannot compress with gzip")
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn compressed_twins_hold_the_same_bytes() {
        let bytes = b"panel panel panel panel".repeat(50);
        let mut back = Vec::new();
        brotli::Decompressor::new(&brotli(&bytes).unwrap()[..], 4_096).read_to_end(&mut back).unwrap();
        assert_eq!(back, bytes);
        back.clear();
        flate2::read::GzDecoder::new(&gzip(&bytes).unwrap()[..]).read_to_end(&mut back).unwrap();
        assert_eq!(back, bytes);
    }

    #[test]
    fn a_fingerprint_tells_contents_and_their_order_apart() {
        let of = |parts: &[&str]| fingerprint(parts.iter().map(|part| part.as_bytes()));
        assert_eq!(of(&["ab", "c"]), of(&["ab", "c"]));
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(of(&["ab", "c"]), of(&["c", "ab"]));
        assert_eq!(of(&[]).len(), 16);
    }
}
