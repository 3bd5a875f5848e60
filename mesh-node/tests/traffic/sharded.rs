//! Nodes of several shards: whatever arrives at one of them is served as by one node.

use std::collections::BTreeSet;
use std::num::NonZeroU8;

use futures_util::future::join_all;

use super::*;

impl East {
    async fn sharded(shards: u8) -> Self {
        Self::start_with(NonZeroU8::new(shards).unwrap()).await
    }
}

async fn asked_by_many(port: u16, callers: usize) -> BTreeSet<(u16, String)> {
    // Each by a connection of its own, which the kernel gives to one of the shards.
    join_all((0..callers).map(|_| get(port, "/")))
        .await
        .into_iter()
        .collect()
}

fn served() -> BTreeSet<(u16, String)> {
    BTreeSet::from([(200, "east-pay".to_owned())])
}

#[tokio::test]
async fn every_connection_is_served_whichever_shard_has_it() {
    for shards in [2, 4] {
        let east = East::sharded(shards).await;
        for port in [east.listener, east.listener] {
            assert_eq!(asked_by_many(port, 64).await, served(), "{shards} shards");
        }
    }
}

#[tokio::test]
async fn a_view_is_acknowledged_when_it_is_in_force_on_every_shard() {
    let mut east = East::sharded(4).await;
    let before = std::mem::replace(&mut east.listener, free_port());
    east.cluster.send(&east.a, &east.view_of_a(2)).await;
    assert_eq!(asked_by_many(east.listener, 32).await, served());
    until("the former port is closed", async || {
        tokio::net::TcpStream::connect(("127.0.0.1", before))
            .await
            .is_err()
    })
    .await;
    let mut view = east.view_of_b(2);
    view.server_names.clear();
    east.cluster.send(&east.b, &view).await;
    let refused = asked_by_many(east.listener, 32).await;
    assert!(
        refused.iter().all(|(status, _)| *status >= 500),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_node_that_restarts_with_other_shards_goes_on() {
    let mut east = East::sharded(4).await;
    assert_eq!(asked_by_many(east.listener, 16).await, served());
    east.cluster.shards = NonZeroU8::new(2).unwrap();
    east.b = east.cluster.restart(east.b).await;
    east.a = east.cluster.restart(east.a).await;
    until("all is served again", async || {
        asked_by_many(east.listener, 16).await == served()
    })
    .await;
}

#[tokio::test]
async fn what_has_begun_on_any_shard_ends_while_the_node_drains() {
    let mut east = East::sharded(3).await;
    let begin = || async {
        let url = format!("http://127.0.0.1:{}/bytes/20000000", east.listener);
        send(Request::get(url).body(Full::default()).unwrap())
            .await
            .unwrap()
    };
    let begun = join_all((0..8).map(|_| begin())).await;
    let ending = join_all(
        begun
            .into_iter()
            .map(|response| response.into_body().collect()),
    );
    let (bodies, ()) = tokio::join!(ending, east.a.stop());
    for body in bodies {
        assert_eq!(body.unwrap().to_bytes().len(), 20_000_000);
    }
}
