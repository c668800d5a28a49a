//! `throng health`: is a target there.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::Url;
use shared::units::Nanos;

use super::{Exit, Refusal, token};
use crate::cause::innermost;
use crate::cli::HealthArgs;
use crate::report::printable;

/// What is asked for when the address has no path.
const PATH: &str = "/health";
/// The longest piece of an answer that is shown.
const MAX_SHOWN: usize = 200;

/// Asks once.
pub(super) async fn health(args: HealthArgs) -> Result<Exit, Refusal> {
    let timeout: Nanos = args.timeout.parse().map_err(|error: String| Refusal::usage(format!("--timeout: {error}")))?;
    let mut url: Url = args
        .url
        .parse()
        .ok()
        .filter(|url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| {
            // It may hold a password, wherever that stands.
            let told = if args.url.contains('@') { "this" } else { &format!("`{}`", args.url) };
            Refusal::usage(format!("{told} is not an address")).with_hint("write http://localhost:8010")
        })?;
    if url.path() == "/" {
        url.set_path(PATH);
    }
    let token = token::given(&args.token)?;
    let shown = without_secrets(&url);
    let client = reqwest::Client::builder()
        .timeout(Duration::from_nanos(timeout.0))
        .redirect(reqwest::redirect::Policy::none())
        .tls_backend_preconfigured(
            crate::transport::tls::TlsConfig::public_roots().map_err(Refusal::failed)?.to_config(),
        )
        .build()
        .map_err(Refusal::failed)?;
    let begun = tokio::time::Instant::now();
    let mut request = client.get(url.clone());
    if let Some(token) = token.filter(|_| is_here(&url)) {
        request = request.bearer_auth(token);
    }
    let mut answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => {
            let why = innermost(&error);
            return Err(Refusal::new(Exit::Unreachable, format!("{shown} does not answer: {why}")));
        }
    };
    let status = answer.status();
    let took = shared::wording::latency(begun.elapsed().as_secs_f64() * 1e6);
    // What a target says is shown, never trusted: a few printable characters.
    // It may also never end.
    let mut start = Vec::new();
    while start.len() < 4 * MAX_SHOWN {
        match answer.chunk().await {
            Ok(Some(piece)) => start.extend_from_slice(&piece),
            Ok(None) | Err(_) => break,
        }
    }
    let text = String::from_utf8_lossy(&start);
    let text = printable(&text.chars().take(MAX_SHOWN).collect::<String>());
    anstream::println!("{shown}: {status} in {took} {text}");
    Ok(if status.is_success() { Exit::Done } else { Exit::Unreachable })
}

/// An address as it may be shown: without a name and a password, and without a query, where keys travel.
fn without_secrets(url: &Url) -> Url {
    let mut shown = url.clone();
    shown.set_query(None);
    // An address that can hold neither has neither.
    let _cleared = (shown.set_username(""), shown.set_password(None));
    shown
}

/// Whether an address is on this machine, by its own word: a name is asked of nobody.
fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_what_opens_it() {
        let url = "http://user:planted@127.0.0.1:1/health?key=planted".parse().unwrap();
        assert_eq!(without_secrets(&url).as_str(), "http://127.0.0.1:1/health");
    }

    #[test]
    fn a_token_goes_to_this_machine_only() {
        for (url, expected) in [
            ("http://127.0.0.1:7878", true),
            ("http://[::1]:7878/api/status", true),
            ("http://localhost/", true),
            ("http://localhost.example.org/", false),
            ("http://10.0.0.7:7878", false),
            ("https://127.0.0.1.example.org", false),
            ("http://user@example.org#127.0.0.1", false),
        ] {
            assert_eq!(is_here(&url.parse().unwrap()), expected, "{url}");
        }
    }
}
