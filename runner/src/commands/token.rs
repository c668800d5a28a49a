//! The token of a server: from its file, the environment or the command line.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::Refusal;
use crate::cli::TokenArgs;
use crate::report::printable;

/// The longest token, in bytes.
const MAX_TOKEN: usize = 1_024;
/// How to make one that nobody guesses.
const HINT: &str = "make one: head -c 24 /dev/urandom | base64 | tr +/ -_";

/// Takes the token that was given, if one was.
pub(super) fn given(args: &TokenArgs) -> Result<Option<String>, Refusal> {
    let (token, place) = match (&args.token, &args.token_file) {
        (Some(token), _) => (token.clone(), "the token".to_owned()),
        (None, Some(path)) => (read(path)?, format!("the token in {}", printable(&path.to_string_lossy()))),
        (None, None) => return Ok(None),
    };
    match check(&token) {
        Ok(()) => Ok(Some(token)),
        Err(why) => Err(Refusal::usage(format!("{place} {why}")).with_hint(HINT)),
    }
}

/// Reads a file of one line.
fn read(path: &Path) -> Result<String, Refusal> {
    let name = printable(&path.to_string_lossy());
    let refused = |why: &dyn std::fmt::Display| Refusal::usage(format!("cannot read the token from {name}: {why}"));
    let file = File::open(path).map_err(|error| refused(&error))?;
    if is_open_to_all(&file) {
        anstream::eprintln!("warning: every user of this machine can read the token in {name}: chmod 600 it");
    }
    // A device may never end.
    let (mut bytes, most) = (Vec::new(), MAX_TOKEN as u64 + 2);
    file.take(most).read_to_end(&mut bytes).map_err(|error| refused(&error))?;
    let text = String::from_utf8(bytes).map_err(|_not_text| refused(&"it is no text"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(unix)]
fn is_open_to_all(file: &File) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|known| known.is_file() && known.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
fn is_open_to_all(_file: &File) -> bool {
    false
}

/// Whether a token can travel in a header, a cookie and an address as it is. What it holds is not told.
fn check(token: &str) -> Result<(), &'static str> {
    if token.is_empty() {
        return Err("is empty");
    }
    if token.len() > MAX_TOKEN {
        return Err("is too long");
    }
    if !token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=!$*:@^|".contains(&byte)) {
        return Err("holds what cannot travel in an address or a cookie: use letters, digits and -._~+/=");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_can_travel_in_a_header_a_cookie_and_an_address() {
        for token in ["opensesame", "planted+Token/Cc3=", "aA0-._~"] {
            assert_eq!(check(token), Ok(()), "{token}");
        }
        for token in ["", "two words", "a;b", "a&b", "a#b", "line\nbreak", "\u{e9}", &"x".repeat(MAX_TOKEN + 1)] {
            assert!(check(token).is_err(), "{token}");
        }
    }
}
