//! A byte stream that can be told to go slowly, and to take only so much.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::transport::drip::Drip;
use crate::transport::stream::Stream;

/// A stream whose writing may be slowed down for a while.
#[derive(Debug)]
pub struct Paced {
    stream: Stream,
    /// How fast, and how much went since.
    slow: Option<(Drip, usize)>,
    /// How much more is read; none: whatever comes.
    allowance: Option<usize>,
}

impl Paced {
    /// A stream as fast as it can.
    pub fn new(stream: Stream) -> Self {
        Self { stream, slow: None, allowance: None }
    }

    /// From here on so many bytes in a second at most; none: as fast as it can.
    pub fn set_speed(&mut self, bytes_per_second: Option<u64>) {
        self.slow = bytes_per_second.map(|speed| (Drip::new(speed), 0));
    }

    /// From here on so many bytes are read at most, then reading fails with [`io::ErrorKind::QuotaExceeded`]; none:
    /// whatever comes.
    pub fn set_allowance(&mut self, bytes: Option<usize>) {
        self.allowance = bytes;
    }

    /// Writes what fits and may go by now.
    pub fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Some((drip, gone)) = &mut self.slow else { return self.stream.poll_write(cx, bytes) };
        let room = drip.poll_allowed(cx, *gone + bytes.len()).saturating_sub(*gone);
        if room == 0 {
            return Poll::Pending;
        }
        let count = ready!(self.stream.poll_write(cx, &bytes[..room.min(bytes.len())]))?;
        *gone += count;
        Poll::Ready(Ok(count))
    }

    /// Hands on what an encryption layer holds back.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_flush(cx)
    }

    /// Reads what is there; 0 bytes mean that the target closed.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        self.stream.poll_read(cx, space)
    }

    /// Ends it from this side.
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll_shutdown(cx)
    }
}

impl AsyncRead for Paced {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let paced = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut paced.stream).poll_read(cx, buffer))?;
        if let Some(left) = &mut paced.allowance {
            match left.checked_sub(buffer.filled().len() - before) {
                Some(rest) => *left = rest,
                None => return Poll::Ready(Err(io::ErrorKind::QuotaExceeded.into())),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Paced {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Self::poll_write(self.get_mut(), cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Self::poll_flush(self.get_mut(), cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Self::poll_shutdown(self.get_mut(), cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let paced = self.get_mut();
        if paced.slow.is_none() {
            return paced.stream.poll_write_vectored(cx, parts);
        }
        match parts.iter().find(|part| !part.is_empty()) {
            Some(part) => Self::poll_write(paced, cx, part),
            None => Poll::Ready(Ok(0)),
        }
    }

    fn is_write_vectored(&self) -> bool {
        AsyncWrite::is_write_vectored(&self.stream)
    }
}
