//! The table by example, and against a plain vector.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;

use super::*;

fn key(caller: u16, handle: u32) -> FlowKey {
    let [a, b] = caller.to_be_bytes();
    FlowKey {
        caller: SocketAddr::from(([10, 0, a, b], 4433)),
        handle: Handle::try_from(handle).unwrap(),
    }
}

fn selector(number: u32) -> Option<Selector> {
    Some(Selector::new(number).unwrap())
}

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

fn limits(total: usize) -> FlowLimits {
    FlowLimits {
        total,
        per_selector: total,
        per_prefix: total,
        idle: seconds(60),
    }
}

#[test]
fn the_one_used_longest_ago_makes_room() {
    let mut flows = Flows::new(limits(2));
    assert_eq!(flows.insert(key(1, 1), None, seconds(1), 'a'), None);
    assert_eq!(flows.insert(key(2, 1), None, seconds(2), 'b'), None);
    assert_eq!(flows.find(key(1, 1), seconds(3)), Some(&mut 'a'));
    assert_eq!(flows.insert(key(3, 1), None, seconds(4), 'c'), Some('b'));
    assert_eq!(flows.len(), 2);
    assert_eq!(flows.find(key(2, 1), seconds(5)), None);
}

#[test]
fn the_same_caller_has_a_flow_for_each_handle() {
    let mut flows = Flows::new(limits(9));
    flows.insert(key(1, 1), None, seconds(1), 'a');
    flows.insert(key(1, 2), None, seconds(1), 'b');
    assert_eq!(flows.find(key(1, 1), seconds(1)), Some(&mut 'a'));
    assert_eq!(flows.find(key(1, 2), seconds(1)), Some(&mut 'b'));
}

#[test]
fn quotas_bound_a_prefix_and_a_selector() {
    let mut flows = Flows::new(FlowLimits {
        per_selector: 3,
        per_prefix: 2,
        ..limits(100)
    });
    flows.insert(key(0x0101, 1), selector(1), seconds(1), ());
    flows.insert(key(0x0102, 1), selector(1), seconds(1), ());
    assert_eq!(
        flows.admit(key(0x0103, 1), selector(1)),
        Err(DropReason::Quota),
        "two of 10.0.1.0/24"
    );
    assert_eq!(flows.admit(key(0x0103, 1), None), Err(DropReason::Quota));
    assert_eq!(flows.admit(key(0x0201, 1), selector(1)), Ok(()));
    flows.insert(key(0x0201, 1), selector(1), seconds(1), ());
    assert_eq!(
        flows.admit(key(0x0202, 1), selector(1)),
        Err(DropReason::Quota),
        "three of selector 1"
    );
    assert_eq!(flows.admit(key(0x0202, 1), selector(2)), Ok(()));
    flows.remove(key(0x0101, 1));
    assert_eq!(
        flows.admit(key(0x0103, 1), selector(1)),
        Ok(()),
        "what goes gives its place back"
    );
}

#[test]
fn what_is_idle_both_ways_expires() {
    let mut flows = Flows::new(limits(9));
    flows.insert(key(1, 1), None, seconds(0), seconds(0));
    flows.insert(key(2, 1), None, seconds(0), seconds(50));
    flows.insert(key(3, 1), None, seconds(30), seconds(0));
    assert!(
        flows
            .expire(seconds(59), seconds(60), |used| *used)
            .is_empty()
    );
    assert_eq!(
        flows.expire(seconds(60), seconds(60), |used| *used),
        vec![seconds(0)]
    );
    assert_eq!(flows.len(), 2);
    assert_eq!(
        flows.expire(seconds(200), seconds(60), |used| *used).len(),
        2
    );
    assert_eq!(flows.len(), 0);
}

#[test]
fn fewer_descriptors_lower_all_limits() {
    let lowered = FlowLimits::default().within(1024);
    assert_eq!(
        (lowered.total, lowered.per_selector, lowered.per_prefix),
        (1024, 512, 512)
    );
    assert_eq!(FlowLimits::default().within(1 << 20), FlowLimits::default());
}

#[derive(Clone, Debug)]
enum Step {
    Find(u16),
    Insert(u16, Option<u32>),
    Remove(u16),
    Evict,
    Expire,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..8_u16).prop_map(Step::Find),
        (0..8_u16, proptest::option::of(0..2_u32))
            .prop_map(|(caller, of)| Step::Insert(caller, of)),
        (0..8_u16).prop_map(Step::Remove),
        Just(Step::Evict),
        Just(Step::Expire),
    ]
}

proptest! {
    /// The model is a vector in order of use.
    #[test]
    fn it_does_what_a_plain_vector_does(steps in proptest::collection::vec((step(), 0..20_u64), 0..200)) {
        let mut flows = Flows::new(limits(4));
        let mut model: Vec<(FlowKey, Option<Selector>, Duration)> = Vec::new();
        let mut now = seconds(0);
        for (step, later) in steps {
            now += seconds(later);
            match step {
                Step::Find(caller) => {
                    let at = model.iter().position(|flow| flow.0 == key(caller, 1));
                    prop_assert_eq!(flows.find(key(caller, 1), now).is_some(), at.is_some());
                    if let Some(at) = at {
                        let (key, selector, _) = model.remove(at);
                        model.push((key, selector, now));
                    }
                }
                Step::Insert(caller, of) => {
                    let selector = of.and_then(selector);
                    model.retain(|flow| flow.0 != key(caller, 1));
                    if model.len() == 4 {
                        model.remove(0);
                    }
                    model.push((key(caller, 1), selector, now));
                    flows.insert(key(caller, 1), selector, now, ());
                }
                Step::Remove(caller) => {
                    flows.remove(key(caller, 1));
                    model.retain(|flow| flow.0 != key(caller, 1));
                }
                Step::Evict => {
                    prop_assert_eq!(flows.evict().is_some(), !model.is_empty());
                    model = model.split_off(model.len().min(1));
                }
                Step::Expire => {
                    let before = model.len();
                    model.retain(|flow| flow.2 + seconds(60) > now);
                    let expired = flows.expire(now, seconds(60), |()| seconds(0));
                    prop_assert_eq!(expired.len(), before - model.len());
                }
            }
            prop_assert_eq!(flows.len(), model.len());
            prop_assert!(flows.flows.len() <= 4);
            let counted: usize = flows.of_selector.values().sum();
            prop_assert_eq!(counted, model.iter().filter(|flow| flow.1.is_some()).count());
            prop_assert_eq!(flows.of_prefix.values().sum::<usize>(), model.len());
        }
    }
}
