//! What is known of the health of workloads at one moment.

use std::collections::BTreeMap;

use protocol::name::Label;

/// The health that nodes reported of their workloads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Health {
    /// By node name.
    pub(crate) nodes: BTreeMap<Label, NodeHealth>,
    /// Whether a node that was not heard of is presumed well: for a while after a controller's start, since nodes serve on
    /// while it is away, and a start must not make everything look ill.
    pub(crate) presume: bool,
}

/// What is known of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NodeHealth {
    /// In touch, but its first report hasn't come.
    Silent,
    /// In touch; the health of each workload by namespace and name.
    Reported(BTreeMap<(Label, Label), bool>),
    /// Not heard of for too long.
    Lost,
}

impl Health {
    /// Whether callers should choose this workload.
    pub(crate) fn is_healthy(&self, node: &Label, namespace: &Label, workload: &Label) -> bool {
        match self.nodes.get(node) {
            None | Some(NodeHealth::Silent) => self.presume,
            Some(NodeHealth::Lost) => false,
            Some(NodeHealth::Reported(workloads)) => workloads
                .get(&(namespace.clone(), workload.clone()))
                .copied()
                .unwrap_or(false),
        }
    }
}
