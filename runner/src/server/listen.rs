//! Accepting connections: no more than can be served, none that dawdles over a request's head.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use super::guard::Peer;

/// Connections at the same time: panels, watchers, programs.
const MAX_CONNECTIONS: usize = 4_096;
/// Connections of one peer at the same time, so that nobody takes the places of all. This machine's own are not
/// counted: its panel, its watchers, its checks of health and a proxy share one address.
const MAX_OF_ONE_PEER: usize = 512;
/// Time for the head of a request, from the first wait for it.
const HEAD_TIME: Duration = Duration::from_secs(15);
/// Pause after the system could not accept: out of file handles, mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What those are told who come too many.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n\
    Content-Type: application/json\r\nContent-Length: 69\r\n\r\n\
    {\"code\":\"too_many_connections\",\"message\":\"too many connections here\"}";

/// Who holds how many connections.
#[derive(Debug)]
struct Places {
    all: usize,
    of_one_peer: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// Only of those who hold any, and come from other machines.
    by_peer: HashMap<Peer, usize>,
}

/// A place for one connection; dropped, it is free again.
#[derive(Debug)]
struct Place {
    places: Arc<Places>,
    counted: Option<Peer>,
}

impl Places {
    fn new(all: usize, of_one_peer: usize) -> Arc<Self> {
        Arc::new(Self { all, of_one_peer, taken: Mutex::default() })
    }

    /// A place for a connection from an address, unless all are taken, or all that one peer may have.
    fn take(self: &Arc<Self>, from: IpAddr) -> Option<Place> {
        let counted = (!from.to_canonical().is_loopback()).then(|| Peer::of(from));
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.all {
            return None;
        }
        if let Some(peer) = counted {
            if taken.by_peer.get(&peer).is_some_and(|held| *held >= self.of_one_peer) {
                return None;
            }
            *taken.by_peer.entry(peer).or_default() += 1;
        }
        taken.all += 1;
        Some(Place { places: Arc::clone(self), counted })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        if let Some(peer) = self.counted
            && let Some(held) = taken.by_peer.get_mut(&peer)
        {
            *held -= 1;
            if *held == 0 {
                taken.by_peer.remove(&peer);
            }
        }
    }
}

/// Answers until `stop` is ready, then lets open requests end.
pub(super) async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let places = Places::new(MAX_CONNECTIONS, MAX_OF_ONE_PEER);
    let router = TowerToHyperService::new(router);
    let graceful = GracefulShutdown::new();
    let mut http = Builder::new(TokioExecutor::new()).http1_only();
    http.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // One connection's own trouble is over; what the system lacks may be there a moment later.
                if !is_of_one(&error) {
                    tracing::warn!(%error, "no connection can be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
                continue;
            }
        };
        let Some(place) = places.take(address.ip()) else {
            tokio::spawn(turn_away(stream));
            continue;
        };
        // Small messages ten times a second: each is to go at once.
        let _ = stream.set_nodelay(true);
        let (router, peer) = (router.clone(), Peer::of(address.ip()));
        let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(peer);
            router.call(request)
        });
        let connection = http.serve_connection_with_upgrades(TokioIo::new(stream), service);
        let connection = graceful.watch(connection.into_owned());
        tokio::spawn(async move {
            // A client that goes away has told nobody why, and nobody needs to know.
            let _ended = connection.await;
            drop(place);
        });
    }
    graceful.shutdown().await;
}

async fn turn_away(mut stream: TcpStream) {
    let _told = tokio::time::timeout(Duration::from_secs(1), stream.write_all(FULL)).await;
}

fn is_of_one(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_the_places_of_all() {
        let places = Places::new(8, 3);
        let far = |last| IpAddr::from([10, 0, 0, last]);
        let mut held: Vec<Place> = (0..3).map(|_| places.take(far(1)).unwrap()).collect();
        assert!(places.take(far(1)).is_none(), "a fourth of one peer");
        // The same peer in the other notation, and one network of IPv6.
        assert!(places.take("::ffff:10.0.0.1".parse().unwrap()).is_none());
        held.push(places.take(far(2)).unwrap());
        // This machine's own are counted among all only.
        held.extend((0..4).map(|_| places.take(IpAddr::from([127, 0, 0, 1])).unwrap()));
        assert!(places.take(far(3)).is_none() && places.take(IpAddr::from([127, 0, 0, 1])).is_none(), "all are taken");
        held.remove(0);
        held.push(places.take(far(1)).unwrap());
        drop(held);
        let taken = places.taken.lock().unwrap();
        assert!(taken.all == 0 && taken.by_peer.is_empty(), "{taken:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_comes_a_byte_at_a_time_is_not_waited_for() {
        use tokio::io::AsyncReadExt as _;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut serving = tokio::task::JoinSet::new();
        serving.spawn(serve(listener, Router::new(), std::future::pending()));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ").await.unwrap();
        let begun = tokio::time::Instant::now();
        let mut answer = Vec::new();
        loop {
            let waited = tokio::time::timeout(Duration::from_secs(1), stream.read_buf(&mut answer)).await;
            if matches!(waited, Ok(Ok(0) | Err(_))) {
                break;
            }
            assert!(begun.elapsed() < 4 * HEAD_TIME, "still waited for: {}", String::from_utf8_lossy(&answer));
            // Once the server is gone, the write fails; the read tells.
            let _sent = stream.write_all(b"x").await;
        }
        assert!(begun.elapsed() + Duration::from_secs(1) >= HEAD_TIME, "ended after {:?}", begun.elapsed());
    }

    #[test]
    fn who_comes_too_many_is_told_so_in_whole() {
        let text = std::str::from_utf8(FULL).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{} bytes", body.len());
        serde_json::from_str::<shared::api::ErrorBody>(body).unwrap();
    }
}
