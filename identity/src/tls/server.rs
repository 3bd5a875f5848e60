//! The called side: picks a certificate by server name, asks every caller for its own, and tells it nothing about whom we trust.

use std::{fmt::Debug, sync::Arc};

use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    server::{
        ClientHello, NoServerSessionStorage, ResolvesServerCert,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::CertifiedKey,
    version::TLS13,
};
use rustls_pki_types::{CertificateDer, UnixTime};

use super::{
    client::{time, whole},
    refusal::refuse,
    signatures,
};
use crate::{bundle::Trust, provider, verify::verify};

/// Says which certificate answers to which server name.
pub trait ServerCertificates: Send + Sync + Debug {
    /// Finds the certificate for the name that the caller asked for, if it asked for one; none ends the handshake.
    fn for_server_name(&self, server_name: Option<&str>) -> Option<Arc<CertifiedKey>>;
}

/// Whether a caller must show a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// It must: every caller is somebody.
    Required,
    /// It may come without one, and is nobody then: for those who come to enrol. What it shows must be good all the same.
    Optional,
}

/// Makes the configuration for taking calls. `trust` is read anew at each handshake.
pub fn server(
    certificates: Arc<dyn ServerCertificates>,
    trust: Trust,
    client_auth: ClientAuth,
    alpns: Vec<Vec<u8>>,
) -> Arc<ServerConfig> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .expect("the provider has suites of TLS 1.3")
        .with_client_cert_verifier(Arc::new(ClientVerifier { trust, client_auth }))
        .with_cert_resolver(Arc::new(ByServerName(certificates)));
    config.alpn_protocols = alpns;
    // P-5, P-6 hold by absence: nothing can be resumed, nothing comes early.
    config.send_tls13_tickets = 0;
    config.max_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.max_early_data_size = 0;
    config.send_half_rtt_data = false;
    config.cert_compressors = Vec::new();
    config.cert_decompressors = Vec::new();
    Arc::new(config)
}

#[derive(Debug)]
struct ByServerName(Arc<dyn ServerCertificates>);

impl ResolvesServerCert for ByServerName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.for_server_name(hello.server_name())
    }
}

/// Asks [`verify()`](crate::verify()) about the caller's chain.
#[derive(Debug)]
struct ClientVerifier {
    trust: Trust,
    client_auth: ClientAuth,
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.client_auth == ClientAuth::Required
    }

    /// Names no root: the list would tell any caller all our peers (TRANSPORT.md 1, finding 11).
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        verify(
            &whole(end_entity, intermediates),
            &self.trust.load(),
            time(now),
        )
        .map(|_| ClientCertVerified::assertion())
        .map_err(|error| refuse("client", error))
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signatures::tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        signatures::tls13(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        signatures::schemes()
    }
}
