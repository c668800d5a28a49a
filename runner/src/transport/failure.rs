//! Failures of the network as the closed list that results count.

use std::io;

use shared::run::FailureKind;

/// Why a connection or an exchange failed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}: {detail}", kind.label())]
pub struct TransportError {
    /// What is counted.
    pub kind: FailureKind,
    /// What is shown in a sample; never a key.
    pub detail: String,
}

impl TransportError {
    /// A failure with what is known of it.
    pub fn new(kind: FailureKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    /// A failure while a connection was being opened.
    pub fn opening(error: &io::Error) -> Self {
        let kind = exhausted(error).unwrap_or(match error.kind() {
            io::ErrorKind::ConnectionRefused => FailureKind::ConnectionRefused,
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => FailureKind::ConnectionReset,
            io::ErrorKind::TimedOut => FailureKind::Timeout,
            _ => FailureKind::ConnectionFailed,
        });
        Self::new(kind, error.to_string())
    }

    /// A failure on a connection that was open.
    pub fn exchanging(error: &io::Error) -> Self {
        let kind = exhausted(error).unwrap_or(match error.kind() {
            io::ErrorKind::TimedOut => FailureKind::Timeout,
            // rustls reports what it does not understand as invalid data.
            io::ErrorKind::InvalidData => FailureKind::Tls,
            _ => FailureKind::ConnectionReset,
        });
        Self::new(kind, error.to_string())
    }
}

/// Whether this machine, not the target, has run out of something.
fn exhausted(error: &io::Error) -> Option<FailureKind> {
    use rustix::io::Errno;
    let errno = Errno::from_io_error(error)?;
    let ours = [Errno::MFILE, Errno::NFILE, Errno::ADDRNOTAVAIL, Errno::NOBUFS, Errno::NOMEM];
    ours.contains(&errno).then_some(FailureKind::ResourcesExhausted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::Errno;

    #[test]
    fn ports_and_file_handles_that_run_out_are_named_as_such() {
        for errno in [Errno::MFILE, Errno::NFILE, Errno::ADDRNOTAVAIL] {
            let error = io::Error::from_raw_os_error(errno.raw_os_error());
            assert_eq!(TransportError::opening(&error).kind, FailureKind::ResourcesExhausted);
        }
    }

    #[test]
    fn each_way_to_lose_a_connection_has_its_kind() {
        let of = |errno: Errno| io::Error::from_raw_os_error(errno.raw_os_error());
        assert_eq!(TransportError::opening(&of(Errno::CONNREFUSED)).kind, FailureKind::ConnectionRefused);
        assert_eq!(TransportError::opening(&of(Errno::HOSTUNREACH)).kind, FailureKind::ConnectionFailed);
        assert_eq!(TransportError::opening(&of(Errno::TIMEDOUT)).kind, FailureKind::Timeout);
        assert_eq!(TransportError::exchanging(&of(Errno::CONNRESET)).kind, FailureKind::ConnectionReset);
        assert_eq!(TransportError::exchanging(&of(Errno::PIPE)).kind, FailureKind::ConnectionReset);
    }
}
