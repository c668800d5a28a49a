//! Bodies made smaller on their way out, and read again where somebody needs to know what they say.

use std::io::Read as _;

use flate2::{Compress, Crc, FlushCompress, Status};
use shared::scenario::model::target::Compression;
use shared::units::Nanos;

use crate::transport::exchange::Encoding;

/// Levels where the scenario says nothing.
const GZIP_LEVEL: u32 = 6;
const ZSTD_LEVEL: u32 = 3;
/// The largest window of zstd that an answer may ask us to hold, as a power of two: 8 MiB, what RFC 8878 recommends.
const LARGEST_WINDOW: u32 = 23;
/// A gzip member's head: deflate, no name, no date, of an unknown system.
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// What packing a body did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Packed {
    /// Bytes before.
    pub(crate) before: u64,
    /// Bytes after.
    pub(crate) after: u64,
    /// Time that it took.
    pub(crate) cost: Nanos,
}

/// Packs bodies; keeps what it needs from one to the next.
pub(crate) struct Packer {
    kind: Kind,
    space: Vec<u8>,
}

enum Kind {
    Gzip(Compress),
    Zstd(zstd::bulk::Compressor<'static>),
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Packer")
    }
}

impl Packer {
    /// A packer of its own for one feed.
    pub(crate) fn new(compression: Compression, level: Option<u32>) -> std::io::Result<Self> {
        let kind = match compression {
            Compression::Gzip => {
                Kind::Gzip(Compress::new(flate2::Compression::new(level.unwrap_or(GZIP_LEVEL).clamp(1, 9)), false))
            }
            Compression::Zstd => {
                let level = level.unwrap_or(ZSTD_LEVEL).clamp(1, 19);
                Kind::Zstd(zstd::bulk::Compressor::new(i32::try_from(level).unwrap_or(3))?)
            }
        };
        Ok(Self { kind, space: Vec::new() })
    }

    /// Replaces what stands behind `room` bytes of the buffer.
    pub(crate) fn pack(&mut self, buffer: &mut Vec<u8>, room: usize) -> std::io::Result<Packed> {
        let began = std::time::Instant::now();
        let body = buffer.get(room..).unwrap_or_default();
        let before = body.len() as u64;
        self.space.clear();
        match &mut self.kind {
            Kind::Gzip(deflate) => gzip(deflate, body, &mut self.space)?,
            Kind::Zstd(zstd) => {
                self.space.reserve(zstd::zstd_safe::compress_bound(body.len()));
                zstd.compress_to_buffer(body, &mut self.space)?;
            }
        }
        buffer.truncate(room);
        buffer.extend_from_slice(&self.space);
        let cost = Nanos(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
        Ok(Packed { before, after: self.space.len() as u64, cost })
    }
}

fn gzip(deflate: &mut Compress, body: &[u8], out: &mut Vec<u8>) -> std::io::Result<()> {
    deflate.reset();
    out.extend_from_slice(&GZIP_HEAD);
    // What deflate cannot make smaller grows by a few bytes for each 16 KiB.
    out.reserve(body.len() + body.len() / 1_000 + 64);
    loop {
        let taken = usize::try_from(deflate.total_in()).unwrap_or(usize::MAX);
        let rest = body.get(taken..).unwrap_or_default();
        match deflate.compress_vec(rest, out, FlushCompress::Finish).map_err(std::io::Error::other)? {
            Status::StreamEnd => break,
            Status::Ok | Status::BufError => out.reserve(out.capacity().max(1_024)),
        }
    }
    let mut crc = Crc::new();
    crc.update(body);
    out.extend_from_slice(&crc.sum().to_le_bytes());
    out.extend_from_slice(&(body.len() as u32).to_le_bytes());
    Ok(())
}

/// The first bytes of a packed body; none where it cannot be read.
pub(crate) fn unpack(encoding: Encoding, bytes: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let most = most as u64;
    // A body that was cut ends with an error behind what could be read.
    let read = match encoding {
        Encoding::Gzip => flate2::read::MultiGzDecoder::new(bytes).take(most).read_to_end(&mut out),
        Encoding::Zstd => {
            let mut zstd = zstd::stream::read::Decoder::new(bytes).ok()?;
            zstd.window_log_max(LARGEST_WINDOW).ok()?;
            zstd.take(most).read_to_end(&mut out)
        }
        Encoding::Unknown => return None,
    };
    (read.is_ok() || !out.is_empty()).then_some(out)
}

/// How a target's requests are packed, for reading them again.
pub(crate) fn encoding_of(compression: Compression) -> Encoding {
    match compression {
        Compression::Gzip => Encoding::Gzip,
        Compression::Zstd => Encoding::Zstd,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_asks_for_a_window_of_eight_mebibytes_at_most() {
        // A frame of one raw block, its window 2^`log` bytes (RFC 8878, 3.1.1).
        let frame = |log: u8| [&b"\x28\xb5\x2f\xfd\x00"[..], &[(log - 10) << 3], b"\x29\x00\x00hello"].concat();
        assert_eq!(unpack(Encoding::Zstd, &frame(23), 100).as_deref(), Some(&b"hello"[..]));
        assert_eq!(unpack(Encoding::Zstd, &frame(24), 100), None);
    }

    #[test]
    fn a_packed_body_is_the_body_again() {
        let text = br#"{"event_type":"page.view","user_id":"test_user_00001"},"#.repeat(50);
        let noise: Vec<u8> = (0..100_000_u64).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect();
        for compression in [Compression::Gzip, Compression::Zstd] {
            let mut packer = Packer::new(compression, None).unwrap();
            for body in [&text[..], &noise[..], &[][..], &text[..77]] {
                let mut buffer = b"head".to_vec();
                buffer.extend_from_slice(body);
                let packed = packer.pack(&mut buffer, 4).unwrap();
                assert_eq!((packed.before, packed.after), (body.len() as u64, buffer.len() as u64 - 4));
                assert_eq!(&buffer[..4], b"head");
                assert_eq!(unpack(encoding_of(compression), &buffer[4..], 1 << 20).unwrap(), body);
                assert!(unpack(encoding_of(compression), &buffer[4..], 10).unwrap().len() <= 10);
            }
            let mut buffer = text.clone();
            assert!(packer.pack(&mut buffer, 0).unwrap().after < text.len() as u64 / 5);
        }
    }

    #[test]
    fn what_is_not_packed_is_not_unpacked() {
        assert_eq!(unpack(Encoding::Gzip, b"plain", 100), None);
        assert_eq!(unpack(Encoding::Zstd, b"plain", 100), None);
        assert_eq!(unpack(Encoding::Unknown, b"plain", 100), None);
    }
}
