//! Bundles.

use super::{BUNDLE_BYTES, BUNDLE_ROOTS, InvalidMessage, field, v1};
use crate::view::BundleData;

impl From<&BundleData> for v1::Bundle {
    fn from(bundle: &BundleData) -> Self {
        Self {
            trust_domain: bundle.trust_domain.to_string(),
            sequence: bundle.sequence,
            roots: bundle.roots.clone(),
            valid_until: bundle.valid_until.unwrap_or(0),
        }
    }
}

impl TryFrom<v1::Bundle> for BundleData {
    type Error = InvalidMessage;
    fn try_from(message: v1::Bundle) -> Result<Self, InvalidMessage> {
        if message.roots.len() > BUNDLE_ROOTS {
            return Err(InvalidMessage::new(
                "roots",
                format!("there are more than {BUNDLE_ROOTS}"),
            ));
        }
        if message.roots.iter().map(Vec::len).sum::<usize>() > BUNDLE_BYTES {
            return Err(InvalidMessage::new(
                "roots",
                format!("they have more than {BUNDLE_BYTES} bytes"),
            ));
        }
        Ok(Self {
            trust_domain: field::parse("trust_domain", &message.trust_domain)?,
            sequence: message.sequence,
            roots: message.roots,
            valid_until: (message.valid_until != 0).then_some(message.valid_until),
        })
    }
}
