//! CONNECT to the HTTP proxy: a connection to a service of the mesh, as if the app had connected to a listener that leads there.
//!
//! A service that takes connections has answered before the app hears 200, and until then nothing that came behind the request's head
//! goes anywhere (P-15). One that is declared to speak HTTP gets requests: what comes within the connection is read as HTTP is.

use std::pin::Pin;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::uri::Authority;
use protocol::name::MeshHost;
use protocol::view::Protocol;
use tokio_util::sync::CancellationToken;

use super::{Lead, To, listener, tcp};
use crate::http::target::TargetError;
use crate::http1::request::Request;
use crate::http1::{Framing, write};
use crate::io::Io;
use crate::outbound::{Outbound, OutboundError, Source, Standing};

const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

/// Serves the connection from a CONNECT to its end. Boxed, as what is within may be served like any other connection.
pub(super) fn serve<'a>(
    io: Io,
    request: Request,
    outbound: &'a Arc<Outbound>,
    source: &'a Arc<Source>,
    ended: &'a CancellationToken,
) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
    Box::pin(async move {
        let opened = match meant(&request) {
            Ok(host) => open(outbound, source, &host).await.map(|way| (host, way)),
            Err(error) => Err(error),
        };
        match opened {
            Ok((host, way)) => go_on(io, host, way, outbound, source, ended).await,
            Err(error) => refuse(io, &request, &error).await,
        }
    })
}

/// Tells the app that its connection stands, and serves it.
async fn go_on(
    mut io: Io,
    host: MeshHost,
    way: Way,
    outbound: &Arc<Outbound>,
    source: &Arc<Source>,
    ended: &CancellationToken,
) {
    io.push(Bytes::from_static(ESTABLISHED));
    if let Err(error) = io.flush().await {
        return tracing::debug!(%error, "an app has gone before its connection stood");
    }
    let io = match way {
        Way::Connection(standing) => return standing.carry(io).await,
        Way::Requests => Some(io),
        Way::Either(standing) => tcp::until_spoken(io, outbound, source, &host, Some(*standing))
            .await
            .map(|(io, _)| io),
    };
    let Some(io) = io else { return };
    let lead = Arc::new(ArcSwap::from_pointee(Lead {
        source: Arc::clone(source),
        to: To::Host(host),
    }));
    listener::serve_as(io, Protocol::Http, outbound, &lead, ended).await;
}

async fn refuse(mut io: Io, request: &Request, error: &OutboundError) {
    tracing::debug!(%error, target = request.target, "a CONNECT is refused");
    let answer = error.answer(false);
    io.push(write::own(&answer, request.version, false, false));
    if let Err(error) = io.flush().await {
        tracing::debug!(%error, "a refusal was not heard");
    }
}

/// How the service takes what comes.
enum Way {
    Requests,
    Connection(Box<Standing>),
    Either(Box<Standing>),
}

/// The host that is meant: P-13, one that the request names in one way only.
fn meant(request: &Request) -> Result<MeshHost, OutboundError> {
    let target = Authority::try_from(request.target.as_str()).map_err(|_| TargetError::Host)?;
    if target.port_u16().is_none() || target.as_str().contains('@') {
        return Err(TargetError::Host.into());
    }
    let agrees = request
        .host
        .as_deref()
        .is_none_or(|host| host.is_empty() || host.eq_ignore_ascii_case(target.as_str()));
    if !agrees {
        return Err(TargetError::Conflict.into());
    }
    if request.framing != Framing::Nothing || request.upgrade {
        return Err(TargetError::Host.into());
    }
    let host = target.host().to_ascii_lowercase();
    let host = host.strip_suffix('.').unwrap_or(&host);
    MeshHost::parse(host).ok_or_else(|| OutboundError::UnknownHost(host.to_owned()))
}

async fn open(outbound: &Outbound, source: &Source, host: &MeshHost) -> Result<Way, OutboundError> {
    match outbound.protocol_of(host) {
        Some(Protocol::Http | Protocol::Http2 | Protocol::Grpc) => Ok(Way::Requests),
        Some(Protocol::Auto) => {
            let standing = outbound.connect(source, host).await?;
            Ok(Way::Either(Box::new(standing)))
        }
        Some(Protocol::Tcp | Protocol::Udp) | None => {
            let standing = outbound.connect(source, host).await?;
            Ok(Way::Connection(Box::new(standing)))
        }
    }
}
