//! Processes that are asked to end, and what their callers see of it: nothing.

mod bed;
mod ports;

use std::io::{Read, Write};
use std::net::TcpStream;

use testbed::federation::{FederationSpec, WEST_PAYMENTS};
use testbed::http::{Connection, PATIENCE, Request};
use testbed::process::Signal;
use testbed::{Cluster, ClusterSpec, Federation, Load, LoadSpec, wait};

use bed::{PAYMENTS, Replicated};

/// Every node of a service is restarted, one after the other, under steady load on kept and on new connections. No supervisor helps:
/// the other replica does.
#[test]
fn rolling_restart_of_a_service_loses_nothing() {
    let mut bed = Replicated::start(&ClusterSpec::named("west"));
    let loads = bed.loads();
    for number in [1, 2] {
        let replica = bed.label(number);
        let node = &mut bed.cluster.nodes[number];
        node.terminate();
        loads.iter().for_each(|load| load.wait_for(50));
        node.start();
        node.wait_ready();
        for load in &loads {
            load.wait_served_by(replica, 20);
        }
    }
    bed.assert_nothing_lost(loads);
}

/// With a supervisor that keeps sockets, as systemd does, every process of both clusters is restarted under load, the only node of
/// the callers and the only one of the service too.
#[test]
fn supervised_processes_restart_without_a_lost_request() {
    let spec = FederationSpec {
        west: ClusterSpec::named("west").supervised(),
        east: ClusterSpec::named("east").supervised(),
        ..FederationSpec::default()
    };
    let federation = Federation::with(&spec);
    let loads = [LoadSpec::new, LoadSpec::fresh]
        .map(|load| Load::start(&load(federation.listener, WEST_PAYMENTS)));
    for cluster in [&federation.east, &federation.west] {
        for host in cluster.hosts() {
            loads.iter().for_each(|load| load.wait_for(20));
            host.restart_supervised();
            loads.iter().for_each(|load| load.wait_for(20));
        }
    }
    for load in loads {
        load.stop().assert_nothing_failed();
    }
}

/// A connection that was made while no process ran, and the request on it, wait for the next process.
#[test]
fn connection_waits_for_the_next_process() {
    let spec = FederationSpec {
        east: ClusterSpec::named("east").supervised(),
        ..FederationSpec::default()
    };
    let federation = Federation::with(&spec);
    let node = &federation.east.nodes[0];
    let said = std::fs::read_to_string(node.supervisor_directory().join("notifications")).unwrap();
    for line in [
        "FDSTORE=1 FDNAME=node.udp FDPOLL=0 (1 descriptors)".to_owned(),
        format!(
            "FDSTORE=1 FDNAME=node.tcp.{} FDPOLL=0 (1 descriptors)",
            federation.listener.port()
        ),
        "READY=1".to_owned(),
    ] {
        assert!(said.contains(&line), "{line:?} isn't in {said}");
    }
    // The process is stopped while it is told to end: it can't accept what comes now.
    let before = node.pid();
    bed::signal(before, Signal::SIGSTOP);
    node.process().signal(Signal::SIGHUP);
    let mut waiting = Connection::open(federation.listener, PATIENCE).unwrap();
    let asked = std::thread::spawn(move || {
        waiting.send(&Request {
            target: "/",
            host: WEST_PAYMENTS,
            ..Request::default()
        })
    });
    bed::signal(before, Signal::SIGKILL);
    let answer = asked.join().unwrap().unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "west"));
    assert_ne!(node.pid(), before, "another process answers");
}

/// A request under way is answered, on a connection that then ends; another one isn't taken; the node ends by itself, with 0.
#[test]
fn node_finishes_what_has_begun_and_takes_nothing_new() {
    let mut bed = Replicated::start(&ClusterSpec::named("west"));
    let mut held = bed.hold();
    bed.cluster.nodes[0].process().signal(Signal::SIGTERM);
    wait::until("the node isn't ready", wait::GENEROUS, || {
        (!bed.cluster.nodes[0].is_ready()).then_some(())
    });
    wait::until("nobody accepts any more", wait::GENEROUS, || {
        TcpStream::connect(bed.listener).is_err().then_some(())
    });
    bed.release();
    let answer = held.answer();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(
        answer.to_ascii_lowercase().contains("connection: close"),
        "{answer}"
    );
    let status = bed.cluster.nodes[0].wait_ended();
    assert_eq!(status.code(), Some(0), "{status}");
}

/// HTTP/2 callers are told by GOAWAY.
#[test]
fn http2_callers_hear_goaway() {
    const GOAWAY: u8 = 7;
    let mut bed = Replicated::start(&ClusterSpec::named("west"));
    let mut stream = TcpStream::connect(bed.listener).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .unwrap();
    let mut frame = || -> Option<u8> {
        let mut head = [0; 9];
        stream.read_exact(&mut head).ok()?;
        let length = usize::from(head[1]) << 8 | usize::from(head[2]);
        stream.read_exact(&mut vec![0; length]).ok()?;
        Some(head[3])
    };
    assert_eq!(frame(), Some(4), "the server's preface is SETTINGS");
    bed.cluster.nodes[0].process().signal(Signal::SIGTERM);
    let types: Vec<u8> = std::iter::from_fn(&mut frame).collect();
    assert!(types.contains(&GOAWAY), "frame types {types:?}");
    assert_eq!(bed.cluster.nodes[0].wait_ended().code(), Some(0));
}

/// The second SIGTERM ends a node at once, whatever is under way.
#[test]
fn second_sigterm_ends_at_once() {
    let mut bed = Replicated::start(&ClusterSpec::named("west"));
    let _held = bed.hold();
    bed.cluster.nodes[0].process().signal(Signal::SIGTERM);
    wait::until("the node drains", wait::GENEROUS, || {
        (!bed.cluster.nodes[0].is_ready()).then_some(())
    });
    bed.cluster.nodes[0].process().signal(Signal::SIGTERM);
    let status = bed.cluster.nodes[0].wait_ended();
    assert_eq!(status.code(), Some(130), "{status}");
    assert_eq!(bed.in_flight(), 1, "the request was not waited for");
}

/// Without a supervisor the port is closed for a moment: a client that tries again, as clients do, loses nothing.
#[test]
fn unsupervised_restart_is_within_a_clients_retry() {
    let mut bed = Replicated::start(&ClusterSpec::named("west"));
    bed.cluster.nodes[0].terminate();
    bed.cluster.nodes[0].start();
    let answer = wait::until("a retry is answered", wait::GENEROUS, || {
        testbed::http::get(bed.listener, PAYMENTS, "/").ok()
    });
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut idle: Vec<Cluster> = vec![bed.cluster];
    idle.iter_mut().for_each(Cluster::assert_alive);
}
