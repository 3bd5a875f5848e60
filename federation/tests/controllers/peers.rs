//! Two clusters: invitation, catalogs both ways, removal, refusals.

use protocol::wire::v1;

use crate::cluster::{Cluster, federate};
use crate::host::enrol;
use crate::hosts::{SHOP, payments};

const EXPORT: &str = "
apiVersion: multicluster.x-k8s.io/v1alpha1
kind: ServiceExport
metadata: {name: payments, namespace: shop, annotations: {weft.dev/to: east}}
";

fn remove(cluster: &str) -> v1::RemovePeerRequest {
    v1::RemovePeerRequest {
        cluster: cluster.to_owned(),
        dry_run: false,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_exported_crosses_with_its_health_and_goes_with_the_peer() {
    let dir = tempfile::tempdir().unwrap();
    let (east, west) = (
        Cluster::start("east", dir.path()).await,
        Cluster::start("west", dir.path()).await,
    );
    let provider = enrol(&west.token("node").await, v1::Role::Node, "n1")
        .await
        .unwrap();
    let caller = enrol(&east.token("node").await, v1::Role::Node, "n1")
        .await
        .unwrap();
    let (mut provider_follows, mut caller_follows) =
        (provider.follow().await, caller.follow().await);
    provider_follows.until(|_| true).await;
    west.apply(SHOP).await;
    provider_follows.report("payments-1", true).await;
    federate(&east, &west).await;
    caller_follows
        .until(|view| view.peers.len() == 1 && view.bundles.len() == 2)
        .await;
    assert!(
        east.status().await.endpoints.is_empty(),
        "nothing is exported yet"
    );

    west.apply(EXPORT).await;
    let view = caller_follows
        .until(|view| view.service(&payments()).is_some())
        .await;
    let endpoint = &view.services[&payments()].endpoints[0];
    assert_eq!(endpoint.peer.as_ref().unwrap().as_str(), "west");
    assert_eq!(
        (endpoint.handle, &endpoint.address),
        (provider.handle, &None)
    );
    assert_eq!(
        endpoint.spiffe_id.to_string(),
        "spiffe://west.example/ns/shop/sa/payments"
    );
    let there = provider_follows
        .until(|view| view.server_name(&endpoint.server_name).is_some())
        .await;
    assert_eq!(
        there
            .server_name(&endpoint.server_name)
            .unwrap()
            .trust_domain
            .as_str(),
        "east.example"
    );
    let route = view.peer_of(endpoint.spiffe_id.trust_domain()).unwrap();
    assert!(
        there
            .selectors
            .iter()
            .any(|allowed| allowed.selector == route.capability.selector)
    );

    caller_follows
        .until(|view| view.services[&payments()].endpoints[0].healthy)
        .await;
    provider_follows.report("payments-1", false).await;
    caller_follows
        .until(|view| !view.services[&payments()].endpoints[0].healthy)
        .await;
    assert_eq!(east.until_peer("west", "READY").await.services, 1);

    let acknowledging = tokio::spawn(async move {
        let view = caller_follows
            .until(|view| {
                view.peers.is_empty() && view.bundles.len() == 1 && view.services.is_empty()
            })
            .await;
        (view, caller_follows)
    });
    let removed = east
        .api()
        .await
        .remove_peer(remove("west"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((removed.acknowledged, removed.nodes), (1, 1));
    let (view, _caller_follows) = acknowledging.await.unwrap();
    assert_eq!(view.selectors.len(), 1, "only the local selector is left");
    let status = west.until_peer("east", "UNREACHABLE").await;
    assert!(
        status.reason.contains("refuses this cluster"),
        "{}",
        status.reason
    );
    let missing = east
        .api()
        .await
        .remove_peer(remove("west"))
        .await
        .unwrap_err();
    assert_eq!(missing.code(), tonic::Code::NotFound);
}

/// P-18
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invitations_are_for_one_cluster_and_one_use() {
    let dir = tempfile::tempdir().unwrap();
    let (east, west) = (
        Cluster::start("east", dir.path()).await,
        Cluster::start("west", dir.path()).await,
    );
    let north = Cluster::start("north", dir.path()).await;
    let invitation = east.invite("west").await;
    let wrong = north.join(&invitation).await.unwrap_err();
    assert!(
        wrong
            .message()
            .contains("is for the cluster west, and this one is north"),
        "{}",
        wrong.message()
    );
    let own = east.join(&invitation).await.unwrap_err();
    assert!(own.message().contains("own peer"), "{}", own.message());
    let cut = west
        .join(&invitation[..invitation.len() - 9])
        .await
        .unwrap_err();
    assert_eq!(cut.code(), tonic::Code::InvalidArgument);

    let shown = west
        .api()
        .await
        .join_peer(v1::JoinPeerRequest {
            invitation: invitation.clone(),
            dry_run: true,
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (shown.cluster.as_str(), shown.trust_domain.as_str()),
        ("east", "east.example")
    );
    assert!(
        west.status().await.peers.is_empty(),
        "a dry run changes nothing"
    );
    west.join(&invitation).await.unwrap();
    let again = west.join(&invitation).await.unwrap_err();
    assert!(
        again.message().contains("a peer already"),
        "{}",
        again.message()
    );
    west.api().await.remove_peer(remove("east")).await.unwrap();
    let used = west.join(&invitation).await.unwrap_err();
    assert!(
        used.message().contains("east") && used.message().contains("\nTry: weft peer invite west"),
        "{}",
        used.message()
    );
    assert!(west.status().await.peers.is_empty(), "nothing is half done");

    let oneself = v1::InvitePeerRequest {
        cluster: "east".to_owned(),
        expires_seconds: 60,
        ..Default::default()
    };
    assert!(
        east.api()
            .await
            .invite_peer(oneself)
            .await
            .unwrap_err()
            .message()
            .contains("this cluster itself")
    );
    let forever = v1::InvitePeerRequest {
        cluster: "apac".to_owned(),
        expires_seconds: u64::MAX,
        ..Default::default()
    };
    assert_eq!(
        east.api()
            .await
            .invite_peer(forever)
            .await
            .unwrap_err()
            .code(),
        tonic::Code::InvalidArgument
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_peer_comes_back_with_a_new_invitation() {
    let dir = tempfile::tempdir().unwrap();
    let (east, west) = (
        Cluster::start("east", dir.path()).await,
        Cluster::start("west", dir.path()).await,
    );
    federate(&east, &west).await;
    east.api().await.remove_peer(remove("west")).await.unwrap();
    west.until_peer("east", "UNREACHABLE").await;
    west.api().await.remove_peer(remove("east")).await.unwrap();
    federate(&east, &west).await;
}
