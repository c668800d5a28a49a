//! Opening connections: names to addresses, TCP, TLS, each with its own time.

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use shared::run::FailureKind;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::transport::address::{Address, is_private};
use crate::transport::failure::TransportError;
use crate::transport::stream::Stream;

/// How long a name's addresses are believed.
const NAME_LIFETIME: Duration = Duration::from_secs(30);

/// What opening a connection took.
#[derive(Clone, Copy, Debug)]
pub struct DialTimes {
    /// TCP's handshake.
    pub connect: Duration,
    /// The TLS handshake, where there was one.
    pub tls: Option<Duration>,
}

/// How far a dialer goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reach {
    /// This machine and its own network.
    Private,
    /// Wherever the address leads.
    Anywhere,
}

/// Opens connections to one address; lives on one thread.
#[derive(Debug)]
pub struct Dialer {
    address: Address,
    reach: Reach,
    tls: Option<(TlsConfig, ServerName<'static>)>,
    known: RefCell<Option<Known>>,
}

#[derive(Debug)]
struct Known {
    addresses: Vec<SocketAddr>,
    since: Instant,
}

/// How to speak TLS; made once per run, shared by every connection.
#[derive(Clone)]
pub struct TlsConfig(Arc<ClientConfig>);

impl std::fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsConfig")
    }
}

impl TlsConfig {
    /// TLS 1.2 and 1.3 by ring, trusting the public roots.
    ///
    /// # Errors
    ///
    /// Says what the library refuses.
    pub fn public_roots() -> Result<Self, String> {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("cannot set up TLS: {error}"))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// The library's own form.
    pub fn to_config(&self) -> ClientConfig {
        ClientConfig::clone(&self.0)
    }
}

impl Dialer {
    /// A dialer for one address.
    ///
    /// # Errors
    ///
    /// Refuses a host that TLS cannot name.
    pub fn new(address: Address, tls: Option<TlsConfig>, reach: Reach) -> Result<Self, String> {
        let tls = match tls {
            Some(config) if address.secure => {
                let name = ServerName::try_from(address.host.clone())
                    .map_err(|_error| format!("`{}` is not a name that TLS can check", address.host))?;
                Some((config, name))
            }
            _ => None,
        };
        Ok(Self { address, reach, tls, known: RefCell::new(None) })
    }

    /// Where it leads.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Opens a connection.
    ///
    /// # Errors
    ///
    /// Says what kind of failure it was.
    pub async fn dial(&self) -> Result<(Stream, DialTimes), TransportError> {
        let addresses = self.addresses().await?;
        let (tcp, connect) = match self.reach(&addresses).await {
            Ok(reached) => reached,
            Err(error) => {
                // The name may have moved.
                self.known.replace(None);
                return Err(error);
            }
        };
        let Some((config, name)) = &self.tls else {
            return Ok((Stream::Plain(tcp), DialTimes { connect, tls: None }));
        };
        let started = Instant::now();
        let secured = TlsConnector::from(Arc::clone(&config.0)).connect(name.clone(), tcp).await;
        let stream = secured.map_err(|error| TransportError::new(FailureKind::Tls, error.to_string()))?;
        Ok((Stream::Secure(Box::new(stream)), DialTimes { connect, tls: Some(started.elapsed()) }))
    }

    /// Tries each address in turn; the one that answered goes first from then on.
    async fn reach(&self, addresses: &[SocketAddr]) -> Result<(TcpStream, Duration), TransportError> {
        let mut last = None;
        for (index, address) in addresses.iter().enumerate() {
            // Looked at here and not only when the run starts: a name may lead elsewhere tomorrow.
            if self.reach == Reach::Private && !is_private(address.ip()) {
                let detail = format!("{address} lies outside this network and was not allowed (--allow-target)");
                last = Some(TransportError::new(FailureKind::ConnectionFailed, detail));
                continue;
            }
            let started = Instant::now();
            match TcpStream::connect(address).await {
                Ok(tcp) => {
                    let took = started.elapsed();
                    if index > 0
                        && let Some(known) = self.known.borrow_mut().as_mut()
                        && index < known.addresses.len()
                    {
                        known.addresses.swap(0, index);
                    }
                    // Requests are written whole: waiting for more to send would only delay them.
                    tcp.set_nodelay(true).map_err(|error| TransportError::opening(&error))?;
                    return Ok((tcp, took));
                }
                Err(error) => last = Some(TransportError::opening(&error)),
            }
        }
        Err(last.unwrap_or_else(|| self.no_address("the name has no address")))
    }

    async fn addresses(&self) -> Result<Vec<SocketAddr>, TransportError> {
        if let Ok(ip) = self.address.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, self.address.port)]);
        }
        if let Some(known) = self.known.borrow().as_ref()
            && known.since.elapsed() < NAME_LIFETIME
        {
            return Ok(known.addresses.clone());
        }
        let addresses = resolve(&self.address).await.map_err(|why| self.no_address(&why))?;
        self.known.replace(Some(Known { addresses: addresses.clone(), since: Instant::now() }));
        Ok(addresses)
    }

    fn no_address(&self, why: &str) -> TransportError {
        TransportError::new(FailureKind::NameNotResolved, format!("{}: {why}", self.address.host))
    }
}

/// Every address of a host; at least one.
///
/// # Errors
///
/// Says why there is none.
pub async fn resolve(address: &Address) -> Result<Vec<SocketAddr>, String> {
    let found = tokio::net::lookup_host((address.host.as_str(), address.port)).await;
    let addresses: Vec<SocketAddr> = found.map_err(|error| error.to_string())?.collect();
    if addresses.is_empty() { Err("the name has no address".to_owned()) } else { Ok(addresses) }
}
