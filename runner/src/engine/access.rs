//! Asking a target something besides a run's requests: the client that knows its secrets, its TLS and how far it may
//! reach.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Url, redirect};
use shared::scenario::model::target::Target;
use shared::units::Nanos;

use crate::engine::prepare::{PRACTICE_KEY, PrepareOptions};
use crate::engine::prepare_error::PrepareError;
use crate::engine::target::{self, Context};
use crate::transport::address::Address;
use crate::transport::http::Version;
use crate::transport::names::Names;

/// Redirects that are followed, all to the same host.
const MAX_REDIRECTS: usize = 5;

/// A way to ask a target, made ready. It holds secrets, so that it shows only where it leads.
pub struct Access {
    client: Client,
    /// The target's url, without a slash at its end.
    base: String,
    /// What says who we are where that stands in the query.
    query: String,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Access {
    /// Resolves a target's secrets and gets ready to ask it.
    ///
    /// # Errors
    ///
    /// A secret is missing, or the target cannot be asked as the scenario describes it.
    pub fn new(name: &str, target: &Target, options: &PrepareOptions) -> Result<Self, PrepareError> {
        let wrong = |why: String| PrepareError::Target { target: name.to_owned(), why };
        let url = match (&options.practice_target, &target.url) {
            (Some(practice), _) => practice.as_str(),
            (None, Some(url)) => url.as_str(),
            (None, None) => return Err(wrong("it has no url".to_owned())),
        };
        let address = Address::parse(url).map_err(wrong)?;
        let context = Context {
            seed: 0,
            run: 0,
            environment: &*options.environment,
            allowed_hosts: &options.allowed_hosts,
            practice_key: options.practice_target.as_ref().map(|_url| PRACTICE_KEY),
            folder: &options.folder,
            expectations: Arc::from([]),
        };
        let mut headers = Vec::new();
        for (header, value) in &target.headers {
            headers.push((header.clone(), context.resolve(name, &format!("header {header}"), value)?));
        }
        let query = target::credentials(name, &target.auth, &context, &mut headers, &mut Vec::new())?.query;
        let mut map = HeaderMap::new();
        for (header, value) in &headers {
            let header = HeaderName::try_from(header.as_str()).map_err(|error| wrong(error.to_string()))?;
            // What it holds is a secret: only its name is told.
            let mut value =
                HeaderValue::try_from(value.as_str()).map_err(|_| wrong(format!("header {header} cannot be sent")))?;
            value.set_sensitive(true);
            map.append(header, value);
        }
        let names = Names::new(context.reach(&address.host));
        names.check(&address.host).map_err(wrong)?;
        let timeout = |span: Option<Nanos>, usual: Nanos| Duration::from_nanos(span.unwrap_or(usual).0);
        let home = address.authority.clone();
        let tls = target.tls.clone().unwrap_or_default();
        if let (true, Some(server_name)) = (address.secure, &tls.server_name) {
            return Err(wrong(format!(
                "a certificate of another name ({server_name}) is not supported where lists are fetched"
            )));
        }
        let tls = target::tls(&tls, Version::One, &options.folder).map_err(wrong)?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls.to_config())
            .default_headers(map)
            .connect_timeout(timeout(target.connect_timeout, target::CONNECT_TIMEOUT))
            .timeout(timeout(target.timeout, target::TIMEOUT))
            .no_proxy()
            .redirect(redirect::Policy::custom(move |attempt| {
                let url = attempt.url();
                let same = Address::parse(url.as_str()).is_ok_and(|address| address.authority == home);
                if same && attempt.previous().len() < MAX_REDIRECTS { attempt.follow() } else { attempt.stop() }
            }))
            .dns_resolver(Arc::new(names))
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        let base = format!("{}{}", address.origin(), address.base_path);
        Ok(Self { client, base, query })
    }

    /// The address of a path at the target, with a query.
    ///
    /// # Errors
    ///
    /// They make no URL.
    pub fn url(&self, path: &str, query: &[(String, String)]) -> Result<Url, String> {
        let mut url = Url::parse(&format!("{}{path}", self.base)).map_err(|error| error.to_string())?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// Whether an address leads to this target.
    pub fn leads_to(&self, url: &Url) -> bool {
        Url::parse(&self.base).is_ok_and(|base| base.origin() == url.origin())
    }

    /// Asks for an address of this target.
    ///
    /// # Errors
    ///
    /// Nobody answers.
    pub async fn get(&self, url: &Url) -> Result<reqwest::Response, reqwest::Error> {
        let mut url = url.clone();
        if !self.query.is_empty() {
            let query = url.query().map_or_else(|| self.query.clone(), |query| format!("{query}&{}", self.query));
            url.set_query(Some(&query));
        }
        // An address may carry a token: it is told without.
        self.client.get(url).send().await.map_err(reqwest::Error::without_url)
    }
}
