//! How to speak TLS: whom to trust, who we are, which version of HTTP to offer.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use shared::run::FailureKind;

use crate::transport::failure::TransportError;

/// A client's own certificate, both parts as PEM.
pub struct Identity {
    /// The certificate, its chain after it.
    pub certificate: Vec<u8>,
    /// Its key.
    pub key: Vec<u8>,
}

/// What a target's TLS is like.
#[derive(Default)]
pub struct TlsOptions {
    /// An authority to trust beside the public ones, as PEM.
    pub authority: Option<Vec<u8>>,
    /// Who we are.
    pub identity: Option<Identity>,
    /// Accepts any certificate.
    pub insecure: bool,
    /// Protocols to offer, best first.
    pub protocols: Vec<Vec<u8>>,
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
        Self::new(TlsOptions { protocols: vec![b"http/1.1".to_vec()], ..TlsOptions::default() })
    }

    /// TLS 1.2 and 1.3 by ring, as the options say.
    ///
    /// # Errors
    ///
    /// Says which certificate or key cannot be used.
    pub fn new(options: TlsOptions) -> Result<Self, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("cannot set up TLS: {error}"))?;
        let builder = if options.insecure {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        } else {
            let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
            for certificate in certificates("authority", options.authority.as_deref().unwrap_or_default())? {
                roots.add(certificate).map_err(|error| format!("tls.authority cannot be trusted: {error}"))?;
            }
            if options.authority.is_some() && roots.len() == webpki_roots::TLS_SERVER_ROOTS.len() {
                return Err("tls.authority holds no certificate in PEM form".to_owned());
            }
            builder.with_root_certificates(roots)
        };
        let mut config = match options.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let chain = certificates("certificate", &identity.certificate)?;
                if chain.is_empty() {
                    return Err("tls.certificate holds no certificate in PEM form".to_owned());
                }
                let key = PrivateKeyDer::from_pem_slice(&identity.key)
                    .map_err(|_error| "tls.key holds no private key in PEM form".to_owned())?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| format!("tls.certificate and tls.key cannot be used together: {error}"))?
            }
        };
        config.alpn_protocols = options.protocols;
        Ok(Self(Arc::new(config)))
    }

    /// The library's own form.
    pub fn to_config(&self) -> ClientConfig {
        let mut config = ClientConfig::clone(&self.0);
        // Whoever takes it speaks the versions of HTTP that it knows.
        config.alpn_protocols.clear();
        config
    }

    /// The library's own form, shared.
    pub(super) fn shared(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.0)
    }
}

fn certificates(field: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    read.map_err(|error| format!("tls.{field} cannot be read as PEM: {error}"))
}

/// A failed handshake, by what was wrong with it.
pub(super) fn handshake_failed(error: &std::io::Error) -> TransportError {
    use rustls::CertificateError as Certificate;
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let kind = match inner {
        Some(rustls::Error::InvalidCertificate(certificate)) => match certificate {
            Certificate::Expired
            | Certificate::ExpiredContext { .. }
            | Certificate::NotValidYet
            | Certificate::NotValidYetContext { .. } => FailureKind::CertificateExpired,
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => FailureKind::CertificateName,
            _ => FailureKind::CertificateUntrusted,
        },
        _ => FailureKind::Tls,
    };
    TransportError::new(kind, error.to_string())
}

/// Accepts whatever certificate comes; still insists that its holder has its key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::address::Address;
    use crate::transport::dial::{Dialer, Reach};
    use crate::transport::trial_tls::{TrialAuthority, TrialTls, answer_all};

    async fn dial(port: u16, options: TlsOptions, name: Option<&str>) -> Result<std::time::Duration, FailureKind> {
        let address = Address::parse(&format!("https://127.0.0.1:{port}")).unwrap();
        let dialer = Dialer::naming(address, Some(TlsConfig::new(options).unwrap()), name, Reach::Private).unwrap();
        let dialled = dialer.dial().await;
        dialled.map(|(_, times)| times.tls.unwrap()).map_err(|error| error.kind)
    }

    #[tokio::test]
    async fn a_certificate_is_judged_by_authority_name_and_date() {
        let authority = TrialAuthority::new();
        let trusting = || TlsOptions { authority: Some(authority.pem()), ..TlsOptions::default() };
        let insecure = || TlsOptions { insecure: true, ..TlsOptions::default() };
        let sound = TrialTls { name: "127.0.0.1", ..TrialTls::default() };
        let right = authority.serve(sound, answer_all).await;
        let other = authority.serve(TrialTls { name: "api.example.org", ..sound }, answer_all).await;
        let expired = authority.serve(TrialTls { expired: true, ..sound }, answer_all).await;
        assert!(dial(right, trusting(), None).await.unwrap() > std::time::Duration::ZERO);
        assert!(dial(other, trusting(), Some("api.example.org")).await.is_ok(), "the name that was asked for");
        for (port, options, kind) in [
            (right, TlsOptions::default(), FailureKind::CertificateUntrusted),
            (other, trusting(), FailureKind::CertificateName),
            (expired, trusting(), FailureKind::CertificateExpired),
        ] {
            assert_eq!(dial(port, options, None).await.unwrap_err(), kind);
        }
        for port in [right, other, expired] {
            assert!(dial(port, insecure(), None).await.is_ok(), "insecure takes any certificate");
        }
    }

    #[test]
    fn files_that_are_no_certificates_are_refused_by_name() {
        let authority = TlsOptions { authority: Some(b"nothing".to_vec()), ..TlsOptions::default() };
        assert!(TlsConfig::new(authority).unwrap_err().contains("tls.authority"));
        let identity = |certificate: &str, key: &str| TlsOptions {
            identity: Some(Identity { certificate: certificate.into(), key: key.into() }),
            ..TlsOptions::default()
        };
        assert!(TlsConfig::new(identity("", "")).unwrap_err().contains("tls.certificate"));
        let (certificate, key, _) = TrialAuthority::new().issue("client", false);
        assert!(TlsConfig::new(identity(&certificate, "")).unwrap_err().contains("tls.key"));
        assert!(TlsConfig::new(identity(&certificate, &key.serialize_pem())).is_ok());
    }
}
