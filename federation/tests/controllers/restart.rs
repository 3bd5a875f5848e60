//! A controller that comes back: its state, its hosts, its peers.

use protocol::wire::v1;

use crate::cluster::{Cluster, federate};
use crate::host::enrol;
use crate::hosts::{SHOP, payments};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_and_peers_find_a_restarted_controller_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (mut east, west) = (
        Cluster::start("east", dir.path()).await,
        Cluster::start("west", dir.path()).await,
    );
    federate(&east, &west).await;
    let host = enrol(&east.token("node").await, v1::Role::Node, "n1")
        .await
        .unwrap();
    let mut following = host.follow().await;
    east.apply(SHOP).await;
    following.report("payments-1", true).await;
    let before = following
        .until(|view| {
            view.service(&payments())
                .is_some_and(|s| s.endpoints[0].healthy)
        })
        .await;

    let address = east.address;
    east.stop().await;
    following.tunnel.closed().await;
    let again = Cluster::start_at("east", &east.dir, address).await;
    let mut following = host.follow().await;
    let after = following.until(|_| true).await;
    assert!(
        after.version > before.version,
        "a View's version never goes back"
    );
    assert_eq!(after.routing_keys, before.routing_keys);
    assert_eq!(after.bundles.len(), 2);
    assert!(
        after.services[&payments()].endpoints[0].healthy,
        "a start makes nothing look ill"
    );
    again.until_peer("west", "READY").await;
    west.until_peer("east", "READY").await;
}
