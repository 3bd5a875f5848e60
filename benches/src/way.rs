//! The ways from load to origin that are compared.

use std::net::SocketAddr;

use testbed::Process;

use crate::cost;

/// One way.
#[derive(Debug)]
pub struct Way<'a> {
    /// As the report names it.
    pub name: &'static str,
    /// Where load goes in, as seen from the near side.
    pub entry: SocketAddr,
    /// The proxies, whose cost counts.
    pub proxies: Vec<&'a Process>,
}

impl Way<'_> {
    /// CPU seconds that its proxies have used so far.
    pub fn cpu_seconds(&self) -> f64 {
        cost::cpu_seconds(&self.proxies)
    }
}
