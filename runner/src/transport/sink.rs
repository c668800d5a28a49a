//! Targets that are no network: a file that events are appended to, line by line, and nowhere at all.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Instant;

use shared::run::FailureKind;

use crate::transport::dial::DialTimes;
use crate::transport::exchange::{Answer, Exchange};
use crate::transport::failure::TransportError;

/// Where requests end.
#[derive(Clone, Debug)]
pub enum Sink {
    /// Counted and forgotten.
    Nowhere,
    /// Appended to this file.
    File(PathBuf),
}

/// A way to a sink that is open.
#[derive(Debug)]
pub struct SinkConnection {
    file: Option<File>,
}

impl Sink {
    /// Its name for people.
    pub fn origin(&self) -> String {
        match self {
            Self::Nowhere => "nowhere (discard)".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// Opens the file, which is made if need be.
    ///
    /// # Errors
    ///
    /// It cannot be written to.
    pub fn open(&self) -> io::Result<SinkConnection> {
        let file = match self {
            Self::Nowhere => None,
            Self::File(path) => Some(OpenOptions::new().append(true).create(true).open(path)?),
        };
        Ok(SinkConnection { file })
    }

    /// Opens a connection.
    ///
    /// # Errors
    ///
    /// The file cannot be written to.
    pub fn connect(&self) -> Result<(SinkConnection, DialTimes), TransportError> {
        let began = Instant::now();
        let connection =
            self.open().map_err(|error| TransportError::new(FailureKind::ConnectionFailed, error.to_string()))?;
        Ok((connection, DialTimes { connect: began.elapsed(), tls: None }))
    }
}

impl SinkConnection {
    /// Takes a request: it is done once the operating system has it, in one piece, so that lines of workers beside each
    /// other stay whole.
    pub fn exchange(&mut self, request: &[u8]) -> Exchange {
        let written = match &mut self.file {
            None => Ok(()),
            Some(file) => file.write_all(request),
        };
        let done = Instant::now();
        let (result, bytes_sent) = match written {
            Ok(()) => (Ok(Answer { status: 0, retry_after: None, encoding: None, cut: false }), request.len() as u64),
            Err(error) => {
                let kind = match error.kind() {
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FailureKind::ResourcesExhausted,
                    _ => FailureKind::ConnectionFailed,
                };
                (Err(TransportError::new(kind, error.to_string())), 0)
            }
        };
        let reusable = result.is_ok();
        Exchange { first_byte: None, done, bytes_sent, bytes_received: 0, reusable, result }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_appended_to_and_nowhere_takes_everything() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        std::fs::write(&path, "{\"old\":1}\n").unwrap();
        let sink = Sink::File(path.clone());
        let (mut first, _) = sink.connect().unwrap();
        let (mut second, _) = sink.connect().unwrap();
        assert!(first.exchange(b"{\"a\":1}\n").result.is_ok());
        assert_eq!(second.exchange(b"{\"b\":2}\n").bytes_sent, 8);
        assert!(first.exchange(b"{\"a\":3}\n").reusable);
        assert_eq!(std::fs::read_to_string(path).unwrap(), "{\"old\":1}\n{\"a\":1}\n{\"b\":2}\n{\"a\":3}\n");
        let (mut nowhere, _) = Sink::Nowhere.connect().unwrap();
        assert_eq!(nowhere.exchange(b"12345").bytes_sent, 5);
        assert!(Sink::File(folder.path().join("no/such/place")).connect().is_err());
    }
}
