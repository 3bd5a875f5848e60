//! Which session a packet belongs to. Packets may overtake the stream that their session begins with: a few of these are kept.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use protocol::datagram::Flow;

use super::queue::Queue;

/// Most packets that are kept for sessions not yet begun.
const MAX_EARLY_PACKETS: usize = 64;
/// Most bytes of them.
const MAX_EARLY_BYTES: usize = 64 << 10;

/// The sessions of one tunnel by flow.
#[derive(Debug)]
pub(super) struct Dispatch {
    keeps_early: bool,
    /// Packets that belonged to no session.
    strays: AtomicU64,
    flows: Mutex<Flows>,
}

#[derive(Debug, Default)]
struct Flows {
    sessions: HashMap<Flow, Arc<Queue>>,
    early: VecDeque<(Flow, Bytes)>,
    early_bytes: usize,
}

impl Dispatch {
    /// `keeps_early`: packets may come before the stream that their session begins with.
    pub(super) fn new(keeps_early: bool) -> Self {
        Self {
            keeps_early,
            strays: AtomicU64::new(0),
            flows: Mutex::default(),
        }
    }

    /// Begins a session, with the packets that were there before it.
    pub(super) fn enter(&self, flow: Flow) -> Arc<Queue> {
        let queue = Arc::new(Queue::default());
        let mut flows = self.flows.lock();
        for (_, packet) in flows.early.iter().filter(|(early, _)| *early == flow) {
            queue.push(packet.clone());
        }
        flows.early.retain(|(early, _)| *early != flow);
        flows.early_bytes = flows.early.iter().map(|(_, packet)| packet.len()).sum();
        flows.sessions.insert(flow, Arc::clone(&queue));
        queue
    }

    /// Ends a session.
    pub(super) fn leave(&self, flow: Flow) {
        self.flows.lock().sessions.remove(&flow);
    }

    /// How many packets belonged to no session since this was last asked.
    pub(super) fn take_strays(&self) -> u64 {
        self.strays.swap(0, Ordering::Relaxed)
    }

    /// Gives a packet to its session.
    pub(super) fn hand_out(&self, flow: Flow, packet: Bytes) {
        let mut flows = self.flows.lock();
        match flows.sessions.get(&flow) {
            Some(queue) => {
                let queue = Arc::clone(queue);
                drop(flows);
                queue.push(packet);
            }
            None if self.keeps_early && packet.len() <= MAX_EARLY_BYTES => {
                let gone = flows.keep(flow, &packet);
                self.strays.fetch_add(gone, Ordering::Relaxed);
            }
            None => {
                self.strays.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Flows {
    /// Keeps a copy; says how many older ones went for it, whose sessions never came.
    fn keep(&mut self, flow: Flow, packet: &Bytes) -> u64 {
        self.early.push_back((flow, Bytes::copy_from_slice(packet)));
        self.early_bytes += packet.len();
        let mut gone = 0;
        while self.early.len() > MAX_EARLY_PACKETS || self.early_bytes > MAX_EARLY_BYTES {
            let Some((_, packet)) = self.early.pop_front() else {
                break;
            };
            self.early_bytes -= packet.len();
            gone += 1;
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn flow(number: u64) -> Flow {
        Flow::of_stream(number * 4)
    }

    fn packet(n: u32) -> Bytes {
        Bytes::copy_from_slice(&n.to_be_bytes())
    }

    #[test]
    fn a_packet_that_overtook_its_stream_is_there_when_the_session_begins() {
        let dispatch = Dispatch::new(true);
        dispatch.hand_out(flow(7), packet(1));
        dispatch.hand_out(flow(8), packet(2));
        let queue = dispatch.enter(flow(7));
        assert_eq!(queue.pop(), Some(packet(1)));
        assert_eq!(queue.pop(), None);
        assert_eq!(dispatch.enter(flow(8)).pop(), Some(packet(2)));
        assert_eq!(dispatch.take_strays(), 0);
        assert_eq!(dispatch.flows.lock().early_bytes, 0);
    }

    #[test]
    fn who_opens_the_streams_keeps_nothing_for_later() {
        let dispatch = Dispatch::new(false);
        dispatch.hand_out(flow(7), packet(1));
        assert_eq!(dispatch.enter(flow(7)).pop(), None);
        assert_eq!(dispatch.take_strays(), 1);
    }

    #[test]
    fn a_flood_of_unknown_flows_is_bounded() {
        let dispatch = Dispatch::new(true);
        for n in 0..100_000u32 {
            dispatch.hand_out(flow(n.into()), Bytes::from(vec![0; n as usize % 3000]));
        }
        let flows = dispatch.flows.lock();
        assert!(flows.early.len() <= MAX_EARLY_PACKETS);
        assert!(flows.early_bytes <= MAX_EARLY_BYTES);
        assert_eq!(flows.sessions.len(), 0);
        let kept = flows.early.len() as u64;
        assert_eq!(dispatch.take_strays(), 100_000 - kept);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Packet(u64),
        Enter(u64),
        Leave(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let number = 0u64..4;
        prop_oneof![
            4 => number.clone().prop_map(Step::Packet),
            1 => number.clone().prop_map(Step::Enter),
            1 => number.prop_map(Step::Leave),
        ]
    }

    proptest! {
        // No packet reaches another session than its own, and each is received, early, waiting or counted.
        #[test]
        fn packets_stay_with_their_flow(steps in proptest::collection::vec(step(), 0..200)) {
            let dispatch = Dispatch::new(true);
            let mut open = BTreeMap::new();
            let (mut sent, mut ended_with) = (0u64, 0u64);
            for step in steps {
                match step {
                    Step::Packet(number) => {
                        sent += 1;
                        dispatch.hand_out(flow(number), packet(number as u32));
                    }
                    Step::Enter(number) => {
                        open.entry(number).or_insert_with(|| dispatch.enter(flow(number)));
                    }
                    Step::Leave(number) => {
                        if let Some(queue) = open.remove(&number) {
                            dispatch.leave(flow(number));
                            ended_with += std::iter::from_fn(|| queue.pop()).count() as u64;
                        }
                    }
                }
            }
            let mut received = 0u64;
            for (number, queue) in open {
                while let Some(got) = queue.pop() {
                    prop_assert_eq!(got, packet(number as u32));
                    received += 1;
                }
            }
            let early = dispatch.flows.lock().early.len() as u64;
            prop_assert_eq!(sent, received + ended_with + early + dispatch.take_strays());
        }
    }
}
