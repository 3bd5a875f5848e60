//! TLS 1.3 with a certificate at both ends.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// For who dials.
///
/// # Errors
/// When a file can't be read.
pub fn connector(place: &Path) -> io::Result<TlsConnector> {
    let (chain, key, roots) = read(place)?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

/// For who accepts.
///
/// # Errors
/// When a file can't be read.
pub fn acceptor(place: &Path) -> io::Result<TlsAcceptor> {
    let (chain, key, roots) = read(place)?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map_err(io::Error::other)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(io::Error::other)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The name in the certificate.
///
/// # Errors
/// Never, it is a good name.
pub fn name() -> io::Result<ServerName<'static>> {
    ServerName::try_from("side").map_err(io::Error::other)
}

type Read = (
    Vec<CertificateDer<'static>>,
    PrivateKeyDer<'static>,
    RootCertStore,
);

fn read(place: &Path) -> io::Result<Read> {
    let chain = CertificateDer::from_pem_file(place.join("side.pem")).map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_file(place.join("side.key")).map_err(io::Error::other)?;
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_file(place.join("ca.pem")).map_err(io::Error::other)?;
    roots.add(root).map_err(io::Error::other)?;
    Ok((vec![chain], key, roots))
}
