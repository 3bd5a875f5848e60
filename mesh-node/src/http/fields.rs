//! Which fields cross and which don't: those of one hop (P-15), and those by which a backend would learn who called (P-14).

use http::header::{HeaderMap, HeaderName, HeaderValue, TE};
use tunnel::{Fields, FieldsBuilder, FrameError};

/// What a field is to a hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// End to end.
    Plain,
    /// Belongs to the hop just left.
    Hop,
    /// Claims an identity: only the mesh says it (P-14).
    Identity,
    /// The mesh's own, from one node to the other.
    Private,
    Host,
    ContentLength,
    TransferEncoding,
    ContentType,
    Te,
    Upgrade,
}

/// The class of a field, whatever its case; `_` is read as `-` where that could deceive a backend.
pub(crate) fn class(name: &[u8]) -> Class {
    let Some(first) = name.first() else {
        return Class::Plain;
    };
    match first.to_ascii_lowercase() {
        b'c' if is(name, b"connection") => Class::Hop,
        b'c' if is(name, b"content-length") => Class::ContentLength,
        b'c' if is(name, b"content-type") => Class::ContentType,
        b'c' if begins(name, b"client-cert") => Class::Identity,
        b'f' if is(name, b"forwarded") => Class::Identity,
        b'h' if is(name, b"host") => Class::Host,
        b'h' if is(name, b"http2-settings") => Class::Hop,
        b'k' if is(name, b"keep-alive") => Class::Hop,
        b'p' if is(name, b"proxy-connection")
            || is(name, b"proxy-authenticate")
            || is(name, b"proxy-authorization") =>
        {
            Class::Hop
        }
        b't' if is(name, b"te") => Class::Te,
        b't' if is(name, b"transfer-encoding") => Class::TransferEncoding,
        b'u' if is(name, b"upgrade") => Class::Upgrade,
        b'x' if begins(name, b"x-weft-") => Class::Private,
        b'x' if begins(name, b"x-forwarded-")
            || begins(name, b"x-spiffe-")
            || is(name, b"x-forwarded")
            || is(name, b"x-real-ip") =>
        {
            Class::Identity
        }
        _ => Class::Plain,
    }
}

fn is(name: &[u8], other: &[u8]) -> bool {
    name.len() == other.len() && begins(name, other)
}

fn begins(name: &[u8], prefix: &[u8]) -> bool {
    name.len() >= prefix.len()
        && name
            .iter()
            .zip(prefix)
            .all(|(a, b)| a.to_ascii_lowercase() == *b || (*a == b'_' && *b == b'-'))
}

/// Whether a `te` value says that trailers are welcome: gRPC needs that end to end.
pub(crate) fn has_trailers(value: &[u8]) -> bool {
    value.split(|byte| *byte == b',').any(|coding| {
        let name = coding.split(|byte| *byte == b';').next();
        name.is_some_and(|name| name.trim_ascii().eq_ignore_ascii_case(b"trailers"))
    })
}

/// The names that `Connection` nominates.
#[derive(Debug)]
pub(crate) struct Nominated<'a>(Vec<&'a [u8]>);

impl<'a> Nominated<'a> {
    pub(crate) fn of(values: impl Iterator<Item = &'a [u8]>) -> Self {
        let names = values
            .flat_map(|value| value.split(|byte| *byte == b','))
            .map(<[u8]>::trim_ascii)
            .filter(|name| !name.is_empty());
        Self(names.collect())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0
            .iter()
            .any(|nominated| nominated.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// Whether it takes this field out. Nobody can make a message mean something else by nominating what frames or addresses it.
    pub(crate) fn takes(&self, name: &[u8], class: Class) -> bool {
        let frames = matches!(
            class,
            Class::Host | Class::ContentLength | Class::ContentType | Class::Te | Class::Upgrade
        ) || name.eq_ignore_ascii_case(b"trailer");
        !frames
            && self
                .0
                .iter()
                .any(|nominated| nominated.eq_ignore_ascii_case(name))
    }
}

/// What crosses of fields that another node sent: it isn't believed to have taken anything out. `upgrade`: that field may stay.
pub(crate) fn crossing(
    fields: &Fields,
    upgrade: bool,
    drop: impl Fn(Class) -> bool,
) -> FieldsBuilder {
    let nominated = Nominated::of(fields.all("connection"));
    fields.filtered(|name, value| crosses(name, value, upgrade, &nominated, &drop))
}

/// The same for HTTP/2, where nothing is upgraded.
pub(crate) fn crossing_to_map(fields: &Fields, drop: impl Fn(Class) -> bool) -> HeaderMap {
    let nominated = Nominated::of(fields.all("connection"));
    to_map(fields, |name, value| {
        crosses(name, value, false, &nominated, &drop)
    })
}

fn crosses(
    name: &[u8],
    value: &[u8],
    upgrade: bool,
    nominated: &Nominated<'_>,
    drop: impl Fn(Class) -> bool,
) -> bool {
    let class = class(name);
    let crosses = match class {
        Class::Hop | Class::TransferEncoding | Class::Host => false,
        Class::Upgrade => upgrade,
        Class::Te => has_trailers(value),
        _ => true,
    };
    crosses && !drop(class) && !nominated.takes(name, class)
}

/// Fields as HTTP/2 has them: names in lower case, no `upgrade`, and of `te` nothing but trailers (RFC 9113 section 8.2.2).
pub(crate) fn to_map(fields: &Fields, keep: impl Fn(&[u8], &[u8]) -> bool) -> HeaderMap {
    let mut map = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields.iter() {
        if !keep(name, value) {
            continue;
        }
        match class(name) {
            Class::Upgrade => {}
            Class::Te => {
                map.insert(TE, HeaderValue::from_static("trailers"));
            }
            _ => {
                if let (Ok(name), Ok(value)) =
                    (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
                {
                    map.append(name, value);
                }
            }
        }
    }
    map
}

/// What crosses of a map's fields.
///
/// # Errors
/// When they are more or longer than a head may hold.
pub(crate) fn crossing_map(
    map: &HeaderMap,
    drop: impl Fn(Class) -> bool,
) -> Result<Fields, FrameError> {
    let nominated = Nominated::of(
        map.get_all("connection")
            .iter()
            .map(|value| value.as_bytes()),
    );
    let mut kept = FieldsBuilder::with_capacity(map.len() * 40);
    for (name, value) in map {
        let (name, value) = (name.as_str().as_bytes(), value.as_bytes());
        let class = class(name);
        match class {
            Class::Hop | Class::TransferEncoding | Class::Host | Class::Upgrade => {}
            Class::Te if has_trailers(value) => kept.push(name, b"trailers")?,
            Class::Te => {}
            _ if drop(class) || nominated.takes(name, class) => {}
            _ => kept.push(name, value.trim_ascii())?,
        }
    }
    Ok(kept.build())
}

/// A map's trailers without what frames, addresses or identifies.
///
/// # Errors
/// When they are more or longer than trailers may be.
pub(crate) fn clean_trailer_map(map: &HeaderMap) -> Result<Fields, FrameError> {
    let mut kept = FieldsBuilder::with_capacity(map.len() * 40);
    for (name, value) in map {
        let name = name.as_str().as_bytes();
        if class(name) == Class::Plain {
            kept.push(name, value.as_bytes().trim_ascii())?;
        }
    }
    Ok(kept.build())
}

/// Trailers for HTTP/2, without what frames, addresses or identifies.
pub(crate) fn trailers_to_map(fields: &Fields) -> HeaderMap {
    to_map(fields, |name, _| class(name) == Class::Plain)
}

/// Trailers without what frames, addresses or identifies.
pub(crate) fn clean_trailers(fields: &Fields) -> Fields {
    let kept = fields.filtered(|name, _| matches!(class(name), Class::Plain));
    kept.build()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use proptest::prelude::*;

    // P-14
    #[test]
    fn identity_fields_are_known_in_every_spelling() {
        for name in [
            "X-Forwarded-Client-Cert",
            "x_forwarded_client_cert",
            "x-forwarded_for",
            "X-Forwarded",
            "Forwarded",
            "Client-Cert",
            "client_cert_chain",
            "X-Real-IP",
            "x_real_ip",
            "X-SPIFFE_id",
        ] {
            assert_eq!(class(name.as_bytes()), Class::Identity, "{name}");
        }
        for name in [
            "x-request-id",
            "cookie",
            "x-forwardedfor",
            "client",
            "forwarded-x",
            "",
        ] {
            assert_eq!(class(name.as_bytes()), Class::Plain, "{name}");
        }
        assert_eq!(class(b"X_Weft-error"), Class::Private);
    }

    // P-15
    #[test]
    fn what_frames_or_addresses_cannot_be_nominated_away() {
        let nominated =
            Nominated::of([&b"close, X-Secret,host"[..], b" te ,content-length"].into_iter());
        assert!(nominated.has("Close") && !nominated.has("keep-alive"));
        assert!(nominated.takes(b"x-secret", class(b"x-secret")));
        for name in ["host", "TE", "content-length", "trailer", "cookie"] {
            assert!(
                !nominated.takes(name.as_bytes(), class(name.as_bytes())),
                "{name}"
            );
        }
    }

    #[test]
    fn te_trailers_is_told_from_other_codings() {
        for value in ["trailers", "gzip, Trailers", "trailers;q=1"] {
            assert!(has_trailers(value.as_bytes()), "{value}");
        }
        assert!(!has_trailers(b"gzip") && !has_trailers(b""));
    }

    proptest! {
        #[test]
        fn crossing_twice_is_crossing_once(names in proptest::collection::vec("[a-zA-Z_-]{1,12}", 0..8), nominate in "[a-z, -]{0,20}") {
            let mut fields = FieldsBuilder::default();
            for name in &names { fields.push(name.as_bytes(), b"1").unwrap(); }
            fields.push(b"Connection", nominate.trim().as_bytes()).unwrap();
            let once = crossing(&fields.build(), false, |class| class == Class::Identity).build();
            let twice = crossing(&once, false, |class| class == Class::Identity).build();
            prop_assert_eq!(once, twice);
        }
    }
}
