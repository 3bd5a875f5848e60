//! The calling side: shows the source's SVID and expects one certain identity (P-3).

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    sign::SingleCertAndKey,
    version::TLS13,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::{
    expect::Expect,
    refusal::{LastRefusal, refuse},
    signatures,
};
use crate::{bundle::Trust, provider, svid::X509Svid};

/// Makes the configuration for calls from `source` to whom is expected; without a source no certificate is shown, as at enrolment.
///
/// `trust` is read anew at each handshake. The server name that is asked for is never compared with anything.
pub fn client(
    source: Option<&X509Svid>,
    expect: Expect,
    trust: Trust,
    alpn: &[u8],
) -> Arc<ClientConfig> {
    client_explained(source, expect, trust, alpn).0
}

/// Makes the same configuration, and gives a place where the reason of a refusal is found afterwards.
pub fn client_explained(
    source: Option<&X509Svid>,
    expect: Expect,
    trust: Trust,
    alpn: &[u8],
) -> (Arc<ClientConfig>, LastRefusal) {
    let refusal = LastRefusal::default();
    let verifier = Arc::new(ServerVerifier {
        expect,
        trust,
        refusal: refusal.clone(),
    });
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .expect("the provider has suites of TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match source {
        Some(svid) => builder
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(svid.certified_key()))),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    config.send_ticket_request = None;
    config.cert_compressors = Vec::new();
    config.cert_decompressors = Vec::new();
    (Arc::new(config), refusal)
}

/// Asks [`verify()`](crate::verify()) about the server's chain.
#[derive(Debug)]
struct ServerVerifier {
    expect: Expect,
    trust: Trust,
    refusal: LastRefusal,
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = whole(end_entity, intermediates);
        self.expect
            .verify(&chain, &self.trust.load(), time(now))
            .map(|_| ServerCertVerified::assertion())
            .map_err(|error| {
                self.refusal.keep(&error);
                refuse("server", error)
            })
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

/// Puts the chain together again, leaf first.
pub(super) fn whole<'a>(
    end_entity: &CertificateDer<'a>,
    intermediates: &[CertificateDer<'a>],
) -> Vec<CertificateDer<'a>> {
    std::iter::once(end_entity)
        .chain(intermediates)
        .cloned()
        .collect()
}

/// Reads rustls' clock.
pub(super) fn time(now: UnixTime) -> SystemTime {
    UNIX_EPOCH + std::time::Duration::from_secs(now.as_secs())
}
