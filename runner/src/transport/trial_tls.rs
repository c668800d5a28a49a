//! Certificates and servers behind TLS for tests: as they should be, expired, of another name, asking for ours.

use std::future::Future;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// An authority of our own.
pub(crate) struct TrialAuthority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// What a trial server asks and offers.
#[derive(Clone, Copy, Default)]
pub(crate) struct TrialTls {
    pub(crate) name: &'static str,
    pub(crate) expired: bool,
    pub(crate) asks_for_client: bool,
    pub(crate) protocols: &'static [&'static [u8]],
}

impl TrialAuthority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    /// Its own certificate as PEM.
    pub(crate) fn pem(&self) -> Vec<u8> {
        self.issuer.pem().into_bytes()
    }

    /// A certificate and its key as PEM.
    pub(crate) fn issue(&self, name: &str, expired: bool) -> (String, KeyPair, rcgen::Certificate) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        if expired {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key, certificate)
    }

    /// A server that hands each connection that it accepts to `serve`; gives its port. Ends with the test's runtime.
    pub(crate) async fn serve<F, S>(&self, tls: TrialTls, serve: F) -> u16
    where
        F: Fn(TlsStream<TcpStream>) -> S + Send + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
        let builder = if tls.asks_for_client {
            let mut roots = RootCertStore::empty();
            roots.add(self.issuer.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let (_, key, certificate) = self.issue(tls.name, tls.expired);
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
        config.alpn_protocols = tls.protocols.iter().map(|name| name.to_vec()).collect();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                if let Ok(stream) = acceptor.accept(tcp).await {
                    tokio::spawn(serve(stream));
                }
            }
        });
        port
    }
}

/// Answers each request on a connection with an empty 200; requests come in one piece.
pub(crate) async fn answer_all(mut stream: TlsStream<TcpStream>) {
    let mut space = vec![0; 64 * 1024];
    while matches!(stream.read(&mut space).await, Ok(count) if count > 0) {
        if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.is_err() {
            return;
        }
    }
}
