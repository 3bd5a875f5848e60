//! Simulated time: packets and timers in order, several flows over one link.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn_proto::congestion::ControllerFactory;

use super::flow::{CLIENT, Flow, Load, Packet};
use super::link::{Bottleneck, Fate, Link};

/// How often what arrived is noted.
const NOTE_EVERY: Duration = Duration::from_millis(50);

enum What {
    Arrives(usize, usize, Packet),
    Wakes(usize, usize),
    Begins(usize, Arc<dyn ControllerFactory + Send + Sync>, Load),
    Turns(usize, Load),
    Bursts(usize),
    Changes(Link),
    Notes,
}

/// All flows, their link and the time.
pub(super) struct World {
    epoch: Instant,
    now: Duration,
    events: BinaryHeap<Reverse<(Duration, u64)>>,
    due: std::collections::HashMap<u64, What>,
    next: u64,
    flows: Vec<Option<Flow>>,
    /// When each end wants to be called; an earlier call makes a later one needless.
    wakes: Vec<[Option<Duration>; 2]>,
    pub(super) bottleneck: Bottleneck,
    /// Per note: what each flow had received, and the queue.
    notes: Vec<(Duration, Vec<u64>, u64)>,
}

impl World {
    pub(super) fn new(link: Link) -> Self {
        let mut world = Self {
            epoch: Instant::now(),
            now: Duration::ZERO,
            events: BinaryHeap::new(),
            due: std::collections::HashMap::new(),
            next: 0,
            flows: Vec::new(),
            wakes: Vec::new(),
            bottleneck: Bottleneck::new(link),
            notes: Vec::new(),
        };
        world.at(Duration::ZERO, What::Notes);
        world
    }

    fn at(&mut self, when: Duration, what: What) {
        self.next += 1;
        self.events.push(Reverse((when, self.next)));
        self.due.insert(self.next, what);
    }

    /// A flow that begins at `start` seconds.
    pub(super) fn flow(
        &mut self,
        start: f64,
        controller: Arc<dyn ControllerFactory + Send + Sync>,
        load: Load,
    ) -> usize {
        let flow = self.flows.len();
        self.flows.push(None);
        self.wakes.push([None; 2]);
        let start = Duration::from_secs_f64(start);
        self.at(start, What::Begins(flow, controller, load));
        if let Load::Bursts(..) = load {
            self.at(start, What::Bursts(flow));
        }
        flow
    }

    /// The link is another from then on.
    pub(super) fn change(&mut self, at: f64, link: Link) {
        self.at(Duration::from_secs_f64(at), What::Changes(link));
    }

    /// The application sends otherwise from then on.
    pub(super) fn turn(&mut self, at: f64, flow: usize, load: Load) {
        self.at(Duration::from_secs_f64(at), What::Turns(flow, load));
        if let Load::Bursts(..) = load {
            self.at(Duration::from_secs_f64(at), What::Bursts(flow));
        }
    }

    pub(super) fn run(&mut self, until: f64) {
        let until = Duration::from_secs_f64(until);
        while let Some(Reverse((when, id))) = self.events.peek().copied() {
            if when > until {
                break;
            }
            self.events.pop();
            self.now = when;
            if let Some(what) = self.due.remove(&id) {
                self.happen(what);
            }
        }
    }

    fn happen(&mut self, what: What) {
        match what {
            What::Arrives(flow, end, packet) => {
                let now = self.epoch + self.now;
                if let Some(it) = &mut self.flows[flow] {
                    it.arrive(now, end, &packet);
                }
                self.drive(flow, end);
            }
            What::Wakes(flow, end) if self.wakes[flow][end] == Some(self.now) => {
                self.wakes[flow][end] = None;
                self.drive(flow, end);
            }
            What::Wakes(..) => {}
            What::Begins(flow, controller, load) => {
                let now = self.epoch + self.now;
                self.flows[flow] = Some(Flow::new(now, controller, load, flow as u8));
                self.drive(flow, CLIENT);
            }
            What::Turns(flow, load) => {
                if let Some(it) = &mut self.flows[flow] {
                    it.load = load;
                }
                self.drive(flow, CLIENT);
            }
            What::Bursts(flow) => {
                let since = self.now;
                let Some(it) = &mut self.flows[flow] else {
                    return self.at(since, What::Bursts(flow));
                };
                if let Load::Bursts(_, every) = it.load {
                    it.burst(since);
                    self.at(since + every, What::Bursts(flow));
                    self.drive(flow, CLIENT);
                }
            }
            What::Changes(link) => self.bottleneck.link = link,
            What::Notes => {
                let received = self
                    .flows
                    .iter()
                    .map(|flow| flow.as_ref().map_or(0, |f| f.received));
                let note = (
                    self.now,
                    received.collect(),
                    self.bottleneck.waiting(self.now),
                );
                self.notes.push(note);
                self.at(self.now + NOTE_EVERY, What::Notes);
            }
        }
    }

    fn drive(&mut self, flow: usize, end: usize) {
        let now = self.epoch + self.now;
        let Some(it) = &mut self.flows[flow] else {
            return;
        };
        let (packets, wake) = it.drive(now, self.now, end);
        for packet in packets {
            self.send(flow, end, packet);
        }
        if let Some(wake) = wake {
            // Timers of user space fire a little late.
            let wake = wake.saturating_duration_since(self.epoch).max(self.now);
            let wake = wake + Duration::from_micros(100);
            if self.wakes[flow][end].is_none_or(|sooner| wake < sooner) {
                self.wakes[flow][end] = Some(wake);
                self.at(wake, What::Wakes(flow, end));
            }
        }
    }

    fn send(&mut self, flow: usize, end: usize, packet: Packet) {
        let fate = if end == CLIENT {
            self.bottleneck
                .forward(self.now, packet.data.len(), packet.ecn)
        } else {
            self.bottleneck.backward(self.now, packet.ecn)
        };
        let Some(it) = &mut self.flows[flow] else {
            return;
        };
        if end == CLIENT {
            it.offered += 1;
        }
        match fate {
            Fate::Arrives(when, ecn) => {
                let packet = Packet { ecn, ..packet };
                self.at(when, What::Arrives(flow, 1 - end, packet));
            }
            Fate::Overflowed => it.overflowed += 1,
            Fate::Policed => it.policed += 1,
            Fate::Lost if end == CLIENT => it.lost += 1,
            Fate::Lost => {}
        }
    }

    pub(super) fn seen(&self, flow: usize) -> &Flow {
        self.flows[flow].as_ref().expect("it has begun")
    }

    /// Bits per second that arrived between two times, in seconds.
    pub(super) fn goodput(&self, flow: usize, between: Range<f64>) -> f64 {
        let at = |time: f64| {
            let time = Duration::from_secs_f64(time);
            let noted = self.notes.iter().rev().find(|note| note.0 <= time);
            noted.map_or(0, |note| note.1[flow])
        };
        (at(between.end) - at(between.start)) as f64 * 8.0 / (between.end - between.start)
    }

    /// The same as a share of the link.
    pub(super) fn share(&self, flow: usize, between: Range<f64>) -> f64 {
        self.goodput(flow, between) / self.bottleneck.link.rate as f64
    }

    /// The mean queue in bytes.
    pub(super) fn queue(&self, between: Range<f64>) -> f64 {
        let within = |note: &&(Duration, Vec<u64>, u64)| between.contains(&note.0.as_secs_f64());
        let notes: Vec<u64> = self
            .notes
            .iter()
            .filter(within)
            .map(|note| note.2)
            .collect();
        notes.iter().sum::<u64>() as f64 / notes.len().max(1) as f64
    }
}
