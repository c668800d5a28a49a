//! The panel's files, embedded in the binary, compressed ahead of time.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::{Embed, EmbeddedFile};

use super::failure;

/// What `cargo xtask build` leaves; empty when the runner was built alone.
#[derive(Embed)]
#[folder = "../target/panel"]
#[allow_missing = true]
struct Files;

/// The page that every path leads to that is not a file.
const INDEX: &str = "index.html";
/// Encodings that files may lie there in, the smallest first.
const ENCODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];
/// What is shown in place of a panel that was not built.
const MISSING: &str = "<!doctype html><meta charset=utf-8><title>Throng</title>\
    <p>This binary was built without its panel. Run <code>cargo xtask build</code>, then start it again. \
    The API is there all the same: <a href=/api/status>/api/status</a>.";

/// Serves a file, or the page for everything else.
pub(super) async fn serve(request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    if path == "api" || path.starts_with("api/") {
        return failure::no_such_route().await.into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let is_variant = ENCODINGS.iter().any(|(_, ending)| path.ends_with(ending));
    let known = !path.is_empty() && !is_variant && Files::get(path).is_some();
    // A name with an ending is a file that somebody expects; a page in its place would only puzzle them.
    if !known && path.rsplit('/').next().is_some_and(|name| name.contains('.')) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let path = if known { path } else { INDEX };
    match pick(path, request.headers()) {
        Some((file, encoding)) => answer(path, &file, encoding, request.headers()),
        None => Html(MISSING).into_response(),
    }
}

/// The smallest form of a file that the browser reads.
fn pick(path: &str, headers: &HeaderMap) -> Option<(EmbeddedFile, Option<&'static str>)> {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    for (encoding, ending) in ENCODINGS {
        if accepts(accepted, encoding)
            && let Some(file) = Files::get(&format!("{path}{ending}"))
        {
            return Some((file, Some(encoding)));
        }
    }
    Files::get(path).map(|file| (file, None))
}

fn answer(path: &str, file: &EmbeddedFile, encoding: Option<&'static str>, headers: &HeaderMap) -> Response {
    let hash = file.metadata.sha256_hash();
    let tag: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let caching = if is_hashed(path) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mime = mime_guess::from_path(path).first_or_octet_stream();
    let unchanged = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        file.data.clone().into_owned().into_response()
    };
    let answer = response.headers_mut();
    let mime = if mime.type_() == mime_guess::mime::TEXT { format!("{mime}; charset=utf-8") } else { mime.to_string() };
    for (name, value) in [(header::CONTENT_TYPE, mime), (header::ETAG, tag)] {
        // Both are plain ASCII by their making.
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer.insert(name, value);
        }
    }
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(encoding) = encoding {
        answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// Whether an `Accept-Encoding` has an encoding that is not refused by `q=0`.
fn accepts(accepted: &str, encoding: &str) -> bool {
    accepted.split(',').any(|part| {
        let (name, quality) = part.split_once(';').unwrap_or((part, "q=1"));
        let refused = quality.trim().strip_prefix("q=").is_some_and(|q| q.parse::<f32>() == Ok(0.0));
        name.trim().eq_ignore_ascii_case(encoding) && !refused
    })
}

/// Whether a name holds a hash of the content (`panel-0123456789abcdef.js`): such a file never changes.
fn is_hashed(path: &str) -> bool {
    let stem = path.rsplit('/').next().unwrap_or(path).split('.').next().unwrap_or_default();
    let hash = stem.rsplit('-').next().unwrap_or_default().trim_end_matches("_bg");
    stem.contains('-') && hash.len() >= 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hashed_names_are_cached_for_good() {
        for name in ["panel-0123456789abcdef.js", "panel-0123456789abcdef_bg.wasm", "fonts/inter-deadbeef.woff2"] {
            assert!(is_hashed(name), "{name}");
        }
        for name in ["index.html", "panel.js", "favicon.svg", "my-file.css", "a-bc.js"] {
            assert!(!is_hashed(name), "{name}");
        }
    }

    #[test]
    fn encodings_are_taken_unless_refused() {
        assert!(accepts("gzip, deflate, br;q=0.9", "br"));
        assert!(!accepts("gzip, br;q=0", "br"));
        assert!(!accepts("", "gzip"));
    }
}
