//! Real rustls handshakes, in memory.

use std::{ops::DerefMut, sync::Arc};

use identity::tls::ServerCertificates;
use rustls::{
    ClientConfig, ClientConnection, ConnectionCommon, DigitallySignedStruct, Error, HandshakeKind,
    ServerConfig, ServerConnection, SideData, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

/// How a handshake ended, on each side.
#[derive(Debug)]
pub(crate) struct Ended {
    pub client: Result<(), Error>,
    pub server: Result<(), Error>,
    pub kind: Option<HandshakeKind>,
    /// Tickets that the client was given.
    pub tickets: u32,
    pub alpn: Option<Vec<u8>>,
    /// How many certificates the server was shown.
    pub callers_certificates: usize,
    /// What the server wrote, for looking at sizes.
    pub server_bytes: usize,
}

impl Ended {
    /// Both sides took each other.
    pub(crate) fn accepted(&self) -> bool {
        self.client.is_ok() && self.server.is_ok()
    }
}

/// One certificate for every name.
#[derive(Debug)]
pub(crate) struct Always(pub Arc<CertifiedKey>);

impl ServerCertificates for Always {
    fn for_server_name(&self, _server_name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// Shakes hands until both are done, or one refuses.
pub(crate) fn shake(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>, name: &str) -> Ended {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::clone(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::clone(server)).unwrap();
    let (mut for_client, mut for_server) = (Ok(()), Ok(()));
    let mut server_bytes = 0;
    loop {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let sent = wire.len();
        if for_server.is_ok() {
            for_server = receive(&mut server, &wire);
        }
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        server_bytes += wire.len();
        if for_client.is_ok() {
            for_client = receive(&mut client, &wire);
        }
        if sent + wire.len() == 0 {
            break;
        }
    }
    Ended {
        client: for_client.and(done(client.is_handshaking())),
        server: for_server.and(done(server.is_handshaking())),
        kind: client.handshake_kind(),
        tickets: client.tls13_tickets_received(),
        alpn: client.alpn_protocol().map(<[u8]>::to_vec),
        callers_certificates: server.peer_certificates().map_or(0, <[_]>::len),
        server_bytes,
    }
}

fn receive<Data>(
    connection: &mut impl DerefMut<Target = ConnectionCommon<Data>>,
    wire: &[u8],
) -> Result<(), Error>
where
    Data: SideData,
{
    let mut rest = wire;
    while !rest.is_empty() {
        connection.read_tls(&mut rest).unwrap();
        connection.process_new_packets()?;
    }
    Ok(())
}

fn done(is_handshaking: bool) -> Result<(), Error> {
    if is_handshaking {
        Err(Error::HandshakeNotComplete)
    } else {
        Ok(())
    }
}

/// Believes any server.
#[derive(Debug)]
pub(crate) struct Gullible;

impl ServerCertVerifier for Gullible {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        identity::provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
