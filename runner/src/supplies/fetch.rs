//! Items of pools, asked from targets before events are needed: page by page, within bounds.

use std::time::Duration;

use reqwest::header::LINK;
use reqwest::{Response, Url};
use shared::plan::supply::{content_hash, json, select};
use shared::scenario::model::Scenario;
use shared::scenario::model::pool::{Fetch, Paging};
use shared::tree::{Node, Value};

use crate::cause::innermost;
use crate::engine::access::Access;
use crate::engine::clock::rfc3339;
use crate::engine::prepare::{PrepareError, PrepareOptions, today};
use crate::supplies::snapshot::{Fetched, Snapshot};

/// Most bytes of one answer, pages of one pool, items of one pool.
const MAX_ANSWER: usize = 64 * 1024 * 1024;
const MAX_PAGES: usize = 10_000;
const MAX_ITEMS: usize = 1_000_000;
/// Longest time for all pages of one pool.
const MAX_TIME: Duration = Duration::from_secs(300);
/// Characters shown of an answer that makes no sense.
const SHOWN: usize = 120;

/// Why a pool could not be filled.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The target cannot be asked as the scenario describes it.
    #[error("pools.{pool}.fetch: {source}")]
    Target {
        /// The pool.
        pool: String,
        /// What stands in the way.
        source: PrepareError,
    },
    /// Nobody answers, or the answer is a refusal.
    #[error("pools.{pool}.fetch: {url}: {why}")]
    Unreachable {
        /// The pool.
        pool: String,
        /// What was asked for.
        url: String,
        /// What happened.
        why: String,
    },
    /// The answer is not what the scenario says it is.
    #[error("pools.{pool}.{field}: {url}: {why}")]
    Answer {
        /// The pool.
        pool: String,
        /// The field that the answer does not fit.
        field: &'static str,
        /// What was asked for.
        url: String,
        /// What is wrong with the answer.
        why: String,
        /// What to do about it.
        hint: String,
    },
}

impl FetchError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Target { source, .. } => source.hint(),
            Self::Unreachable { .. } => Some(
                "start the target, correct its url, or use what an earlier run was given (--pools-from RUN)".to_owned(),
            ),
            Self::Answer { hint, .. } => Some(hint.clone()),
        }
    }
}

/// Whether a scenario has pools that a target fills.
pub fn is_needed(scenario: &Scenario) -> bool {
    scenario.pools.values().any(|pool| pool.fetch.is_some())
}

/// Asks the targets for every pool that they fill, except for those that `known` has already.
///
/// # Errors
///
/// The first pool that cannot be filled.
pub async fn fetch(scenario: &Scenario, options: &PrepareOptions, known: Snapshot) -> Result<Snapshot, FetchError> {
    let mut snapshot = Snapshot::default();
    for (name, pool) in &scenario.pools {
        let Some(fetch) = &pool.fetch else { continue };
        if let Some(fetched) = known.pools.get(name) {
            snapshot.pools.insert(name.clone(), fetched.clone());
            continue;
        }
        let access = access_of(name, fetch, scenario, options)?;
        let fetched = ask(name, fetch, &access).await?;
        snapshot.pools.insert(name.clone(), fetched);
    }
    Ok(snapshot)
}

/// How a pool's target is asked.
pub(super) fn access_of(
    name: &str,
    fetch: &Fetch,
    scenario: &Scenario,
    options: &PrepareOptions,
) -> Result<Access, FetchError> {
    let target = scenario.targets.get(&fetch.target);
    let target = target.ok_or_else(|| no_target(name, fetch, "the scenario has no such target".to_owned()))?;
    Access::new(&fetch.target, target, options).map_err(|source| FetchError::Target { pool: name.to_owned(), source })
}

/// The target of a pool is of no use, for a reason.
fn no_target(name: &str, fetch: &Fetch, why: String) -> FetchError {
    let source = PrepareError::Target { target: fetch.target.clone(), why };
    FetchError::Target { pool: name.to_owned(), source }
}

/// Asks for all items of a pool.
pub(super) async fn ask(name: &str, fetch: &Fetch, access: &Access) -> Result<Fetched, FetchError> {
    let mut asking = Asking { pool: name, fetch, access, items: Vec::new(), before: None };
    match tokio::time::timeout(MAX_TIME, asking.all()).await {
        Ok(fetched) => fetched,
        Err(_elapsed) => Err(no_target(name, fetch, format!("it was not done within {} s", MAX_TIME.as_secs()))),
    }
}

/// One pool being filled.
struct Asking<'a> {
    pool: &'a str,
    fetch: &'a Fetch,
    access: &'a Access,
    items: Vec<Node>,
    /// Hash of the page before, to notice a target that gives the same one for ever.
    before: Option<u64>,
}

impl Asking<'_> {
    async fn all(&mut self) -> Result<Fetched, FetchError> {
        let first = self.address(0)?;
        let began = rfc3339(today());
        let mut url = first.clone();
        for page in 1..=MAX_PAGES {
            match self.page(&url, page).await? {
                Some(next) => url = next,
                None => {
                    let fewest = self.fetch.min.unwrap_or(1) as usize;
                    if self.items.len() < fewest {
                        let why = format!("it gave {} items, and at least {fewest} are needed", self.items.len());
                        let hint = "fill the target first, or ask for fewer with `min`";
                        return Err(self.wrong("fetch.min", &first, why, hint));
                    }
                    let items: Node = Value::List(std::mem::take(&mut self.items)).into();
                    return Ok(Fetched::new(first.to_string(), began, items));
                }
            }
        }
        let why = format!("it has more than {MAX_PAGES} pages");
        Err(self.wrong("fetch.paging", &first, why, "ask for larger pages, or for less with `query`"))
    }

    /// Takes in one page; gives the address of the next.
    async fn page(&mut self, url: &Url, number: usize) -> Result<Option<Url>, FetchError> {
        let unreachable =
            |why: String| FetchError::Unreachable { pool: self.pool.to_owned(), url: url.to_string(), why };
        let response = self.access.get(url).await.map_err(|error| unreachable(cause(&error)))?;
        let status = response.status();
        if !status.is_success() {
            return Err(unreachable(format!("it answered {status}")));
        }
        let link =
            response.headers().get(LINK).and_then(|link| link.to_str().ok()).and_then(next_of).map(str::to_owned);
        let body = self.body(response, url).await?;
        let hint = "look at what the target answers with `curl`";
        let text = String::from_utf8(body)
            .map_err(|_error| self.wrong("fetch", url, "it answered something that is no text".to_owned(), hint))?;
        let answer = json(&text).map_err(|why| {
            let shown: String = text.chars().take(SHOWN).collect();
            self.wrong("fetch", url, format!("its answer is {why}: `{shown}`"), hint)
        })?;
        let path = self.fetch.select.as_deref();
        let list = select(&answer, path).ok_or_else(|| {
            let why = format!("its answer has nothing at {}", path.unwrap_or("$"));
            self.wrong("fetch.select", url, why, "write where the list stands, such as $.items")
        })?;
        let items = list.as_list().ok_or_else(|| {
            let why = format!("{} is no list but {}", path.unwrap_or("its answer"), list.kind());
            self.wrong("fetch.select", url, why, "write where the list stands, such as $.items")
        })?;
        if self.items.len() + items.len() > MAX_ITEMS {
            let why = format!("it has more than {MAX_ITEMS} items");
            return Err(self.wrong("fetch", url, why, "ask for less with `query`"));
        }
        let hash = content_hash(list);
        if !items.is_empty() && self.before == Some(hash) {
            let why = format!("page {number} is the same as the one before");
            return Err(self.wrong("fetch.paging", url, why, "the target does not page like this: leave `paging` out"));
        }
        self.before = Some(hash);
        let count = items.len();
        let next = match &self.fetch.paging {
            None => None,
            Some(Paging::Offset { size, .. } | Paging::Page { size, .. }) => {
                if count < *size as usize {
                    None
                } else {
                    Some(self.address(number)?)
                }
            }
            Some(Paging::Next(path)) => match select(&answer, Some(path)).map(|node| &node.value) {
                None | Some(Value::Null) => None,
                Some(Value::String(text)) if text.is_empty() => None,
                Some(Value::String(text)) => Some(self.join(url, text)?),
                Some(_) => {
                    let why = format!("what stands at {path} is no address");
                    return Err(self.wrong("fetch.paging", url, why, "write where the next page's address stands"));
                }
            },
            Some(Paging::Link) => match link {
                None => None,
                Some(link) => Some(self.join(url, &link)?),
            },
        };
        self.items.extend_from_slice(items);
        Ok(next)
    }

    /// An address that an answer gave, which must lead to the same target.
    fn join(&self, url: &Url, next: &str) -> Result<Url, FetchError> {
        match url.join(next) {
            Ok(joined) if self.access.leads_to(&joined) => Ok(joined),
            Ok(joined) => {
                let why = format!("its next page would be at {joined}, another target");
                Err(self.wrong("fetch.paging", url, why, "only pages of the same host are followed"))
            }
            Err(error) => {
                Err(self.wrong("fetch.paging", url, format!("`{next}` is no address: {error}"), "look at the answer"))
            }
        }
    }

    /// The address of a page by its number from 0.
    fn address(&self, page: usize) -> Result<Url, FetchError> {
        let mut query: Vec<(String, String)> =
            self.fetch.query.iter().map(|(name, value)| (name.clone(), plain(value))).collect();
        match &self.fetch.paging {
            None | Some(Paging::Next(_) | Paging::Link) => {}
            Some(Paging::Offset { size, offset, limit }) => {
                query.push((limit.clone(), size.to_string()));
                query.push((offset.clone(), (page * *size as usize).to_string()));
            }
            Some(Paging::Page { size, page: parameter, limit, first }) => {
                query.push((limit.clone(), size.to_string()));
                query.push((parameter.clone(), (page + *first as usize).to_string()));
            }
        }
        self.access.url(&self.fetch.path, &query).map_err(|why| no_target(self.pool, self.fetch, why))
    }

    /// The whole body, as long as it is not too long.
    async fn body(&self, mut response: Response, url: &Url) -> Result<Vec<u8>, FetchError> {
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(None) => return Ok(body),
                Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_ANSWER => body.extend_from_slice(&chunk),
                Ok(Some(_)) => {
                    let why = format!("its answer is longer than {} MiB", MAX_ANSWER >> 20);
                    return Err(self.wrong("fetch", url, why, "ask for less with `query`, or page by page"));
                }
                Err(error) => {
                    let why = cause(&error.without_url());
                    return Err(FetchError::Unreachable { pool: self.pool.to_owned(), url: url.to_string(), why });
                }
            }
        }
    }

    fn wrong(&self, field: &'static str, url: &Url, why: String, hint: &str) -> FetchError {
        let (pool, url) = (self.pool.to_owned(), url.to_string());
        FetchError::Answer { pool, field, url, why, hint: hint.to_owned() }
    }
}

/// What became of a request that has no answer.
fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    innermost(error)
}

/// The address of `rel="next"` in a `Link` header.
fn next_of(header: &str) -> Option<&str> {
    header.split(',').find_map(|link| {
        let (address, parameters) = link.split_once(';')?;
        let is_next = parameters.split(';').any(|parameter| {
            parameter.trim().strip_prefix("rel=").is_some_and(|rel| rel.trim_matches('"').eq_ignore_ascii_case("next"))
        });
        is_next.then(|| address.trim().trim_start_matches('<').trim_end_matches('>'))
    })
}

/// A value of a query as text.
fn plain(node: &Node) -> String {
    match &node.value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::List(_) | Value::Map(_) => {
            // A tree of finite numbers is always JSON.
            serde_json::to_string(node).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests;
