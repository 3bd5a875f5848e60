//! Tells the app who calls: set by the mesh and by nobody else (P-14).
//!
//! | field | value |
//! | --- | --- |
//! | `x-forwarded-client-cert` | `By=<destination's SPIFFE ID>;URI=<caller's SPIFFE ID>`, the form that Envoy uses |
//! | `x-spiffe-caller` | the caller's SPIFFE ID alone |

use protocol::name::SpiffeId;
use tunnel::{FieldsBuilder, FrameError};

/// The two fields for one caller and one identity shown to it; the same for all requests on a tunnel.
#[derive(Debug)]
pub(super) struct CallerFields {
    client_cert: String,
    caller: String,
}

impl CallerFields {
    pub(super) fn new(caller: &SpiffeId, shown: &SpiffeId) -> Self {
        // A SPIFFE ID has no byte that a field can't hold, and no `;`, `,` or `=` (P-2).
        Self {
            client_cert: format!("By={shown};URI={caller}"),
            caller: caller.to_string(),
        }
    }

    /// Says who calls. What claimed an identity has been taken out before.
    pub(super) fn stamp(&self, fields: &mut FieldsBuilder) -> Result<(), FrameError> {
        fields.push(b"x-forwarded-client-cert", self.client_cert.as_bytes())?;
        fields.push(b"x-spiffe-caller", self.caller.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::http::fields::{Class, crossing};

    // P-14
    #[test]
    fn what_a_caller_claims_is_replaced_by_what_it_has_proven() {
        let mut claimed = FieldsBuilder::default();
        for name in ["X-Forwarded-Client-Cert", "x_spiffe_caller"] {
            let root = b"URI=spiffe://a.example/ns/x/sa/root";
            claimed.push(name.as_bytes(), root).unwrap();
        }
        let caller = "spiffe://a.example/ns/shop/sa/cart".parse().unwrap();
        let shown = "spiffe://b.example/ns/shop/sa/pay".parse().unwrap();
        let mut fields = crossing(&claimed.build(), false, |class| class == Class::Identity);
        CallerFields::new(&caller, &shown)
            .stamp(&mut fields)
            .unwrap();
        let fields = fields.build();
        let all: Vec<_> = fields
            .iter()
            .map(|(name, value)| [name, value].map(|text| std::str::from_utf8(text).unwrap()))
            .collect();
        assert_eq!(
            all,
            [
                [
                    "x-forwarded-client-cert",
                    "By=spiffe://b.example/ns/shop/sa/pay;URI=spiffe://a.example/ns/shop/sa/cart"
                ],
                ["x-spiffe-caller", "spiffe://a.example/ns/shop/sa/cart"],
            ]
        );
    }
}
