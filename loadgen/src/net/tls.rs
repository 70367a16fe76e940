//! TLS between a client's codec and its metered socket: whom it trusts, and its handshake. Every
//! connection is that of a browser that comes for the first time: no session is resumed, so a
//! reconnect pays the whole handshake too.

use super::failure::Failure;
use super::wire::Wire;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Bytes that TLS 1.3 adds to a record: header, inner content type, tag (RFC 8446 §5.2).
pub const RECORD_BYTES: f64 = 22.0;

/// Whose word is taken for who the server is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// The certificates that this system trusts.
    #[default]
    System,
    /// Those in a PEM file alone.
    Authority(PathBuf),
    /// Nobody's: anyone between may read and answer.
    Anyone,
}

/// Why nobody can be trusted. Messages name the file and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error("cannot read certificates from {file}: {error}; give PEM, as --tls-cert-out writes it")]
    Unreadable {
        file: String,
        error: rustls::pki_types::pem::Error,
    },
    #[error("{file} has no certificate in it; give PEM, with a line -----BEGIN CERTIFICATE-----")]
    Empty { file: String },
    #[error("this system trusts no certificates at all; name one by --cacert FILE")]
    NoSystem,
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] Error),
}

impl Trust {
    /// What both the measured connections and the control requests use.
    pub fn config(&self) -> Result<ClientConfig, TrustError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?;
        let builder = match self {
            Trust::System => builder.with_root_certificates(system()?),
            Trust::Authority(file) => builder.with_root_certificates(authorities(file)?),
            Trust::Anyone => (builder.dangerous())
                .with_custom_certificate_verifier(Arc::new(BelievesAll(provider))),
        };
        let mut config = builder.with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

fn system() -> Result<RootCertStore, TrustError> {
    let mut roots = RootCertStore::empty();
    let (added, _) =
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    match added {
        0 => Err(TrustError::NoSystem),
        _ => Ok(roots),
    }
}

fn authorities(file: &Path) -> Result<RootCertStore, TrustError> {
    let name = || file.display().to_string();
    let certificates: Vec<_> = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| TrustError::Unreadable {
            file: name(),
            error,
        })?;
    let mut roots = RootCertStore::empty();
    match roots.add_parsable_certificates(certificates) {
        (0, _) => Err(TrustError::Empty { file: name() }),
        _ => Ok(roots),
    }
}

/// What came was no record of TLS at all.
pub fn is_no_tls(error: &io::Error) -> bool {
    let reason = error.get_ref().and_then(|reason| reason.downcast_ref());
    matches!(reason, Some(Error::InvalidMessage(_)))
}

/// For a client that is to speak no TLS at all: it trusts nobody.
pub fn nobody() -> Result<ClientConfig, TrustError> {
    let provider = Arc::new(ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

/// A server that is spoken to over TLS: how, and by what name.
#[derive(Clone)]
pub struct Secure {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Secure {
    /// `host` as it stands in a URL, without brackets.
    pub fn new(trust: &Trust, host: &str) -> Result<Secure, TrustError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            Error::General(format!("{host} is no name that a certificate can have"))
        })?;
        Ok(Secure {
            config: Arc::new(trust.config()?),
            name,
        })
    }

    pub(super) async fn shake_hands(&self, wire: Wire) -> Result<TlsStream<Wire>, Failure> {
        let connector = TlsConnector::from(self.config.clone());
        let shaken = connector.connect(self.name.clone(), wire).await;
        shaken.map_err(|error| match Failure::is_of_tls(&error) {
            true => Failure::Tls(error.to_string()),
            false => error.into(),
        })
    }

    /// A handshake on a connection of its own, which ends with it.
    pub async fn greet(&self, socket: TcpStream) -> io::Result<()> {
        let connector = TlsConnector::from(self.config.clone());
        let mut stream = connector.connect(self.name.clone(), socket).await?;
        stream.shutdown().await
    }
}

impl fmt::Debug for Secure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Secure").field(&self.name).finish()
    }
}

/// For [`Trust::Anyone`]: signatures are checked, as they must be of the key in the certificate;
/// whose certificate it is is not.
#[derive(Debug)]
struct BelievesAll(Arc<CryptoProvider>);

impl ServerCertVerifier for BelievesAll {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_trusted_is_named_with_its_remedy() {
        let directory = tempfile::tempdir().unwrap();
        let refusal = |name: &str| {
            let trust = Trust::Authority(directory.path().join(name));
            trust.config().unwrap_err().to_string()
        };
        std::fs::write(directory.path().join("empty.pem"), "no PEM").unwrap();
        for name in ["gone.pem", "empty.pem"] {
            let message = refusal(name);
            assert!(
                message.contains(name) && message.contains("PEM"),
                "{message}"
            );
        }
    }

    #[test]
    fn addresses_and_names_are_hosts() {
        for host in ["localhost", "127.0.0.1", "::1", "pushlab.example"] {
            assert!(Secure::new(&Trust::Anyone, host).is_ok(), "{host}");
        }
        assert!(Secure::new(&Trust::Anyone, "no host").is_err());
    }
}
