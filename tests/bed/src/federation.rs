//! Two clusters that know each other: `west`, which has the service `shop/payments`, and `east`, where `shop/cart` calls it.

use std::net::SocketAddr;
use std::time::Duration;

use crate::app::App;
use crate::cluster::{Cluster, ClusterSpec, expect_ok};
use crate::http;
use crate::manifest::{self, Workload};
use crate::ports;
use crate::wait;

/// The name by which east calls west's payments.
pub const WEST_PAYMENTS: &str = "payments.shop.svc.west.clusterset.local";

/// Two federated clusters with one service and one caller.
#[derive(Debug)]
pub struct Federation {
    /// The cluster that has the service.
    pub west: Cluster,
    /// The cluster that calls it.
    pub east: Cluster,
    /// The app behind west's `shop/payments`.
    pub payments: App,
    /// East's local port of `shop/cart` that leads to west's payments.
    pub listener: SocketAddr,
    /// East's forward proxy of `shop/cart`.
    pub proxy: SocketAddr,
}

/// What kind of federation.
#[derive(Debug, Clone)]
pub struct FederationSpec {
    /// The serving cluster.
    pub west: ClusterSpec,
    /// The calling cluster.
    pub east: ClusterSpec,
    /// The protocol of `shop/payments`.
    pub protocol: String,
}

impl Default for FederationSpec {
    fn default() -> Self {
        Self {
            west: ClusterSpec::named("west"),
            east: ClusterSpec::named("east"),
            protocol: "http".to_owned(),
        }
    }
}

impl Federation {
    /// Starts both clusters, federates them, exports `shop/payments` to east with leave for `shop/cart`, and waits until a call
    /// goes through.
    pub fn start() -> Self {
        Self::with(&FederationSpec::default())
    }

    /// The same with other clusters.
    pub fn with(spec: &FederationSpec) -> Self {
        let federation = Self::unexported(spec);
        federation.west.weft_ok(&[
            "service",
            "export",
            "shop/payments",
            "--to",
            "east",
            "--allow",
            "shop/cart",
        ]);
        federation.wait_served();
        federation
    }

    /// Both clusters, federated, the workloads declared, and nothing exported yet.
    pub fn unexported(spec: &FederationSpec) -> Self {
        let (west, east) = start_both(&spec.west, &spec.east);
        let payments = App::start("west");
        let (listener, proxy) = (ports::free(), ports::free());
        federate(&west, &east);
        west.apply(&payments_manifest(payments.port, &spec.protocol));
        east.apply(
            &Workload {
                namespace: "shop",
                name: "cart",
                node: "n1",
                listeners: &[(listener, WEST_PAYMENTS)],
                proxy_port: Some(proxy),
                ..Workload::default()
            }
            .yaml(),
        );
        let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            west,
            east,
            payments,
            listener: loopback(listener),
            proxy: loopback(proxy),
        }
    }

    /// Waits until a call from east to west's payments is answered.
    #[track_caller]
    pub fn wait_served(&self) {
        self.wait_status(200);
    }

    /// Waits until a call from east to west's payments gets this status.
    #[track_caller]
    pub fn wait_status(&self, status: u16) {
        let mut last = String::new();
        let reached = wait::poll(wait::GENEROUS, || {
            let answer = http::get(self.listener, WEST_PAYMENTS, "/");
            last = match &answer {
                Ok(response) => format!("{} {}", response.status, response.text()),
                Err(error) => error.to_string(),
            };
            answer
                .is_ok_and(|answer| answer.status == status)
                .then_some(())
        });
        assert!(
            reached.is_some(),
            "no answer {status} from {WEST_PAYMENTS}, but {last:?}\n{}\n{}",
            self.east.nodes[0].process().tail(),
            self.west.nodes[0].process().tail()
        );
    }
}

/// Starts two clusters at the same time.
pub fn start_both(west: &ClusterSpec, east: &ClusterSpec) -> (Cluster, Cluster) {
    std::thread::scope(|scope| {
        let starting = scope.spawn(|| Cluster::start(west));
        let east = Cluster::start(east);
        (starting.join().expect("west starts"), east)
    })
}

/// Federates as UX.md shows: east invites west, west joins; waits until both call the other `READY`.
pub fn federate(west: &Cluster, east: &Cluster) {
    let invitation = invite(east, &west.name);
    join(west, &invitation);
    wait_peers(west, east);
}

/// Has `inviter` print an invitation for `peer`.
#[track_caller]
pub fn invite(inviter: &Cluster, peer: &str) -> String {
    let printed = inviter.weft_ok(&["peer", "invite", peer, "--expires", "15m"]);
    let mut words = printed.split_whitespace();
    let found = words.rfind(|word| word.starts_with("weft-invitation-v1."));
    found
        .unwrap_or_else(|| panic!("no invitation in {printed:?}"))
        .to_owned()
}

/// Has `joiner` take an invitation.
#[track_caller]
pub fn join(joiner: &Cluster, invitation: &str) -> String {
    let arguments = ["peer", "join", "-f", "-", "--yes"];
    expect_ok(
        &arguments,
        &joiner.weft_with_input(&arguments, &format!("{invitation}\n")),
    )
}

/// Waits until each of two clusters calls the other `READY`.
pub fn wait_peers(one: &Cluster, other: &Cluster) {
    for (here, there) in [(one, other), (other, one)] {
        let what = format!("{} calls {} READY", here.name, there.name);
        wait::until(&what, wait::GENEROUS, || {
            (here.peer_state(&there.name).as_deref() == Some("READY")).then_some(())
        });
    }
}

/// `shop/payments` on node `n1`, served at `port`.
pub fn payments_manifest(port: u16, protocol: &str) -> String {
    manifest::service("shop", "payments", protocol)
        + &Workload {
            namespace: "shop",
            name: "payments",
            node: "n1",
            serves: &[("payments", port)],
            ..Workload::default()
        }
        .yaml()
}

/// How long a removal may take to bite on nodes in touch with their controller (P-8).
pub const PROMPT: Duration = Duration::from_secs(10);
