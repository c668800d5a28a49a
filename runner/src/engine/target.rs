//! A target made ready: its address, its requests' heads with their secrets, and the rules for its answers.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use shared::encode::{BatchPlan, Pointer, RequestTemplate};
use shared::plan::{EventTypeId, TargetPlan};
use shared::scenario::model::target::{Auth, Compression, Http, HttpVersion, Method, Protocol, Target, Tls, TokenVia};
use shared::scenario::secret;
use shared::units::Nanos;

use crate::engine::expectation::Expected;
use crate::engine::meaning::Meanings;
use crate::engine::mqtt_setup::MqttSetup;
use crate::engine::prepare_error::PrepareError;
use crate::engine::retry::RetryRule;
use crate::engine::stream_setup::{StreamSetup, Way};
use crate::folder::Folder;
use crate::transport::Transport;
use crate::transport::address::Address;
use crate::transport::channel::ChannelTransport;
use crate::transport::dial::{Dialer, Reach};
use crate::transport::http::request::RequestHead;
use crate::transport::http::{Capacity, HttpTransport, Version};
use crate::transport::mqtt::MqttTransport;
use crate::transport::sink::Sink;
use crate::transport::tls::{Identity, TlsConfig, TlsOptions};
use crate::transport::websocket::{Handshake, WsTransport};

/// Longest waits where the scenario says nothing.
pub(crate) const TIMEOUT: Nanos = Nanos::from_secs(30);
pub(crate) const CONNECT_TIMEOUT: Nanos = Nanos::from_secs(5);
/// Bytes kept of an answer that is only shown, and of one that is counted from.
const SHOWN: usize = 4 * 1024;
const COUNTED: usize = 4 * 1024 * 1024;
/// Connections per worker where the scenario says nothing; of HTTP/2, and streams in each.
const CONNECTIONS_PER_WORKER: usize = 64;
const HTTP2_CONNECTIONS_PER_WORKER: usize = 1;
const STREAMS: u32 = 100;
/// What stands for credentials that a fault lets expire.
const EXPIRED: &str = "expired";
/// Longest file of a certificate or a key.
const MAX_PEM: u64 = 1024 * 1024;

/// A target that can be sent to. It holds secrets, so that its heads never show themselves.
#[derive(Debug)]
pub(crate) struct TargetSetup {
    pub(crate) name: String,
    pub(crate) protocol: Protocol,
    /// The place of its protocol among those of the run.
    pub(crate) protocol_place: u8,
    pub(crate) address: Address,
    pub(crate) timeout: Nanos,
    pub(crate) connect_timeout: Nanos,
    /// Most connections of the whole run; none: the default for each worker.
    pub(crate) connections: Option<u32>,
    pub(crate) meanings: Meanings,
    pub(crate) retry: RetryRule,
    /// Kinds of requests; the first carries single events.
    pub(crate) routes: Vec<Route>,
    /// Which of them carries batches.
    pub(crate) batch_route: Option<usize>,
    /// Which of them an event type insists on, by event type.
    own_routes: Vec<Option<usize>>,
    /// Room in front of a body that fits each route's head.
    pub(crate) room: usize,
    /// What answers must be like.
    pub(crate) expectations: Arc<[Expected]>,
    /// Whether anything is sent to it.
    pub(crate) used: bool,
    /// Whether what is sent is answered.
    pub(crate) answers: bool,
    /// How bodies are compressed, and how hard.
    pub(crate) compression: Option<(Compression, Option<u32>)>,
    /// Requests after which a connection is closed.
    pub(crate) requests_per_connection: u64,
    /// What a person must know of it.
    pub(crate) warning: Option<String>,
    http: Http,
    /// Where its requests end, where that is no network.
    sink: Option<Sink>,
    tls: Option<TlsConfig>,
    server_name: Option<String>,
    reach: Reach,
    health: Option<Health>,
    /// Set where messages travel on streams that are held open.
    pub(crate) stream: Option<StreamSetup>,
}

/// What to ask before a run.
#[derive(Debug)]
struct Health {
    path: String,
    /// Whether a wrong answer stops the run.
    required: bool,
}

/// A kind of request.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) head: RequestHead,
    /// The same with credentials that are not valid any more, where it has some.
    pub(crate) expired: Option<RequestHead>,
    pub(crate) prefix: Vec<u8>,
    pub(crate) separator: Vec<u8>,
    pub(crate) suffix: Vec<u8>,
    pub(crate) max_events: u32,
    pub(crate) linger: Nanos,
    pub(crate) ok_count: Option<Pointer>,
    pub(crate) failed_count: Option<Pointer>,
    /// Where an answer lists what became of each event, and the field of an item that says whether it was accepted.
    pub(crate) results: Option<(Pointer, Pointer)>,
    /// Whether what an answer says has a meaning, beside its status.
    pub(crate) reads_body: bool,
    /// Bytes to keep of an answer.
    pub(crate) keep: usize,
    /// Method and address, for samples.
    pub(crate) shown: String,
}

impl Route {
    fn new(
        address: &Address,
        template: &RequestTemplate,
        batch: Option<&BatchPlan>,
        headers: &[(String, String)],
        query: &str,
        reads: bool,
    ) -> Result<Self, String> {
        let path = batch.map_or(&template.path, |batch| &batch.path);
        let framing = batch.map_or(&template.single, |batch| &batch.framing);
        let method = template.method.name();
        let pointer = |pointer: fn(&BatchPlan) -> Option<&Pointer>| batch.and_then(pointer).cloned();
        let (ok_count, failed_count) = (pointer(|b| b.ok_count.as_ref()), pointer(|b| b.failed_count.as_ref()));
        let results = batch.and_then(|batch| batch.results.as_ref());
        let results = results.map(|(list, ok)| (list.clone(), Pointer::field(ok)));
        let reads_body = ok_count.is_some() || failed_count.is_some() || results.is_some() || reads;
        Ok(Self {
            head: Self::head(address, template, batch, headers, query)?,
            expired: None,
            prefix: framing.prefix.clone(),
            separator: framing.separator.clone(),
            suffix: framing.suffix.clone(),
            max_events: batch.map_or(1, |batch| batch.max_events.max(1)),
            linger: batch.map_or(Nanos::ZERO, |batch| batch.linger),
            reads_body,
            keep: if reads_body { COUNTED } else { SHOWN },
            results,
            ok_count,
            failed_count,
            shown: format!("{method} {}{}{path}", address.origin(), address.base_path),
        })
    }

    fn head(
        address: &Address,
        template: &RequestTemplate,
        batch: Option<&BatchPlan>,
        headers: &[(String, String)],
        query: &str,
    ) -> Result<RequestHead, String> {
        let path = batch.map_or(&template.path, |batch| &batch.path);
        let joint = if query.is_empty() {
            ""
        } else if path.contains('?') {
            "&"
        } else {
            "?"
        };
        RequestHead::new(address, template.method.name(), &format!("{path}{joint}{query}"), headers)
    }

    /// The longest of its heads.
    fn room(&self) -> usize {
        self.head.room().max(self.expired.as_ref().map_or(0, RequestHead::room))
    }

    /// One event per line, and nothing around it.
    fn line(shown: String) -> Self {
        Self {
            head: RequestHead::none(),
            expired: None,
            prefix: Vec::new(),
            separator: Vec::new(),
            suffix: b"\n".to_vec(),
            max_events: 1,
            linger: Nanos::ZERO,
            ok_count: None,
            failed_count: None,
            results: None,
            reads_body: false,
            keep: 0,
            shown,
        }
    }
}

impl Route {
    /// The same, as messages on a stream: without a head.
    fn on_stream(self, url: &str) -> Self {
        let shown = format!("message to {}", url.split('?').next().unwrap_or_default());
        Self { head: RequestHead::none(), expired: None, shown, ..self }
    }
}

impl TargetSetup {
    /// Makes a target ready; adds the secrets that it found to `secrets`.
    pub(crate) fn new(
        plan: &TargetPlan,
        target: &Target,
        url: &str,
        event_types: usize,
        context: &Context<'_>,
        secrets: &mut Vec<String>,
    ) -> Result<Self, PrepareError> {
        let name = plan.name.clone();
        let wrong = |why: String| PrepareError::Target { target: name.clone(), why };
        let sink = match target.protocol {
            Protocol::Http | Protocol::Ws | Protocol::Mqtt => None,
            Protocol::Discard => Some(Sink::Nowhere),
            Protocol::File => Some(Sink::File(context.folder.resolve(url).map_err(wrong)?)),
        };
        if let Some(sink) = sink {
            return Self::local(name, target, sink, event_types);
        }
        let address = Address::parse(url).map_err(wrong)?;
        let mut headers = plan.request.headers.clone();
        if plan.request.method != Method::Get {
            headers.push(("Content-Type".to_owned(), plan.request.content_type.clone()));
        }
        for (header, value) in target.headers.iter().filter(|(_, value)| value.contains("${")) {
            let value = context.resolve(&name, &format!("header {header}"), value)?;
            secrets.push(value.clone());
            headers.push((header.clone(), value));
        }
        let streams = target.protocol.holds_streams();
        let broker = match target.protocol {
            Protocol::Mqtt => Some(broker(&name, target, context, secrets)?),
            Protocol::Http | Protocol::Ws | Protocol::File | Protocol::Discard => None,
        };
        if streams {
            headers.retain(|(header, _)| !header.eq_ignore_ascii_case("content-type"));
        }
        let auth = if broker.is_some() { &Auth::None } else { &target.auth };
        let mut stale = headers.clone();
        let stale_query = credentials(&name, &expired(auth), context, &mut stale, &mut Vec::new())?.query;
        let Credentials { query, first } = credentials(&name, auth, context, &mut headers, secrets)?;
        let with_credentials = headers.len();
        let http = target.http.clone().unwrap_or_default();
        if let Some(compression) = http.compress {
            headers.push(("Content-Encoding".to_owned(), compression.name().to_owned()));
        }
        if http.requests_per_connection == Some(1) {
            headers.push(("Connection".to_owned(), "close".to_owned()));
        }
        let meanings = if streams {
            Meanings::usual()
        } else {
            Meanings::new(&target.classify, &target.answers).map_err(wrong)?
        };
        let reads = meanings.reads_bodies() || context.expectations.iter().any(Expected::reads_bodies);
        stale.extend_from_slice(&headers[with_credentials..]);
        let stale = (target.auth != Auth::None).then_some((stale.as_slice(), stale_query.as_str()));
        let route = |template, batch| {
            let mut route = Route::new(&address, template, batch, &headers, &query, reads).map_err(wrong)?;
            if let Some((headers, query)) = stale {
                route.expired = Some(Route::head(&address, template, batch, headers, query).map_err(wrong)?);
            }
            Ok::<_, PrepareError>(if streams { route.on_stream(url) } else { route })
        };
        let stream = if let Some(broker) = broker {
            Some(StreamSetup::of_broker(target, broker).map_err(wrong)?)
        } else if streams {
            let uri = stream_uri(url, &plan.request.path, &query);
            let subprotocol = target.ws.as_ref().and_then(|ws| ws.subprotocol.as_deref());
            let handshake = Handshake::new(&uri, &headers, subprotocol).map_err(wrong)?;
            Some(StreamSetup::new(target, handshake, first).map_err(wrong)?)
        } else {
            None
        };
        let mut routes = vec![route(&plan.request, None)?];
        let mut batch_route = None;
        if let Some(batch) = &plan.request.batch {
            batch_route = Some(routes.len());
            routes.push(route(&plan.request, Some(batch))?);
        }
        let mut own_routes = vec![None; event_types];
        for (place, own) in own_routes.iter_mut().enumerate() {
            if let Some(template) = plan.request_of(EventTypeId(place as u16)) {
                *own = Some(routes.len());
                routes.push(route(template, None)?);
            }
        }
        let given = target.tls.clone().unwrap_or_default();
        let version = version(http.version);
        let tls = match address.secure {
            true => Some(tls(&given, version, context.folder).map_err(wrong)?),
            false => None,
        };
        let warning = (tls.is_some() && given.insecure)
            .then(|| format!("target `{name}`: its certificate is not checked (insecure), anybody could be answering"));
        let reach = context.reach(&address.host);
        Ok(Self {
            protocol: target.protocol,
            protocol_place: 0,
            timeout: target.timeout.unwrap_or(TIMEOUT),
            connect_timeout: target.connect_timeout.unwrap_or(CONNECT_TIMEOUT),
            connections: if streams { Some(target.connections.unwrap_or(1)) } else { target.connections },
            meanings,
            retry: RetryRule::new(target.retry.as_ref(), target.throttle_wait),
            room: routes.iter().map(Route::room).max().unwrap_or(0),
            health: target
                .health
                .as_ref()
                .map(|health| Health { path: health.path.clone(), required: health.required }),
            expectations: context.expectations.clone(),
            used: true,
            answers: stream.as_ref().is_none_or(StreamSetup::has_answers),
            compression: http.compress.map(|compression| (compression, http.compress_level)),
            requests_per_connection: http.requests_per_connection.map_or(u64::MAX, u64::from),
            warning,
            http,
            server_name: given.server_name,
            stream,
            routes,
            batch_route,
            own_routes,
            sink: None,
            tls,
            reach,
            address,
            name,
        })
    }

    /// A target that nothing is sent to.
    pub(crate) fn unused(name: String, event_types: usize) -> Result<Self, PrepareError> {
        Ok(Self { used: false, ..Self::local(name, &Target::default(), Sink::Nowhere, event_types)? })
    }

    /// A target that is a file, or nowhere.
    fn local(name: String, target: &Target, sink: Sink, event_types: usize) -> Result<Self, PrepareError> {
        let wrong = |why: String| PrepareError::Target { target: name.clone(), why };
        Ok(Self {
            protocol: target.protocol,
            protocol_place: 0,
            // Nothing of it is ever dialled.
            address: Address::parse("http://localhost").map_err(wrong)?,
            timeout: target.timeout.unwrap_or(TIMEOUT),
            connect_timeout: target.connect_timeout.unwrap_or(CONNECT_TIMEOUT),
            connections: target.connections,
            meanings: Meanings::new(&target.classify, &target.answers).map_err(wrong)?,
            retry: RetryRule::new(target.retry.as_ref(), target.throttle_wait),
            routes: vec![Route::line(sink.origin())],
            batch_route: None,
            own_routes: vec![None; event_types],
            room: 0,
            // There is no answer that could be like anything.
            expectations: Arc::from([]),
            used: true,
            answers: false,
            compression: None,
            requests_per_connection: u64::MAX,
            warning: None,
            http: Http::default(),
            server_name: None,
            stream: None,
            sink: Some(sink),
            tls: None,
            reach: Reach::Private,
            health: None,
            name,
        })
    }

    /// Where it is, for people.
    pub(crate) fn origin(&self) -> String {
        self.sink.as_ref().map_or_else(|| self.address.origin(), Sink::origin)
    }

    /// The route that an event type insists on; such events travel alone.
    pub(crate) fn own_route(&self, event_type: EventTypeId) -> Option<usize> {
        self.own_routes.get(usize::from(event_type.0)).copied().flatten()
    }

    /// A transport of requests for one of so many workers, of whose requests `at_once` wait for answers together; none
    /// where the target has streams.
    pub(crate) fn transport(&self, worker: usize, workers: usize, at_once: usize) -> Result<Option<Transport>, String> {
        if self.stream.is_some() {
            return Ok(None);
        }
        let share = self.share(worker, workers);
        let streams = self.http.streams.unwrap_or(STREAMS);
        let capacity = Capacity {
            connections: share.unwrap_or(at_once.max(CONNECTIONS_PER_WORKER)),
            http2_connections: share.unwrap_or(at_once.div_ceil(streams as usize).max(HTTP2_CONNECTIONS_PER_WORKER)),
            streams,
        };
        if let Some(sink) = &self.sink {
            return Ok(Some(Transport::Sink(sink.clone(), capacity.connections)));
        }
        let transport = HttpTransport::new(self.dialer()?, version(self.http.version), capacity);
        Ok(Some(Transport::Http(Box::new(transport))))
    }

    /// How one of so many workers opens its streams, and how many, where the target has some.
    pub(crate) fn streams(&self, worker: usize, workers: usize) -> Result<Option<(ChannelTransport, usize)>, String> {
        let Some(stream) = &self.stream else { return Ok(None) };
        let dialer = self.dialer()?;
        let transport = match &stream.way {
            Way::Ws(handshake, binary) => {
                ChannelTransport::Ws(Box::new(WsTransport::new(dialer, handshake.clone(), *binary)))
            }
            Way::Mqtt(mqtt) => ChannelTransport::Mqtt(Box::new(MqttTransport::new(dialer, mqtt.introduction.clone()))),
        };
        Ok(Some((transport, self.share(worker, workers).unwrap_or(1))))
    }

    /// One worker's share of the connections, where the scenario says how many there are.
    fn share(&self, worker: usize, workers: usize) -> Option<usize> {
        let all = self.connections? as usize;
        Some((all / workers + usize::from(worker < all % workers)).max(1))
    }

    fn dialer(&self) -> Result<Dialer, String> {
        Dialer::naming(self.address.clone(), self.tls.clone(), self.server_name.as_deref(), self.reach)
    }

    /// Opens one connection, and asks for the target's health; gives what a person should know of a wrong answer that
    /// does not stop the run.
    pub(crate) async fn reachable(&self) -> Result<Option<String>, PrepareError> {
        let unreachable =
            |why: String| PrepareError::Unreachable { target: self.name.clone(), url: self.address.origin(), why };
        if let Some(sink) = &self.sink {
            let opened = sink.open().map(|_open| None);
            let why = |error: std::io::Error| format!("{}: {error}", sink.origin());
            return opened.map_err(|error| PrepareError::Target { target: self.name.clone(), why: why(error) });
        }
        let dialer = self.dialer().map_err(unreachable)?;
        let dialled = tokio::time::timeout(Duration::from_nanos(self.connect_timeout.0), dialer.dial()).await;
        match dialled {
            Ok(Ok(_connection)) => {}
            Ok(Err(error)) => return Err(unreachable(error.to_string())),
            Err(_elapsed) => return Err(unreachable(format!("no connection within {}", self.connect_timeout))),
        }
        let Some(health) = &self.health else { return Ok(None) };
        match self.healthy(&health.path).await {
            Ok(()) => Ok(None),
            Err(why) if health.required => Err(unreachable(why)),
            Err(why) => Ok(Some(format!("target `{}`: {why}", self.name))),
        }
    }

    /// Asks for its health; says what is wrong with the answer.
    async fn healthy(&self, path: &str) -> Result<(), String> {
        let scheme = if self.address.secure { "https" } else { "http" };
        // A stream's path is its own; questions of health go to the root of its host.
        let base = if self.stream.is_some() { "" } else { &self.address.base_path };
        let url = format!("{scheme}://{}{base}{path}", self.address.authority);
        let client = reqwest::Client::builder().tls_backend_preconfigured(self.client_tls()?);
        let client = client.build().map_err(|error| error.to_string())?;
        let asked = client.get(&url).timeout(Duration::from_nanos(self.timeout.0)).send().await;
        let status = asked.map_err(|error| format!("its health cannot be asked for: {error}"))?.status();
        if status.is_success() { Ok(()) } else { Err(format!("its health check answered {status}")) }
    }

    fn client_tls(&self) -> Result<rustls::ClientConfig, String> {
        let config = match &self.tls {
            Some(config) => config.clone(),
            None => TlsConfig::public_roots()?,
        };
        Ok(config.to_config())
    }
}

/// A broker made ready: who its clients say they are.
fn broker(
    name: &str,
    target: &Target,
    context: &Context<'_>,
    secrets: &mut Vec<String>,
) -> Result<MqttSetup, PrepareError> {
    let mut hidden = |field: &str, text: &str| {
        let value = context.resolve(name, field, text)?;
        secrets.push(value.clone());
        Ok::<_, PrepareError>(Some(value))
    };
    let who = match &target.auth {
        Auth::None => (None, None),
        Auth::Basic { username, password } => {
            let username = context.resolve(name, "auth.basic.username", username)?;
            (Some(username), hidden("auth.basic.password", password)?)
        }
        // What a token says about whom is in itself; version 3.1.1 has no password without a name.
        Auth::Bearer { token, .. } => (Some("token".to_owned()), hidden("auth.bearer.token", token)?),
        Auth::ApiKey { value, .. } => (hidden("auth.api_key.value", value)?, None),
    };
    let mqtt = target.mqtt.clone().unwrap_or_default();
    MqttSetup::new(&mqtt, who, (name, context.seed), context.run)
        .map_err(|why| PrepareError::Target { target: name.to_owned(), why })
}

/// What preparing a target depends on beside the scenario.
pub(crate) struct Context<'a> {
    pub(crate) environment: &'a dyn Fn(&str) -> Option<String>,
    pub(crate) allowed_hosts: &'a [String],
    /// The run's seed, and a number that no other run has.
    pub(crate) seed: u64,
    pub(crate) run: u64,
    /// Key to use where the scenario's own is missing: requests go to the practice target.
    pub(crate) practice_key: Option<&'a str>,
    /// Where files are that the scenario names.
    pub(crate) folder: &'a Folder,
    /// What answers must be like.
    pub(crate) expectations: Arc<[Expected]>,
}

fn version(version: HttpVersion) -> Version {
    match version {
        HttpVersion::One => Version::One,
        HttpVersion::Two => Version::Two,
        HttpVersion::Auto => Version::Negotiated,
    }
}

/// A target's TLS, its files read.
pub(crate) fn tls(tls: &Tls, version: Version, folder: &Folder) -> Result<TlsConfig, String> {
    let read =
        |field: &str, name: &String| folder.read_bytes(name, MAX_PEM).map_err(|why| format!("tls.{field}: {why}"));
    let identity = match (&tls.certificate, &tls.key) {
        (Some(certificate), Some(key)) => {
            Some(Identity { certificate: read("certificate", certificate)?, key: read("key", key)? })
        }
        _ => None,
    };
    TlsConfig::new(TlsOptions {
        authority: tls.authority.as_ref().map(|name| read("authority", name)).transpose()?,
        identity,
        insecure: tls.insecure,
        protocols: version.protocols(),
    })
}

impl Context<'_> {
    pub(crate) fn resolve(&self, target: &str, field: &str, text: &str) -> Result<String, PrepareError> {
        let resolved = secret::resolve(text, Some(&|name: &str| (self.environment)(name)));
        match (resolved.filter(|value| !secret::is_placeholder(value)), self.practice_key) {
            (Some(value), _) => Ok(value),
            (None, Some(key)) => Ok(key.to_owned()),
            (None, None) => {
                let missing = secret::references(text).into_iter().find_map(|reference| match reference {
                    secret::Reference::Environment(name) if (self.environment)(name).is_none() => Some(name.to_owned()),
                    secret::Reference::Environment(_) | secret::Reference::Other(_) => None,
                });
                Err(PrepareError::Secret { target: target.to_owned(), field: field.to_owned(), variable: missing })
            }
        }
    }

    /// How far requests to a host may go.
    pub(crate) fn reach(&self, host: &str) -> Reach {
        Reach::of(host, self.allowed_hosts)
    }
}

/// Where a stream's handshake goes, with everything that its query says.
fn stream_uri(url: &str, path: &str, query: &str) -> String {
    let (before, own) = url.split_once('?').map_or((url, ""), |(before, own)| (before, own));
    let place = if path == "/" { before.to_owned() } else { format!("{}{path}", before.trim_end_matches('/')) };
    let all: Vec<&str> = [own, query].into_iter().filter(|part| !part.is_empty()).collect();
    if all.is_empty() { place } else { format!("{place}?{}", all.join("&")) }
}

/// What says who we are beside headers.
#[derive(Default)]
pub(crate) struct Credentials {
    /// In a query.
    pub(crate) query: String,
    /// In the first message of a stream.
    first: Option<Vec<u8>>,
}

/// The same kind of credentials, of no worth any more.
fn expired(auth: &Auth) -> Auth {
    let mut stale = auth.clone();
    match &mut stale {
        Auth::None => {}
        Auth::Basic { password: secret, .. }
        | Auth::Bearer { token: secret, .. }
        | Auth::ApiKey { value: secret, .. } => {
            *secret = EXPIRED.to_owned();
        }
    }
    stale
}

/// Adds the headers that say who we are; gives what else does.
pub(crate) fn credentials(
    target: &str,
    auth: &Auth,
    context: &Context<'_>,
    headers: &mut Vec<(String, String)>,
    secrets: &mut Vec<String>,
) -> Result<Credentials, PrepareError> {
    let mut hidden = |field: &str, text: &str| {
        let value = context.resolve(target, field, text)?;
        secrets.push(value.clone());
        Ok(value)
    };
    match auth {
        Auth::None => {}
        Auth::Basic { username, password } => {
            let username = context.resolve(target, "auth.basic.username", username)?;
            let token = STANDARD.encode(format!("{username}:{}", hidden("auth.basic.password", password)?));
            secrets.push(token.clone());
            headers.push(("Authorization".to_owned(), format!("Basic {token}")));
        }
        Auth::Bearer { token, via } => {
            let token = hidden("auth.bearer.token", token)?;
            match via {
                TokenVia::Message => {
                    let first = serde_json::json!({"type": "authenticate", "token": token}).to_string();
                    return Ok(Credentials { first: Some(first.into_bytes()), ..Credentials::default() });
                }
                TokenVia::Header => {
                    headers.push(("Authorization".to_owned(), format!("Bearer {token}")));
                }
                TokenVia::Query => {
                    let query = reqwest::Url::parse_with_params("http://any/", [("token", &token)]);
                    let query = query.ok().and_then(|url| url.query().map(str::to_owned)).unwrap_or_default();
                    return Ok(Credentials { query, ..Credentials::default() });
                }
            }
        }
        Auth::ApiKey { header, value, .. } => headers.push((header.clone(), hidden("auth.api_key.value", value)?)),
    }
    Ok(Credentials::default())
}

/// Targets of a run, shared by its workers.
pub(crate) type Targets = Arc<[TargetSetup]>;
