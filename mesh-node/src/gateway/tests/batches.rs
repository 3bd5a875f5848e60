//! Packets that the kernel has joined: taken apart by whom they are for, joined again where they are for one, marks and all.

use protocol::cid::DropReason;
use tunnel::{Batch, BatchSocket, Ecn, Run};

use super::bed::{Bed, short};
use super::counts::Counts;

fn socket() -> BatchSocket {
    BatchSocket::new(std::net::UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap()
}

/// The next runs until so many datagrams have come, each with its marks and its place in its run.
async fn receive(socket: &BatchSocket, count: usize) -> Vec<(Vec<u8>, Ecn)> {
    let (mut batch, mut received) = (Batch::new(8), Vec::new());
    while received.len() < count {
        socket.readable().await.unwrap();
        if let Ok(runs) = socket.try_receive(&mut batch) {
            for run in batch.runs(runs) {
                received.extend(run.datagrams().map(|datagram| (datagram.to_vec(), run.ecn)));
            }
        }
    }
    received
}

#[tokio::test]
async fn a_buffer_for_many_is_taken_apart() {
    let counts = Counts::default();
    let recording = counts.record();
    let bed = Bed::new().await;
    let mut relay = bed.relay();
    drop(recording);
    let caller = socket();
    let marked = |mut packet: Vec<u8>, mark: u8| {
        *packet.last_mut().unwrap() = mark;
        packet
    };
    let (node, other) = (bed.established(), bed.to_other_node());
    let noise = short(&[9; 17], node.len());
    let pattern = [&node, &node, &other, &noise, &node, &node, &other, &other];
    let packets: Vec<_> = pattern
        .into_iter()
        .zip(1..)
        .map(|(packet, mark)| marked(packet.clone(), mark))
        .collect();
    bed.during(&mut relay, async {
        let bytes = packets.concat();
        caller
            .send(&Run {
                remote: bed.public(),
                ecn: Ecn::CAPABLE,
                size: node.len(),
                bytes: &bytes,
            })
            .unwrap();
        for at in [0, 1, 4, 5] {
            assert_eq!(bed.node_receives().await.0, packets[at], "packet {at}");
        }
        for at in [2, 6, 7] {
            assert_eq!(bed.other_receives().await, packets[at], "packet {at}");
        }
    })
    .await;
    assert_eq!(relay.flows(), 2);
    assert_eq!((counts.packets("in"), counts.total_drops()), (7, 1));
    assert_eq!(counts.drops(DropReason::Forged), 1);
}

#[tokio::test]
async fn long_runs_and_their_marks_pass_both_ways() {
    let (node, caller) = (socket(), socket());
    let bed = Bed::new().await;
    bed.route_node_to(node.local_addr().unwrap());
    let mut relay = bed.relay();
    bed.during(&mut relay, async {
        for ecn in [Ecn::CAPABLE, Ecn::CROWDED, Ecn::default()] {
            let mut packets = vec![bed.established_of(1200); 60];
            packets.push(bed.established_of(333));
            let bytes = packets.concat();
            let run = Run {
                remote: bed.public(),
                ecn,
                size: 1200,
                bytes: &bytes,
            };
            caller.send(&run).unwrap();
            let (mut batch, mut received) = (Batch::new(8), Vec::new());
            let mut inner = None;
            while received.len() < packets.len() {
                node.readable().await.unwrap();
                let Ok(runs) = node.try_receive(&mut batch) else {
                    continue;
                };
                for run in batch.runs(runs) {
                    assert_eq!(run.ecn, ecn);
                    inner = Some(run.remote);
                    received.extend(run.datagrams().map(<[u8]>::to_vec));
                }
            }
            assert_eq!(received, packets);
            let back = Run {
                remote: inner.unwrap(),
                ..run
            };
            node.send(&back).unwrap();
            let replies = receive(&caller, packets.len()).await;
            let expected: Vec<_> = packets.into_iter().map(|packet| (packet, ecn)).collect();
            assert_eq!(replies, expected);
        }
    })
    .await;
    assert_eq!(relay.flows(), 1);
}
