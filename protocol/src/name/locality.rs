//! Where a host is: cloud, region, zone.

use std::{fmt, str::FromStr, sync::Arc};

use super::{InvalidName, as_string::as_string};

/// `cloud/region/zone`, each part of which may be missing; the default knows none.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locality {
    cloud: Option<Arc<str>>,
    region: Option<Arc<str>>,
    zone: Option<Arc<str>>,
}

impl Locality {
    /// Parses `cloud/region/zone`; empty and missing parts are unknown ones.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let invalid = |rule| InvalidName::new("locality", text, rule);
        let mut parts = text.split('/').map(part);
        let mut next = || parts.next().unwrap_or(Ok(None)).map_err(invalid);
        let locality = Self {
            cloud: next()?,
            region: next()?,
            zone: next()?,
        };
        match parts.next() {
            None => Ok(locality),
            Some(_) => Err(invalid("it is written cloud/region/zone")),
        }
    }

    /// Shows the cloud.
    pub fn cloud(&self) -> Option<&str> {
        self.cloud.as_deref()
    }

    /// Shows the region.
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// Shows the zone.
    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }

    /// Tells whether both are known to be in one region of one cloud.
    pub fn same_region(&self, other: &Self) -> bool {
        self.region.is_some() && self.cloud == other.cloud && self.region == other.region
    }

    /// Tells whether both are known to be in one zone.
    pub fn same_zone(&self, other: &Self) -> bool {
        self.zone.is_some() && self == other
    }
}

fn part(text: &str) -> Result<Option<Arc<str>>, &'static str> {
    if text.len() > 63 {
        return Err("a part has more than 63 characters");
    }
    if !text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
    {
        return Err("only a-z, A-Z, 0-9, '.', '-' and '_' are allowed in its parts");
    }
    Ok((!text.is_empty()).then(|| text.into()))
}

impl FromStr for Locality {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::parse(text)
    }
}

impl fmt::Display for Locality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [self.cloud(), self.region(), self.zone()];
        let known = parts
            .iter()
            .rposition(Option::is_some)
            .map_or(0, |last| last + 1);
        for (i, part) in parts[..known].iter().enumerate() {
            let slash = if i > 0 { "/" } else { "" };
            write!(f, "{slash}{}", part.unwrap_or_default())?;
        }
        Ok(())
    }
}

as_string!(Locality);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn missing_parts_are_unknown_and_print_short() {
        for (text, printed) in [
            ("", ""),
            ("gcp", "gcp"),
            ("gcp/", "gcp"),
            ("gcp//b", "gcp//b"),
            ("/eu/b", "/eu/b"),
        ] {
            assert_eq!(Locality::parse(text).unwrap().to_string(), printed);
        }
        assert!(Locality::parse("a/b/c/d").is_err());
        assert!(Locality::parse("a b").is_err());
    }

    #[test]
    fn an_unknown_place_is_the_same_as_no_other() {
        let unknown = Locality::default();
        let b: Locality = "gcp/eu/b".parse().unwrap();
        let c: Locality = "gcp/eu/c".parse().unwrap();
        assert!(!unknown.same_zone(&unknown) && !unknown.same_region(&b));
        assert!(b.same_region(&c) && !b.same_zone(&c) && b.same_zone(&b.clone()));
        let elsewhere: Locality = "aws/eu/b".parse().unwrap();
        assert!(!b.same_region(&elsewhere) && !b.same_zone(&elsewhere));
    }
}
