//! A cluster with callers on n1 and, on n2, an application that can hold, stall and vanish.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use testbed::manifest::{self, Workload};
use testbed::{Cluster, ClusterSpec, Process, Weft, http, ports, wait};

/// The name by which the application is called.
pub(super) const ORIGIN: &str = "origin.shop.svc.cluster.local";

/// The cluster, the application, and two ports that lead to it.
pub(super) struct Bed {
    pub(super) cluster: Cluster,
    pub(super) listeners: [SocketAddr; 2],
    origin: SocketAddr,
    _process: Process,
}

impl Bed {
    pub(super) fn start() -> Self {
        let cluster = Cluster::start(&ClusterSpec::named("west").nodes(2));
        let mut command = Command::new("python3");
        command.arg("-u").arg(script());
        let process = Process::spawn("origin.py", command, &cluster.file("origin.log"));
        let port: u16 = wait::until("the application serves", wait::GENEROUS, || {
            process.log().lines().next()?.parse().ok()
        });
        let listeners = [ports::free(), ports::free()];
        cluster.apply(
            &(manifest::service("shop", "origin", "http")
                + &Workload {
                    namespace: "shop",
                    name: "origin",
                    node: "n2",
                    serves: &[("origin", port)],
                    ..Workload::default()
                }
                .yaml()
                + &Workload {
                    namespace: "shop",
                    name: "cart",
                    node: "n1",
                    listeners: &listeners.map(|port| (port, ORIGIN)),
                    ..Workload::default()
                }
                .yaml()),
        );
        let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let bed = Self {
            cluster,
            listeners: listeners.map(loopback),
            origin: loopback(port),
            _process: process,
        };
        bed.wait_served();
        bed
    }

    /// Waits until a call through the mesh is answered.
    pub(super) fn wait_served(&self) {
        wait::until("a call is answered", wait::GENEROUS, || {
            let answer = http::get(self.listeners[0], ORIGIN, "/").ok()?;
            (answer.status == 200).then_some(())
        });
    }

    /// A number that the application tells of itself.
    pub(super) fn count(&self, name: &str) -> u64 {
        let text = http::get(self.origin, "origin", "/counts").unwrap().text();
        let counts: Value = serde_json::from_str(&text).unwrap();
        counts[name].as_u64().unwrap()
    }

    /// Lets go what the application holds.
    pub(super) fn release(&self) {
        http::get(self.origin, "origin", "/release").unwrap();
    }

    /// Waits until a number of the application's has begun to grow and stays what it is.
    pub(super) fn settled(&self, name: &str) -> u64 {
        let (mut last, mut same) = (u64::MAX, 0);
        wait::until("a count comes to rest", wait::GENEROUS, || {
            let now = self.count(name);
            same = if now == last && now > 0 { same + 1 } else { 0 };
            last = now;
            (same == 50).then_some(now)
        })
    }

    /// The two nodes on the way, as (pid, name).
    fn nodes(&self) -> [(u32, &'static str); 2] {
        [
            (self.cluster.nodes[0].pid(), "the caller's node"),
            (self.cluster.nodes[1].pid(), "the application's node"),
        ]
    }

    /// Resident memory of each node at present, in KiB.
    pub(super) fn resident_kib(&self) -> [u64; 2] {
        self.nodes().map(|(pid, _)| status(pid, "VmRSS:"))
    }

    /// The most that it ever was.
    pub(super) fn peak_kib(&self) -> [u64; 2] {
        self.nodes().map(|(pid, _)| status(pid, "VmHWM:"))
    }

    /// Open descriptors of each node.
    pub(super) fn descriptors(&self) -> [usize; 2] {
        self.nodes().map(|(pid, _)| {
            std::fs::read_dir(format!("/proc/{pid}/fd"))
                .unwrap()
                .count()
        })
    }

    /// Panics when a node has grown by more than so many MiB.
    #[track_caller]
    pub(super) fn assert_grew_less(&self, before: [u64; 2], now: [u64; 2], mib: u64) {
        for (index, (_, name)) in self.nodes().into_iter().enumerate() {
            let grown = now[index].saturating_sub(before[index]);
            println!(
                "{name}: {} KiB before, {} KiB now",
                before[index], now[index]
            );
            assert!(grown < mib << 10, "{name} grew by {grown} KiB");
        }
    }
}

fn status(pid: u32, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap()
}

fn script() -> PathBuf {
    Weft::source_tree().join("tests/it/faults/origin.py")
}
