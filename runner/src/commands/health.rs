//! `throng health`: is a target there.

use std::time::Duration;

use reqwest::Url;
use shared::units::Nanos;

use super::{Exit, Refusal};
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
            Refusal::usage(format!("`{}` is not an address", args.url)).with_hint("write http://localhost:8010")
        })?;
    if url.path() == "/" {
        url.set_path(PATH);
    }
    let client = reqwest::Client::builder()
        .timeout(Duration::from_nanos(timeout.0))
        .redirect(reqwest::redirect::Policy::none())
        .tls_backend_preconfigured(
            crate::transport::tls::TlsConfig::public_roots().map_err(Refusal::failed)?.to_config(),
        )
        .build()
        .map_err(Refusal::failed)?;
    let begun = tokio::time::Instant::now();
    let answer = match client.get(url.clone()).send().await {
        Ok(answer) => answer,
        Err(error) => {
            let why = reason(&error);
            return Err(Refusal::new(Exit::Unreachable, format!("{url} does not answer: {why}")));
        }
    };
    let status = answer.status();
    let took = shared::wording::latency(begun.elapsed().as_secs_f64() * 1e6);
    // What a target says is shown, never trusted: a few printable characters.
    let text: String = answer.text().await.unwrap_or_default();
    let text = printable(&text.chars().take(MAX_SHOWN).collect::<String>());
    anstream::println!("{url}: {status} in {took} {text}");
    Ok(if status.is_success() { Exit::Done } else { Exit::Unreachable })
}

/// The innermost reason, which is the one that a person can do something about.
fn reason(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
