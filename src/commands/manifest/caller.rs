//! Who is let in, as people type it: `NS/SA`, `peer:NAME`, `peer:NAME/NS/SA`, `spiffe://…`; `*` for any namespace or account.

use std::str::FromStr;

use protocol::name::{ClusterName, Label, SpiffeId};

/// One caller, or many of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Exactly this identity.
    Spiffe(SpiffeId),
    /// Callers of this cluster, or of a peer.
    Named {
        /// The peer; none for this cluster.
        peer: Option<ClusterName>,
        /// Their namespace; none for any.
        namespace: Option<Label>,
        /// Their service account; none for any.
        service_account: Option<Label>,
    },
}

/// A text that names no caller.
#[derive(Debug, thiserror::Error)]
#[error(
    "{text:?} names no caller: {why} (write NAMESPACE/ACCOUNT, peer:NAME, peer:NAME/NAMESPACE/ACCOUNT or spiffe://…)"
)]
pub(crate) struct NotACaller {
    text: String,
    why: String,
}

impl Caller {
    /// The callers of a peer that are called so.
    pub(crate) fn of_peer(self, name: &ClusterName) -> Self {
        match self {
            Self::Named {
                peer: None,
                namespace,
                service_account,
            } => Self::Named {
                peer: Some(name.clone()),
                namespace,
                service_account,
            },
            Self::Named { .. } | Self::Spiffe(_) => self,
        }
    }

    /// As an entry of a policy's `from`.
    pub(super) fn yaml(&self) -> String {
        match self {
            Self::Spiffe(id) => format!("{{spiffe: \"{id}\"}}"),
            Self::Named {
                peer,
                namespace,
                service_account,
            } => {
                let part = |name: &str, value: Option<String>| {
                    value.map(|value| format!("{name}: {value}"))
                };
                let parts = [
                    part("peer", peer.as_ref().map(ToString::to_string)),
                    part("namespace", namespace.as_ref().map(ToString::to_string)),
                    part(
                        "serviceAccount",
                        service_account.as_ref().map(ToString::to_string),
                    ),
                ];
                format!(
                    "{{{}}}",
                    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
                )
            }
        }
    }

    /// As words of a resource's name.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Spiffe(id) => words(&id.to_string()),
            Self::Named {
                peer,
                namespace,
                service_account,
            } => {
                let any = || "any".to_owned();
                let place = peer
                    .as_ref()
                    .map_or_else(|| "local".to_owned(), ToString::to_string);
                let namespace = namespace.as_ref().map_or_else(any, ToString::to_string);
                let account = service_account
                    .as_ref()
                    .map_or_else(any, ToString::to_string);
                format!("{place}-{namespace}-{account}")
            }
        }
    }
}

fn words(text: &str) -> String {
    let joined: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    joined
        .split('-')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("-")
}

impl FromStr for Caller {
    type Err = NotACaller;

    fn from_str(text: &str) -> Result<Self, NotACaller> {
        let refuse = |why: &dyn ToString| NotACaller {
            text: text.chars().take(100).collect(),
            why: why.to_string(),
        };
        if text.starts_with("spiffe://") {
            return SpiffeId::parse(text)
                .map(Self::Spiffe)
                .map_err(|error| refuse(&error));
        }
        let (peer, rest) = match text.strip_prefix("peer:") {
            Some(rest) => {
                let (peer, rest) = rest.split_once('/').unwrap_or((rest, "*/*"));
                (
                    Some(ClusterName::parse(peer).map_err(|error| refuse(&error))?),
                    rest,
                )
            }
            None => (None, text),
        };
        let (namespace, account) = rest
            .split_once('/')
            .ok_or_else(|| refuse(&"there is no / in it"))?;
        let part = |text: &str| {
            if text == "*" {
                Ok(None)
            } else {
                Label::parse(text).map(Some).map_err(|error| refuse(&error))
            }
        };
        let (namespace, service_account) = (part(namespace)?, part(account)?);
        if peer.is_none() && namespace.is_none() && service_account.is_none() {
            return Err(refuse(&"it is anybody of this cluster"));
        }
        Ok(Self::Named {
            peer,
            namespace,
            service_account,
        })
    }
}
