//! A request as the contracts of the practice target see it, however it came over the wire.

use std::collections::BTreeMap;

/// One request, read to its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    /// Path without the query.
    pub(super) path: &'a str,
    /// What stands behind the question mark, as it came.
    pub(super) query: &'a str,
    /// The value of `X-API-Key`.
    pub(super) api_key: Option<&'a [u8]>,
    pub(super) body: &'a [u8],
}

impl Request<'_> {
    /// The query's parameters, decoded; of one that is there twice the last.
    pub(super) fn parameters(&self) -> BTreeMap<String, String> {
        // The parser wants a whole address; the host is never looked at.
        let url = reqwest::Url::parse(&format!("http://host/?{}", self.query));
        url.map(|url| url.query_pairs().into_owned().collect()).unwrap_or_default()
    }
}

/// A path's segment with its percent signs decoded.
pub(super) fn decoded(segment: &str) -> String {
    let url = reqwest::Url::parse(&format!("http://host/?{}", segment.replace('+', "%2B")));
    url.ok().and_then(|url| url.query_pairs().next().map(|(name, _)| name.into_owned())).unwrap_or_default()
}
