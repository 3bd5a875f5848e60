//! Across trust domains: default deny, revocation, failover and return.

use http::Request;
use http_body_util::{BodyExt, Full};
use protocol::view::{Failover, Place, PlaceKind, Protocol, View};

use super::East;
use super::bed::app::App;
use super::bed::cluster::{Cluster, RunningNode, allow, endpoint, offer, service, workload};
use super::bed::{get, send, until};

/// Two clusters: `cart` in east calls `pay`, which runs in west, and in east too.
struct Both {
    east: East,
    west: Cluster,
    w: RunningNode,
    pay: App,
}

impl Both {
    async fn start() -> Self {
        let east = East::start().await;
        let west = Cluster::start("west");
        let w = west.node("w").await;
        let both = Self {
            pay: App::start("west-pay"),
            east,
            west,
            w,
        };
        both.west.send(&both.w, &both.view_of_w(1)).await;
        both.east
            .cluster
            .send(&both.east.a, &both.view_of_a(2, None))
            .await;
        both
    }

    fn view_of_w(&self, version: u64) -> View {
        let mut view = self.west.view(version);
        view.workloads = vec![workload(
            "pay",
            Some(("shop/pay", self.pay.port, Protocol::Http)),
            &[],
            None,
        )];
        view.server_names = vec![
            offer(&self.west, &self.west, "shop/pay", "pay"),
            offer(&self.west, &self.east.cluster, "shop/pay", "pay"),
        ];
        self.west
            .befriend(&mut view, &self.east.cluster, &self.east.a);
        view.policies = vec![allow(
            "shop/pay",
            self.east.cluster.spiffe_id("shop", "cart"),
        )];
        view
    }

    fn view_of_a(&self, version: u64, failover: Option<Failover>) -> View {
        let mut view = self.east.view_of_a(version);
        self.east.cluster.befriend(&mut view, &self.west, &self.w);
        view.workloads[0].listeners[0].host =
            protocol::name::MeshHost::parse("pay.shop.svc.west.clusterset.local").unwrap();
        let endpoints = vec![
            endpoint(&self.east.cluster, &self.east.cluster, &self.east.b, "pay"),
            endpoint(&self.west, &self.east.cluster, &self.w, "pay"),
        ];
        if failover.is_some() {
            view.workloads[0].listeners[0].host =
                protocol::name::MeshHost::parse("pay.shop").unwrap();
        }
        view.services
            .extend([service("shop/pay", Protocol::Http, endpoints, failover)]);
        view
    }
}

#[tokio::test]
async fn a_request_crosses_trust_domains_only_by_a_policy() {
    let both = Both::start().await;
    assert_eq!(
        get(both.east.listener, "/").await,
        (200, "west-pay".to_owned())
    );
    let mut view = both.view_of_w(2);
    view.policies.clear();
    both.west.send(&both.w, &view).await;
    let denied = get(both.east.listener, "/").await;
    assert_eq!(denied.0, 403);
    // P-16: what isn't offered at all looks the same.
    let mut view = both.view_of_w(3);
    view.server_names[1].service = super::bed::cluster::service_name("shop/other");
    both.west.send(&both.w, &view).await;
    assert_eq!(get(both.east.listener, "/").await, denied);
}

#[tokio::test]
async fn a_revoked_peer_is_cut_off_at_once() {
    let both = Both::start().await;
    assert_eq!(get(both.east.listener, "/").await.0, 200);
    let long = send(
        Request::get(format!(
            "http://127.0.0.1:{}/bytes/2000000000",
            both.east.listener
        ))
        .body(Full::default())
        .unwrap(),
    )
    .await
    .unwrap();
    let mut view = both.view_of_w(2);
    view.peers.clear();
    view.bundles.truncate(1);
    view.selectors.truncate(1);
    view.server_names.truncate(1);
    both.west.send(&both.w, &view).await;
    assert!(
        long.into_body().collect().await.is_err(),
        "what is under way is cut off"
    );
    // The other way about: east forgets west.
    let mut view = both.east.view_of_a(3);
    view.workloads[0].listeners[0].host =
        protocol::name::MeshHost::parse("pay.shop.svc.west.clusterset.local").unwrap();
    both.east.cluster.send(&both.east.a, &view).await;
    assert_eq!(get(both.east.listener, "/").await.0, 404);
}

#[tokio::test]
async fn traffic_fails_over_without_a_lost_request_and_comes_back() {
    let both = Both::start().await;
    let failover = Failover {
        hold: std::time::Duration::from_millis(200),
        steps: vec![
            protocol::resource::Percent::new(50).unwrap(),
            protocol::resource::Percent::HUNDRED,
        ],
        step: std::time::Duration::from_millis(300),
        ..Failover::through(vec![
            Place::only(PlaceKind::Local),
            Place::only(PlaceKind::Peer(both.west.name.clone())),
        ])
    };
    both.east
        .cluster
        .send(&both.east.a, &both.view_of_a(3, Some(failover)))
        .await;
    for _ in 0..10 {
        assert_eq!(
            get(both.east.listener, "/").await,
            (200, "east-pay".to_owned())
        );
    }
    let listener = both.east.listener;
    let port = both.east.pay.kill().await;
    for n in 0..30 {
        assert_eq!(
            get(listener, "/").await,
            (200, "west-pay".to_owned()),
            "request {n}"
        );
    }
    let _again = App::start_at("east-again", port);
    let mut served_west_meanwhile = false;
    until("traffic is back", async || {
        let mut home = 0;
        for _ in 0..10 {
            let (status, by) = get(listener, "/").await;
            assert_eq!(status, 200);
            home += usize::from(by == "east-again");
        }
        served_west_meanwhile |= home > 0 && home < 10;
        home == 10
    })
    .await;
    assert!(served_west_meanwhile, "it comes back in steps");
}
