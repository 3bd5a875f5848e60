//! What `weft status` shows, as in the manual.

use protocol::wire::v1::{
    ControllerStatus, EndpointStatus, FailoverStatus, HostStatus, PeerStatus,
};

use super::*;
use crate::output::Format;

const DAY: u64 = 86_400;
const NOW: u64 = 1_800_000_000;

fn host(name: &str, role: &str, state: &str, version: u64) -> HostStatus {
    HostStatus {
        name: name.into(),
        role: role.into(),
        state: state.into(),
        version,
        address: "127.0.0.1:4434".into(),
        handle: 7,
        software: "0.1.0".into(),
        ..HostStatus::default()
    }
}

fn peer(cluster: &str, state: &str) -> PeerStatus {
    PeerStatus {
        cluster: cluster.into(),
        trust_domain: format!("{cluster}.example"),
        state: state.into(),
        tunnels: 4,
        rtt_micros: 41_200,
        services: 12,
        catalog_age_millis: 800,
        lease_left_millis: 27_000,
        root_expires_at: NOW + 89 * DAY + 5,
        gateways: vec![format!("gw.{cluster}.example:4433")],
        changed_at: NOW - 3 * DAY,
        reason: String::new(),
    }
}

fn healthy() -> StatusReply {
    StatusReply {
        cluster: "east".into(),
        trust_domain: "east.example".into(),
        version: 881,
        root_expires_at: NOW + 412 * DAY + 5,
        controllers: vec![ControllerStatus {
            name: "c1".into(),
            leader: true,
        }],
        hosts: vec![
            host("n1", "node", "READY", 881),
            host("n1-gw", "gateway", "READY", 881),
        ],
        peers: vec![peer("west", "READY")],
        failovers: vec![FailoverStatus {
            service: "shop/payments".into(),
            node: "n1".into(),
            place: "local".into(),
            share_away: 0.0,
            spill_max_percent: 40,
        }],
        endpoints: vec![EndpointStatus {
            service: "shop/payments".into(),
            workload: "payments-1".into(),
            node: "n1".into(),
            peer: String::new(),
            healthy: true,
        }],
    }
}

fn troubled() -> StatusReply {
    let mut reply = healthy();
    reply.hosts[0].version = 880;
    reply.hosts[0].rejected = "proxy port 15001 is taken".into();
    reply.hosts.push(host("n2", "node", "UNREACHABLE", 870));
    reply.peers.push(PeerStatus {
        tunnels: 0,
        rtt_micros: 0,
        catalog_age_millis: 48_000,
        root_expires_at: NOW + 12 * DAY + 5,
        reason: "no gateway answers".into(),
        ..peer("apac", "STALE")
    });
    reply.failovers[0].share_away = 0.25;
    reply.failovers[0].place = "peer:west".into();
    reply
}

#[test]
fn a_quiet_day_takes_four_lines() {
    insta::assert_snapshot!(answer(&healthy(), NOW).render(Format::Table), @r"
    CLUSTER east  trust east.example  root expires 412d  controllers 1/1 (leader c1)  nodes 1/1 in sync (version 881)
    PEER  STATE  TUNNELS   RTT   CATALOG        LEASE  TRUST    LAST CHANGE
    west  READY  4 (1 gw)  41ms  fresh, 12 svc  27s    exp 89d  3d ago
    FAILOVER shop/payments  local 100%  spilled 0% (max 40%)
    ");
    assert!(warnings(&healthy()).is_empty());
}

#[test]
fn trouble_is_named_with_its_reason() {
    insta::assert_snapshot!(answer(&troubled(), NOW).render(Format::Table), @r"
    CLUSTER east  trust east.example  root expires 412d  controllers 1/1 (leader c1)  nodes 0/2 in sync (version 881)
    PEER  STATE  TUNNELS   RTT   CATALOG            LEASE  TRUST     LAST CHANGE
    west  READY  4 (1 gw)  41ms  fresh, 12 svc      27s    exp 89d   3d ago
    apac  STALE  0 (1 gw)  -     stale 48s, 12 svc  27s    exp 12d!  3d ago no gateway answers
    FAILOVER shop/payments  local 75%  spilled 25% (max 40%)  at peer:west
    ! node n1 refused version 881: proxy port 15001 is taken
    ! node n2 is UNREACHABLE (it knows version 870)
    ! peer apac is STALE: no gateway answers
    ");
}

#[test]
fn wide_adds_hosts_and_endpoints() {
    insta::assert_snapshot!(answer(&healthy(), NOW).render(Format::Wide), @r"
    CLUSTER east  trust east.example  root expires 412d  controllers 1/1 (leader c1)  nodes 1/1 in sync (version 881)
    HOST           STATE  VERSION  HANDLE  ADDRESS         SOFTWARE
    node n1        READY  881      7       127.0.0.1:4434  0.1.0
    gateway n1-gw  READY  881      7       127.0.0.1:4434  0.1.0
    PEER  STATE  TUNNELS   RTT   CATALOG        LEASE  TRUST    LAST CHANGE  TRUST DOMAIN  GATEWAYS
    west  READY  4 (1 gw)  41ms  fresh, 12 svc  27s    exp 89d  3d ago       west.example  gw.west.example:4433
    FAILOVER       NODE  PLACE  AWAY  MAX
    shop/payments  n1    local  0%    40%
    SERVICE        WORKLOAD    WHERE    HEALTH
    shop/payments  payments-1  node n1  healthy
    ");
}

#[test]
fn json_holds_everything_under_stable_names() {
    let text = answer(&healthy(), NOW).render(Format::Json);
    let value: Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(value["apiVersion"], "weft.dev/v1alpha1");
    assert_eq!(value["kind"], "StatusList");
    insta::assert_snapshot!(format!("{:#}", value["items"][0]["peers"][0]), @r#"
    {
      "catalogAgeMillis": 800,
      "changedAt": 1799740800,
      "cluster": "west",
      "gateways": [
        "gw.west.example:4433"
      ],
      "leaseLeftMillis": 27000,
      "reason": "",
      "rootExpiresAt": 1807689605,
      "rttMicros": 41200,
      "services": 12,
      "state": "READY",
      "trustDomain": "west.example",
      "tunnels": 4
    }
    "#);
    let mut keys: Vec<_> = value["items"][0]
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect();
    keys.sort();
    assert_eq!(
        keys.join(" "),
        "cluster controllers endpoints failovers hosts peers rootExpiresAt trustDomain version warnings"
    );
}
