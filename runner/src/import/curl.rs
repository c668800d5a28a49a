//! curl commands: what they send becomes events, what they say about a connection becomes the target.

use base64::Engine as _;
use shared::tree::Node;

use super::Notes;
use super::request::{Pace, Request, scenario as of_requests};
use super::shell;

/// Options with a value that say nothing about the request.
const INDIFFERENT_VALUES: [&str; 12] = [
    "-o",
    "--output",
    "-w",
    "--write-out",
    "--stderr",
    "-D",
    "--dump-header",
    "--trace",
    "--trace-ascii",
    "-c",
    "--cookie-jar",
    "--keepalive-time",
];
/// Options that say nothing about the request.
const INDIFFERENT: [&str; 20] = [
    "-s",
    "--silent",
    "-S",
    "--show-error",
    "-v",
    "--verbose",
    "-i",
    "--include",
    "-O",
    "--remote-name",
    "-f",
    "--fail",
    "-N",
    "--no-buffer",
    "-#",
    "--progress-bar",
    "--http1.1",
    "-q",
    "--fail-with-body",
    "-sS",
];
/// Short options that take a value, which may be joined to them.
const SHORT_WITH_VALUE: &str = "XHdFuAbeomwDcxTEK";

/// Whether a text begins with a curl command, prompts and comments aside.
pub(super) fn looks_like(text: &str) -> bool {
    let lines = text.lines().map(|line| line.trim_start().trim_start_matches("$ "));
    let first = lines.into_iter().find(|line| !line.is_empty() && !line.starts_with('#'));
    first.is_some_and(|line| line == "curl" || line.starts_with("curl ") || line.starts_with("curl.exe "))
}

/// The scenario of curl commands.
///
/// # Errors
///
/// The text is no shell, or none of its commands can be carried over.
pub(super) fn scenario(text: &str, notes: &mut Notes) -> Result<Node, String> {
    let mut requests = Vec::new();
    for (number, words) in shell::commands(text)?.into_iter().enumerate() {
        let words: Vec<String> = words.into_iter().skip_while(|word| word == "$").collect();
        let place = format!("command {}", number + 1);
        match words.split_first() {
            Some((curl, words)) if matches!(curl.as_str(), "curl" | "curl.exe") => {
                requests.extend(request(words, &place, notes));
            }
            Some((other, _)) => notes.add(place, format!("`{other}` is not curl; left out")),
            None => {}
        }
    }
    notes.add("", "curl says nothing about load: 10 requests a second for a minute is a guess");
    of_requests("imported from curl", requests, Pace { per_second: 10.0, seconds: 60.0 }, notes)
}

/// What a command has said so far.
#[derive(Default)]
struct Said {
    method: Option<String>,
    urls: Vec<String>,
    data: Vec<String>,
    json: bool,
    query: bool,
    request: Request,
}

fn request(words: &[String], place: &str, notes: &mut Notes) -> Vec<Request> {
    let mut said = Said::default();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        if !word.starts_with('-') || word == "-" {
            said.urls.push(word.clone());
            continue;
        }
        let (option, joined) = cut_option(word);
        let mut value = || joined.clone().or_else(|| words.next().cloned()).unwrap_or_default();
        let known = take(&mut said, &option, &mut value, place, notes);
        // An option that nobody knows may have a value: what is no option and no address is taken for one.
        if !known && joined.is_none() && words.peek().is_some_and(|next| !next.starts_with('-') && !is_address(next)) {
            words.next();
        }
    }
    let data = (!said.data.is_empty()).then(|| said.data.join("&"));
    if said.urls.is_empty() {
        notes.add(place, "it has no address; left out");
    }
    let urls = std::mem::take(&mut said.urls);
    urls.into_iter()
        .map(|url| {
            let mut request = Request { place: place.to_owned(), url, ..said.request.clone() };
            match &data {
                Some(data) if said.query => {
                    let join = if request.url.contains('?') { '&' } else { '?' };
                    request.url = format!("{}{join}{data}", request.url);
                }
                data => request.body.clone_from(data),
            }
            let usual = if request.body.is_some() { "POST" } else { "GET" };
            request.method = said.method.clone().unwrap_or_else(|| usual.to_owned());
            if said.json {
                request.headers.push(("Accept".to_owned(), "application/json".to_owned()));
            }
            request
        })
        .collect()
}

/// An option and what is joined to it: `-XPOST`, `--header=a`.
fn cut_option(word: &str) -> (String, Option<String>) {
    if word.starts_with("--") {
        return match word.split_once('=') {
            Some((option, value)) => (option.to_owned(), Some(value.to_owned())),
            None => (word.to_owned(), None),
        };
    }
    let mut chars = word.chars().skip(1);
    match chars.next() {
        Some(c) if SHORT_WITH_VALUE.contains(c) => {
            let rest: String = chars.collect();
            (format!("-{c}"), (!rest.is_empty()).then_some(rest))
        }
        _ => (word.to_owned(), None),
    }
}

fn take(said: &mut Said, option: &str, value: &mut dyn FnMut() -> String, place: &str, notes: &mut Notes) -> bool {
    match option {
        "-X" | "--request" => said.method = Some(value()),
        "--url" => said.urls.push(value()),
        "-H" | "--header" => {
            let header = value();
            match header.split_once(':') {
                Some((name, text)) if !text.trim().is_empty() => {
                    said.request.headers.push((name.trim().to_owned(), text.trim().to_owned()));
                }
                Some(_) => {}
                None => notes.add(place, format!("`{header}` is no header; left out")),
            }
        }
        "-d" | "--data" | "--data-ascii" | "--data-binary" | "--data-raw" | "--json" => {
            let data = value();
            if data.starts_with('@') && option != "--data-raw" {
                notes.add(place, format!("its body is in the file `{}`, which is not read", &data[1..]));
            } else {
                said.data.push(data);
            }
            said.json |= option == "--json";
        }
        "--data-urlencode" => said.data.push(value()),
        "-G" | "--get" => said.query = true,
        "-I" | "--head" => said.method = Some("HEAD".to_owned()),
        "-u" | "--user" => {
            let user = value();
            let (name, password) = user.split_once(':').unwrap_or((&user, ""));
            said.request.basic = Some((name.to_owned(), password.to_owned()));
        }
        "--oauth2-bearer" => said.request.headers.push(("Authorization".to_owned(), format!("Bearer {}", value()))),
        "-A" | "--user-agent" => said.request.headers.push(("User-Agent".to_owned(), value())),
        "-e" | "--referer" => said.request.headers.push(("Referer".to_owned(), value())),
        "-b" | "--cookie" => said.request.headers.push(("Cookie".to_owned(), value())),
        "-k" | "--insecure" => said.request.insecure = true,
        "-m" | "--max-time" => match value().parse::<f64>() {
            Ok(seconds) if seconds > 0.0 && seconds.is_finite() => said.request.timeout = Some(seconds),
            Ok(_) | Err(_) => notes.add(place, format!("{option} is not a number of seconds; left out")),
        },
        // curl counts what follows the first attempt.
        "--retry" => match value().parse::<i64>() {
            Ok(retries) if (0..1_000).contains(&retries) => said.request.attempts = Some(retries + 1),
            Ok(_) | Err(_) => notes.add(place, "--retry is not a small number; left out"),
        },
        "-F" | "--form" | "--form-string" | "-T" | "--upload-file" => {
            value();
            notes.add(place, format!("{option} sends a form or a file, which a scenario cannot"));
        }
        "-L" | "--location" => notes.add(place, "redirects are not followed; they are answers to count"),
        "--compressed" => notes.add(place, "answers are not asked for in compressed form"),
        option if INDIFFERENT.contains(&option) => {}
        option if INDIFFERENT_VALUES.contains(&option) => {
            value();
        }
        option if is_bundle(option) => {
            for letter in option.chars().skip(1) {
                let _known = take(said, &format!("-{letter}"), value, place, notes);
            }
        }
        option => {
            notes.add(place, format!("the option {option} has no counterpart; left out"));
            return false;
        }
    }
    true
}

/// Whether a word looks like an address.
fn is_address(word: &str) -> bool {
    word.contains("://") || word.contains('/') || word.starts_with("localhost")
}

/// Several short options without values in one word: `-sSk`.
fn is_bundle(option: &str) -> bool {
    !option.starts_with("--") && option.len() > 2 && option.chars().skip(1).all(|c| "sSvifkLIGNO#q".contains(c))
}

/// The name and password of a basic `Authorization` header.
pub(super) fn basic_of(value: &str) -> Option<(String, String)> {
    let encoded = value.strip_prefix("Basic ")?.trim();
    let text = String::from_utf8(base64::engine::general_purpose::STANDARD.decode(encoded).ok()?).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}
