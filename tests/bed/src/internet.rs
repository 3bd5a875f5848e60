//! Two places with the same private addresses, each behind a router with ordinary source NAT, and a wire between the routers.
//!
//! ```text
//!   west machine 10.0.0.2 ── 10.0.0.1 west router 203.0.113.10 ──wire── 203.0.113.20 east router 10.0.0.1 ── 10.0.0.2 east machine
//! ```
//!
//! Each of the four is a process tree of its own in its own network, mount, host-name and process namespaces: `/etc`, `/var/lib`
//! and `/usr/local/bin` of a machine are its own, so that software can be installed there by the book. All of it is gone when
//! the [`Internet`] is dropped. The routers let in UDP to the gateway's port and drop (and count) everything else.

mod machine;
mod unit;

use std::net::Ipv4Addr;

pub use self::machine::Machine;
pub use self::unit::Unit;

/// The gateways' port, the only one that is open to the other side.
pub const GATEWAY_PORT: u16 = 4433;

/// Two sites that reach each other only through NAT.
#[derive(Debug)]
pub struct Internet {
    /// One place.
    pub west: Site,
    /// The other.
    pub east: Site,
}

/// A machine behind its router.
#[derive(Debug)]
pub struct Site {
    /// The router's address on the wire.
    pub public: Ipv4Addr,
    /// Has the address 10.0.0.2, in both places.
    pub machine: Machine,
    /// Translates and drops.
    pub router: Machine,
}

impl Internet {
    /// Builds it; needs the rights of root over the network, which a user namespace gives as well.
    pub fn build() -> Self {
        let west = Site::build("west", Ipv4Addr::new(203, 0, 113, 10));
        let east = Site::build("east", Ipv4Addr::new(203, 0, 113, 20));
        machine::wire(&west.router, "eth0", &east.router, "eth0");
        for site in [&west, &east] {
            site.set_up_router();
            for (name, public) in [("west", west.public), ("east", east.public)] {
                let line = format!("echo {public} gw.{name}.example >> /etc/hosts");
                site.machine.run_ok(&line);
            }
        }
        Self { west, east }
    }
}

impl Site {
    fn build(name: &str, public: Ipv4Addr) -> Self {
        let machine = Machine::start(name);
        let router = Machine::start(&format!("{name}-router"));
        machine::wire(&router, "eth1", &machine, "eth0");
        router.run_ok("ip addr add 10.0.0.1/24 dev eth1; ip link set eth1 up");
        machine.run_ok(
            "ip addr add 10.0.0.2/24 dev eth0; ip link set eth0 up; ip route add default via 10.0.0.1",
        );
        Self {
            public,
            machine,
            router,
        }
    }

    fn set_up_router(&self) {
        let public = self.public;
        self.router.run_ok(&format!(
            "ip addr add {public}/24 dev eth0
             ip link set eth0 up
             echo 1 > /proc/sys/net/ipv4/ip_forward
             nft -f - <<'RULES'
table ip place {{
  chain prerouting {{
    type nat hook prerouting priority dstnat;
    iifname \"eth0\" udp dport {GATEWAY_PORT} dnat to 10.0.0.2
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat;
    oifname \"eth0\" masquerade
  }}
  chain forward {{
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    iifname \"eth1\" accept
    iifname \"eth0\" ct status dnat accept
    counter comment \"dropped\"
  }}
  chain input {{
    type filter hook input priority filter; policy accept;
    iifname \"eth0\" counter drop comment \"dropped\"
  }}
}}
RULES"
        ));
    }

    /// How many packets from outside the router has dropped.
    pub fn dropped(&self) -> u64 {
        let rules = self.router.run_ok("nft list table ip place");
        let words: Vec<&str> = rules.split_whitespace().collect();
        let counts = words
            .windows(2)
            .filter(|pair| pair[0] == "packets")
            .filter_map(|pair| pair[1].parse::<u64>().ok());
        counts.sum()
    }
}

/// What this machine lacks for an [`Internet`], as a reason for [`crate::not_run()`].
pub fn missing() -> Option<String> {
    if let Some(reason) =
        crate::not_run::missing_tools(&["ip", "nft", "tcpdump", "curl", "nsenter"])
    {
        return Some(reason);
    }
    let tried = std::process::Command::new("unshare")
        .args(machine::NAMESPACES)
        .args(["sh", "-c", "mount -t tmpfs none /mnt && nft list ruleset"])
        .output();
    match tried {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!(
            "neither root nor user namespaces: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
        Err(error) => Some(format!("unshare: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{not_run, wait};

    /// The test bed of network tests is itself tested: the open port is open, from a translated address, and others are shut.
    #[test]
    fn places_reach_each_other_by_one_port_alone() {
        let name = "internet::places_reach_each_other_by_one_port_alone";
        if let Some(reason) = missing().or_else(|| not_run::missing_tools(&["python3"])) {
            return not_run(name, &reason);
        }
        let internet = Internet::build();
        let west = &internet.west.machine;
        let script = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('0.0.0.0', 4433)); print('BOUND', flush=True); print(s.recvfrom(99), flush=True)";
        let listener = west.spawn("listener", &format!("exec python3 -c \"{script}\""));
        wait::until("the listener is bound", wait::GENEROUS, || {
            listener.log().contains("BOUND").then_some(())
        });
        let east = &internet.east.machine;
        east.run_ok("exec bash -c 'echo shut > /dev/udp/203.0.113.10/4434'");
        assert_eq!(internet.west.dropped(), 1);
        east.run_ok("exec bash -c 'echo open > /dev/udp/gw.west.example/4433'");
        wait::until("the open port is reached", wait::GENEROUS, || {
            listener.log().contains("203.0.113.20").then_some(())
        });
        assert!(listener.log().contains("open"));
        assert_eq!(internet.west.dropped(), 1);
    }
}
