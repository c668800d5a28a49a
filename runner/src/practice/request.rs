//! A request as the contracts of the practice target see it, however it came over the wire.

/// One request, read to its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    /// Path without the query.
    pub(super) path: &'a str,
    /// The value of `X-API-Key`.
    pub(super) api_key: Option<&'a [u8]>,
    pub(super) body: &'a [u8],
}
