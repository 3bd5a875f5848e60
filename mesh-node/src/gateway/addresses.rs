//! Where handles are, as socket addresses: names are resolved here, off the packets' way.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use protocol::cid::Handle;
use protocol::name::HostPort;
use tokio::net::lookup_host;
use tokio::time::timeout;

const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);

/// Takes the hosts that are given by address, and leaves those that are given by name.
pub(super) fn literal(hosts: &BTreeMap<Handle, HostPort>) -> BTreeMap<Handle, SocketAddr> {
    hosts
        .iter()
        .filter_map(|(&handle, host)| Some((handle, host.socket_addr()?)))
        .collect()
}

/// Names and what they last resolved to: a name server that is down takes no host away.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    resolved: BTreeMap<HostPort, SocketAddr>,
}

impl Addresses {
    /// Maps those hosts whose address is known without asking.
    pub(super) fn known(&self, hosts: &BTreeMap<Handle, HostPort>) -> BTreeMap<Handle, SocketAddr> {
        let address = |host: &HostPort| {
            host.socket_addr()
                .or_else(|| self.resolved.get(host).copied())
        };
        hosts
            .iter()
            .filter_map(|(&handle, host)| Some((handle, address(host)?)))
            .collect()
    }

    /// Asks for all names again, and forgets those that aren't wanted any more.
    pub(super) async fn refresh(&mut self, hosts: &BTreeMap<Handle, HostPort>) {
        self.resolved
            .retain(|name, _| hosts.values().any(|host| host == name));
        for host in hosts.values().filter(|host| host.socket_addr().is_none()) {
            match lookup(host).await {
                Some(address) => _ = self.resolved.insert(host.clone(), address),
                None => tracing::warn!(%host, "name does not resolve; its last address stands"),
            }
        }
    }
}

async fn lookup(host: &HostPort) -> Option<SocketAddr> {
    let found = timeout(LOOKUP_TIMEOUT, lookup_host((host.host.as_str(), host.port))).await;
    found.ok()?.ok()?.next()
}
