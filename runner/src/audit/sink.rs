//! Where events are looked for: the practice target, an export as JSONL, or a search endpoint, read page by page.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;
use serde_json::value::RawValue;
use shared::api::HeldEvents;
use shared::scenario::secret::{hidden_address, resolved};

use super::SinkSide;
use super::spill::{SinkRow, Spill};
use crate::cause::innermost;
use crate::fingerprint::{Fingerprint, Key, Lens};
use crate::ledger::Header;
use crate::transport::dial::Reach;
use crate::transport::names::Names;

/// Events asked of the practice target at a time.
const HELD_AT_ONCE: usize = 50_000;
/// Events of a page, and pages per second, of a search where nobody says otherwise.
const PAGE_SIZE: u64 = 500;
const PAGE_RATE: f64 = 5.0;
/// How often a page is asked for again, and the longest wait in between.
const TRIES: u32 = 6;
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Longest wait for a page.
const PATIENCE: Duration = Duration::from_secs(60);
/// Names of events kept for showing phantoms by the sink's own ids.
const MOST_NAMES: usize = 10_000;
/// Most pages of a search: one that never ends is no search.
const MOST_PAGES: u64 = 1_000_000;
/// Members of an answer in which its events usually are.
const USUAL_ITEMS: [&str; 6] = ["events", "items", "results", "data", "hits", "records"];

/// Why a sink cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The export cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A page cannot be had.
    #[error("cannot read {url}: {why}")]
    Page {
        /// Its address.
        url: String,
        /// Why not.
        why: String,
    },
    /// Rows cannot be spilled.
    #[error("cannot spill events: {0}")]
    Spill(#[from] std::io::Error),
    /// The target looks for ids elsewhere than the ledger.
    #[error("the practice target looks for ids in {target}, the ledger in {ledger}: set its id_field before the run")]
    OtherIds {
        /// Where the target looks.
        target: String,
        /// Where the ledger looked.
        ledger: String,
    },
    /// The ledger's digests are of a part of events, those of the practice target of whole events.
    #[error("the ledger notes only {0} of events, the practice target whole events: leave body_field out for it")]
    OtherBody(String),
}

/// Where events are looked for.
#[derive(Clone, Debug)]
pub enum Sink {
    /// The practice target at this address.
    Practice {
        /// Its address.
        url: String,
    },
    /// A file with an event on each line.
    Jsonl {
        /// The file.
        path: PathBuf,
        /// What to look for in its lines.
        look: Look,
    },
    /// An endpoint that answers with pages of events.
    Search(Search),
}

/// What to look for in the sink's events.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// Where the id is; where the ledger found it when left out.
    pub id_field: Option<String>,
    /// The part that was sent; the whole event when left out.
    pub body_field: Option<String>,
    /// Parts that the sink adds.
    pub ignored: Vec<String>,
}

/// An endpoint that answers with pages of events.
#[derive(Clone, Debug)]
pub struct Search {
    /// Its address with `{offset}`, `{page}` or `{limit}` where they belong.
    pub url: String,
    /// The address as it may be shown.
    pub shown: String,
    /// Events of a page.
    pub page_size: u64,
    /// Member of the answer that holds the events; the usual ones when left out.
    pub items: Option<String>,
    /// Headers to send.
    pub headers: Vec<(String, String)>,
    /// Pages per second at most.
    pub rate: f64,
    /// What to look for in events.
    pub look: Look,
}

impl Search {
    /// A search as it is written, references to the environment in its address and headers replaced; page by page at a
    /// rate that a system bears beside its work.
    ///
    /// # Errors
    ///
    /// Says what the environment lacks.
    pub fn new<'t>(
        url: &str,
        headers: impl IntoIterator<Item = (&'t String, &'t String)>,
        look: Look,
    ) -> Result<Self, String> {
        let given = |text: &str| resolved(text, &|name| std::env::var(name).ok());
        Ok(Self {
            url: given(url)?,
            shown: hidden_address(url),
            page_size: PAGE_SIZE,
            items: None,
            headers: headers
                .into_iter()
                .map(|(name, value)| Ok((name.clone(), given(value)?)))
                .collect::<Result<_, String>>()?,
            rate: PAGE_RATE,
            look,
        })
    }
}

/// Takes in what a sink holds.
struct Intake<'a> {
    lens: Lens,
    wants_ids: bool,
    spill: &'a mut Spill,
    names: &'a mut BTreeMap<Key, String>,
    side: SinkSide,
}

impl Look {
    fn lens(&self, header: &Header) -> Lens {
        let id_field = self.id_field.as_deref().or(header.id_field.as_deref());
        let body_field = self.body_field.as_deref().or(header.body_field.as_deref());
        Lens::for_event(id_field, body_field, &self.ignored)
    }
}

impl Sink {
    /// Reads everything that the sink holds.
    pub(super) async fn read(
        self,
        header: &Header,
        spill: &mut Spill,
        names: &mut BTreeMap<Key, String>,
        allowed: Option<&[String]>,
    ) -> Result<SinkSide, SinkError> {
        match self {
            Self::Practice { url } => read_practice(&url, header, spill, allowed).await,
            Self::Jsonl { path, look } => {
                let mut intake = Intake::new(&look, header, spill, names, path.display().to_string());
                read_jsonl(&path, &mut intake)?;
                Ok(intake.side)
            }
            Self::Search(search) => {
                let mut intake = Intake::new(&search.look, header, spill, names, search.shown.clone());
                read_search(&search, &mut intake, allowed).await?;
                Ok(intake.side)
            }
        }
    }
}

impl<'a> Intake<'a> {
    fn new(
        look: &Look,
        header: &Header,
        spill: &'a mut Spill,
        names: &'a mut BTreeMap<Key, String>,
        what: String,
    ) -> Self {
        let wants_ids = look.id_field.is_some();
        Self { lens: look.lens(header), wants_ids, spill, names, side: SinkSide { what, ..SinkSide::default() } }
    }

    /// Takes one event in.
    fn take(&mut self, json: &[u8]) -> Result<(), SinkError> {
        let Ok(seen) = self.lens.look(json) else {
            self.side.unreadable += 1;
            return Ok(());
        };
        let Fingerprint { key, digest, by_content } = seen.fingerprint();
        if by_content && self.wants_ids {
            self.side.unreadable += 1;
            return Ok(());
        }
        if self.names.len() < MOST_NAMES
            && key.event_id().is_none()
            && let Some(id) = seen.id()
        {
            self.names.insert(key, id.into_owned());
        }
        self.spill.sink(&SinkRow { key, digest, place: self.side.events })?;
        self.side.events += 1;
        Ok(())
    }
}

fn read_jsonl(path: &PathBuf, intake: &mut Intake<'_>) -> Result<(), SinkError> {
    let failed = |source| SinkError::File { path: path.clone(), source };
    let mut lines = BufReader::with_capacity(256 * 1024, File::open(path).map_err(failed)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).map_err(failed)? == 0 {
            return Ok(());
        }
        let text = line.trim_ascii();
        if !text.is_empty() {
            intake.take(text)?;
        }
    }
}

async fn read_practice(
    url: &str,
    header: &Header,
    spill: &mut Spill,
    allowed: Option<&[String]>,
) -> Result<SinkSide, SinkError> {
    let shown = hidden_address(url);
    let client = Client::new(url, &shown, &[], allowed)?;
    let mut side = SinkSide { what: format!("practice target {shown}"), ..SinkSide::default() };
    let mut from = 0;
    if let Some(part) = &header.body_field {
        return Err(SinkError::OtherBody(part.clone()));
    }
    loop {
        let address = format!("{}/held?from={from}&limit={HELD_AT_ONCE}", url.trim_end_matches('/'));
        let text = client.get(&address).await?;
        let wrong = |why: &str| SinkError::Page { url: shown.clone(), why: why.to_owned() };
        let held: HeldEvents =
            serde_json::from_slice(&text).map_err(|_error| wrong("this is no practice target of throng"))?;
        if held.id_field != header.id_field {
            let place = |field: &Option<String>| field.clone().unwrap_or_else(|| "the usual places".to_owned());
            return Err(SinkError::OtherIds { target: place(&held.id_field), ledger: place(&header.id_field) });
        }
        side.let_go = held.let_go;
        for event in &held.events {
            let parts = event.split_once(':').and_then(|(key, digest)| {
                Some((u128::from_str_radix(key, 16).ok()?, u64::from_str_radix(digest, 16).ok()?))
            });
            let (key, digest) = parts.ok_or_else(|| wrong("it names an event in another way"))?;
            spill.sink(&SinkRow { key: Key(key), digest, place: held.from + side.events })?;
            side.events += 1;
        }
        from = held.from + held.events.len() as u64;
        if from >= held.end || held.events.is_empty() {
            return Ok(side);
        }
    }
}

async fn read_search(search: &Search, intake: &mut Intake<'_>, allowed: Option<&[String]>) -> Result<(), SinkError> {
    let client = Client::new(&search.url, &search.shown, &search.headers, allowed)?;
    let pause = Duration::from_secs_f64(1.0 / search.rate.clamp(0.001, 1e6));
    let pages = ["{offset}", "{page}"].iter().any(|place| search.url.contains(place));
    let mut next = tokio::time::Instant::now();
    let mut offset = 0;
    for page in 0..MOST_PAGES {
        tokio::time::sleep_until(next).await;
        next = tokio::time::Instant::now() + pause;
        let address = search
            .url
            .replace("{offset}", &offset.to_string())
            .replace("{page}", &(page + 1).to_string())
            .replace("{limit}", &search.page_size.to_string());
        let text = client.get(&address).await?;
        let wrong = |why: String| SinkError::Page { url: search.shown.clone(), why };
        let (items, more) = items(&text, search.items.as_deref()).map_err(wrong)?;
        for item in &items {
            intake.take(item.get().as_bytes())?;
        }
        offset += items.len() as u64;
        let over = more.map_or((items.len() as u64) < search.page_size, |more| !more);
        if over || items.is_empty() || !pages {
            return Ok(());
        }
    }
    Ok(())
}

/// The events of a page, and whether it says that there are more.
fn items<'a>(text: &'a [u8], named: Option<&str>) -> Result<(Vec<&'a RawValue>, Option<bool>), String> {
    let list = |text: &'a str| serde_json::from_str::<Vec<&'a RawValue>>(text).map_err(|error| error.to_string());
    let whole: &RawValue = serde_json::from_slice(text).map_err(|error| format!("its answer is no JSON: {error}"))?;
    if whole.get().starts_with('[') && named.is_none() {
        return Ok((list(whole.get())?, None));
    }
    let members = |text: &'a str| {
        serde_json::from_str::<BTreeMap<String, &'a RawValue>>(text)
            .map_err(|_error| "its answer is neither a list nor an object".to_owned())
    };
    let outer = members(whole.get())?;
    let more = ["has_more", "hasMore", "more"].iter().find_map(|name| outer.get(*name));
    let more = more.and_then(|more| serde_json::from_str::<Value>(more.get()).ok()?.as_bool());
    if let Some(path) = named {
        let mut at = whole;
        for name in path.split('.') {
            at = members(at.get())?.get(name).copied().ok_or_else(|| format!("its answer has no {path}"))?;
        }
        return Ok((list(at.get())?, more));
    }
    let found = USUAL_ITEMS.iter().find_map(|name| outer.get(*name).filter(|list| list.get().starts_with('[')));
    let found =
        found.ok_or_else(|| format!("its answer has none of {}; name it with --items", USUAL_ITEMS.join(", ")))?;
    Ok((list(found.get())?, more))
}

/// Asks for pages, and asks again where that may help.
struct Client {
    client: reqwest::Client,
    shown: String,
    headers: reqwest::header::HeaderMap,
}

impl Client {
    /// A client of the sink at an address, which is shown so; `allowed`: the only hosts beyond this network that may be
    /// asked.
    fn new(
        url: &str,
        shown: &str,
        headers: &[(String, String)],
        allowed: Option<&[String]>,
    ) -> Result<Self, SinkError> {
        let wrong = |why: String| SinkError::Page { url: shown.to_owned(), why };
        let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let host = host.trim_matches(['[', ']']);
        let names = Names::new(allowed.map_or(Reach::Anywhere, |allowed| Reach::of(host, allowed)));
        names.check(host).map_err(wrong)?;
        let tls = crate::transport::tls::TlsConfig::public_roots().map_err(wrong)?;
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(Arc::new(names))
            .tls_backend_preconfigured(tls.to_config())
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        let mut map = reqwest::header::HeaderMap::new();
        for (name, value) in headers {
            let name: reqwest::header::HeaderName =
                name.parse().map_err(|_error| wrong(format!("`{name}` is no name of a header")))?;
            let value = value.parse().map_err(|_error| wrong(format!("the value of {name} is none of a header")))?;
            map.insert(name, value);
        }
        Ok(Self { client, shown: shown.to_owned(), headers: map })
    }

    async fn get(&self, url: &str) -> Result<Vec<u8>, SinkError> {
        let failed = |why: String| SinkError::Page { url: self.shown.clone(), why };
        let mut wait = Duration::from_millis(250);
        for attempt in 1..=TRIES {
            let asked = match self.client.get(url).headers(self.headers.clone()).send().await {
                Ok(answer) => answer,
                Err(error) if attempt < TRIES && !error.is_builder() => {
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                    continue;
                }
                Err(error) => return Err(failed(innermost(&error.without_url()))),
            };
            let status = asked.status();
            let again = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
            if again && attempt < TRIES {
                let told =
                    asked.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
                tokio::time::sleep(told.map_or(wait, Duration::from_secs).min(LONGEST_WAIT)).await;
                wait *= 2;
                continue;
            }
            if !status.is_success() {
                return Err(failed(format!("it answers {status}")));
            }
            return Ok(asked.bytes().await.map_err(|error| failed(innermost(&error.without_url())))?.to_vec());
        }
        Err(failed("it never answers".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_events_of_an_answer_are_found() {
        let count = |text: &str, named| items(text.as_bytes(), named).map(|(items, more)| (items.len(), more));
        assert_eq!(count("[1,2]", None), Ok((2, None)));
        assert_eq!(count(r#"{"events":[1],"has_more":true}"#, None), Ok((1, Some(true))));
        assert_eq!(count(r#"{"hits":{"hits":[1,2,3]}}"#, Some("hits.hits")), Ok((3, None)));
        assert!(count(r#"{"rows":[1]}"#, None).is_err_and(|why| why.contains("--items")));
        assert!(count("<html>", None).is_err());
        assert!(count(r#"{"a":{}}"#, Some("a.b")).is_err_and(|why| why.contains("a.b")));
    }
}
