//! A whole gateway that starts from its disk, with no controller anywhere.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, SystemTime};

use identity::authority::RootAuthority;
use identity::{PrivateKey, X509Svid};
use prost::Message;
use protocol::name::{SpiffeId, TrustDomain};
use protocol::wire::v1;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::bed::{Bed, PATIENCE, Sender};
use crate::control::cache;
use crate::gateway::{Gateway, GatewaySettings};

/// What `control` keeps of an enrolment.
#[derive(Clone, PartialEq, Message)]
struct Kept {
    #[prost(message, optional, tag = "1")]
    reply: Option<v1::EnrolReply>,
    #[prost(string, tag = "2")]
    controller: String,
    #[prost(enumeration = "v1::Role", tag = "3")]
    role: i32,
}

#[tokio::test]
async fn it_serves_from_its_disk_with_no_controller_and_again_after_it_was_killed() {
    let bed = Bed::new().await;
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("gw1");
    enrolled(&data_dir, bed.node_address());
    let first = Gateway::start(settings(
        &data_dir,
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
    ))
    .await
    .unwrap();
    let public = first.local_addr();
    let caller = Sender::to(public).await;
    forwards(first, &bed, &caller, &bed.initial()).await;
    let second = timeout(PATIENCE, async {
        loop {
            // The first one's sockets go with its last task.
            match Gateway::start(settings(&data_dir, public)).await {
                Ok(gateway) => return gateway,
                Err(crate::gateway::StartError::Bind { .. }) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    });
    let second = second.await.unwrap();
    forwards(second, &bed, &caller, &bed.established()).await;
}

#[tokio::test]
async fn a_port_in_use_is_an_error_before_anything_else_is_tried() {
    let bed = Bed::new().await;
    let dir = tempfile::tempdir().unwrap();
    let error = Gateway::start(settings(dir.path(), bed.public()))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("can't bind the public UDP address {}", bed.public())
    );
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// Runs the gateway until one packet has gone each way, and then drops it as it is.
async fn forwards(gateway: Gateway, bed: &Bed, caller: &Sender, packet: &[u8]) {
    assert!(*gateway.ready().borrow(), "ready before it has run");
    let story = async {
        caller.send(packet).await;
        let (received, inner) = bed.node_receives().await;
        assert_eq!(received, packet);
        bed.node_sends(inner, b"ok").await;
        assert_eq!(caller.receive().await, b"ok");
    };
    tokio::select! {
        () = gateway.run(CancellationToken::new()) => panic!("it ended"),
        told = timeout(PATIENCE, story) => told.unwrap(),
    }
}

fn settings(data_dir: &Path, bind: SocketAddr) -> GatewaySettings {
    GatewaySettings {
        data_dir: data_dir.to_owned(),
        name: "gw1".parse().unwrap(),
        bind,
        inner_bind: Ipv4Addr::LOCALHOST.into(),
        advertise: None,
        locality: None,
        join: None,
        // Nobody is there.
        controller: Some("127.0.0.1:9".parse().unwrap()),
        flows: Default::default(),
        initials: Default::default(),
        sockets: tunnel::Sockets::default(),
    }
}

/// Leaves what a gateway of the bed's cluster has on its disk.
fn enrolled(dir: &Path, node: SocketAddr) {
    identity::key::create_private_dir(dir).unwrap();
    let trust_domain = TrustDomain::parse("west.example").unwrap();
    let id = SpiffeId::gateway(&trust_domain, &"gw1".parse().unwrap());
    let now = SystemTime::now();
    let root = RootAuthority::create(&trust_domain, now).unwrap();
    let key = PrivateKey::generate().unwrap();
    let intermediate = root.intermediate(now, [1; 16]).unwrap();
    let chain = intermediate
        .issue(
            &key.csr().unwrap(),
            &id,
            Duration::from_secs(3600),
            now,
            [2; 16],
        )
        .unwrap();
    X509Svid::from_parts(chain, key)
        .unwrap()
        .save(&dir.join("svid"))
        .unwrap();

    let view = view(node, root.root_certificate().to_vec());
    let reply = v1::EnrolReply {
        cluster: view.cluster.clone(),
        spiffe_id: id.to_string(),
        svid: None,
        bundle: view.bundles.first().cloned(),
        handle: 4,
        routing_keys: view.routing_keys.clone(),
        local: view.local.clone(),
        controller_handle: 3,
    };
    let kept = Kept {
        reply: Some(reply),
        controller: "127.0.0.1:9".into(),
        role: v1::Role::Gateway as i32,
    };
    cache::write(&dir.join("membership"), &kept.encode_to_vec()).unwrap();
    cache::save_view(&dir.join(cache::VIEW_FILE), &view).unwrap();
}

fn view(node: SocketAddr, root: Vec<u8>) -> v1::View {
    let trust_domain = "west.example".to_owned();
    v1::View {
        schema: 1,
        version: 8,
        cluster: "west".into(),
        trust_domain: trust_domain.clone(),
        routing_keys: vec![v1::RoutingKey {
            generation: 0,
            key: vec![7; 16],
            seals: true,
        }],
        selectors: vec![v1::Selector {
            selector: 1,
            peer: String::new(),
            not_after: u64::MAX,
            only_handle: 0,
        }],
        handles: vec![v1::HandleAddress {
            handle: 5,
            address: node.to_string(),
        }],
        bundles: vec![v1::Bundle {
            trust_domain,
            sequence: 1,
            roots: vec![root],
            valid_until: 0,
        }],
        local: Some(v1::Capability {
            generation: 0,
            selector: 1,
            key: vec![9; 16],
            not_after: u64::MAX,
        }),
        ..v1::View::default()
    }
}
