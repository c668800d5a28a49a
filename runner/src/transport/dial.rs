//! Opening connections: names to addresses, TCP, TLS, each with its own time.

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use shared::run::FailureKind;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::transport::address::{Address, is_private};
use crate::transport::failure::TransportError;
use crate::transport::stream::Stream;
use crate::transport::tls::{TlsConfig, handshake_failed};

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

impl Reach {
    /// That of a host, given those beyond this network that may be sent to.
    pub fn of(host: &str, allowed: &[String]) -> Self {
        if allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(host)) { Self::Anywhere } else { Self::Private }
    }
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

impl Dialer {
    /// A dialer for one address.
    ///
    /// # Errors
    ///
    /// Refuses a host that TLS cannot name.
    pub fn new(address: Address, tls: Option<TlsConfig>, reach: Reach) -> Result<Self, String> {
        Self::naming(address, tls, None, reach)
    }

    /// A dialer for one address whose certificate bears another name than its host.
    ///
    /// # Errors
    ///
    /// Refuses a name that TLS cannot check.
    pub fn naming(
        address: Address,
        tls: Option<TlsConfig>,
        server_name: Option<&str>,
        reach: Reach,
    ) -> Result<Self, String> {
        let tls = match tls {
            Some(config) if address.secure => {
                let name = server_name.unwrap_or(&address.host).to_owned();
                let checked = ServerName::try_from(name.clone())
                    .map_err(|_error| format!("`{name}` is not a name that TLS can check"))?;
                Some((config, checked))
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
        let secured = TlsConnector::from(config.shared()).connect(name.clone(), tcp).await;
        let stream = secured.map_err(|error| handshake_failed(&error))?;
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
