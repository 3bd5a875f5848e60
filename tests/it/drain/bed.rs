//! One cluster: callers on node n1, and a service with a replica on each of n2 and n3.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use nix::sys::signal::kill;
use nix::unistd::Pid;
use testbed::manifest::{self, Workload};
use testbed::process::Signal;
use testbed::{App, Cluster, ClusterSpec, Load, LoadSpec, http, ports, wait};

/// The name by which the service is called.
pub(super) const PAYMENTS: &str = "payments.shop.svc.cluster.local";

const LABELS: [&str; 2] = ["second", "third"];

/// The cluster, its apps, and the callers' port.
pub(super) struct Replicated {
    pub(super) cluster: Cluster,
    pub(super) listener: SocketAddr,
    apps: [App; 2],
}

impl Replicated {
    pub(super) fn start(spec: &ClusterSpec) -> Self {
        let cluster = Cluster::start(&spec.clone().nodes(3));
        let apps = LABELS.map(App::start);
        let listener = ports::free();
        let mut yaml = manifest::service("shop", "payments", "http");
        for (app, node) in apps.iter().zip(["n2", "n3"]) {
            yaml += &Workload {
                namespace: "shop",
                name: &format!("payments-{node}"),
                service_account: "payments",
                node,
                serves: &[("payments", app.port)],
                ..Workload::default()
            }
            .yaml();
        }
        yaml += &Workload {
            namespace: "shop",
            name: "cart",
            node: "n1",
            listeners: &[(listener, PAYMENTS)],
            ..Workload::default()
        }
        .yaml();
        cluster.apply(&yaml);
        let bed = Self {
            cluster,
            listener: SocketAddr::from(([127, 0, 0, 1], listener)),
            apps,
        };
        for label in LABELS {
            wait::until("each replica answers", wait::GENEROUS, || {
                let answer = http::get(bed.listener, PAYMENTS, "/").ok()?;
                (answer.text() == label).then_some(())
            });
        }
        bed
    }

    /// The label of the app on `nodes[number]`.
    pub(super) fn label(&self, number: usize) -> &'static str {
        LABELS[number - 1]
    }

    /// Kept connections and new ones, at a steady rate.
    pub(super) fn loads(&self) -> [Load; 2] {
        let loads = [LoadSpec::new, LoadSpec::fresh]
            .map(|load| Load::start(&load(self.listener, PAYMENTS)));
        loads.iter().for_each(|load| load.wait_for(20));
        loads
    }

    /// Every request was answered with 200, and every answer is that of an app that has seen the request.
    pub(super) fn assert_nothing_lost(&self, loads: [Load; 2]) {
        for load in loads {
            let report = load.stop();
            report.assert_nothing_failed();
            assert_eq!(report.served_by().len(), LABELS.len(), "both served");
        }
    }

    /// A request that its app holds back.
    pub(super) fn hold(&self) -> Held {
        let mut stream = TcpStream::connect(self.listener).unwrap();
        stream.set_read_timeout(Some(http::PATIENCE)).unwrap();
        stream
            .write_all(format!("GET /hold HTTP/1.1\r\nhost: {PAYMENTS}\r\n\r\n").as_bytes())
            .unwrap();
        wait::until("the app has the request", wait::GENEROUS, || {
            (self.in_flight() == 1).then_some(())
        });
        Held(stream)
    }

    /// Requests at the apps.
    pub(super) fn in_flight(&self) -> usize {
        self.apps.iter().map(App::in_flight).sum()
    }

    /// Lets them answer.
    pub(super) fn release(&self) {
        self.apps.iter().for_each(App::release);
    }
}

/// A connection on which an answer is awaited.
pub(super) struct Held(TcpStream);

impl Held {
    /// The answer as it came, up to the end of the connection.
    pub(super) fn answer(&mut self) -> String {
        let mut reader = BufReader::new(&mut self.0);
        let mut answer = String::new();
        reader.read_line(&mut answer).unwrap();
        reader.read_to_string(&mut answer).unwrap();
        answer
    }
}

/// Signals a process that the test started, if indirectly.
pub(super) fn signal(pid: u32, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), signal).unwrap();
}
