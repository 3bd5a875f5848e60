//! Heads between our form and HTTP/3's.
//!
//! | ours | HTTP/3 |
//! | --- | --- |
//! | service | the mesh host in `:authority`; where that names another or none, the field `weft-service`, between Weft nodes only |
//! | refused: forbidden, malformed | 403, 400 with `proxy-status: weft; error=…` (RFC 9209) |
//! | refused: unavailable, overloaded, draining | reset with H3_REQUEST_REJECTED: nothing was done, anybody may send it again |

use http::header::{
    CONNECTION, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE,
};
use http::{Method, Request, Response, StatusCode, Uri};
use protocol::frame::{
    Fields, FieldsBuilder, FrameError, HttpVersion, Refusal, RequestHead, ResponseHead,
};
use protocol::name::{MeshHost, ServiceName};

/// Which service a Weft node means, when the authority doesn't say.
const SERVICE: HeaderName = HeaderName::from_static("weft-service");
const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");
const DENIED: &str = "weft; error=http_request_denied";
const MALFORMED: &str = "weft; error=http_request_error";

/// Fields of one connection, which HTTP/3 doesn't have (RFC 9114 section 4.2).
const OF_ONE_CONNECTION: [HeaderName; 5] = [
    CONNECTION,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// A request for the wire.
pub(super) fn to_request(head: &RequestHead) -> Result<Request<()>, FrameError> {
    if head.upgrade || head.method == Method::CONNECT {
        return Err(FrameError::Field("method"));
    }
    let mut fields = end_to_end(&head.fields)?;
    let authority = match head.authority.as_str() {
        "" => host_of(&head.service),
        given => given.to_owned(),
    };
    let uri = Uri::builder()
        .scheme("https")
        .authority(authority)
        .path_and_query(head.path.as_str())
        .build()
        .map_err(|_| FrameError::Field("authority"))?;
    // `http` cuts a fragment off; what was checked is sent, or nothing is (P-13).
    if uri
        .path_and_query()
        .is_none_or(|path| path.as_str() != head.path)
    {
        return Err(FrameError::Field("path"));
    }
    if service_of(&uri).as_ref() != Some(&head.service) {
        let service = HeaderValue::try_from(head.service.to_string());
        fields.insert(SERVICE, service.map_err(|_| FrameError::Field("service"))?);
    }
    let mut request = Request::new(());
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = fields;
    Ok(request)
}

/// A request off the wire. `server_name`: what the caller asked for in TLS; where that is a clear name it must mean the same (P-16).
pub(super) fn from_request(
    request: Request<()>,
    server_name: Option<&str>,
) -> Result<RequestHead, Refusal> {
    let (parts, ()) = request.into_parts();
    let fields = parts.headers;
    let authority = parts.uri.authority().ok_or(Refusal::Malformed)?.as_str();
    let path = parts.uri.path_and_query().ok_or(Refusal::Malformed)?;
    if authority.contains('@') || !is_of_http3(&fields) || !has_one_host(&fields, authority) {
        return Err(Refusal::Malformed);
    }
    let clear_name = server_name.and_then(MeshHost::parse);
    let service = match (clear_name, fields.get(SERVICE)) {
        // A stranger means what it says where everybody can read it.
        (Some(named), _) => service_of(&parts.uri).filter(|service| *service == named.service),
        (None, Some(said)) => said.to_str().ok().and_then(|said| said.parse().ok()),
        (None, None) => service_of(&parts.uri),
    };
    Ok(RequestHead {
        service: service.ok_or(Refusal::Forbidden)?,
        version: HttpVersion::Http2,
        method: parts.method,
        authority: authority.to_owned(),
        path: path.as_str().to_owned(),
        fields: received(&fields).map_err(|_| Refusal::Malformed)?,
        upgrade: false,
    })
}

/// An answer for the wire.
pub(super) fn to_response(head: &ResponseHead) -> Result<Response<()>, FrameError> {
    let mut response = Response::new(());
    *response.status_mut() = head.status;
    let fields = response.headers_mut();
    *fields = end_to_end(&head.fields)?;
    // What only this file says, no application says (P-14).
    let forged = fields
        .get_all(PROXY_STATUS)
        .iter()
        .any(|value| value == DENIED || value == MALFORMED);
    if forged {
        fields.remove(PROXY_STATUS);
    }
    Ok(response)
}

/// An answer off the wire.
pub(super) fn from_response(response: Response<()>) -> Result<ResponseHead, FrameError> {
    let (parts, ()) = response.into_parts();
    if parts.status == StatusCode::SWITCHING_PROTOCOLS || !is_of_http3(&parts.headers) {
        return Err(FrameError::Field("status"));
    }
    Ok(ResponseHead {
        version: HttpVersion::Http2,
        status: parts.status,
        fields: Fields::from_map(&parts.headers)?,
    })
}

/// The answer that refuses; `None` where the stream is reset instead.
pub(super) fn refused(refusal: Refusal) -> Option<Response<()>> {
    let (status, reason) = match refusal {
        Refusal::Forbidden => (StatusCode::FORBIDDEN, DENIED),
        Refusal::Malformed => (StatusCode::BAD_REQUEST, MALFORMED),
        Refusal::Unavailable | Refusal::Overloaded | Refusal::Draining => return None,
    };
    let mut response = Response::new(());
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(PROXY_STATUS, HeaderValue::from_static(reason));
    Some(response)
}

/// Whether an answer is a refusal of a Weft node's.
pub(super) fn refusal(response: &Response<()>) -> Option<Refusal> {
    let reason = response.headers().get(PROXY_STATUS)?;
    match response.status() {
        StatusCode::FORBIDDEN if reason == DENIED => Some(Refusal::Forbidden),
        StatusCode::BAD_REQUEST if reason == MALFORMED => Some(Refusal::Malformed),
        _ => None,
    }
}

/// Fields without those of one connection and those that are said elsewhere, in order.
pub(super) fn end_to_end(fields: &Fields) -> Result<HeaderMap, FrameError> {
    let mut map = HeaderMap::with_capacity(fields.len() + 1);
    for (name, value) in fields.iter() {
        let bad = |_| FrameError::Field("field value");
        let name = HeaderName::from_bytes(name).map_err(|_| FrameError::Field("field name"))?;
        if name == TE && mentions_trailers(value) {
            map.insert(TE, HeaderValue::from_static("trailers"));
        } else if name != TE
            && name != HOST
            && name != SERVICE
            && !OF_ONE_CONNECTION.contains(&name)
        {
            map.append(name, HeaderValue::from_bytes(value).map_err(bad)?);
        }
    }
    Ok(map)
}

/// The host by which a service is called from everywhere in the cluster.
pub(super) fn host_of(service: &ServiceName) -> String {
    format!("{}.{}.svc.cluster.local", service.name, service.namespace)
}

/// The service that an authority names.
pub(super) fn service_of(uri: &Uri) -> Option<ServiceName> {
    MeshHost::parse(uri.host()?).map(|host| host.service)
}

fn mentions_trailers(value: &[u8]) -> bool {
    value
        .split(|byte| *byte == b',')
        .any(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"trailers"))
}

fn is_of_http3(map: &HeaderMap) -> bool {
    OF_ONE_CONNECTION.iter().all(|name| !map.contains_key(name))
        && map.get_all(TE).iter().all(|value| value == "trailers")
}

fn has_one_host(map: &HeaderMap, authority: &str) -> bool {
    map.get_all(HOST).iter().all(|host| host == authority)
}

/// Fields off the wire, without those that are said elsewhere. HTTP/3 may cut cookies apart, which HTTP/1 doesn't know (RFC 9114
/// section 4.2.1): they are put together again.
fn received(map: &HeaderMap) -> Result<Fields, FrameError> {
    let mut fields = FieldsBuilder::with_capacity(map.len() * 40);
    for name in map
        .keys()
        .filter(|name| **name != HOST && **name != SERVICE)
    {
        let mut values = map.get_all(name).iter().map(HeaderValue::as_bytes);
        if name == COOKIE {
            let crumbs: Vec<&[u8]> = values.collect();
            fields.push(COOKIE.as_str().as_bytes(), &crumbs.join(&b"; "[..]))?;
        } else {
            values.try_for_each(|value| fields.push(name.as_str().as_bytes(), value))?;
        }
    }
    Ok(fields.build())
}
