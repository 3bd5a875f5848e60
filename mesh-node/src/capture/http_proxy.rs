//! The HTTP proxy that `HTTP_PROXY` names: requests in absolute form, for hosts of the mesh and for no others.
//!
//! It is no way out of the mesh: a host that isn't a service meets a clear refusal, never the network (P-4). HTTP/2 with prior knowledge
//! works the same, `:authority` being what the absolute form is to HTTP/1.1.

use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;

use crate::outbound::{Outbound, OutboundBody, Source};

/// Answers one request that was sent to the proxy.
pub(super) async fn answer(
    outbound: &Outbound,
    source: &Arc<Source>,
    request: Request<Incoming>,
) -> Response<OutboundBody> {
    outbound.request(source, None, request).await
}
