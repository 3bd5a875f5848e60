//! Two federated clusters between a foreign client and a foreign server.

use testbed::cluster::{Cluster, ClusterSpec};
use testbed::federation::{WEST_PAYMENTS, federate, payments_manifest, start_both};
use testbed::manifest::Workload;
use testbed::{http, ports, wait};

/// East calls west's `shop/payments`, behind which any server may stand.
#[derive(Debug)]
pub struct Crossing {
    /// The serving cluster.
    pub west: Cluster,
    /// The calling cluster.
    pub east: Cluster,
    /// East's port on 127.0.0.1 that leads to the server.
    pub port: u16,
    /// East's forward proxy.
    pub proxy: u16,
}

/// What the nodes speak to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Weft's own.
    Weft1,
    /// Standard HTTP/3.
    H3,
}

/// The name by which east calls the server.
pub const AUTHORITY: &str = WEST_PAYMENTS;

impl Crossing {
    /// Starts both clusters with the HTTP server at `server_port` behind them, exported and allowed.
    pub fn to(server_port: u16, protocol: &str, encoding: Encoding) -> Self {
        let crossing = Self::prepared(server_port, protocol, encoding);
        crossing.wait_reached();
        crossing.assert_spoken(encoding);
        crossing
    }

    /// The same for a server of any protocol, which is reached when `probe` says so.
    pub fn carrying(
        server_port: u16,
        protocol: &str,
        encoding: Encoding,
        probe: impl Fn(u16) -> bool,
    ) -> Self {
        let crossing = Self::prepared(server_port, protocol, encoding);
        wait::until("the server is reached", wait::GENEROUS, || {
            probe(crossing.port).then_some(())
        });
        crossing.assert_spoken(encoding);
        crossing
    }

    /// What has crossed so far did so in this encoding and no other.
    fn assert_spoken(&self, encoding: Encoding) {
        let (spoken, other) = match encoding {
            Encoding::Weft1 => ("weft/1", "h3"),
            Encoding::H3 => ("h3", "weft/1"),
        };
        let tunnels = |encoding| {
            let metrics = self.west.nodes[0].metrics();
            metrics.sum("weft_tunnels_total", &[("encoding", encoding)])
        };
        // Who only sends packets hears of nothing that would say that a tunnel stands.
        wait::until("a tunnel stands", wait::GENEROUS, || {
            (tunnels(spoken) >= 1.0).then_some(())
        });
        assert!(tunnels(other) < 1.0, "something speaks {other}");
    }

    fn prepared(server_port: u16, protocol: &str, encoding: Encoding) -> Self {
        let spec = |name| {
            let mut spec = ClusterSpec::named(name);
            if encoding == Encoding::H3 {
                spec.node_flags = vec!["--encoding".to_owned(), "h3".to_owned()];
            }
            spec
        };
        let (west, east) = start_both(&spec("west"), &spec("east"));
        federate(&west, &east);
        west.apply(&payments_manifest(server_port, protocol));
        let (port, proxy) = (ports::free(), ports::free());
        east.apply(
            &Workload {
                namespace: "shop",
                name: "cart",
                node: "n1",
                listeners: &[(port, AUTHORITY)],
                proxy_port: Some(proxy),
                ..Workload::default()
            }
            .yaml(),
        );
        west.weft_ok(&[
            "service",
            "export",
            "shop/payments",
            "--to",
            "east",
            "--allow",
            "shop/cart",
            "--wait=30s",
        ]);
        Self {
            west,
            east,
            port,
            proxy,
        }
    }

    /// Waits until the mesh lets an HTTP/1.1 request through to the server, whatever that answers.
    fn wait_reached(&self) {
        let listener = ([127, 0, 0, 1], self.port).into();
        wait::until("a call crosses", wait::GENEROUS, || {
            let answer = http::get(listener, AUTHORITY, "/").ok()?;
            // A gRPC server breaks off what isn't gRPC: it was reached all the same.
            answer
                .header("x-weft-error")
                .is_none_or(|reason| reason == "broken")
                .then_some(())
        });
    }

    /// `http://127.0.0.1:PORT` + path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Peak resident memory of every proxy on the way, in KiB.
    pub fn peak_memory_kib(&self) -> Vec<(String, u64)> {
        let hosts = [&self.east.nodes[0], &self.west.gateway, &self.west.nodes[0]];
        let names = ["east n1", "west g1", "west n1"];
        names
            .iter()
            .zip(hosts)
            .map(|(name, host)| ((*name).to_owned(), peak_kib(host.process().pid())))
            .collect()
    }
}

fn peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .expect("a process has a peak")
}
