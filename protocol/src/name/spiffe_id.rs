//! A SPIFFE ID: who somebody is (P-2).

use std::{fmt, str::FromStr, sync::Arc};

use super::{InvalidName, Label, TrustDomain, as_string::as_string};

/// `spiffe://trust-domain/path`, the path never empty; compares as a whole.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpiffeId {
    trust_domain: TrustDomain,
    path: Arc<str>,
}

/// What an identity is for, as its path says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// `/ns/N/sa/S`: a running program.
    Workload {
        /// Its namespace.
        namespace: Label,
        /// The account it runs as.
        service_account: Label,
    },
    /// `/weft/node/N`.
    Node(Label),
    /// `/weft/gateway/N`.
    Gateway(Label),
    /// `/weft/controller`.
    Controller,
    /// Any other valid path: somebody of a trust domain that isn't Weft's.
    Other,
}

/// Why a text is no SPIFFE ID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpiffeIdError {
    /// Longer than anybody has to accept.
    #[error("{0} bytes are longer than 2048")]
    TooLong(usize),
    /// Not `spiffe://`, exactly.
    #[error("it does not begin with spiffe://")]
    Scheme,
    /// The trust domain is none; it can hold no port and no user.
    #[error(transparent)]
    TrustDomain(#[from] InvalidName),
    /// A trust domain alone is nobody.
    #[error("it has no path")]
    NoPath,
    /// `//` or a slash at the end.
    #[error("its path has an empty segment or ends with a slash")]
    EmptySegment,
    /// `.` or `..`.
    #[error("its path has a segment . or ..")]
    DotSegment,
    /// Something outside `[a-zA-Z0-9.-_]`: percent-encoding, a query, a fragment.
    #[error("its path has a character outside a-z A-Z 0-9 . - _")]
    Character,
}

const SCHEME: &str = "spiffe://";
const LONGEST: usize = 2048;

impl SpiffeId {
    /// Parses by the exact rules of P-2.
    pub fn parse(text: &str) -> Result<Self, SpiffeIdError> {
        if text.len() > LONGEST {
            return Err(SpiffeIdError::TooLong(text.len()));
        }
        let rest = text.strip_prefix(SCHEME).ok_or(SpiffeIdError::Scheme)?;
        let (trust_domain, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let trust_domain = TrustDomain::parse(trust_domain)?;
        check_path(path)?;
        Ok(Self {
            trust_domain,
            path: path.into(),
        })
    }

    /// Names a workload: `/ns/namespace/sa/service_account`.
    pub fn workload(
        trust_domain: &TrustDomain,
        namespace: &Label,
        service_account: &Label,
    ) -> Self {
        Self::of(
            trust_domain,
            format!("/ns/{namespace}/sa/{service_account}"),
        )
    }

    /// Names a node: `/weft/node/name`.
    pub fn node(trust_domain: &TrustDomain, name: &Label) -> Self {
        Self::of(trust_domain, format!("/weft/node/{name}"))
    }

    /// Names a gateway: `/weft/gateway/name`.
    pub fn gateway(trust_domain: &TrustDomain, name: &Label) -> Self {
        Self::of(trust_domain, format!("/weft/gateway/{name}"))
    }

    /// Names the controllers of a trust domain: `/weft/controller`.
    pub fn controller(trust_domain: &TrustDomain) -> Self {
        Self::of(trust_domain, "/weft/controller".to_owned())
    }

    fn of(trust_domain: &TrustDomain, path: String) -> Self {
        Self {
            trust_domain: trust_domain.clone(),
            path: path.into(),
        }
    }

    /// Tells whose bundle vouches for it.
    pub fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// Shows the path, which begins with a slash.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Reads the path by Weft's conventions.
    pub fn role(&self) -> Role {
        role_of(&self.path).unwrap_or(Role::Other)
    }
}

fn check_path(path: &str) -> Result<(), SpiffeIdError> {
    let segments = path.strip_prefix('/').ok_or(SpiffeIdError::NoPath)?;
    if segments.is_empty() {
        return Err(SpiffeIdError::NoPath);
    }
    for segment in segments.split('/') {
        match segment {
            "" => return Err(SpiffeIdError::EmptySegment),
            "." | ".." => return Err(SpiffeIdError::DotSegment),
            _ if segment.bytes().all(is_path_byte) => {}
            _ => return Err(SpiffeIdError::Character),
        }
    }
    Ok(())
}

fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

fn role_of(path: &str) -> Option<Role> {
    let mut segments = path.split('/').skip(1);
    let segments: [Option<&str>; 5] = std::array::from_fn(|_| segments.next());
    let label = |text: &str| Label::parse(text).ok();
    Some(match segments {
        [Some("ns"), Some(namespace), Some("sa"), Some(account), None] => Role::Workload {
            namespace: label(namespace)?,
            service_account: label(account)?,
        },
        [Some("weft"), Some("node"), Some(name), None, None] => Role::Node(label(name)?),
        [Some("weft"), Some("gateway"), Some(name), None, None] => Role::Gateway(label(name)?),
        [Some("weft"), Some("controller"), None, None, None] => Role::Controller,
        _ => return None,
    })
}

impl FromStr for SpiffeId {
    type Err = SpiffeIdError;
    fn from_str(text: &str) -> Result<Self, SpiffeIdError> {
        Self::parse(text)
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}{}", self.trust_domain, self.path)
    }
}

as_string!(SpiffeId);

#[cfg(test)]
mod tests;
