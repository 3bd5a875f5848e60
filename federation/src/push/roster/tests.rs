//! Who is in touch, and whose word counts.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn label(text: &str) -> Label {
    Label::parse(text).unwrap()
}

fn n1() -> HostKey {
    HostKey::node(label("n1"))
}

fn well(healthy: bool) -> BTreeMap<(Label, Label), bool> {
    [((label("shop"), label("cart")), healthy)].into()
}

fn is_well(roster: &Roster, now: Instant) -> bool {
    roster
        .health(now)
        .is_healthy(&label("n1"), &label("shop"), &label("cart"))
}

#[test]
fn a_silent_host_is_lost_and_its_workloads_with_it() {
    let start = Instant::now();
    let after = |seconds| start + Duration::from_secs(seconds);
    let roster = Roster::new(start);
    assert!(
        is_well(&roster, start),
        "at a start what isn't known is presumed well"
    );
    assert!(!is_well(&roster, after(15)), "and not for ever");
    let session = roster.enter(&n1(), String::new(), after(20));
    assert!(roster.report(&n1(), session, well(true), after(21)));
    roster.expire(after(35));
    assert!(is_well(&roster, after(35)));
    roster.expire(after(36));
    assert!(!is_well(&roster, after(36)) && !roster.presences()[&n1()].in_touch);
    assert!(
        roster.beat(&n1(), session, v1::Heartbeat::default(), after(37)),
        "it is heard again"
    );
    assert!(roster.presences()[&n1()].in_touch);
    assert!(
        !is_well(&roster, after(37)),
        "but what it said before it was lost is old"
    );
}

#[test]
fn only_the_newest_stream_of_a_host_is_heard() {
    let now = Instant::now();
    let roster = Roster::new(now);
    let old = roster.enter(&n1(), String::new(), now);
    let new = roster.enter(&n1(), String::new(), now);
    assert!(!roster.report(&n1(), old, well(true), now));
    assert!(!roster.acknowledge(
        &n1(),
        old,
        v1::Acknowledge {
            version: 9,
            rejected: String::new()
        },
        now
    ));
    assert!(roster.report(&n1(), new, well(false), now));
    assert_eq!(roster.presences()[&n1()].acknowledged, 0);
}

#[test]
fn a_refused_view_is_remembered_until_one_is_applied() {
    let now = Instant::now();
    let roster = Roster::new(now);
    let session = roster.enter(&n1(), String::new(), now);
    let say = |version, rejected: &str| {
        roster.acknowledge(
            &n1(),
            session,
            v1::Acknowledge {
                version,
                rejected: rejected.to_owned(),
            },
            now,
        );
        let presence = roster.presences()[&n1()].clone();
        (presence.acknowledged, presence.rejected)
    };
    assert_eq!(say(1, ""), (1, String::new()));
    assert_eq!(say(2, "no room"), (1, "no room".to_owned()));
    assert_eq!(say(3, ""), (3, String::new()));
}

#[test]
fn news_wake_those_who_wait_and_repeats_do_not() {
    let now = Instant::now();
    let roster = Roster::new(now);
    let session = roster.enter(&n1(), String::new(), now);
    let mut health = roster.watch_health();
    health.mark_unchanged();
    roster.report(&n1(), session, well(true), now);
    assert!(health.has_changed().unwrap());
    health.mark_unchanged();
    roster.report(&n1(), session, well(true), now);
    roster.beat(&n1(), session, v1::Heartbeat::default(), now);
    assert!(!health.has_changed().unwrap());
}

#[tokio::test]
async fn a_newer_stream_ends_the_older_one_that_keeps_silent() {
    let roster = Roster::new(Instant::now());
    let first = roster.enter(&n1(), String::new(), Instant::now());
    let host = n1();
    let older = roster.replaced(&host, first);
    tokio::pin!(older);
    assert!(futures_util::poll!(older.as_mut()).is_pending());
    let second = roster.enter(&n1(), String::new(), Instant::now());
    assert!(futures_util::poll!(older.as_mut()).is_ready());
    let newer = roster.replaced(&host, second);
    tokio::pin!(newer);
    assert!(futures_util::poll!(newer.as_mut()).is_pending());
}
