//! Somebody with an SVID who speaks `weft/1` himself, and says what no node of ours would.

use super::*;

pub struct Intruder {
    pub id: SpiffeId,
    svid: X509Svid,
    endpoint: tunnel::Endpoint,
}

impl Cluster {
    pub fn intruder(&self, id: SpiffeId) -> Intruder {
        let key = PrivateKey::generate().unwrap();
        let chain = self
            .shared
            .authority
            .issue(
                &key.csr().unwrap(),
                &id,
                Duration::from_secs(3600),
                SystemTime::now(),
                rand::random(),
            )
            .unwrap();
        let endpoint = tunnel::Endpoint::bind(EndpointConfig {
            bind: "127.0.0.1:0".parse().unwrap(),
            secret: &NodeSecret::ephemeral(),
            routing: Arc::new(Routing::new_unenrolled()),
            server: None,
            limits: Limits::default(),
        })
        .unwrap();
        Intruder {
            id,
            svid: X509Svid::from_parts(chain, key).unwrap(),
            endpoint,
        }
    }

    /// A tunnel of an intruder to `workload` at a node of this cluster.
    pub async fn dial(
        &self,
        intruder: &Intruder,
        node: &RunningNode,
        workload: &str,
    ) -> tunnel::Tunnel {
        let dial = tunnel::Dial {
            remote: node.address,
            capability: &self.capability(OWN),
            handle: node.handle,
            server_name: &server_name(workload, self),
            source: Some(&intruder.svid),
            expect: tls::Expect::Id(self.spiffe_id("shop", workload)),
            trust: &self.shared.trust,
            alpn: Alpn::Weft1,
            within: PATIENCE,
        };
        intruder.endpoint.dial(dial).await.unwrap()
    }
}
