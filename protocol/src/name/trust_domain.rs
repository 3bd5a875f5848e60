//! The trust domain of a SPIFFE ID.

use std::{fmt, str::FromStr, sync::Arc};

use super::{InvalidName, as_string::as_string};

/// 1 to 255 of `[a-z0-9.-_]` (P-2); each has one bundle (P-1).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrustDomain(Arc<str>);

const LONGEST: usize = 255;

impl TrustDomain {
    /// Parses the bare name, such as `east.example`.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let invalid = |rule| Err(InvalidName::new("trust domain", text, rule));
        if text.is_empty() {
            return invalid("it is empty");
        }
        if text.len() > LONGEST {
            return invalid("it has more than 255 characters");
        }
        if !text
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_'))
        {
            return invalid("only a-z, 0-9, '.', '-' and '_' are allowed");
        }
        Ok(Self(text.into()))
    }

    /// Parses `spiffe://…` without a path: how an authority's certificate names its trust domain.
    pub fn parse_uri(uri: &str) -> Result<Self, InvalidName> {
        match uri.strip_prefix("spiffe://") {
            Some(name) => Self::parse(name),
            None => Err(InvalidName::new(
                "trust domain's URI",
                uri,
                "it begins with spiffe://",
            )),
        }
    }

    /// Shows it as text, without a scheme.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Prints `spiffe://` and the name.
    pub fn uri(&self) -> String {
        format!("spiffe://{self}")
    }
}

impl FromStr for TrustDomain {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::parse(text)
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for TrustDomain {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

as_string!(TrustDomain);
