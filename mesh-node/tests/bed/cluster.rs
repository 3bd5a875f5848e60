//! A cluster whose controller is a fake: it enrols whoever comes, signs what is asked, and sends the Views that the test makes.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::num::NonZeroU8;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use identity::tls::{self, ClientAuth, ServerCertificates};
use identity::{
    Bundle, Bundles, IntermediateAuthority, PrivateKey, RootAuthority, Trust, X509Svid,
};
use mesh_node::node::{Http3, Node, NodeSettings};
use parking_lot::Mutex;
use protocol::authorization::Policy;
use protocol::cid::{
    AllowedSelector, Capability, Generation, Handle, RoutingKey, RoutingKeys, Selector,
};
use protocol::invitation::{HostRole, JoinToken};
use protocol::name::{ClusterName, HostPort, Label, MeshHost, ServiceName, SpiffeId, TrustDomain};
use protocol::view::{
    BundleData, Endpoint, Failover, HealthCheck, Listener, PeerRoute, Protocol, ServerName,
    Service, ServicePort, View, Workload,
};
use protocol::wire::v1;
use rustls::sign::CertifiedKey;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};
use tunnel::rpc::v1::control_server::{Control, ControlServer};
use tunnel::rpc::v1::enrolment_server::{Enrolment, EnrolmentServer};
use tunnel::{Accepted, Alpn, EndpointConfig, Limits, NodeSecret, Routing};

use super::{PATIENCE, until};

mod controller;
mod gateway;
mod intruder;

pub use intruder::Intruder;

/// Selectors: of the cluster itself, and of its one peer.
const OWN: u32 = 1;
const PEER: u32 = 2;
const CONTROLLER: u32 = 1000;

pub struct Cluster {
    pub name: ClusterName,
    pub trust_domain: TrustDomain,
    pub shared: Arc<Shared>,
    pub address: SocketAddr,
    tasks: Option<JoinSet<()>>,
    endpoint: tunnel::Endpoint,
    dir: tempfile::TempDir,
    /// Of nodes that are started from now on.
    pub shards: NonZeroU8,
    pub http3: Http3,
}

/// What the fake knows.
pub struct Shared {
    pub authority: IntermediateAuthority,
    root: Vec<u8>,
    digest: [u8; 32],
    keys: RoutingKeys,
    trust: Trust,
    cluster: ClusterName,
    trust_domain: TrustDomain,
    views: Mutex<HashMap<String, watch::Sender<Option<v1::View>>>>,
    pub acknowledged: Mutex<HashMap<String, (u64, String)>>,
    pub health: Mutex<HashMap<String, bool>>,
    handles: Mutex<HashMap<String, u32>>,
    svid_life: Mutex<Duration>,
    pub issued: Mutex<u32>,
}

pub struct RunningNode {
    pub name: &'static str,
    pub dir: PathBuf,
    pub address: SocketAddr,
    pub handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
    ready: watch::Receiver<bool>,
}

impl Cluster {
    pub fn start(name: &str) -> Self {
        let trust_domain = TrustDomain::parse(&format!("{name}.example")).unwrap();
        let now = SystemTime::now();
        let root = RootAuthority::create(&trust_domain, now).unwrap();
        let secret = if name == "east" { [7; 16] } else { [8; 16] };
        let bundle = Bundle {
            trust_domain: trust_domain.clone(),
            sequence: 1,
            roots: vec![root.certificate().clone()],
            valid_until: None,
        };
        let shared = Arc::new(Shared {
            authority: root.intermediate(now, [9; 16]).unwrap(),
            root: root.certificate().to_vec(),
            digest: root.digest(),
            keys: RoutingKeys::new(vec![RoutingKey::new(Generation::FIRST, secret, true)]).unwrap(),
            trust: identity::bundle::trust(Bundles::from_iter([bundle])),
            cluster: ClusterName::parse(name).unwrap(),
            trust_domain: trust_domain.clone(),
            views: Mutex::default(),
            acknowledged: Mutex::default(),
            health: Mutex::default(),
            handles: Mutex::default(),
            svid_life: Mutex::new(Duration::from_secs(3600)),
            issued: Mutex::new(0),
        });
        let (endpoint, tasks) =
            controller::serve(Arc::clone(&shared), "127.0.0.1:0".parse().unwrap());
        let address = endpoint.local_addr();
        Self {
            name: shared.cluster.clone(),
            trust_domain,
            shared,
            address,
            tasks: Some(tasks),
            endpoint,
            dir: tempfile::tempdir().unwrap(),
            shards: NonZeroU8::MIN,
            http3: Http3::default(),
        }
    }

    pub async fn stop_controller(&mut self) {
        self.endpoint.close(tunnel::CloseCode::Done).await;
        self.tasks.take().unwrap().shutdown().await;
    }

    pub fn svids_live(&self, life: Duration) {
        *self.shared.svid_life.lock() = life;
    }

    pub fn token(&self) -> JoinToken {
        JoinToken {
            controller: self.address.into(),
            trust_domain: self.trust_domain.clone(),
            cluster: self.name.clone(),
            root_digest: self.shared.digest,
            secret: [5; 32].into(),
            capability: self.capability(OWN),
            controller_handle: handle(CONTROLLER),
            role: HostRole::Node,
            expires_at: u64::MAX,
        }
    }

    pub fn capability(&self, number: u32) -> Capability {
        self.shared.keys.capability(selector(number), u64::MAX)
    }

    pub async fn node(&self, name: &'static str) -> RunningNode {
        let dir = self.dir.path().join(name);
        self.start_node(
            name,
            &dir,
            Some(self.token()),
            "127.0.0.1:0".parse().unwrap(),
        )
        .await
        .unwrap()
    }

    pub async fn restart(&self, mut node: RunningNode) -> RunningNode {
        node.stop().await;
        self.start_node(node.name, &node.dir, None, node.address)
            .await
            .unwrap()
    }

    pub async fn start_node(
        &self,
        name: &'static str,
        dir: &Path,
        join: Option<JoinToken>,
        bind: SocketAddr,
    ) -> Result<RunningNode, mesh_node::node::StartError> {
        let node = Node::start(NodeSettings {
            data_dir: dir.to_owned(),
            name: Label::parse(name).unwrap(),
            bind,
            advertise: None,
            locality: None,
            join,
            controller: None,
            sockets: tunnel::Sockets::default(),
            limits: Limits::default(),
            shards: self.shards,
            http3: self.http3,
        })
        .await?;
        let (stop, stopped) = oneshot::channel::<()>();
        let (address, ready, handle) =
            (node.local_addr(), node.ready(), node.membership().handle());
        let task = tokio::spawn(async { node.run(async { drop(stopped.await) }).await.unwrap() });
        Ok(RunningNode {
            name,
            dir: dir.to_owned(),
            address,
            handle,
            stop: Some(stop),
            task: Some(task),
            ready,
        })
    }

    /// Sends a View to a node and waits for its answer.
    pub async fn send(&self, node: &RunningNode, view: &View) {
        self.post(node.name, view);
        let version = view.version;
        until("acknowledged", async || {
            self.shared
                .acknowledged
                .lock()
                .get(node.name)
                .is_some_and(|(v, _)| *v >= version)
        })
        .await;
        let answer = self
            .shared
            .acknowledged
            .lock()
            .get(node.name)
            .cloned()
            .unwrap();
        assert_eq!(answer, (version, String::new()));
        assert!(
            tokio::time::timeout(PATIENCE, node.ready.clone().wait_for(|ready| *ready))
                .await
                .is_ok(),
            "never ready"
        );
    }

    pub fn post(&self, node: &str, view: &View) {
        self.shared
            .view_of(node)
            .send_replace(Some(v1::View::from(view)));
    }

    pub fn spiffe_id(&self, namespace: &str, account: &str) -> SpiffeId {
        SpiffeId::workload(&self.trust_domain, &label(namespace), &label(account))
    }

    /// A View with nothing in it.
    pub fn view(&self, version: u64) -> View {
        View {
            version,
            cluster: self.name.clone(),
            trust_domain: self.trust_domain.clone(),
            routing_keys: self.shared.keys.clone(),
            selectors: vec![allowed(OWN, None)],
            handles: BTreeMap::from([(handle(CONTROLLER), HostPort::from(self.address))]),
            bundles: vec![self.bundle()],
            workloads: Vec::new(),
            server_names: Vec::new(),
            policies: Vec::new(),
            local: self.capability(OWN),
            peers: BTreeMap::new(),
            services: BTreeMap::new(),
        }
    }

    pub fn bundle(&self) -> BundleData {
        BundleData {
            trust_domain: self.trust_domain.clone(),
            sequence: 1,
            roots: vec![self.shared.root.clone()],
            valid_until: None,
        }
    }

    /// Adds the other cluster as a peer; its one gateway is played by its node, whose port lets the peer's selector in.
    pub fn befriend(&self, view: &mut View, other: &Self, gateway: &RunningNode) {
        view.selectors.push(allowed(PEER, Some(other.name.clone())));
        view.bundles.push(other.bundle());
        let route = PeerRoute {
            peer: other.name.clone(),
            trust_domain: other.trust_domain.clone(),
            gateways: vec![HostPort::from(gateway.address)],
            capability: other.capability(PEER),
        };
        view.peers.insert(other.name.clone(), route);
    }
}

/// A workload that serves one service on one port, and calls by listeners.
pub fn workload(
    name: &str,
    service: Option<(&str, u16, Protocol)>,
    listeners: &[(u16, &str)],
    proxy: Option<u16>,
) -> Workload {
    Workload {
        namespace: label("shop"),
        name: label(name),
        service_account: label(name),
        serves: service
            .map(|(service, port, protocol)| ServicePort {
                service: service_name(service),
                port,
                protocol,
            })
            .into_iter()
            .collect(),
        health: HealthCheck {
            every: Duration::from_millis(100),
            ..HealthCheck::default()
        },
        listeners: listeners
            .iter()
            .map(|(port, host)| Listener {
                port: *port,
                host: MeshHost::parse(host).unwrap(),
            })
            .collect(),
        proxy_port: proxy,
        uses: Vec::new(),
    }
}

/// Where `owner`'s node serves; `seen_by` is the cluster that calls.
pub fn endpoint(
    owner: &Cluster,
    seen_by: &Cluster,
    node: &RunningNode,
    workload: &str,
) -> Endpoint {
    let is_peer = owner.name != seen_by.name;
    Endpoint {
        peer: is_peer.then(|| owner.name.clone()),
        handle: node.handle,
        address: (!is_peer).then(|| HostPort::from(node.address)),
        server_name: server_name(workload, seen_by),
        spiffe_id: owner.spiffe_id("shop", workload),
        locality: protocol::name::Locality::default(),
        weight: 1,
        healthy: true,
        workload: label(workload),
    }
}

fn server_name(workload: &str, caller: &Cluster) -> String {
    format!("{workload}-for-{}.weft.internal", caller.name)
}

/// Lets callers of `to` ask for `workload`'s service.
pub fn offer(owner: &Cluster, to: &Cluster, service: &str, workload: &str) -> ServerName {
    ServerName {
        name: server_name(workload, to),
        service: service_name(service),
        spiffe_id: owner.spiffe_id("shop", workload),
        trust_domain: to.trust_domain.clone(),
    }
}

pub fn service(
    name: &str,
    protocol: Protocol,
    endpoints: Vec<Endpoint>,
    failover: Option<Failover>,
) -> (ServiceName, Service) {
    let name = service_name(name);
    let service = Service {
        name: name.clone(),
        protocol,
        idempotent: Vec::new(),
        endpoints,
        failover: failover.unwrap_or_default(),
    };
    (name, service)
}

/// An ALLOW for one caller.
pub fn allow(service: &str, caller: SpiffeId) -> Policy {
    use protocol::authorization::{Action, Principal, Rule};
    Policy {
        namespace: label("shop"),
        name: label("callers"),
        targets: vec![service_name(service)],
        action: Action::Allow,
        rules: vec![Rule {
            from: vec![Principal::Id(caller)],
            methods: Vec::new(),
            paths: Vec::new(),
        }],
    }
}

pub fn label(text: &str) -> Label {
    Label::parse(text).unwrap()
}

pub fn service_name(text: &str) -> ServiceName {
    text.parse().unwrap()
}

fn handle(number: u32) -> Handle {
    Handle::try_from(number).unwrap()
}

fn selector(number: u32) -> Selector {
    Selector::new(number).unwrap()
}

fn allowed(number: u32, peer: Option<ClusterName>) -> AllowedSelector {
    AllowedSelector {
        selector: selector(number),
        peer,
        not_after: u64::MAX,
        only_handle: None,
    }
}

impl RunningNode {
    /// Tells it to stop and waits until it has drained.
    pub async fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(task) = self.task.take() {
            tokio::time::timeout(PATIENCE, task).await.unwrap().unwrap();
        }
    }

    pub fn is_ready(&self) -> bool {
        *self.ready.borrow()
    }
}

impl Shared {
    fn view_of(&self, node: &str) -> watch::Sender<Option<v1::View>> {
        self.views
            .lock()
            .entry(node.to_owned())
            .or_insert_with(|| watch::Sender::new(None))
            .clone()
    }

    fn sign(&self, csr: &[u8], id: &SpiffeId) -> v1::SvidChain {
        *self.issued.lock() += 1;
        let life = *self.svid_life.lock();
        let chain = self
            .authority
            .issue(csr, id, life, SystemTime::now(), rand::random())
            .unwrap();
        v1::SvidChain {
            certificates: chain
                .iter()
                .map(|certificate| certificate.to_vec())
                .collect(),
        }
    }
}
