//! A service's name: its namespace and its own.

use std::{fmt, str::FromStr};

use super::{InvalidName, Label, as_string::as_string};

/// `namespace/name`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceName {
    /// Where the name is unique.
    pub namespace: Label,
    /// Its own name.
    pub name: Label,
}

impl ServiceName {
    /// Joins the two parts.
    pub fn new(namespace: Label, name: Label) -> Self {
        Self { namespace, name }
    }

    /// Parses `namespace/name`.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let invalid = |rule| InvalidName::new("service", text, rule);
        let (namespace, name) = text
            .split_once('/')
            .ok_or_else(|| invalid("it is written namespace/name"))?;
        let namespace = Label::parse(namespace).map_err(|e| invalid(e.rule()))?;
        let name = Label::parse(name).map_err(|e| invalid(e.rule()))?;
        Ok(Self { namespace, name })
    }
}

impl FromStr for ServiceName {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::parse(text)
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

as_string!(ServiceName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_two_labels() {
        assert!(ServiceName::parse("shop/payments").is_ok());
        for bad in [
            "",
            "payments",
            "/payments",
            "shop/",
            "shop/payments/x",
            "shop//payments",
            "Shop/payments",
        ] {
            assert!(ServiceName::parse(bad).is_err(), "{bad}");
        }
    }
}
