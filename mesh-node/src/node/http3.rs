//! HTTP/3 for those who aren't Weft nodes: a UDP port of its own without the door, off unless asked for.
//!
//! A stranger's first connection ID is random, so nothing can be dropped before TLS: this port answers whoever dials (with a Retry
//! when it is busy), and says in TLS which service's identity it shows to a name that everybody on the way can read. What may be
//! asked is decided by the same code as for every other tunnel.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use identity::Trust;
use identity::tls::{self, ClientAuth, ServerCertificates};
use protocol::name::MeshHost;
use rustls::sign::CertifiedKey;
use tunnel::{Alpn, Endpoint, EndpointConfig, Limits, NodeSecret, Routing, Sockets};

use crate::control::JoinError;
use crate::credentials::Credentials;

/// How a node speaks HTTP/3.
#[derive(Debug, Clone, Copy, Default)]
pub struct Http3 {
    /// The UDP address for callers that aren't Weft nodes; nobody else gets in without a route token.
    pub listen: Option<SocketAddr>,
    /// Whether requests and UDP sessions to other nodes go by HTTP/3 instead of `weft/1`.
    pub between_nodes: bool,
}

impl Http3 {
    /// What tunnels to other nodes carry.
    pub(super) const fn outward(self) -> Alpn {
        if self.between_nodes {
            Alpn::H3
        } else {
            Alpn::Weft1
        }
    }

    /// Binds the port, if there shall be one.
    pub(super) fn open(
        self,
        data_dir: &Path,
        sockets: &Sockets,
        trust: &Trust,
        credentials: &Arc<Credentials>,
    ) -> Result<Option<Endpoint>, JoinError> {
        let Some(bind) = self.listen else {
            return Ok(None);
        };
        let secret =
            NodeSecret::load_or_create(&data_dir.join("node.secret")).map_err(JoinError::Secret)?;
        let server = tls::server(
            Arc::new(InTheClear(Arc::clone(credentials))),
            Arc::clone(trust),
            // P-3: nobody is let in without a certificate.
            ClientAuth::Required,
            vec![Alpn::H3.id().to_vec()],
        );
        let config = EndpointConfig {
            bind,
            secret: &secret,
            // Without routing keys every first connection ID is as good as another.
            routing: Arc::new(Routing::new_unenrolled()),
            server: Some(server),
            limits: Limits::default(),
        };
        Endpoint::bind_in(config, sockets, "node.h3")
            .map(Some)
            .map_err(|source| JoinError::Bind { bind, source })
    }
}

/// Shows the identity of the service that a clear server name means.
#[derive(Debug)]
struct InTheClear(Arc<Credentials>);

impl ServerCertificates for InTheClear {
    fn for_server_name(&self, server_name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let named = MeshHost::parse(server_name?)?;
        self.0.certified_for(&named.service)
    }
}
