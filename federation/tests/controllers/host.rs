//! A node or gateway that speaks the control protocol and does nothing else.

use std::sync::Arc;
use std::time::Duration;

use identity::svid::X509Svid;
use identity::tls::Expect;
use identity::{Bundle, Bundles, PrivateKey, Trust};
use protocol::cid::{Capability, Handle};
use protocol::invitation::JoinToken;
use protocol::name::SpiffeId;
use protocol::view::{BundleData, View};
use protocol::wire::v1;
use protocol::wire::v1::follow_request::Kind;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use tunnel::rpc::v1::control_client::ControlClient;
use tunnel::rpc::v1::enrolment_client::EnrolmentClient;
use tunnel::{Alpn, Dial, Endpoint, EndpointConfig, Limits, NodeSecret, Routing, Tunnel};

pub struct Host {
    pub svid: X509Svid,
    pub handle: Handle,
    endpoint: Endpoint,
    trust: Trust,
    local: Capability,
    token: JoinToken,
}

pub struct Following {
    pub views: Streaming<v1::View>,
    pub answers: mpsc::Sender<v1::FollowRequest>,
    pub tunnel: Tunnel,
    last: Option<View>,
}

fn endpoint() -> Endpoint {
    Endpoint::bind(EndpointConfig {
        bind: "127.0.0.1:0".parse().unwrap(),
        secret: &NodeSecret::ephemeral(),
        routing: Arc::new(Routing::new_unenrolled()),
        server: None,
        limits: Limits::default(),
    })
    .unwrap()
}

/// Shows a token's secret, as a host of that role and name.
pub async fn enrol(token: &str, role: v1::Role, name: &str) -> Result<Host, Status> {
    let token = JoinToken::parse(token).unwrap();
    let (endpoint, trust) = (endpoint(), identity::bundle::trust(Bundles::new()));
    let id = SpiffeId::controller(&token.trust_domain);
    let tunnel = endpoint
        .dial(Dial {
            remote: token.controller.socket_addr().unwrap(),
            capability: &token.capability,
            handle: token.controller_handle,
            server_name: tunnel::JOIN_NAME,
            source: None,
            expect: Expect::RootDigest {
                digest: token.root_digest,
                id,
            },
            trust: &trust,
            alpn: Alpn::Enrol,
            within: Duration::from_secs(5),
        })
        .await
        .map_err(|error| Status::unavailable(error.to_string()))?;
    let key = PrivateKey::generate().unwrap();
    let request = v1::EnrolRequest {
        version: 1,
        secret: token.secret.expose().to_vec(),
        role: role.into(),
        name: name.to_owned(),
        csr: key.csr().unwrap(),
        address: "127.0.0.1:4434".to_owned(),
        locality: "aws/eu/a".to_owned(),
    };
    let channel = tunnel::rpc::connect(&tunnel).await.unwrap();
    let reply = EnrolmentClient::new(channel)
        .enrol(request)
        .await?
        .into_inner();
    let chain = reply
        .svid
        .unwrap()
        .certificates
        .into_iter()
        .map(Into::into)
        .collect();
    let bundle = BundleData::try_from(reply.bundle.unwrap()).unwrap();
    let bundle = Bundle {
        trust_domain: bundle.trust_domain,
        sequence: bundle.sequence,
        roots: bundle.roots.into_iter().map(Into::into).collect(),
        valid_until: None,
    };
    trust.store(Arc::new(Bundles::from_iter([bundle])));
    Ok(Host {
        svid: X509Svid::from_parts(chain, key).unwrap(),
        handle: Handle::try_from(reply.handle).unwrap(),
        local: reply.local.unwrap().try_into().unwrap(),
        endpoint,
        trust,
        token,
    })
}

impl Host {
    pub async fn dial(&self) -> Result<Tunnel, tunnel::DialError> {
        let dial = Dial {
            remote: self.token.controller.socket_addr().unwrap(),
            capability: &self.local,
            handle: self.token.controller_handle,
            server_name: tunnel::CONTROLLER_NAME,
            source: Some(&self.svid),
            expect: Expect::Id(SpiffeId::controller(&self.token.trust_domain)),
            trust: &self.trust,
            alpn: Alpn::Control,
            within: Duration::from_secs(2),
        };
        self.endpoint.dial(dial).await
    }

    pub async fn follow(&self) -> Following {
        let tunnel = loop {
            match self.dial().await {
                Ok(tunnel) => break tunnel,
                // A controller that restarts isn't there for a moment.
                Err(_) => tokio::task::yield_now().await,
            }
        };
        let (answers, requests) = mpsc::channel(8);
        let hello = v1::Hello {
            version: 1,
            locality: "aws/eu/a".to_owned(),
            software: "test".to_owned(),
            ..Default::default()
        };
        answers
            .send(v1::FollowRequest {
                kind: Some(Kind::Hello(hello)),
            })
            .await
            .unwrap();
        let mut client = ControlClient::new(tunnel::rpc::connect(&tunnel).await.unwrap());
        let views = client
            .follow(ReceiverStream::new(requests))
            .await
            .unwrap()
            .into_inner();
        Following {
            views,
            answers,
            tunnel,
            last: None,
        }
    }

    /// The same machine with the identity of one of its workloads.
    pub async fn into_workload(self, id: &str) -> Self {
        let tunnel = self.dial().await.unwrap();
        let mut client = ControlClient::new(tunnel::rpc::connect(&tunnel).await.unwrap());
        let key = PrivateKey::generate().unwrap();
        let request = v1::IssueRequest {
            spiffe_id: id.to_owned(),
            csr: key.csr().unwrap(),
        };
        let chain = client.issue(request).await.unwrap().into_inner();
        let chain = chain.certificates.into_iter().map(Into::into).collect();
        Self {
            svid: X509Svid::from_parts(chain, key).unwrap(),
            ..self
        }
    }

    pub async fn issue(&self, id: &str) -> Result<v1::SvidChain, Status> {
        let tunnel = self.dial().await.unwrap();
        let mut client = ControlClient::new(tunnel::rpc::connect(&tunnel).await.unwrap());
        let csr = PrivateKey::generate().unwrap().csr().unwrap();
        let reply = client
            .issue(v1::IssueRequest {
                spiffe_id: id.to_owned(),
                csr,
            })
            .await;
        reply.map(tonic::Response::into_inner)
    }
}

impl Following {
    pub async fn say(&self, kind: Kind) {
        self.answers
            .send(v1::FollowRequest { kind: Some(kind) })
            .await
            .unwrap();
    }

    /// The first View from the last one on that is as wanted; each is applied and acknowledged.
    pub async fn until(&mut self, wanted: impl Fn(&View) -> bool) -> View {
        loop {
            if let Some(view) = self.last.as_ref().filter(|view| wanted(view)) {
                return view.clone();
            }
            let view = self
                .views
                .message()
                .await
                .unwrap()
                .expect("the controller ended the stream");
            let view = View::try_from(view).unwrap();
            self.say(Kind::Acknowledge(v1::Acknowledge {
                version: view.version,
                rejected: String::new(),
            }))
            .await;
            self.last = Some(view);
        }
    }

    pub async fn report(&self, workload: &str, healthy: bool) {
        let workload = v1::WorkloadHealth {
            namespace: "shop".to_owned(),
            name: workload.to_owned(),
            healthy,
        };
        self.say(Kind::Health(v1::Health {
            workloads: vec![workload],
        }))
        .await;
    }
}
