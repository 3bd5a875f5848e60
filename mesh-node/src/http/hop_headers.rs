//! Fields that never cross: those of one hop (P-15), and those by which a backend would learn who called (P-14).

use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// Takes out everything that belongs to the hop just left: the fixed names and those that `Connection` nominates.
/// `te: trailers` stays, as gRPC needs it end to end.
pub(crate) fn strip_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        strip_nominated(headers);
    }
    for name in [
        KEEP_ALIVE,
        PROXY_CONNECTION,
        PROXY_AUTHENTICATE,
        PROXY_AUTHORIZATION,
        TRANSFER_ENCODING,
        UPGRADE,
        HTTP2_SETTINGS,
    ] {
        headers.remove(name);
    }
    if let Some(te) = headers.remove(TE)
        && names(&te).any(|name| {
            name.split(';')
                .next()
                .is_some_and(|coding| coding.trim().eq_ignore_ascii_case("trailers"))
        })
    {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
}

fn strip_nominated(headers: &mut HeaderMap) {
    let nominated: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| {
            names(value)
                .filter_map(|name| name.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect();
    headers.remove(CONNECTION);
    for name in nominated {
        // Nobody can make a message mean something else by nominating what frames or addresses it.
        if ![HOST, CONTENT_LENGTH, CONTENT_TYPE, TE, TRAILER].contains(&name) {
            headers.remove(name);
        }
    }
}

fn names(value: &HeaderValue) -> impl Iterator<Item = &str> {
    value
        .to_str()
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
}

/// Takes out everything that only the mesh may say to an app (P-14), `_` read as `-`.
pub(crate) fn strip_identity(headers: &mut HeaderMap) {
    let ours: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_identity(name.as_str()))
        .cloned()
        .collect();
    for name in ours {
        headers.remove(name);
    }
}

/// Takes out of an answer what only the mesh may say to a caller.
pub(crate) fn strip_private(headers: &mut HeaderMap) {
    let ours: Vec<HeaderName> = headers
        .keys()
        .filter(|name| begins(name.as_str(), "x-weft-"))
        .cloned()
        .collect();
    for name in ours {
        headers.remove(name);
    }
}

/// Names are lower case already: `http` stores them so.
fn is_identity(name: &str) -> bool {
    // Most names are told apart by their first letter.
    match name.as_bytes().first() {
        Some(b'x') => {
            ["x-forwarded-", "x-spiffe-", "x-weft-"]
                .iter()
                .any(|prefix| begins(name, prefix))
                || is(name, "x-real-ip")
                || is(name, "x-forwarded")
        }
        Some(b'c') => begins(name, "client-cert"),
        Some(b'f') => name == "forwarded",
        _ => false,
    }
}

fn begins(name: &str, prefix: &str) -> bool {
    name.len() >= prefix.len() && is(&name[..prefix.len()], prefix)
}

fn is(name: &str, other: &str) -> bool {
    name.len() == other.len()
        && name
            .bytes()
            .zip(other.bytes())
            .all(|(a, b)| a == b || (a == b'_' && b == b'-'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use proptest::prelude::*;

    fn map(fields: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        headers
    }

    fn left(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    // P-15
    #[test]
    fn hop_and_nominated_fields_never_cross() {
        let mut headers = map(&[
            ("connection", "close, X-Secret"),
            ("connection", "keep-alive"),
            ("x-secret", "1"),
            ("keep-alive", "5"),
            ("upgrade", "h2c"),
            ("http2-settings", "AA"),
            ("transfer-encoding", "chunked"),
            ("proxy-authorization", "x"),
            ("te", "gzip"),
            ("accept", "*/*"),
        ]);
        strip_hop(&mut headers);
        assert_eq!(left(&headers), ["accept"]);
    }

    #[test]
    fn te_trailers_stays_for_grpc() {
        for value in ["trailers", "gzip, Trailers", "trailers;q=1"] {
            let mut headers = map(&[("te", value)]);
            strip_hop(&mut headers);
            assert_eq!(headers.get(TE).unwrap(), "trailers", "{value}");
        }
    }

    #[test]
    fn framing_fields_can_not_be_nominated_away() {
        let mut headers = map(&[
            ("connection", "host, content-length"),
            ("host", "a"),
            ("content-length", "1"),
        ]);
        strip_hop(&mut headers);
        assert_eq!(headers.len(), 2);
    }

    // P-14
    #[test]
    fn identity_fields_go_in_every_spelling() {
        let mut headers = map(&[
            ("X-Forwarded-Client-Cert", "URI=spiffe://x/y"),
            ("x_forwarded_client_cert", "1"),
            ("x-forwarded_for", "1"),
            ("forwarded", "for=1"),
            ("Client-Cert", "1"),
            ("client_cert_chain", "1"),
            ("X-Real-IP", "1"),
            ("x_real_ip", "1"),
            ("x-spiffe-caller", "1"),
            ("X-SPIFFE_id", "1"),
            ("x-weft-error", "1"),
            ("x-request-id", "kept"),
            ("cookie", "kept"),
        ]);
        strip_identity(&mut headers);
        assert_eq!(left(&headers), ["cookie", "x-request-id"]);
    }

    proptest! {
        #[test]
        fn stripping_twice_is_stripping_once(names in proptest::collection::vec("[a-z_-]{1,12}", 0..8), nominate in "[a-z, -]{0,20}") {
            let mut once = HeaderMap::new();
            for name in &names {
                if let Ok(name) = name.parse::<HeaderName>() { once.append(name, HeaderValue::from_static("1")); }
            }
            if let Ok(value) = nominate.parse() { once.append(CONNECTION, value); }
            strip_hop(&mut once);
            strip_identity(&mut once);
            let mut twice = once.clone();
            strip_hop(&mut twice);
            strip_identity(&mut twice);
            prop_assert_eq!(once, twice);
        }
    }
}
