//! What tells one resource from all others.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Kind;
use crate::name::Label;

/// Kind, namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ResourceName {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace.
    pub namespace: Label,
    /// Its own name.
    pub name: Label,
}

impl fmt::Display for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}
