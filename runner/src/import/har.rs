//! HTTP archives: what a browser recorded becomes a mix with the same proportions and pace.

use serde::Deserialize;
use shared::tree::Node;

use super::Notes;
use super::request::{Pace, Request, scenario as of_requests};

/// Entries that are looked at.
const MAX_ENTRIES: usize = 100_000;
/// Endings of paths that are files of a page, not calls of a service.
const FILES: [&str; 16] = [
    ".js", ".mjs", ".css", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".ico", ".woff", ".woff2", ".ttf", ".map", ".webp",
    ".wasm", ".html",
];

#[derive(Deserialize)]
struct Archive {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default)]
    started_date_time: String,
    request: Recorded,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recorded {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Header>,
    #[serde(default)]
    post_data: Option<PostData>,
}

#[derive(Deserialize)]
struct Header {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostData {
    #[serde(default)]
    text: Option<String>,
}

/// The scenario of a recording.
///
/// # Errors
///
/// It is no HTTP archive, or nothing in it can be carried over.
pub(super) fn scenario(text: &str, notes: &mut Notes) -> Result<Node, String> {
    let archive: Archive = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut requests = Vec::new();
    let mut moments = Vec::new();
    let mut files = 0_usize;
    let mut preflights = 0_usize;
    if archive.log.entries.len() > MAX_ENTRIES {
        notes
            .add("log.entries", format!("only the first {MAX_ENTRIES} of {} are looked at", archive.log.entries.len()));
    }
    for (index, entry) in archive.log.entries.into_iter().take(MAX_ENTRIES).enumerate() {
        let request = entry.request;
        let path = request.url.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        if request.method.eq_ignore_ascii_case("GET") && FILES.iter().any(|ending| path.ends_with(ending)) {
            files += 1;
            continue;
        }
        if request.method.eq_ignore_ascii_case("OPTIONS") {
            preflights += 1;
            continue;
        }
        moments.extend(seconds(&entry.started_date_time));
        let headers: Vec<(String, String)> =
            request.headers.into_iter().map(|header| (header.name, header.value)).collect();
        let basic = headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("authorization"))
            .and_then(|(_, value)| super::curl::basic_of(value));
        let headers = match &basic {
            Some(_) => headers.into_iter().filter(|(name, _)| !name.eq_ignore_ascii_case("authorization")).collect(),
            None => headers,
        };
        requests.push(Request {
            place: format!("log.entries[{index}]"),
            method: request.method,
            url: request.url,
            headers,
            body: request.post_data.and_then(|data| data.text),
            basic,
            ..Request::default()
        });
    }
    if files > 0 {
        notes.add("log.entries", format!("requests for files of pages are left out, {files} in all"));
    }
    if preflights > 0 {
        notes.add("log.entries", format!("preflight requests are left out, {preflights} in all"));
    }
    let pace = pace(&moments, requests.len());
    of_requests("imported from a recording", requests, pace, notes)
}

/// The recording's own pace, at least a tenth of a request per second, for at least ten seconds.
fn pace(moments: &[f64], requests: usize) -> Pace {
    let first = moments.iter().copied().fold(f64::INFINITY, f64::min);
    let last = moments.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let seconds = if last > first { (last - first).clamp(10.0, 86_400.0) } else { 60.0 };
    Pace { per_second: (requests as f64 / seconds).max(0.1), seconds: seconds.round() }
}

/// Seconds since midnight of some day of a moment like `2026-11-21T03:00:00.5Z`, days counted as 31 per month.
fn seconds(moment: &str) -> Option<f64> {
    let (date, time) = moment.split_once('T')?;
    let date: Vec<f64> = date.split('-').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let time = time.split(['Z', '+', '-']).next()?;
    let time: Vec<f64> = time.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    match (date.as_slice(), time.as_slice()) {
        ([year, month, day], [hour, minute, second]) => {
            let days = (year * 12.0 + month) * 31.0 + day;
            Some(((days * 24.0 + hour) * 60.0 + minute) * 60.0 + second)
        }
        _ => None,
    }
}
