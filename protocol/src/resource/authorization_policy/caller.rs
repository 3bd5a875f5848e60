//! Whom a rule names: one identity, a peer's workloads, or this cluster's.

use crate::{
    name::{ClusterName, Label, SpiffeId},
    resource::{field::Field, node::Node},
};

/// One entry of `from`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// `{spiffe: spiffe://…}`: exactly this identity.
    Spiffe(SpiffeId),
    /// `{peer: NAME}`, narrowed to a namespace and a service account.
    Peer {
        /// The peer.
        peer: ClusterName,
        /// Its namespace; `None`: any.
        namespace: Option<Label>,
        /// The service account; `None`: any.
        service_account: Option<Label>,
    },
    /// `{namespace: …, serviceAccount: …}` of this cluster, at least one of them.
    Local {
        /// `None`: any.
        namespace: Option<Label>,
        /// `None`: any.
        service_account: Option<Label>,
    },
}

pub(super) fn check(field: &Field<'_>) -> Option<Caller> {
    let fields = field.fields(&["spiffe", "peer", "namespace", "serviceAccount"])?;
    let has_others = !fields
        .present(&["peer", "namespace", "serviceAccount"])
        .is_empty();
    if let Some(spiffe) = fields.optional("spiffe") {
        if has_others {
            fields.wrong("spiffe stands alone");
        }
        return spiffe.parse().map(Caller::Spiffe);
    }
    if !has_others {
        fields.wrong("it names nobody: spiffe, peer, namespace or serviceAccount is expected");
        return None;
    }
    let namespace = fields.or("namespace", |f| f.parse().map(Some), None);
    let service_account = fields.or("serviceAccount", |f| f.parse().map(Some), None);
    match fields.optional("peer") {
        Some(peer) => Some(Caller::Peer {
            peer: peer.parse()?,
            namespace,
            service_account,
        }),
        None => Some(Caller::Local {
            namespace,
            service_account,
        }),
    }
}

pub(super) fn to_node(caller: &Caller) -> Node {
    let text = |label: &Option<Label>| label.as_ref().map(Node::text);
    match caller {
        Caller::Spiffe(id) => Node::map([("spiffe", Some(Node::text(id)))]),
        Caller::Peer {
            peer,
            namespace,
            service_account,
        } => Node::map([
            ("peer", Some(Node::text(peer))),
            ("namespace", text(namespace)),
            ("serviceAccount", text(service_account)),
        ]),
        Caller::Local {
            namespace,
            service_account,
        } => Node::map([
            ("namespace", text(namespace)),
            ("serviceAccount", text(service_account)),
        ]),
    }
}
