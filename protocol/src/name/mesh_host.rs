//! The names by which applications call services.
//!
//! | name | means |
//! | --- | --- |
//! | `payments.shop`, `payments.shop.svc.cluster.local` | this cluster's service, and by its policy others |
//! | `payments.shop.svc.west.clusterset.local` | the one that peer west exports |
//! | `payments.shop.svc.clusterset.local` | all clusters that export it, merged |

use std::{fmt, str::FromStr};

use super::{ClusterName, InvalidName, Label, ServiceName, as_string::as_string};

/// A service and where it is sought; parsed out of a host without its port.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeshHost {
    /// Whom the application calls.
    pub service: ServiceName,
    /// In which clusters.
    pub scope: Scope,
}

/// In which clusters a service is sought.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// In this one, and in others as its failover policy says.
    Local,
    /// In the one named.
    Peer(ClusterName),
    /// In all that export it.
    Merged,
}

impl MeshHost {
    /// Parses a host without port; `None` when it is no name of the mesh. Case and one trailing dot don't matter (P-13).
    pub fn parse(host: &str) -> Option<Self> {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        let labels: Vec<&str> = host.split('.').collect();
        let (name, namespace, scope) = match labels[..] {
            [name, namespace] | [name, namespace, "svc", "cluster", "local"] => {
                (name, namespace, Scope::Local)
            }
            [name, namespace, "svc", "clusterset", "local"] => (name, namespace, Scope::Merged),
            [name, namespace, "svc", peer, "clusterset", "local"] => {
                (name, namespace, Scope::Peer(ClusterName::parse(peer).ok()?))
            }
            _ => return None,
        };
        let service = ServiceName::new(Label::parse(namespace).ok()?, Label::parse(name).ok()?);
        Some(Self { service, scope })
    }
}

impl FromStr for MeshHost {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let rule = "write name.namespace, name.namespace.svc.PEER.clusterset.local or name.namespace.svc.clusterset.local";
        Self::parse(text).ok_or_else(|| InvalidName::new("host of the mesh", text, rule))
    }
}

impl fmt::Display for MeshHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.service.name, self.service.namespace)?;
        match &self.scope {
            Scope::Local => Ok(()),
            Scope::Peer(peer) => write!(f, ".svc.{peer}.clusterset.local"),
            Scope::Merged => f.write_str(".svc.clusterset.local"),
        }
    }
}

as_string!(MeshHost);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn each_form_has_its_scope() {
        let west = Scope::Peer(ClusterName::parse("west").unwrap());
        for (host, scope) in [
            ("payments.shop", Scope::Local),
            ("payments.shop.", Scope::Local),
            ("Payments.SHOP", Scope::Local),
            ("payments.shop.svc.cluster.local", Scope::Local),
            ("payments.shop.svc.west.clusterset.local", west.clone()),
            ("payments.shop.svc.WEST.clusterset.local.", west),
            ("payments.shop.svc.clusterset.local", Scope::Merged),
        ] {
            let parsed = MeshHost::parse(host).unwrap();
            assert_eq!(
                parsed,
                MeshHost {
                    service: "shop/payments".parse().unwrap(),
                    scope
                }
            );
            assert_eq!(parsed.to_string().parse(), Ok(parsed));
        }
    }

    #[test]
    fn other_hosts_are_not_of_the_mesh() {
        for host in [
            "",
            ".",
            "payments",
            "payments.",
            "a..",
            "payments.shop..",
            "payments.shop.svc",
            "127.0.0.1",
            "[::1]",
            "payments.shop.svc.cluster.example",
            "payments.shop.svc.a.b.clusterset.local",
            "payments.shop:80",
            "payments.shop.svc.clusterset.local.x",
            "*.shop",
            "pay_ments.shop",
            "payments.shop.pod.cluster.local",
        ] {
            assert_eq!(MeshHost::parse(host), None, "{host}");
        }
    }
}
