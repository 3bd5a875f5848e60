//! The HTTP proxy that `HTTP_PROXY` names: requests in absolute form, for hosts of the mesh and for no others.
//!
//! It is no way out of the mesh: a host that isn't a service meets a clear refusal, never the network (P-4). HTTP/2 with prior knowledge
//! works the same, `:authority` being what the absolute form is to HTTP/1.1.

use std::sync::Arc;

use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::Request;

use crate::outbound::{Outbound, Source};

/// Carries one call that was sent to the proxy.
pub(super) async fn call(
    outbound: &Outbound,
    source: &Arc<Source>,
    request: Request<RecvStream>,
    respond: SendResponse<Bytes>,
) {
    outbound.call(source, None, request, respond).await;
}
