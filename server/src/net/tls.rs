//! TLS between HTTP and the metered socket, so that the meter counts what goes over the wire. It
//! takes a certificate from files or makes one for itself, and speaks HTTP/1.1 alone. It reloads
//! nothing, asks clients for no certificate, and renews none.

use super::metered::{Meter, Metered};
use crate::config::positive_seconds;
use clap::Args;
use clap::builder::FalseyValueParser;
use rcgen::{Certificate, CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What a client gets that speaks HTTP where TLS is spoken: browsers and curl show it.
const NOT_PLAIN: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 48\r\n\
    Connection: close\r\n\r\n\
    This port speaks TLS: ask it by https:// (wss).\n";

/// The first byte of a TLS record that carries a handshake (RFC 8446 §5.1).
const HANDSHAKE_RECORD: u8 = 22;

#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "TLS")]
pub struct TlsFlags {
    /// Certificate and its chain, as PEM: the public port then speaks https and wss, and nothing else
    #[arg(long, env = "PUSHLAB_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// Private key of that certificate, as PEM
    #[arg(long, env = "PUSHLAB_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// For demos: https and wss with a certificate that is made at start and that no browser trusts
    #[arg(long, env = "PUSHLAB_TLS_SELF_SIGNED", value_parser = FalseyValueParser::new())]
    pub tls_self_signed: bool,

    /// Where to write that certificate, for clients that shall trust it (curl --cacert FILE)
    #[arg(long, env = "PUSHLAB_TLS_CERT_OUT", value_name = "FILE")]
    pub tls_cert_out: Option<PathBuf>,

    /// Seconds for a TLS handshake, from the start of its connection
    #[arg(long, env = "PUSHLAB_TLS_HANDSHAKE_TIMEOUT", value_name = "SECONDS", default_value_t = 10.0, value_parser = positive_seconds)]
    pub tls_handshake_timeout: f64,
}

/// Why the server cannot speak TLS. The message names the file and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error(
        "--tls-cert FILE and --tls-key FILE go together: give both, or --tls-self-signed alone"
    )]
    Incomplete,
    #[error("--tls-self-signed makes its own certificate: leave out --tls-cert and --tls-key")]
    Both,
    #[error("--tls-cert-out is where --tls-self-signed writes its certificate: give that one too")]
    NothingToWrite,
    #[error(
        "the lab's lanes are plain HTTP, so there is no lab over TLS: leave out --lab on, or TLS"
    )]
    Lab,
    #[error("the trouble before the public port reads plain HTTP: leave out --trouble-…, or TLS")]
    Trouble,
    #[error("cannot read {file} (--{flag}): {error}")]
    Unreadable {
        flag: &'static str,
        file: String,
        error: pem::Error,
    },
    #[error(
        "{file} (--{flag}) has no {what} in it: it must be PEM, with a line -----BEGIN {what}-----"
    )]
    Empty {
        flag: &'static str,
        file: String,
        what: &'static str,
    },
    #[error(
        "{cert} and {key} do not fit: {error}; the first certificate of the one must be that of the key in the other"
    )]
    Misfit {
        cert: String,
        key: String,
        error: rustls::Error,
    },
    #[error("cannot make a certificate: {0}")]
    Generate(rcgen::Error),
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
    #[error("cannot write the certificate to {file} (--tls-cert-out): {error}")]
    Unwritable { file: String, error: io::Error },
}

impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> Self {
        io::Error::new(io::ErrorKind::InvalidInput, error)
    }
}

impl TlsFlags {
    /// Whether the public port speaks TLS.
    pub fn are_given(&self) -> bool {
        self.tls_cert.is_some() || self.tls_key.is_some() || self.tls_self_signed
    }

    /// TLS as the flags ask for it; `address` is one of the names of a certificate that is made here.
    pub fn open(&self, address: SocketAddr) -> Result<Option<Tls>, TlsError> {
        match (&self.tls_cert, &self.tls_key, self.tls_self_signed) {
            (None, None, false) if self.tls_cert_out.is_some() => Err(TlsError::NothingToWrite),
            (None, None, false) => Ok(None),
            (None, None, true) => {
                let (chain, key) = self.self_signed(address)?;
                self.tls(chain, key).map(Some).map_err(TlsError::Setup)
            }
            (_, _, true) => Err(TlsError::Both),
            (Some(_), Some(_), false) if self.tls_cert_out.is_some() => {
                Err(TlsError::NothingToWrite)
            }
            (Some(cert), Some(key), false) => {
                let (chain, private) = from_files(cert, key)?;
                let misfit = |error| TlsError::Misfit {
                    cert: cert.display().to_string(),
                    key: key.display().to_string(),
                    error,
                };
                self.tls(chain, private).map(Some).map_err(misfit)
            }
            (Some(_), None, false) | (None, Some(_), false) => Err(TlsError::Incomplete),
        }
    }

    fn self_signed(&self, address: SocketAddr) -> Result<Credentials, TlsError> {
        let (certificate, key) = make(address.ip()).map_err(TlsError::Generate)?;
        if let Some(file) = &self.tls_cert_out {
            std::fs::write(file, certificate.pem()).map_err(|error| TlsError::Unwritable {
                file: file.display().to_string(),
                error,
            })?;
        }
        let certificate = certificate.der().clone();
        eprintln!(
            "warning: a self-signed certificate, for demos only: browsers will warn; its SHA-256 \
             fingerprint is {}",
            fingerprint(&certificate)
        );
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        Ok((vec![certificate], key))
    }

    fn tls(
        &self,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Tls, rustls::Error> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Clients that come back keep their own session: nothing is stored here.
        config.ticketer = ring::Ticketer::new()?;
        Ok(Tls {
            acceptor: Arc::new(config).into(),
            patience: Duration::from_secs_f64(self.tls_handshake_timeout),
        })
    }
}

fn make(listens: IpAddr) -> Result<(Certificate, KeyPair), rcgen::Error> {
    let mut params = CertificateParams::new(names(listens))?;
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, "pushlab-server, self-signed");
    params.distinguished_name = name;
    let key = KeyPair::generate()?;
    Ok((params.self_signed(&key)?, key))
}

/// What a demo is reached by. An address that means *all of them* is no name.
fn names(listens: IpAddr) -> Vec<String> {
    let mut names = ["localhost", "127.0.0.1", "::1"]
        .map(str::to_owned)
        .to_vec();
    let own = listens.to_string();
    if !listens.is_unspecified() && !names.contains(&own) {
        names.push(own);
    }
    names
}

/// `AB:CD:…`, as browsers and openssl show it.
fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let bytes = Sha256::digest(certificate);
    let pairs: Vec<_> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

/// A certificate chain and its private key.
type Credentials = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn from_files(cert: &Path, key: &Path) -> Result<Credentials, TlsError> {
    let problem = |flag, file: &Path, what, error| {
        let file = file.display().to_string();
        match error {
            pem::Error::NoItemsFound => TlsError::Empty { flag, file, what },
            error => TlsError::Unreadable { flag, file, error },
        }
    };
    let in_cert = |error| problem("tls-cert", cert, "CERTIFICATE", error);
    let chain: Vec<_> = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect)
        .map_err(in_cert)?;
    if chain.is_empty() {
        return Err(in_cert(pem::Error::NoItemsFound));
    }
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| problem("tls-key", key, "PRIVATE KEY", error))?;
    Ok((chain, private))
}

/// What makes connections into TLS ones; shared by all workers.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    patience: Duration,
}

impl Tls {
    /// The handshake, within its time. Any number at once: those who say half of one must keep no place
    /// from others, and connections are bounded anyway.
    pub async fn accept(
        &self,
        socket: TcpStream,
        meter: Rc<Meter>,
        unread: Duration,
    ) -> io::Result<TlsStream<Metered<TcpStream>>> {
        tokio::time::timeout(self.patience, self.shake_hands(socket, meter, unread))
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    async fn shake_hands(
        &self,
        socket: TcpStream,
        meter: Rc<Meter>,
        unread: Duration,
    ) -> io::Result<TlsStream<Metered<TcpStream>>> {
        let mut first = [0];
        let read = socket.peek(&mut first).await?;
        let mut metered = Metered::beneath_tls(socket, meter, unread);
        if read > 0 && first[0] != HANDSHAKE_RECORD {
            metered.write_all(NOT_PLAIN).await?;
            metered.shutdown().await?;
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.acceptor.accept(metered).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(clap::Parser)]
    struct Program {
        #[command(flatten)]
        tls: TlsFlags,
    }

    fn parse(arguments: &[&str]) -> TlsFlags {
        let arguments = ["test"].iter().chain(arguments);
        Program::parse_from(arguments).tls
    }

    fn flags(directory: &Path, cert: &str, key: &str) -> TlsFlags {
        TlsFlags {
            tls_cert: Some(directory.join(cert)),
            tls_key: Some(directory.join(key)),
            ..parse(&[])
        }
    }

    /// Certificate and key files: `a.pem`, `a.key`, `b.pem`, `b.key`, and `empty.pem`.
    fn files() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for name in ["a", "b"] {
            let (certificate, key) = make([127, 0, 0, 1].into()).unwrap();
            let write = |ending: &str, text: String| {
                std::fs::write(directory.path().join(format!("{name}.{ending}")), text).unwrap();
            };
            write("pem", certificate.pem());
            write("key", key.serialize_pem());
        }
        std::fs::write(directory.path().join("empty.pem"), "no PEM\n").unwrap();
        directory
    }

    fn open(flags: &TlsFlags) -> Result<bool, String> {
        flags
            .open(([127, 0, 0, 1], 0).into())
            .map(|tls| tls.is_some())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_certificate_and_its_key_are_taken_and_no_flags_mean_no_tls() {
        let files = files();
        assert_eq!(open(&flags(files.path(), "a.pem", "a.key")), Ok(true));
        assert_eq!(open(&parse(&[])), Ok(false));
    }

    #[test]
    fn what_does_not_work_is_named_with_its_remedy() {
        let files = files();
        let refused = |cert: &str, key: &str| open(&flags(files.path(), cert, key)).unwrap_err();
        let cases = [
            (refused("gone.pem", "a.key"), "gone.pem (--tls-cert)"),
            (refused("a.pem", "gone.key"), "gone.key (--tls-key)"),
            (refused("empty.pem", "a.key"), "BEGIN CERTIFICATE"),
            (refused("a.key", "a.key"), "has no CERTIFICATE"),
            (refused("a.pem", "a.pem"), "has no PRIVATE KEY"),
            (refused("a.pem", "b.key"), "do not fit"),
        ];
        for (message, part) in cases {
            assert!(message.contains(part), "{message:?} lacks {part:?}");
        }
    }

    #[test]
    fn flags_that_contradict_each_other_are_refused() {
        let cases: [&[&str]; 5] = [
            &["--tls-cert", "x.pem"],
            &["--tls-key", "x.pem"],
            &["--tls-cert", "x.pem", "--tls-self-signed"],
            &["--tls-cert-out", "x.pem"],
            &[
                "--tls-cert",
                "x.pem",
                "--tls-key",
                "x",
                "--tls-cert-out",
                "x",
            ],
        ];
        for flags in cases {
            let message = open(&parse(flags)).unwrap_err();
            assert!(message.contains("--tls-"), "{message:?}");
        }
    }

    #[test]
    fn a_demo_is_named_by_what_it_listens_on() {
        let names = |ip: &str| names(ip.parse().unwrap());
        assert_eq!(names("127.0.0.1"), ["localhost", "127.0.0.1", "::1"]);
        assert_eq!(names("0.0.0.0").len(), 3);
        assert_eq!(names("192.0.2.7").last().unwrap(), "192.0.2.7");
    }

    #[test]
    fn the_plain_answer_says_its_length() {
        let text = std::str::from_utf8(NOT_PLAIN).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())));
    }
}
