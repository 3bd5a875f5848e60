//! What a cluster is called, by itself and by its peers.

use std::{fmt, str::FromStr};

use super::{InvalidName, Label, as_string::as_string, label};

/// The name of a cluster: one controller group and its nodes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterName(Label);

impl ClusterName {
    /// Parses a cluster name, which is a DNS label.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        if let Some(rule) = label::broken_rule(text) {
            return Err(InvalidName::new("cluster name", text, rule));
        }
        Label::parse(text).map(Self)
    }

    /// Shows it as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Shows it as a label.
    pub fn label(&self) -> &Label {
        &self.0
    }
}

impl From<Label> for ClusterName {
    fn from(label: Label) -> Self {
        Self(label)
    }
}

impl FromStr for ClusterName {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::parse(text)
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl AsRef<str> for ClusterName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

as_string!(ClusterName);
