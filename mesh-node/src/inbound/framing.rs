//! How long a request's body is, as far as its head says so; heads that two readers could frame differently are refused (P-15).

use http::Method;
use tunnel::{Refusal, RequestHead};

/// The declared length. `has_body`: the tunnel brings one. A remote node is not believed to have checked anything.
pub(super) fn declared_length(head: &RequestHead, has_body: bool) -> Result<Option<u64>, Refusal> {
    if head.method == Method::CONNECT || head.fields.get("transfer-encoding").is_some() {
        return Err(Refusal::Malformed);
    }
    // An upgraded connection has no body before it.
    if head.upgrade && has_body {
        return Err(Refusal::Malformed);
    }
    let mut fields = head.fields.all("content-length");
    let Some(field) = fields.next() else {
        return Ok(None);
    };
    if fields.next().is_some() {
        return Err(Refusal::Malformed);
    }
    let length = digits(field).ok_or(Refusal::Malformed)?;
    // An app would wait for these bytes, and take them from the next request.
    if length > 0 && !has_body {
        return Err(Refusal::Malformed);
    }
    Ok(Some(length))
}

fn digits(value: &[u8]) -> Option<u64> {
    if !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use tunnel::{FieldsBuilder, HttpVersion};

    fn length(fields: &[(&'static str, &str)], has_body: bool) -> Result<Option<u64>, Refusal> {
        let mut built = FieldsBuilder::default();
        for (name, value) in fields {
            built
                .push(name.as_bytes(), value.trim().as_bytes())
                .unwrap();
        }
        let head = RequestHead {
            service: "shop/pay".parse().unwrap(),
            method: Method::POST,
            authority: "pay.shop".to_owned(),
            path: "/".to_owned(),
            version: HttpVersion::Http11,
            fields: built.build(),
            upgrade: false,
        };
        declared_length(&head, has_body)
    }

    // P-15
    #[test]
    fn one_length_of_plain_digits_that_a_body_can_have() {
        assert_eq!(length(&[], true), Ok(None));
        assert_eq!(length(&[("content-length", "0")], false), Ok(Some(0)));
        assert_eq!(length(&[("content-length", "7")], true), Ok(Some(7)));
        for value in ["", "+1", "-1", "1, 1", "0x1", "1 1", "18446744073709551616"] {
            let field = [("content-length", value)];
            assert_eq!(length(&field, true), Err(Refusal::Malformed), "{value:?}");
        }
        let twice = [("content-length", "1"), ("content-length", "1")];
        assert_eq!(length(&twice, true), Err(Refusal::Malformed));
        assert_eq!(
            length(&[("content-length", "7")], false),
            Err(Refusal::Malformed)
        );
        assert_eq!(
            length(&[("transfer-encoding", "chunked")], true),
            Err(Refusal::Malformed)
        );
    }
}
