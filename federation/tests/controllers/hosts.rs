//! Hosts: joining, following, identities, acknowledgements.

use protocol::name::ServiceName;
use protocol::wire::v1;
use protocol::wire::v1::follow_request::Kind;

use crate::cluster::{Cluster, settings};
use crate::host::enrol;

pub const SHOP: &str = "
apiVersion: weft.dev/v1alpha1
kind: Service
metadata: {name: payments, namespace: shop}
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: {name: payments-1, namespace: shop}
spec: {node: n1, serviceAccount: payments, serves: [{service: payments, port: 8080}]}
";

pub fn payments() -> ServiceName {
    "shop/payments".parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_joins_follows_and_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut east = Cluster::start("east", dir.path()).await;
    let host = enrol(&east.token("node").await, v1::Role::Node, "n1")
        .await
        .unwrap();
    assert_eq!(
        host.svid.id().to_string(),
        "spiffe://east.example/weft/node/n1"
    );
    let mut following = host.follow().await;
    let first = following.until(|_| true).await;
    assert!(first.services.is_empty());

    let applied = east.apply(SHOP).await;
    assert_eq!(
        applied
            .applied
            .iter()
            .map(|one| one.outcome.as_str())
            .collect::<Vec<_>>(),
        ["created", "created"]
    );
    let view = following
        .until(|view| view.service(&payments()).is_some())
        .await;
    assert!(view.version > first.version);
    assert_eq!(view.workloads.len(), 1);
    let wait = v1::WaitRequest {
        version: applied.version,
        timeout_millis: 10_000,
    };
    let reply = east
        .api()
        .await
        .wait_acknowledged(wait)
        .await
        .unwrap()
        .into_inner();
    assert_eq!((reply.acknowledged, reply.nodes), (1, 1));

    following.report("payments-1", true).await;
    following
        .until(|view| view.services[&payments()].endpoints[0].healthy)
        .await;
    following.report("payments-1", false).await;
    let ill = following
        .until(|view| !view.services[&payments()].endpoints[0].healthy)
        .await;
    assert_eq!(
        ill.services[&payments()].endpoints.len(),
        1,
        "an unhealthy endpoint is still listed"
    );

    let status = east.status().await;
    assert_eq!(
        (
            status.hosts[0].name.as_str(),
            status.hosts[0].state.as_str()
        ),
        ("n1", "READY")
    );
    assert_eq!(
        status.version, applied.version,
        "people are shown the version of the state"
    );
    east.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_lags_and_who_refused_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let east = Cluster::start("east", dir.path()).await;
    let host = enrol(&east.token("node").await, v1::Role::Node, "n1")
        .await
        .unwrap();
    let mut following = host.follow().await;
    let view = following.views.message().await.unwrap().unwrap();
    let applied = east.apply(SHOP).await;
    let wait = |timeout_millis| v1::WaitRequest {
        version: applied.version,
        timeout_millis,
    };
    let late = east
        .api()
        .await
        .wait_acknowledged(wait(1))
        .await
        .unwrap_err();
    assert_eq!(late.code(), tonic::Code::DeadlineExceeded);
    assert!(
        late.message().contains("node/n1") && late.message().contains("\nTry: weft status"),
        "{}",
        late.message()
    );
    let rejected = v1::Acknowledge {
        version: view.version,
        rejected: "no room".to_owned(),
    };
    following.say(Kind::Acknowledge(rejected)).await;
    let status = east
        .until("n1 DEGRADED", |status| status.hosts[0].state == "DEGRADED")
        .await;
    assert_eq!(status.hosts[0].rejected, "no room");
}

/// P-11
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_gets_its_own_identities_and_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let east = Cluster::start("east", dir.path()).await;
    let host = enrol(&east.token("node").await, v1::Role::Node, "n1")
        .await
        .unwrap();
    let own = host
        .issue("spiffe://east.example/weft/node/n1")
        .await
        .unwrap();
    assert_eq!(own.certificates.len(), 2);
    let payments = "spiffe://east.example/ns/shop/sa/payments";
    assert_eq!(
        host.issue(payments).await.unwrap_err().code(),
        tonic::Code::PermissionDenied
    );
    east.apply(SHOP).await;
    assert_eq!(host.issue(payments).await.unwrap().certificates.len(), 2);
    for foreign in [
        "spiffe://east.example/weft/controller",
        "spiffe://west.example/ns/shop/sa/payments",
        "spiffe://east.example/weft/node/n2",
    ] {
        assert_eq!(
            host.issue(foreign).await.unwrap_err().code(),
            tonic::Code::PermissionDenied,
            "{foreign}"
        );
    }
}

/// P-11: a workload is trusted by its like, and has no business with the controller.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workload_is_refused_at_the_controllers_door() {
    let dir = tempfile::tempdir().unwrap();
    let east = Cluster::start("east", dir.path()).await;
    east.apply(SHOP).await;
    let host = enrol(&east.token("node").await, v1::Role::Node, "n1")
        .await
        .unwrap();
    let workload = host
        .into_workload("spiffe://east.example/ns/shop/sa/payments")
        .await;
    let tunnel = workload.dial().await.unwrap();
    let closed = tokio::time::timeout(std::time::Duration::from_secs(10), tunnel.closed());
    let reason = closed.await.unwrap();
    assert!(
        matches!(
            reason,
            tunnel::CloseReason::There(Some(tunnel::CloseCode::Refused))
        ),
        "{reason:?}"
    );
}

/// P-18: of many simultaneous uses exactly one wins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_good_for_one_host() {
    let dir = tempfile::tempdir().unwrap();
    let east = Cluster::start("east", dir.path()).await;
    let token = east.token("node").await;
    let wrong = enrol(&token, v1::Role::Gateway, "g1").await.err().unwrap();
    assert!(wrong.message().contains("for a node"), "{wrong}");
    let names: Vec<_> = (0..12).map(|number| format!("n{number}")).collect();
    let attempts = names.iter().map(|name| enrol(&token, v1::Role::Node, name));
    let outcomes = futures_util::future::join_all(attempts).await;
    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(
        won,
        1,
        "{:?}",
        outcomes
            .iter()
            .filter_map(|outcome| outcome.as_ref().err())
            .collect::<Vec<_>>()
    );
    assert_eq!(east.status().await.hosts.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_in_touch_is_taken_and_one_out_of_touch_comes_back_with_its_handle() {
    let dir = tempfile::tempdir().unwrap();
    let mut east = Cluster::start("east", dir.path()).await;
    let host = enrol(&east.token("node").await, v1::Role::Node, "n1")
        .await
        .unwrap();
    let mut following = host.follow().await;
    following.until(|_| true).await;
    let taken = enrol(&east.token("node").await, v1::Role::Node, "n1")
        .await
        .err()
        .unwrap();
    assert!(taken.message().contains("taken"), "{taken}");
    let address = east.address;
    east.stop().await;
    drop(following);
    let again = Cluster::start_at("east", &east.dir, address).await;
    let plain = enrol(&again.token("node").await, v1::Role::Node, "n1")
        .await
        .err()
        .unwrap();
    assert!(
        plain
            .message()
            .ends_with("Try: weft token create --role node --name n1"),
        "{plain}"
    );
    let back = enrol(&again.token_for("node", "n1").await, v1::Role::Node, "n1")
        .await
        .unwrap();
    assert_eq!(back.handle, host.handle);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_told_and_nothing_is_half_done() {
    let dir = tempfile::tempdir().unwrap();
    let east = Cluster::start("east", dir.path()).await;
    let before = east.status().await.version;
    let half = format!(
        "{SHOP}---\napiVersion: weft.dev/v1alpha1\nkind: Service\nmetadata: {{name: x}}\nspec: {{protocl: http}}\n"
    );
    let request = v1::ApplyRequest {
        manifest: half,
        file: "half.yaml".to_owned(),
        ..Default::default()
    };
    let error = east.api().await.apply(request).await.unwrap_err();
    assert!(
        error.message().starts_with("half.yaml:") && error.message().contains("protocl"),
        "{}",
        error.message()
    );
    let dry = v1::ApplyRequest {
        manifest: SHOP.to_owned(),
        dry_run: true,
        ..Default::default()
    };
    let plan = east.api().await.apply(dry).await.unwrap().into_inner();
    assert_eq!(plan.applied[0].outcome, "created");
    assert!(
        plan.warnings[0].contains("no node n1"),
        "{:?}",
        plan.warnings
    );
    assert_eq!(east.status().await.version, before);
    assert!(
        east.api()
            .await
            .get(v1::GetRequest::default())
            .await
            .unwrap()
            .into_inner()
            .resources
            .is_empty()
    );
    east.apply(SHOP).await;
    let listed = east
        .api()
        .await
        .get(v1::GetRequest {
            kind: "svc".to_owned(),
            ..Default::default()
        })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(listed.resources.len(), 1);
    let delete = v1::DeleteRequest {
        kind: "Service".to_owned(),
        namespace: "shop".to_owned(),
        name: "payments".to_owned(),
        dry_run: false,
    };
    east.api().await.delete(delete.clone()).await.unwrap();
    let missing = east.api().await.delete(delete).await.unwrap_err();
    assert_eq!(missing.code(), tonic::Code::NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_private_and_another_clusters_directory_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let mut east = Cluster::start("east", dir.path()).await;
    for file in [
        "state.redb",
        "weft.sock",
        "node.secret",
        "authority/root.pem",
        "authority/intermediate.pem",
    ] {
        let mode = std::fs::metadata(east.dir.join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{file}");
    }
    assert_eq!(
        std::fs::metadata(&east.dir).unwrap().permissions().mode() & 0o777,
        0o700
    );
    let address = east.address;
    east.stop().await;
    let foreign = federation::Controller::start(settings("west", &east.dir, address))
        .await
        .unwrap_err();
    assert!(
        foreign.to_string().contains("belongs to the cluster east"),
        "{foreign}"
    );
    std::fs::remove_file(east.dir.join("state.redb")).unwrap();
    let parted = federation::Controller::start(settings("east", &east.dir, address))
        .await
        .unwrap_err();
    assert!(parted.to_string().contains("incarnation"), "{parted}");
}
