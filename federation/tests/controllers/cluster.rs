//! A controller in this process, and the API as the command line calls it.

use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use federation::{Controller, ControllerSettings};
use protocol::name::{HostPort, Label};
use protocol::wire::v1;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tunnel::rpc::v1::api_client::ApiClient;

pub struct Cluster {
    pub name: String,
    pub dir: PathBuf,
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

/// A port that was free a moment ago: a controller's own address is its "gateway" here, and must be known before it starts.
pub fn free_address() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

pub fn settings(name: &str, dir: &Path, address: SocketAddr) -> ControllerSettings {
    ControllerSettings {
        data_dir: dir.to_owned(),
        cluster: name.parse().unwrap(),
        trust_domain: format!("{name}.example").parse().unwrap(),
        bind: address,
        advertise: HostPort::from(address),
        gateways: vec![HostPort::from(address)],
        name: Label::parse("c1").unwrap(),
        svid_lifetime: Duration::from_secs(3600),
        catalog_lease: Duration::from_secs(30),
        sockets: tunnel::Sockets::default(),
    }
}

impl Cluster {
    pub async fn start(name: &str, dir: &Path) -> Self {
        Self::start_at(name, &dir.join(name), free_address()).await
    }

    pub async fn start_at(name: &str, dir: &Path, address: SocketAddr) -> Self {
        let controller = Controller::start(settings(name, dir, address))
            .await
            .unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(async move {
            controller.run(async { drop(stopped.await) }).await.unwrap();
        });
        Self {
            name: name.to_owned(),
            dir: dir.to_owned(),
            address,
            stop: Some(stop),
            running,
        }
    }

    pub async fn stop(&mut self) {
        drop(self.stop.take());
        (&mut self.running).await.unwrap();
    }

    pub async fn api(&self) -> ApiClient<Channel> {
        ApiClient::connect(format!("unix://{}", self.dir.join("weft.sock").display()))
            .await
            .unwrap()
    }

    pub async fn apply(&self, manifest: &str) -> v1::ApplyReply {
        let request = v1::ApplyRequest {
            manifest: manifest.to_owned(),
            file: "test.yaml".to_owned(),
            ..Default::default()
        };
        self.api().await.apply(request).await.unwrap().into_inner()
    }

    pub async fn token(&self, role: &str) -> String {
        self.token_for(role, "").await
    }

    pub async fn token_for(&self, role: &str, name: &str) -> String {
        let request = v1::CreateTokenRequest {
            role: role.to_owned(),
            expires_seconds: 60,
            name: name.to_owned(),
        };
        self.api()
            .await
            .create_token(request)
            .await
            .unwrap()
            .into_inner()
            .token
    }

    pub async fn invite(&self, cluster: &str) -> String {
        let request = v1::InvitePeerRequest {
            cluster: cluster.to_owned(),
            expires_seconds: 60,
            ..Default::default()
        };
        self.api()
            .await
            .invite_peer(request)
            .await
            .unwrap()
            .into_inner()
            .invitation
    }

    pub async fn join(&self, invitation: &str) -> Result<v1::JoinPeerReply, tonic::Status> {
        let request = v1::JoinPeerRequest {
            invitation: invitation.to_owned(),
            dry_run: false,
        };
        self.api()
            .await
            .join_peer(request)
            .await
            .map(tonic::Response::into_inner)
    }

    pub async fn status(&self) -> v1::StatusReply {
        self.api()
            .await
            .status(v1::StatusRequest {})
            .await
            .unwrap()
            .into_inner()
    }

    /// Asks for the status until it is as wanted; the test's own time limit ends one that never is.
    pub async fn until(
        &self,
        what: &str,
        wanted: impl Fn(&v1::StatusReply) -> bool,
    ) -> v1::StatusReply {
        let waiting = async {
            loop {
                let status = self.status().await;
                if wanted(&status) {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(30), waiting).await {
            Ok(status) => status,
            Err(_) => panic!(
                "{} never came to: {what}\n{:#?}",
                self.name,
                self.status().await
            ),
        }
    }

    pub async fn until_peer(&self, peer: &str, state: &str) -> v1::PeerStatus {
        let is = |status: &v1::PeerStatus| status.cluster == peer && status.state == state;
        let status = self
            .until(&format!("{peer} {state}"), |status| {
                status.peers.iter().any(is)
            })
            .await;
        status.peers.into_iter().find(is).unwrap()
    }
}

/// Makes two clusters peers of each other.
pub async fn federate(inviter: &Cluster, joiner: &Cluster) {
    let invitation = inviter.invite(&joiner.name).await;
    joiner.join(&invitation).await.unwrap();
    inviter.until_peer(&joiner.name, "READY").await;
    joiner.until_peer(&inviter.name, "READY").await;
}
