//! Builds what is missing and starts it: the panel, the runner and the practice target, in one process.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::build;
use crate::screen;
use crate::workspace::Workspace;

/// Where `throng serve` listens unless it is told otherwise.
const DEFAULT_ADDRESS: &str = "127.0.0.1:7878";

/// Builds and starts; with success this process becomes `throng serve`.
///
/// # Errors
/// When something does not build, or the address is taken.
pub(crate) fn start(workspace: &Workspace, serve_arguments: &[String]) -> Result<()> {
    build::all(workspace)?;
    let address = address(serve_arguments);
    if let Some(problem) = taken(&address) {
        bail!(
            "{problem}\nis another demo still running? open http://{address}, or stop it, \
             or choose another address: cargo xtask demo -- --bind 127.0.0.1:0"
        );
    }
    screen::announce("starting the panel and the practice target; open the address below, Ctrl-C stops both");
    let mut serve = Command::new(workspace.throng());
    serve.arg("serve").args(serve_arguments);
    become_it(serve)
}

/// The address that `throng serve` will listen on.
fn address(serve_arguments: &[String]) -> String {
    let mut arguments = serve_arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--bind" {
            return arguments.next().cloned().unwrap_or_default();
        }
        if let Some(address) = argument.strip_prefix("--bind=") {
            return address.to_owned();
        }
    }
    DEFAULT_ADDRESS.to_owned()
}

/// Says so when somebody else listens there. What is not an address is left to `throng serve` to explain.
fn taken(address: &str) -> Option<String> {
    let address: SocketAddr = address.parse().ok()?;
    match TcpListener::bind(address) {
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Some(format!("port {} of {} is taken by another program", address.port(), address.ip()))
        }
        Ok(_) | Err(_) => None,
    }
}

/// Replaces this process, so that Ctrl-C and signals reach `throng` itself and nothing stays behind.
#[cfg(unix)]
fn become_it(mut command: Command) -> Result<()> {
    use std::os::unix::process::CommandExt as _;
    let error = command.exec();
    Err(error).with_context(|| format!("cannot start {}", command.get_program().display()))
}

/// Waits for it; the console hands Ctrl-C to both.
#[cfg(not(unix))]
fn become_it(mut command: Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", command.get_program().display()))?;
    std::process::exit(status.code().unwrap_or(1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_the_one_that_was_asked_for() {
        let of = |words: &[&str]| address(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["--bind", "127.0.0.1:1"]), "127.0.0.1:1");
        assert_eq!(of(&["--no-practice-target", "--bind=[::1]:2"]), "[::1]:2");
        assert_eq!(of(&["--bind"]), "");
    }

    #[test]
    fn a_taken_port_is_noticed_and_a_free_one_is_left_free() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        assert!(taken(&address).unwrap().contains("taken"));
        drop(listener);
        assert_eq!(taken("127.0.0.1:0"), None);
        assert_eq!(taken("nonsense"), None);
    }
}
