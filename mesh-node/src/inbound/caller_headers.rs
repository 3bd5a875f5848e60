//! Tells the app who calls: set by the mesh and by nobody else (P-14).
//!
//! | field | value |
//! | --- | --- |
//! | `x-forwarded-client-cert` | `By=<destination's SPIFFE ID>;URI=<caller's SPIFFE ID>`, the form that Envoy uses |
//! | `x-spiffe-caller` | the caller's SPIFFE ID alone |

use http::{HeaderMap, HeaderName, HeaderValue};
use protocol::name::SpiffeId;

use crate::http::hop_headers;

const CLIENT_CERT: HeaderName = HeaderName::from_static("x-forwarded-client-cert");
const CALLER: HeaderName = HeaderName::from_static("x-spiffe-caller");

/// Removes whatever claims an identity, then says who calls.
pub(super) fn stamp(headers: &mut HeaderMap, caller: &SpiffeId, shown: &SpiffeId) {
    hop_headers::strip_identity(headers);
    // A SPIFFE ID has no byte that a header can't hold, and no `;`, `,` or `=` (P-2).
    if let Ok(value) = HeaderValue::try_from(format!("By={shown};URI={caller}")) {
        headers.insert(CLIENT_CERT, value);
    }
    if let Ok(value) = HeaderValue::try_from(caller.to_string()) {
        headers.insert(CALLER, value);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    // P-14
    #[test]
    fn what_a_caller_claims_is_replaced_by_what_it_has_proven() {
        let mut headers = HeaderMap::new();
        headers.insert(
            "x-forwarded-client-cert",
            "URI=spiffe://a.example/ns/x/sa/root".parse().unwrap(),
        );
        headers.insert(
            "x_spiffe_caller",
            "spiffe://a.example/ns/x/sa/root".parse().unwrap(),
        );
        let caller = "spiffe://a.example/ns/shop/sa/cart".parse().unwrap();
        let shown = "spiffe://b.example/ns/shop/sa/pay".parse().unwrap();
        stamp(&mut headers, &caller, &shown);
        assert_eq!(headers.len(), 2);
        assert_eq!(headers[CALLER], "spiffe://a.example/ns/shop/sa/cart");
        assert_eq!(
            headers[CLIENT_CERT],
            "By=spiffe://b.example/ns/shop/sa/pay;URI=spiffe://a.example/ns/shop/sa/cart"
        );
    }
}
