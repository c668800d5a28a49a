//! Who may ask: the host must be one of ours (against DNS rebinding), writes and live streams must come from our own
//! page (against other pages in the same browser), and beyond this machine a token is needed.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
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

/// Wrong tokens in a second from one peer; what it sends beyond is not even looked at.
const WRONG_TOKENS: f64 = 10.0;
/// Peers with wrong tokens that are told apart; more of them at a time share one account.
const MAX_PEERS: usize = 1_024;
/// Requests in a second that change something, from whoever may.
const WRITES: f64 = 200.0;

/// Who asks: an address, or the network of one person's where addresses are plenty.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Peer(IpAddr);

impl Peer {
    /// All those that are too many to be told apart.
    const OTHERS: Self = Self(IpAddr::V6(Ipv6Addr::UNSPECIFIED));

    /// Who asks from an address.
    pub(super) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(IpAddr::V4(address)),
            IpAddr::V6(address) => Self(IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64))),
        }
    }
}

/// The rules for one server.
#[derive(Debug)]
pub struct Access {
    bound_to: IpAddr,
    token: Option<String>,
    wrong_tokens: WrongTokens,
    writes: Bucket,
}

/// What may be done so many times in a second, and as often at once.
#[derive(Debug)]
struct Bucket {
    rate: f64,
    /// What is left, and when that was so.
    level: Mutex<(f64, Instant)>,
}

/// What each peer may still guess.
#[derive(Debug, Default)]
struct WrongTokens(Mutex<HashMap<Peer, (f64, Instant)>>);

/// What came of looking at a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Look {
    Right,
    Wrong,
    /// It was not looked at: its peer has guessed too often.
    Spared,
}

impl WrongTokens {
    /// Looks whether a peer's token is right, where it may still guess; a wrong one costs it a guess.
    fn look(&self, peer: Peer, now: Instant, is_right: impl FnOnce() -> bool) -> Look {
        // Held while it is looked at, so that no guess goes free beside another.
        let mut peers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if peers.len() >= MAX_PEERS && !peers.contains_key(&peer) {
            peers.retain(|_, level| refilled(*level, WRONG_TOKENS, now) < WRONG_TOKENS);
        }
        let peer = if peers.len() < MAX_PEERS || peers.contains_key(&peer) { peer } else { Peer::OTHERS };
        let mut level = peers.get(&peer).copied().unwrap_or((WRONG_TOKENS, now));
        if refilled(level, WRONG_TOKENS, now) < 1.0 {
            return Look::Spared;
        }
        if is_right() {
            return Look::Right;
        }
        take(&mut level, WRONG_TOKENS, now);
        peers.insert(peer, level);
        Look::Wrong
    }
}

/// What is there at a moment of what was left at another.
fn refilled((left, at): (f64, Instant), rate: f64, now: Instant) -> f64 {
    (left + now.saturating_duration_since(at).as_secs_f64() * rate).min(rate)
}

/// Takes one out; says whether there was one.
fn take(level: &mut (f64, Instant), rate: f64, now: Instant) -> bool {
    let left = refilled(*level, rate, now);
    let there = left >= 1.0;
    *level = (left - f64::from(u8::from(there)), now);
    there
}

impl Bucket {
    fn new(rate: f64) -> Self {
        Self { rate, level: Mutex::new((rate, Instant::now())) }
    }

    /// Takes one out; says whether there was one.
    fn take(&self, now: Instant) -> bool {
        take(&mut self.level.lock().unwrap_or_else(PoisonError::into_inner), self.rate, now)
    }
}

impl Access {
    /// Rules for a server at an address; with a token, every request must carry it.
    pub fn new(address: SocketAddr, token: Option<String>) -> Self {
        Self { bound_to: address.ip(), token, wrong_tokens: WrongTokens::default(), writes: Bucket::new(WRITES) }
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
        // Two slashes, or one and a backslash, would lead to another host.
        let path = format!("/{}", request.uri().path().trim_start_matches(['/', '\\']));
        let location = HeaderValue::from_str(&path).ok()?;
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
    let mut response = match answer_at_the_door(&access, &request) {
        Some(response) => response,
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    response
}

/// What is answered without any route having seen the request; none where it may pass.
fn answer_at_the_door(access: &Access, request: &Request) -> Option<Response> {
    if let Some(failure) = refuse(access, request) {
        return Some(failure.into_response());
    }
    let now = Instant::now();
    if access.token.is_some() {
        let peer = request.extensions().get::<Peer>().copied().unwrap_or(Peer::OTHERS);
        let mut welcome = None;
        let look = access.wrong_tokens.look(peer, now, || {
            welcome = access.welcome(request);
            welcome.is_some() || access.admits(request.headers())
        });
        match look {
            Look::Spared => return Some(slow_down("too many wrong tokens")),
            Look::Wrong => {
                let failure = Failure::new(StatusCode::UNAUTHORIZED, "unauthorized", "this server asks for a token");
                let hint = "open the address that `throng serve` printed, or send `Authorization: Bearer TOKEN`";
                return Some(failure.with_hint(hint).into_response());
            }
            Look::Right if welcome.is_some() => return welcome,
            Look::Right => {}
        }
    }
    // Those who may not change anything do not use up what those may who can.
    (changes_something(request) && !access.writes.take(now)).then(|| slow_down("too many changes in a second"))
}

fn changes_something(request: &Request) -> bool {
    !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
}

fn refuse(access: &Access, request: &Request) -> Option<Failure> {
    let headers = request.headers();
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !access.knows_host(host) {
        let failure = Failure::new(StatusCode::FORBIDDEN, "host_unknown", "this server is not known under that name");
        return Some(failure.with_hint("open it as http://127.0.0.1 or http://localhost"));
    }
    let opens_a_stream = headers.contains_key(header::UPGRADE);
    if (changes_something(request) || opens_a_stream) && !comes_from_us(headers, host) {
        return Some(Failure::new(StatusCode::FORBIDDEN, "origin_foreign", "another page may not ask for this"));
    }
    None
}

fn slow_down(message: &str) -> Response {
    let failure = Failure::new(StatusCode::TOO_MANY_REQUESTS, "too_fast", message).with_hint("wait a second");
    let mut response = failure.into_response();
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

    fn asked(access: &Access, from: [u8; 4], method: Method, token: Option<&str>) -> Option<StatusCode> {
        let mut request = Request::builder().method(method).uri("/api/status").header(header::HOST, "throng");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let mut request = request.body(axum::body::Body::empty()).unwrap();
        request.extensions_mut().insert(Peer::of(from.into()));
        answer_at_the_door(access, &request).map(|response| response.status())
    }

    #[test]
    fn who_guesses_locks_out_nobody_but_themselves() {
        let access = Access::new(([0, 0, 0, 0], 7878).into(), Some("secret".to_owned()));
        let (stranger, operator) = ([10, 0, 0, 1], [10, 0, 0, 2]);
        for _ in 0..10 {
            assert_eq!(asked(&access, stranger, Method::GET, Some("guess")), Some(StatusCode::UNAUTHORIZED));
        }
        assert_eq!(asked(&access, stranger, Method::GET, Some("secret")), Some(StatusCode::TOO_MANY_REQUESTS));
        for _ in 0..100 {
            assert_eq!(asked(&access, operator, Method::GET, Some("secret")), None);
        }
    }

    #[test]
    fn who_may_not_change_anything_uses_up_no_change() {
        let access = Access::new(([0, 0, 0, 0], 7878).into(), Some("secret".to_owned()));
        for host in 0..250 {
            for _ in 0..4 {
                assert_eq!(asked(&access, [10, 0, 1, host], Method::POST, None), Some(StatusCode::UNAUTHORIZED));
            }
        }
        assert_eq!(asked(&access, [10, 0, 0, 2], Method::POST, Some("secret")), None);
    }

    #[test]
    fn peers_that_guess_fill_no_memory() {
        let wrong = WrongTokens::default();
        let now = Instant::now();
        for peer in 0..5_000_u32 {
            wrong.look(Peer::of(IpAddr::V4(peer.to_be_bytes().into())), now, || false);
        }
        assert!(wrong.0.lock().unwrap().len() <= MAX_PEERS + 1);
        let later = now + std::time::Duration::from_secs(2);
        assert_eq!(wrong.look(Peer::of([10, 9, 9, 9].into()), later, || false), Look::Wrong);
        assert_eq!(wrong.0.lock().unwrap().len(), 1, "those who rest are forgotten");
        assert_eq!(wrong.look(Peer::of([10, 9, 9, 8].into()), later, || true), Look::Right);
        assert_eq!(wrong.0.lock().unwrap().len(), 1, "who has the token is not counted");
        let one = |text: &str| Peer::of(text.parse().unwrap());
        assert_eq!(one("2001:db8::1"), one("2001:db8::ffff:2"));
        assert_ne!(one("2001:db8::1"), one("2001:db8:0:1::1"));
        assert_eq!(one("::ffff:10.0.0.1"), one("10.0.0.1"));
    }

    #[test]
    fn the_welcome_leads_to_no_other_host() {
        let access = Access::new(([0, 0, 0, 0], 7878).into(), Some("secret".to_owned()));
        for (asked, leads) in [
            ("//evil.example/?token=secret", "/evil.example/"),
            ("/\\evil/?token=secret", "/evil/"),
            ("/?token=secret", "/"),
        ] {
            let request = Request::builder().uri(asked).body(axum::body::Body::empty()).unwrap();
            let welcome = access.welcome(&request).unwrap();
            assert_eq!(welcome.headers()[header::LOCATION], leads, "{asked}");
        }
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
