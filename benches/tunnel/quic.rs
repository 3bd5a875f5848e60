//! The two ends of one tunnel, with the limits that a node has, and nothing around them.

use std::net::SocketAddr;
use std::path::Path;

use bytes::Bytes;
use tunnel::{Accepted, Congestion, Opening};

use crate::Total;
use crate::world::World;

/// What is handed to the stream at once.
const PIECE: usize = 64 << 10;

pub(crate) fn send(to: SocketAddr, place: &Path, congestion: Congestion) {
    run(async {
        let world = World::load(place);
        let endpoint = world.caller(SocketAddr::from(([0, 0, 0, 0], 0)), congestion);
        let tunnel = world.dial(&endpoint, to).await;
        let (mut bytes, _answer) = tunnel.connect_tcp(&world.service()).await.unwrap();
        let piece = Bytes::from(vec![7; PIECE]);
        while bytes.write(piece.clone()).await.is_ok() {}
    });
}

pub(crate) fn receive(at: SocketAddr, place: &Path, congestion: Congestion) {
    run(async {
        let world = World::load(place);
        let endpoint = world.listener(at, congestion);
        let mut total = Total::new();
        let arrival = endpoint.accept().await.unwrap();
        let Accepted::Tunnel(tunnel) = arrival.prove(world.trust()).await.unwrap() else {
            panic!("a stranger dialed");
        };
        let stream = tunnel.accept_stream().await.unwrap();
        let Some(Opening::Tcp(_, arrival)) = stream.open().await.unwrap() else {
            panic!("another kind of stream was opened");
        };
        let (_send, mut recv) = arrival.accept().await.unwrap();
        let mut chunks = vec![Bytes::new(); 64];
        while let Some(count) = recv.read(&mut chunks).await.unwrap() {
            total.add(chunks.iter().take(count).map(Bytes::len).sum());
        }
    });
}

/// As a node does: one thread.
fn run(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(work);
}
