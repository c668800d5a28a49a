//! A server for tests that answers as it is told: well, slowly, wrongly, in part or not at all. Threads and blocking
//! sockets, so that it shares nothing with what it tests.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

/// What becomes of a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// An answer with a status, further header lines, and a body.
    Answer(u16, &'static str, String),
    /// These bytes, then an end.
    Raw(Vec<u8>),
    /// A reset.
    Reset,
    /// Nothing, for as long as the other side has patience.
    Nothing,
    /// Another reply, later.
    Later(Duration, Box<Self>),
    /// Another reply, then an end that was not announced.
    ThenClose(Box<Self>),
}

impl Reply {
    /// An answer without a word.
    pub(crate) fn status(status: u16) -> Self {
        Self::Answer(status, "", String::new())
    }
}

/// A server that runs until it is dropped.
pub(crate) struct TrialServer {
    pub(crate) address: SocketAddr,
    pub(crate) requests: Arc<AtomicU64>,
    pub(crate) connections: Arc<AtomicU64>,
}

impl TrialServer {
    /// Starts a server that asks `reply` about each request: its number from 0, its head and its body.
    pub(crate) fn start(reply: impl Fn(u64, &str, &[u8]) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, connections) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (counted, opened) = (Arc::clone(&requests), Arc::clone(&connections));
        let reply = Arc::new(reply);
        // Ends with the process: a listener has no other way to be told.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                opened.fetch_add(1, Ordering::SeqCst);
                let (counted, reply) = (Arc::clone(&counted), Arc::clone(&reply));
                thread::spawn(move || serve(stream, &counted, &*reply));
            }
        });
        Self { address, requests, connections }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn serve(mut stream: TcpStream, counted: &AtomicU64, reply: &(impl Fn(u64, &str, &[u8]) -> Reply + ?Sized)) {
    stream.set_nodelay(true).unwrap();
    let mut held = Vec::new();
    while let Some((head, body)) = read(&mut stream, &mut held) {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        if !answer(&mut stream, reply(number, &head, &body)) {
            return;
        }
    }
}

/// Carries out a reply; says whether the connection goes on.
fn answer(stream: &mut TcpStream, reply: Reply) -> bool {
    match reply {
        Reply::Answer(status, headers, body) => {
            let length = body.len();
            let text = format!("HTTP/1.1 {status} Word\r\nContent-Length: {length}\r\n{headers}\r\n{body}");
            stream.write_all(text.as_bytes()).is_ok()
        }
        Reply::Raw(bytes) => {
            let _ = stream.write_all(&bytes);
            let _ = stream.shutdown(Shutdown::Both);
            false
        }
        Reply::Reset => {
            SockRef::from(&*stream).set_linger(Some(Duration::ZERO)).unwrap();
            false
        }
        Reply::Nothing => {
            let mut byte = [0];
            while matches!(stream.read(&mut byte), Ok(count) if count > 0) {}
            false
        }
        Reply::Later(wait, reply) => {
            thread::sleep(wait);
            answer(stream, *reply)
        }
        Reply::ThenClose(reply) => {
            answer(stream, *reply);
            let _ = stream.shutdown(Shutdown::Both);
            false
        }
    }
}

/// The next request's head and body.
fn read(stream: &mut TcpStream, held: &mut Vec<u8>) -> Option<(String, Vec<u8>)> {
    let mut space = [0; 16 * 1024];
    loop {
        if let Some(end) = held.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&held[..end]).into_owned();
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok()).unwrap_or(0);
            if held.len() >= end + 4 + length {
                let body = held[end + 4..end + 4 + length].to_vec();
                held.drain(..end + 4 + length);
                return Some((head, body));
            }
        }
        match stream.read(&mut space) {
            Ok(count) if count > 0 => held.extend_from_slice(&space[..count]),
            _ => return None,
        }
    }
}
