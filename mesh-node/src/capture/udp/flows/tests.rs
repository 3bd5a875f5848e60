//! The table against a naive model, and its rules one by one.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const LIMITS: FlowLimits = FlowLimits {
    total: 4,
    idle: Duration::from_secs(60),
    answered: Duration::from_secs(5),
};

fn app(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn table() -> Flows<Arc<Usage>> {
    Flows::new(LIMITS)
}

fn begin(flows: &mut Flows<Arc<Usage>>, port: u16, now: Duration) -> (u64, Arc<Usage>) {
    let mut begun = None;
    flows.begin(app(port), now, |number, usage| {
        begun = Some((number, Arc::clone(usage)));
        Arc::clone(usage)
    });
    begun.unwrap()
}

#[test]
fn a_question_that_was_answered_is_soon_over() {
    let mut flows = table();
    let (_, usage) = begin(&mut flows, 1, at(0));
    usage.note_answered(at(1));
    assert!(flows.expire(at(5)).is_empty());
    assert_eq!(flows.expire(at(6)).len(), 1);
}

#[test]
fn one_without_an_answer_or_with_many_packets_stays_for_long() {
    let mut flows = table();
    begin(&mut flows, 1, at(0));
    let (_, busy) = begin(&mut flows, 2, at(0));
    for _ in 0..3 {
        flows.find(app(2), at(1)).unwrap();
        busy.note_answered(at(1));
    }
    assert!(flows.expire(at(59)).is_empty());
    assert_eq!(flows.expire(at(60)).len(), 1);
    assert_eq!(flows.expire(at(61)).len(), 1);
    assert_eq!(flows.flows.len(), 0);
}

#[test]
fn the_one_used_longest_ago_makes_room() {
    let mut flows = table();
    let usages: Vec<_> = (1..=4)
        .map(|port| begin(&mut flows, port, at(port.into())).1)
        .collect();
    flows.find(app(1), at(10)).unwrap();
    usages[1].note_answered(at(11));
    let gone = flows.begin(app(5), at(12), |_, usage| Arc::clone(usage));
    assert!(Arc::ptr_eq(&gone.unwrap(), &usages[2]));
    assert_eq!(flows.flows.len(), 4);
}

#[test]
fn an_end_that_comes_late_leaves_the_successor() {
    let mut flows = table();
    let (first, _) = begin(&mut flows, 1, at(0));
    flows.expire(at(100));
    let (second, _) = begin(&mut flows, 1, at(101));
    assert!(flows.end(app(1), first).is_none());
    assert!(flows.end(app(1), second).is_some());
    assert_eq!(flows.flows.len(), 0);
}

#[test]
fn a_flood_of_addresses_stays_within_the_limit() {
    let limits = FlowLimits::default();
    let mut flows = Flows::new(limits);
    let addresses = (1..=u16::MAX).take(limits.total + 1_000);
    let crowded_out = addresses.filter_map(|port| flows.begin(app(port), at(1), |_, _| port));
    assert_eq!(crowded_out.count(), 1_000);
    assert_eq!(flows.flows.len(), limits.total);
}

#[derive(Debug, Clone)]
enum Step {
    Packet(u16),
    Answer(u16),
    End(u16),
    Expire,
    Wait(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let port = 1u16..8;
    prop_oneof![
        6 => port.clone().prop_map(Step::Packet),
        3 => port.clone().prop_map(Step::Answer),
        1 => port.prop_map(Step::End),
        1 => Just(Step::Expire),
        3 => any::<u8>().prop_map(Step::Wait),
    ]
}

/// One flow of the naive table.
#[derive(Debug)]
struct Model {
    port: u16,
    sent: u64,
    answered: u64,
    last: Duration,
}

impl Model {
    fn is_over(&self, now: Duration) -> bool {
        let brief = self.answered >= self.sent && self.sent <= QUESTIONS;
        let kept = if brief { LIMITS.answered } else { LIMITS.idle };
        self.last + kept <= now
    }
}

proptest! {
    // The clock moves with each packet here, so that the order of use is one order.
    #[test]
    fn it_does_what_a_list_would(steps in proptest::collection::vec(step(), 0..300)) {
        let mut flows = table();
        let mut numbers = HashMap::new();
        let mut model: Vec<Model> = Vec::new();
        let mut now = Duration::ZERO;
        for step in steps {
            now += Duration::from_millis(1);
            match step {
                Step::Packet(port) => {
                    if flows.find(app(port), now).is_none() {
                        let (number, usage) = begin(&mut flows, port, now);
                        numbers.insert(port, (number, usage));
                    }
                    match model.iter_mut().find(|flow| flow.port == port) {
                        Some(flow) => { flow.sent += 1; flow.last = now; }
                        None => {
                            if model.len() == LIMITS.total {
                                model.sort_by_key(|flow| flow.last);
                                model.remove(0);
                            }
                            model.push(Model { port, sent: 1, answered: 0, last: now });
                        }
                    }
                }
                Step::Answer(port) => {
                    if let Some(flow) = model.iter_mut().find(|flow| flow.port == port) {
                        flow.answered += 1;
                        flow.last = now;
                        numbers[&port].1.note_answered(now);
                    }
                }
                Step::End(port) => {
                    let known = model.iter().any(|flow| flow.port == port);
                    model.retain(|flow| flow.port != port);
                    let ended = numbers.get(&port).and_then(|(number, _)| flows.end(app(port), *number));
                    prop_assert_eq!(ended.is_some(), known);
                }
                Step::Expire => {
                    let before = model.len();
                    model.retain(|flow| !flow.is_over(now));
                    prop_assert_eq!(flows.expire(now).len(), before - model.len());
                }
                Step::Wait(tenths) => now += Duration::from_millis(u64::from(tenths) * 100),
            }
            prop_assert!(flows.flows.len() <= LIMITS.total);
            let there: Vec<u16> = flows.flows.keys().map(SocketAddr::port).collect();
            let mut expected: Vec<u16> = model.iter().map(|flow| flow.port).collect();
            expected.sort_unstable();
            prop_assert_eq!(there, expected);
        }
    }
}
