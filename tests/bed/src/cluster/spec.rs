//! What kind of cluster a test wants.

use std::time::Duration;

/// The shape of a cluster; start from [`ClusterSpec::named`].
#[derive(Debug, Clone)]
pub struct ClusterSpec {
    /// Its name.
    pub name: String,
    /// Its trust domain.
    pub trust_domain: String,
    /// How many nodes.
    pub nodes: usize,
    /// How long its SVIDs live; the product's default when absent.
    pub svid_lifetime: Option<Duration>,
    /// Whether its gateway is reached over a [`crate::Relay`], which records what crosses.
    pub relayed: bool,
    /// Whether a supervisor that keeps sockets over restarts, as systemd does, runs each process.
    pub supervised: bool,
    /// More flags for each node.
    pub node_flags: Vec<String>,
    /// More flags for the controller.
    pub controller_flags: Vec<String>,
}

impl ClusterSpec {
    /// A cluster `NAME` with the trust domain `NAME.example` and one node.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            trust_domain: format!("{name}.example"),
            nodes: 1,
            svid_lifetime: None,
            relayed: false,
            supervised: false,
            node_flags: Vec::new(),
            controller_flags: Vec::new(),
        }
    }

    /// With so many nodes.
    #[must_use]
    pub fn nodes(mut self, nodes: usize) -> Self {
        self.nodes = nodes;
        self
    }

    /// With SVIDs that live so long.
    #[must_use]
    pub fn svid_lifetime(mut self, lifetime: Duration) -> Self {
        self.svid_lifetime = Some(lifetime);
        self
    }

    /// With a supervisor for each process.
    #[must_use]
    pub fn supervised(mut self) -> Self {
        self.supervised = true;
        self
    }

    /// With a wire before its gateway that records what crosses.
    #[must_use]
    pub fn relayed(mut self) -> Self {
        self.relayed = true;
        self
    }
}
