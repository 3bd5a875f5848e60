//! Whom a request is for: a [`Target`] is unambiguous, and nobody downstream checks again (P-13).
//!
//! Nothing is normalized. What could be read in two ways is refused, so that what is authorized is byte for byte what is sent.

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, Method, Uri, Version};
use protocol::name::{MeshHost, ServiceName};
use tunnel::HttpVersion;

use crate::http1::request::Request;

/// A request's target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// As the app wrote it; empty when it wrote none (HTTP/1.0).
    pub authority: String,
    /// Host in lower case, without port and trailing dot; empty when there is no authority.
    pub host: String,
    /// Path and query, as written; `*` only for OPTIONS.
    pub path: String,
    /// Whether the request came in absolute form, as to a proxy.
    pub absolute: bool,
}

/// Why a request has no target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// More than one Host field, none at all, or one that isn't an authority.
    #[error("a request needs exactly one valid host")]
    Host,
    /// Host and the target's authority differ.
    #[error("the host field and the request's authority differ")]
    Conflict,
    /// The host is another service's than the one that the listener leads to.
    #[error("the host names another service than this listener leads to")]
    AnotherService,
    /// The path can be read in two ways.
    #[error("the path is ambiguous: {0}")]
    Path(&'static str),
    /// CONNECT isn't served.
    #[error("CONNECT is not supported")]
    Connect,
    /// Another scheme than http.
    #[error("only http can be asked for here")]
    Scheme,
}

impl Target {
    /// Reads the target of a request.
    pub fn parse(
        method: &Method,
        uri: &Uri,
        version: Version,
        headers: &HeaderMap,
    ) -> Result<Self, TargetError> {
        if method == Method::CONNECT {
            return Err(TargetError::Connect);
        }
        // On HTTP/2 `:authority` makes every URI absolute; that says nothing of a proxy.
        let absolute = uri.authority().is_some() && version < Version::HTTP_2;
        if absolute && uri.scheme_str() != Some("http") {
            return Err(TargetError::Scheme);
        }
        let authority = authority(uri, version, headers)?;
        let path = uri.path_and_query().map_or("/", |both| both.as_str());
        check_path(method, uri.path())?;
        let path = if path.starts_with('?') {
            format!("/{path}")
        } else {
            path.to_owned()
        };
        let host = authority.as_ref().map(host).unwrap_or_default();
        let authority = authority
            .map(|authority| authority.as_str().to_owned())
            .unwrap_or_default();
        Ok(Self {
            authority,
            host,
            path,
            absolute,
        })
    }
}

impl Target {
    /// Reads the target of an HTTP/1 request as it was written. The same rules as [`parse`](Self::parse), without a detour.
    pub(crate) fn of_http1(request: &Request) -> Result<Self, TargetError> {
        if request.method == Method::CONNECT {
            return Err(TargetError::Connect);
        }
        if !request.target.starts_with('/') && request.target != "*" {
            return Self::absolute(request);
        }
        if !request.target.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TargetError::Path("control byte"));
        }
        if request.target.contains('#') {
            return Err(TargetError::Path("fragment"));
        }
        check_path(&request.method, path_of(&request.target))?;
        let authority = match request.host.as_deref() {
            None | Some("") => None,
            Some(field) => Some(Authority::try_from(field).map_err(|_| TargetError::Host)?),
        };
        match &authority {
            Some(authority) if authority.as_str().contains('@') => return Err(TargetError::Host),
            None if request.version != HttpVersion::Http10 => return Err(TargetError::Host),
            _ => {}
        }
        Ok(Self {
            host: authority.as_ref().map(host).unwrap_or_default(),
            authority: request.host.clone().unwrap_or_default(),
            path: request.target.clone(),
            absolute: false,
        })
    }

    fn absolute(request: &Request) -> Result<Self, TargetError> {
        let uri: Uri = request
            .target
            .parse()
            .map_err(|_| TargetError::Path("it is no path and no URL"))?;
        let mut headers = HeaderMap::new();
        if let Some(host) = &request.host {
            headers.append(HOST, host.parse().map_err(|_| TargetError::Host)?);
        }
        let version = match request.version {
            HttpVersion::Http10 => Version::HTTP_10,
            _ => Version::HTTP_11,
        };
        Self::parse(&request.method, &uri, version, &headers)
    }
}

/// A path without its query.
pub(crate) fn path_of(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}

/// The one authority that URI and Host agree on.
fn authority(
    uri: &Uri,
    version: Version,
    headers: &HeaderMap,
) -> Result<Option<Authority>, TargetError> {
    let mut fields = headers.get_all(HOST).iter();
    let field = fields.next();
    if fields.next().is_some() {
        return Err(TargetError::Host);
    }
    let field = match field {
        Some(value) if value.is_empty() => None,
        Some(value) => Some(Authority::try_from(value.as_bytes()).map_err(|_| TargetError::Host)?),
        None => None,
    };
    let both = match (uri.authority(), field) {
        (Some(target), Some(field)) if !target.as_str().eq_ignore_ascii_case(field.as_str()) => {
            return Err(TargetError::Conflict);
        }
        (Some(target), _) => Some(target.clone()),
        (None, field) => field,
    };
    match &both {
        Some(authority) if authority.as_str().contains('@') => Err(TargetError::Host),
        None if version > Version::HTTP_10 => Err(TargetError::Host),
        _ => Ok(both),
    }
}

fn host(authority: &Authority) -> String {
    let host = authority.host().to_ascii_lowercase();
    host.strip_suffix('.').map(str::to_owned).unwrap_or(host)
}

/// Whether a host names another service of the mesh than `service` (P-16). `name.namespace` may be any host of the world as well, as
/// an app behind a proxy gets them to see: it counts where `is_known` knows such a service.
pub(crate) fn names_another(
    host: &str,
    service: &ServiceName,
    is_known: impl Fn(&ServiceName) -> bool,
) -> bool {
    let Some(named) = MeshHost::parse(host) else {
        return false;
    };
    let is_short = host.trim_end_matches('.').matches('.').count() == 1;
    named.service != *service && (!is_short || is_known(&named.service))
}

/// Refuses what two readers could read differently.
pub fn check_path(method: &Method, path: &str) -> Result<(), TargetError> {
    if path == "*" {
        return if method == Method::OPTIONS {
            Ok(())
        } else {
            Err(TargetError::Path("* is for OPTIONS"))
        };
    }
    if path.is_empty() {
        return Ok(());
    }
    if !path.starts_with('/') {
        return Err(TargetError::Path("it does not begin with /"));
    }
    if path.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
        return Err(TargetError::Path("control byte"));
    }
    if path.contains('\\') {
        return Err(TargetError::Path("backslash"));
    }
    if path.contains('#') {
        return Err(TargetError::Path("fragment"));
    }
    if path.contains("//") {
        return Err(TargetError::Path("empty segment"));
    }
    check_escapes(path)?;
    if path.split('/').any(is_dot_segment) {
        return Err(TargetError::Path("dot segment"));
    }
    Ok(())
}

fn check_escapes(path: &str) -> Result<(), TargetError> {
    let bytes = path.as_bytes();
    for at in bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'%')
        .map(|(at, _)| at)
    {
        let digits = bytes
            .get(at + 1..at + 3)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let Some(value) = digits.and_then(hex) else {
            return Err(TargetError::Path("malformed escape"));
        };
        match value {
            b'/' | b'\\' => return Err(TargetError::Path("escaped slash")),
            0..0x20 | 0x7f => return Err(TargetError::Path("escaped control byte")),
            // RFC 3986 section 6.2.2.2: `/%61dmin` and `/admin` are one path to some readers and two to a rule.
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                return Err(TargetError::Path("escaped character that needs no escape"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn hex(digits: &str) -> Option<u8> {
    digits
        .bytes()
        .all(|digit| digit.is_ascii_hexdigit())
        .then(|| u8::from_str_radix(digits, 16).ok())
        .flatten()
}

/// `.` or `..`, escaped or not, with or without `;parameters`.
fn is_dot_segment(segment: &str) -> bool {
    if !segment.starts_with(['.', '%']) {
        return false;
    }
    let plain = segment
        .replace("%2e", ".")
        .replace("%2E", ".")
        .replace("%3b", ";")
        .replace("%3B", ";");
    matches!(plain.split(';').next(), Some("." | ".."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use proptest::prelude::*;

    fn parse(uri: &str, host: &[&str]) -> Result<Target, TargetError> {
        let mut headers = HeaderMap::new();
        for value in host {
            headers.append(HOST, value.parse().unwrap());
        }
        Target::parse(
            &Method::GET,
            &uri.parse().unwrap(),
            Version::HTTP_11,
            &headers,
        )
    }

    #[test]
    fn host_is_folded_and_authority_is_kept() {
        let target = parse("/a?b=//c", &["Payments.Shop.:8080"]).unwrap();
        assert_eq!(target.host, "payments.shop");
        assert_eq!(target.authority, "Payments.Shop.:8080");
        assert_eq!(target.path, "/a?b=//c");
        assert!(!target.absolute);
    }

    #[test]
    fn absolute_form_must_agree_with_host() {
        assert!(parse("http://a.b/x", &["A.B"]).unwrap().absolute);
        assert_eq!(parse("http://a.b/x", &["c.d"]), Err(TargetError::Conflict));
        assert_eq!(
            parse("http://a.b:80/x", &["a.b"]),
            Err(TargetError::Conflict),
            "ports compare explicitly"
        );
        assert_eq!(parse("https://a.b/x", &["a.b"]), Err(TargetError::Scheme));
        assert_eq!(parse("http://a.b", &[]).unwrap().path, "/");
        assert_eq!(parse("http://a.b?q", &[]).unwrap().path, "/?q");
    }

    #[test]
    fn exactly_one_valid_host() {
        for hosts in [&[][..], &["a", "a"], &["a b"], &["u@a"]] {
            assert_eq!(parse("/", hosts), Err(TargetError::Host), "{hosts:?}");
        }
    }

    // P-13
    #[test]
    fn ambiguous_paths_are_refused() {
        for path in [
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a%00",
            "/%0d%0a",
            "/a\\b",
            "/a//b",
            "//",
            "/.",
            "/..",
            "/a/../b",
            "/a/.",
            "/a/..;x/b",
            "/a/.;/b",
            "/%2e%2e/b",
            "/.%2E/b",
            "/%2e",
            "/..%3bx/b",
            "/a%",
            "/a%2",
            "/a%zz",
            "/%61dmin",
            "/%41",
            "/a%2D",
            "/a%7e",
            "/a%5Fb",
            "/a%2eb",
            "/%30",
            "a",
            "*",
            "/a#b",
            "/a\u{7f}b",
        ] {
            assert!(
                matches!(check_path(&Method::GET, path), Err(TargetError::Path(_))),
                "{path:?}"
            );
        }
    }

    #[test]
    fn plain_paths_pass_as_they_are() {
        for path in [
            "/",
            "/a/b",
            "/a/",
            "/.well-known/x",
            "/...",
            "/a..b",
            "/a;x=1",
            "/%20",
            "/%3a%40",
            "/%c3%a4",
            "/pkg.Service/Method",
        ] {
            assert_eq!(check_path(&Method::GET, path), Ok(()), "{path:?}");
        }
        assert_eq!(check_path(&Method::OPTIONS, "*"), Ok(()));
    }

    // P-16
    #[test]
    fn a_host_of_another_service_is_told_from_a_foreign_one() {
        let pay = "shop/pay".parse().unwrap();
        let known = |service: &ServiceName| service.to_string() == "shop/cart";
        for host in [
            "cart.shop",
            "cart.shop.svc.cluster.local",
            "nobody.shop.svc.clusterset.local",
            "cart.shop.svc.west.clusterset.local",
        ] {
            assert!(names_another(host, &pay, known), "{host}");
        }
        for host in [
            "pay.shop",
            "pay.shop.svc.west.clusterset.local",
            "127.0.0.1",
            "localhost",
            "example.com",
            "www.example.com",
            "",
        ] {
            assert!(!names_another(host, &pay, known), "{host}");
        }
    }

    proptest! {
        /// Whatever passes reads the same after one round of decoding: no slash, dot segment or control byte appears.
        #[test]
        fn decoding_an_accepted_path_changes_no_segment(path in "/[a-z./%2efF5c;0]{0,24}") {
            if check_path(&Method::GET, &path).is_ok() {
                let decoded = decode(&path);
                prop_assert_eq!(decoded.split('/').count(), path.split('/').count());
                prop_assert!(!decoded.split('/').any(|s| matches!(s.split(';').next(), Some("." | ".."))));
            }
        }
    }

    fn decode(path: &str) -> String {
        let bytes = path.as_bytes();
        let mut out = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            if bytes[at] == b'%' {
                out.push(u8::from_str_radix(&path[at + 1..at + 3], 16).unwrap());
                at += 3;
            } else {
                out.push(bytes[at]);
                at += 1;
            }
        }
        String::from_utf8_lossy(&out).into_owned()
    }
}
