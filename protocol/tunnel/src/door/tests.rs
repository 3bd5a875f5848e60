//! What passes, what is handed over, what is dropped; and batches that are too long.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::num::NonZeroU8;
use std::task::Waker;

use parking_lot::Mutex;
use protocol::cid::{
    AllowedSelector, Capability, Generation, Handle, NODE_ID_LEN, RoutingKey, RoutingKeys, Selector,
};
use quinn::udp::EcnCodepoint;

use super::*;
use crate::shard::Switchboard;

/// A socket that receives what the test says and notes what is sent.
#[derive(Debug, Default)]
struct Script {
    received: Mutex<Vec<(Vec<u8>, usize)>>,
    sent: Mutex<Vec<(usize, Option<usize>)>>,
}

impl AsyncUdpSocket for Script {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        unreachable!("nobody waits to send")
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let mut sent = self.sent.lock();
        sent.push((transmit.contents.len(), transmit.segment_size));
        Ok(())
    }

    fn poll_recv(
        &self,
        _: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let Some((bytes, stride)) = self.received.lock().pop() else {
            return Poll::Pending;
        };
        bufs[0][..bytes.len()].copy_from_slice(&bytes);
        meta[0] = RecvMeta {
            len: bytes.len(),
            stride,
            ecn: Some(EcnCodepoint::Ce),
            ..RecvMeta::default()
        };
        Poll::Ready(Ok(1))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok("127.0.0.1:1".parse().unwrap())
    }

    fn max_receive_segments(&self) -> usize {
        64
    }
}

/// One port's doors, on scripted sockets.
struct Port {
    doors: Vec<(Door, Arc<Script>)>,
    capability: Capability,
    keys: RoutingKeys,
}

const US: u32 = 5;

impl Port {
    fn of(shards: u8) -> Self {
        let generation = Generation::new(0).unwrap();
        let keys = RoutingKeys::new(vec![RoutingKey::new(generation, [7; 16], true)]).unwrap();
        let selector = Selector::new(9).unwrap();
        let allowed = AllowedSelector {
            selector,
            peer: None,
            not_after: u64::MAX,
            only_handle: None,
        };
        let routing = Arc::new(Routing::new_unenrolled());
        routing.install(handle(US), keys.clone(), vec![allowed]);
        let door = |place| {
            let script = Arc::new(Script::default());
            let door = Door {
                inner: Arc::clone(&script) as _,
                routing: Arc::clone(&routing),
                place,
                dropped: Arc::default(),
                max_payload: 1472,
            };
            (door, script)
        };
        let places = Switchboard::places(NonZeroU8::new(shards).unwrap());
        Self {
            doors: places.into_iter().map(door).collect(),
            capability: keys.capability(selector, u64::MAX),
            keys,
        }
    }

    /// Lets a buffer arrive at a shard; what its QUIC sees of it.
    fn arrives(&self, at: usize, bytes: Vec<u8>, stride: usize) -> Vec<Vec<u8>> {
        self.doors[at].1.received.lock().push((bytes, stride));
        self.sees(at)
    }

    /// What a shard's QUIC sees, datagram by datagram.
    fn sees(&self, at: usize) -> Vec<Vec<u8>> {
        let mut space = vec![vec![0; 1 << 16]; 8];
        let mut bufs: Vec<_> = space.iter_mut().map(|b| IoSliceMut::new(b)).collect();
        let mut metas = [RecvMeta::default(); 8];
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(read) = self.doors[at].0.poll_recv(&mut cx, &mut bufs, &mut metas) else {
            return Vec::new();
        };
        let read = metas.iter().zip(&bufs).take(read.unwrap());
        read.filter(|(meta, _)| meta.len > 0)
            .flat_map(|(meta, buffer)| {
                assert_eq!(meta.ecn, Some(EcnCodepoint::Ce));
                buffer[..meta.len].chunks(meta.stride).map(<[u8]>::to_vec)
            })
            .collect()
    }

    fn short(&self, owner: u32, shard: u8, mark: u8, length: usize) -> Vec<u8> {
        let mut packet = vec![0x40];
        packet.extend(self.keys.seal(handle(owner), shard, rand::random()));
        packet.resize(length, mark);
        packet
    }

    fn long(&self, id: &[u8]) -> Vec<u8> {
        let mut packet = vec![0xc0, 0, 0, 0, 1, id.len() as u8];
        packet.extend(id);
        packet.push(0);
        packet.resize(1200, 0);
        packet
    }

    fn dropped(&self, at: usize) -> u64 {
        self.doors[at].0.dropped.load(Ordering::Relaxed)
    }
}

fn handle(number: u32) -> Handle {
    Handle::try_from(number).unwrap()
}

#[test]
fn a_buffer_of_many_connections_is_taken_apart_and_nothing_changes_on_the_way() {
    let port = Port::of(3);
    let packets: Vec<_> = [0, 2, 2, 0, 1, 9, 0]
        .into_iter()
        .enumerate()
        .map(|(mark, shard)| match shard {
            9 => port.short(77, 0, 0, 100),
            shard => port.short(US, shard, mark as u8, if mark == 6 { 30 } else { 100 }),
        })
        .collect();
    let own = port.arrives(0, packets.concat(), 100);
    assert_eq!(own, [0, 3, 6].map(|at: usize| packets[at].clone()));
    assert_eq!(port.sees(1), [packets[4].clone()]);
    assert_eq!(port.sees(2), [1, 2].map(|at: usize| packets[at].clone()));
    assert_eq!(port.dropped(0), 1, "the packet for another node");
    assert_eq!(port.doors[0].0.place.board().counts(), (3, 0));
}

#[test]
fn a_token_goes_to_the_shard_that_it_asks_for() {
    let port = Port::of(4);
    for (any, shard) in [(0, 1), (1, 0), (4, 3), (7, 2)] {
        let token = port
            .capability
            .route_token_spread(handle(US), any, rand::random());
        let first = port.long(&token);
        let mut seen = port.arrives(1, first.clone(), 1200);
        if shard != 1 {
            assert!(seen.is_empty());
            seen = port.sees(shard);
        }
        assert_eq!(seen, [first], "any {any}");
    }
}

#[test]
fn long_headers_go_by_their_shard_or_nowhere() {
    let port = Port::of(2);
    let handshake = port.long(&port.keys.seal(handle(US), 1, [1; 8]));
    assert!(port.arrives(0, handshake.clone(), 1200).is_empty());
    assert_eq!(port.sees(1), [handshake]);
    for id in [vec![1; NODE_ID_LEN], vec![1; 20], vec![1; 8], vec![]] {
        assert!(port.arrives(0, port.long(&id), 1200).is_empty());
    }
    assert_eq!(port.dropped(0), 4);
    assert!(port.sees(1).is_empty());
}

#[test]
fn a_shard_that_is_no_more_has_one_heir() {
    let port = Port::of(2);
    let packet = port.short(US, 3, 0, 60);
    assert!(port.arrives(0, packet.clone(), 60).is_empty());
    assert_eq!(port.sees(1), [packet]);
}

#[test]
fn what_nobody_opens_is_shown_to_all_within_limits() {
    let port = Port::of(3);
    let mut reset = vec![0x41; 60];
    rand::fill(&mut reset[1..]);
    for at in [0, 1, 2] {
        let seen = if at == 0 {
            port.arrives(0, reset.clone(), 60)
        } else {
            port.sees(at)
        };
        assert_eq!(seen, [reset.clone()], "shard {at}");
    }
    let noise = vec![0x41; 60 * 40];
    assert_eq!(port.arrives(0, noise, 60).len(), 40);
    let others = port.sees(1).len() + port.sees(1).len() + port.sees(1).len();
    assert_eq!(others, MAX_STRAYS);
}

#[test]
fn one_shard_passes_short_headers_on_as_they_come() {
    let port = Port::of(1);
    let packets = [vec![0x41; 60], port.short(US, 3, 0, 60)];
    assert_eq!(port.arrives(0, packets.concat(), 60), packets);
}

#[test]
fn a_batch_that_is_too_long_goes_in_parts() {
    let port = Port::of(1);
    let (door, script) = &port.doors[0];
    let contents = vec![0; 8900 * 9 + 100];
    let mut transmit = Transmit {
        destination: "127.0.0.1:2".parse().unwrap(),
        ecn: None,
        contents: &contents,
        segment_size: Some(8900),
        src_ip: None,
    };
    door.try_send(&transmit).unwrap();
    transmit.contents = &contents[..14_200];
    transmit.segment_size = Some(1420);
    door.try_send(&transmit).unwrap();
    assert_eq!(
        *script.sent.lock(),
        [
            (8900 * 7, Some(8900)),
            (8900 * 2 + 100, Some(8900)),
            (14_200, Some(1420))
        ]
    );
}

#[test]
fn receive_buffers_hold_what_the_kernel_joins_and_no_more() {
    let mut port = Port::of(1);
    for (payload, segments) in [(1472, 45), (9000, 8), (65_527, 2), (1200, 55), (100, 64)] {
        port.doors[0].0.max_payload = payload;
        assert_eq!(port.doors[0].0.max_receive_segments(), segments);
    }
}
