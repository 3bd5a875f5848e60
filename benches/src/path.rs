//! The ways from a load generator to an origin that are compared.

use testbed::Process;

/// One way: where to send load, and which processes carry it.
#[derive(Debug)]
pub struct Path<'a> {
    /// As printed.
    pub name: &'static str,
    /// The port on 127.0.0.1 that the load goes to.
    pub port: u16,
    /// The authority that the load asks for.
    pub authority: &'a str,
    /// The proxies whose CPU time counts.
    pub proxies: Vec<&'a Process>,
}

impl Path<'_> {
    /// CPU seconds that all proxies have used so far.
    #[must_use]
    pub fn cpu_seconds(&self) -> f64 {
        self.proxies.iter().map(|proxy| proxy.cpu_seconds()).sum()
    }
}
