//! Who may ask: the host must be one of ours (against DNS rebinding), writes and live streams must come from our own
//! page (against other pages in the same browser), and beyond this machine a token is needed.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq as _;

use super::failure::Failure;

/// Name of the cookie that carries the token.
const COOKIE: &str = "throng_token";
/// What the panel may load: its own files, WebAssembly, its own API; styles may be set on elements.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Wrong tokens in a second, from whomever; what comes beyond is not even looked at.
const WRONG_TOKENS: f64 = 10.0;
/// Requests in a second that change something, from whomever.
const WRITES: f64 = 200.0;

/// The rules for one server.
#[derive(Debug)]
pub struct Access {
    bound_to: IpAddr,
    token: Option<String>,
    wrong_tokens: Bucket,
    writes: Bucket,
}

/// What may be done so many times in a second, and as often at once.
#[derive(Debug)]
struct Bucket {
    rate: f64,
    /// What is left, and when that was so.
    level: Mutex<(f64, Instant)>,
}

impl Bucket {
    fn new(rate: f64) -> Self {
        Self { rate, level: Mutex::new((rate, Instant::now())) }
    }

    /// What is left at a moment.
    fn left(&self, now: Instant) -> f64 {
        let (level, at) = *self.level.lock().unwrap_or_else(PoisonError::into_inner);
        (level + now.saturating_duration_since(at).as_secs_f64() * self.rate).min(self.rate)
    }

    /// Takes one out; says whether there was one.
    fn take(&self, now: Instant) -> bool {
        let left = self.left(now);
        let there = left >= 1.0;
        *self.level.lock().unwrap_or_else(PoisonError::into_inner) = (left - f64::from(u8::from(there)), now);
        there
    }
}

impl Access {
    /// Rules for a server at an address; with a token, every request must carry it.
    pub fn new(address: SocketAddr, token: Option<String>) -> Self {
        Self { bound_to: address.ip(), token, wrong_tokens: Bucket::new(WRONG_TOKENS), writes: Bucket::new(WRITES) }
    }

    /// Whether a `Host` is one under which this server may be reached. Behind a token any name will do: a page of
    /// another name has neither the cookie nor the header.
    fn knows_host(&self, host: &str) -> bool {
        if self.token.is_some() {
            return true;
        }
        let name = host_name(host);
        if name.eq_ignore_ascii_case("localhost") {
            return true;
        }
        name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip == self.bound_to)
    }

    /// Whether a request carries the token, where one is needed.
    fn admits(&self, headers: &HeaderMap) -> bool {
        let Some(token) = &self.token else { return true };
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let cookie = cookies
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(name, value)| (name == COOKIE).then_some(value));
        bearer.is_some_and(|given| same(given, token)) || cookie.is_some_and(|given| same(given, token))
    }

    /// The token in the query of a page, as in the address that `serve` prints: it becomes a cookie.
    fn welcome(&self, request: &Request) -> Option<Response> {
        let token = self.token.as_deref()?;
        let given = request.uri().query()?.split('&').find_map(|pair| pair.strip_prefix("token="))?;
        let page = request.method() == Method::GET && !request.uri().path().starts_with("/api");
        if !page || !same(given, token) {
            return None;
        }
        let cookie = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict");
        let location = HeaderValue::from_str(request.uri().path()).ok()?;
        Some(
            (
                StatusCode::SEE_OTHER,
                [(header::SET_COOKIE, HeaderValue::from_str(&cookie).ok()?), (header::LOCATION, location)],
            )
                .into_response(),
        )
    }
}

/// Checks each request before any route sees it, and adds the headers that every answer carries.
pub(super) async fn check(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    let mut response = match refuse(&access, &request) {
        Some(failure) => failure.into_response(),
        None => match access.welcome(&request) {
            Some(welcome) => welcome,
            None if access.wrong_tokens.left(Instant::now()) < 1.0 => slow_down("too many wrong tokens"),
            None if access.admits(request.headers()) => next.run(request).await,
            None if !access.wrong_tokens.take(Instant::now()) => slow_down("too many wrong tokens"),
            None => Failure::new(StatusCode::UNAUTHORIZED, "unauthorized", "this server asks for a token")
                .with_hint("open the address that `throng serve` printed, or send `Authorization: Bearer TOKEN`")
                .into_response(),
        },
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    response
}

fn refuse(access: &Access, request: &Request) -> Option<Failure> {
    let headers = request.headers();
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !access.knows_host(host) {
        let failure = Failure::new(StatusCode::FORBIDDEN, "host_unknown", "this server is not known under that name");
        return Some(failure.with_hint("open it as http://127.0.0.1 or http://localhost"));
    }
    let changes_something = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let opens_a_stream = headers.contains_key(header::UPGRADE);
    if (changes_something || opens_a_stream) && !comes_from_us(headers, host) {
        return Some(Failure::new(StatusCode::FORBIDDEN, "origin_foreign", "another page may not ask for this"));
    }
    if changes_something && !access.writes.take(Instant::now()) {
        return Some(too_fast("too many changes in a second"));
    }
    None
}

fn too_fast(message: &str) -> Failure {
    Failure::new(StatusCode::TOO_MANY_REQUESTS, "too_fast", message).with_hint("wait a second")
}

fn slow_down(message: &str) -> Response {
    let mut response = too_fast(message).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// Whether a request comes from our own page or from no page at all. Browsers say so themselves (`Sec-Fetch-Site`);
/// older ones name the page's origin, whose host must be ours.
fn comes_from_us(headers: &HeaderMap, host: &str) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    match headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or_default()) {
        None => true,
        Some(origin) => origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host)),
    }
}

/// A host without its port.
fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Compares two secrets in a time that does not tell how alike they are.
fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> Access {
        Access::new(([127, 0, 0, 1], 7878).into(), None)
    }

    #[test]
    fn only_our_own_names_are_known() {
        for host in ["localhost", "localhost:7878", "127.0.0.1:7878", "[::1]:7878", "[::1]", "LOCALHOST:1", "127.0.0.2"]
        {
            assert!(local().knows_host(host), "{host}");
        }
        for host in
            ["", "evil.example", "evil.example:7878", "localhost.evil.example", "10.0.0.1:7878", "127.0.0.1.evil"]
        {
            assert!(!local().knows_host(host), "{host}");
        }
    }

    #[test]
    fn other_pages_are_told_from_our_own() {
        let from = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            comes_from_us(&headers, "127.0.0.1:7878")
        };
        assert!(comes_from_us(&HeaderMap::new(), "127.0.0.1:7878"));
        assert!(from("origin", "http://127.0.0.1:7878"));
        assert!(from("sec-fetch-site", "same-origin"));
        assert!(!from("origin", "http://evil.example"));
        assert!(!from("origin", "http://127.0.0.1:3000"));
        assert!(!from("origin", "null"));
        assert!(!from("sec-fetch-site", "same-site"));
        assert!(!from("sec-fetch-site", "cross-site"));
    }

    #[test]
    fn a_bucket_gives_its_rate_and_what_it_has_saved() {
        let bucket = Bucket::new(10.0);
        let now = Instant::now();
        assert_eq!((0..20).filter(|_| bucket.take(now)).count(), 10);
        let later = now + std::time::Duration::from_millis(500);
        assert_eq!((0..20).filter(|_| bucket.take(later)).count(), 5);
        assert_eq!((0..40).filter(|_| bucket.take(later + std::time::Duration::from_secs(60))).count(), 10);
    }

    #[test]
    fn the_token_comes_in_a_header_or_a_cookie() {
        let access = Access::new(([0, 0, 0, 0], 7878).into(), Some("secret".to_owned()));
        let with = |name: header::HeaderName, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            access.admits(&headers)
        };
        assert!(with(header::AUTHORIZATION, "Bearer secret"));
        assert!(with(header::COOKIE, "a=b; throng_token=secret"));
        assert!(!with(header::AUTHORIZATION, "Bearer secre"));
        assert!(!with(header::COOKIE, "throng_token=other"));
        assert!(!access.admits(&HeaderMap::new()));
    }
}
