//! One port on 127.0.0.1: accepts connections of an app and serves each as what it is.

use std::sync::Arc;
use std::time::Duration;
use std::{io, net};

use arc_swap::ArcSwap;
use bytes::{Bytes, BytesMut};
use h2::RecvStream;
use h2::server::SendResponse;
use http::Request;
use protocol::view::Protocol;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::detect::{self, Beginning, Speaks};
use super::{Lead, PortShare, To, http_proxy, http1, http2, tcp};
use crate::io::Io;
use crate::outbound::Outbound;

/// Connections at once on one port (`SECURITY` section 4).
const MAX_CONNECTIONS: usize = 10_000;
/// After a failed accept: descriptors may come back.
const PAUSE: Duration = Duration::from_millis(50);

/// A port that is listened on.
#[derive(Debug)]
pub(super) struct Bound {
    lead: Arc<ArcSwap<Lead>>,
    close: CancellationToken,
}

/// Its accepting half.
#[derive(Debug)]
pub(super) struct Accepting {
    listener: net::TcpListener,
    lead: Arc<ArcSwap<Lead>>,
    close: CancellationToken,
}

/// Binds a port of 127.0.0.1 for this shard.
pub(super) fn bind(
    share: &PortShare,
    port: u16,
    lead: Lead,
    stop: &CancellationToken,
) -> io::Result<(Bound, Accepting)> {
    let listener = share.tcp(port)?;
    let lead = Arc::new(ArcSwap::from_pointee(lead));
    let close = stop.child_token();
    let bound = Bound {
        lead: Arc::clone(&lead),
        close: close.clone(),
    };
    Ok((
        bound,
        Accepting {
            listener,
            lead,
            close,
        },
    ))
}

impl Bound {
    /// Lets the port lead elsewhere; true, as any port can.
    pub(super) fn lead_to(&self, lead: &Lead) -> bool {
        if **self.lead.load() != *lead {
            self.lead.store(Arc::new(lead.clone()));
        }
        true
    }

    /// Accepts nothing more; connections end kindly.
    pub(super) fn close(&self) {
        self.close.cancel();
    }
}

impl Accepting {
    /// Accepts until closed or stopped.
    pub(super) async fn run(self, outbound: Arc<Outbound>, connections: TaskTracker) {
        let listener = match TcpListener::from_std(self.listener) {
            Ok(listener) => listener,
            Err(error) => return tracing::error!(%error, "a listener can't be watched"),
        };
        let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            let stream = tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        tracing::debug!(%error, "no connection could be accepted");
                        tokio::time::sleep(PAUSE).await;
                        continue;
                    }
                },
                () = self.close.cancelled() => return,
            };
            let Ok(held) = Arc::clone(&room).try_acquire_owned() else {
                continue;
            };
            let (outbound, lead) = (Arc::clone(&outbound), Arc::clone(&self.lead));
            let ended = self.close.clone();
            connections.spawn(async move {
                serve(stream, outbound, &lead, &ended).await;
                drop(held);
            });
        }
    }
}

/// Serves one connection as what its service is declared to speak, or as what its first bytes say that it is.
async fn serve(
    stream: TcpStream,
    outbound: Arc<Outbound>,
    lead: &Arc<ArcSwap<Lead>>,
    ended: &CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let protocol = match &lead.load().to {
        To::Host(host) => outbound.protocol_of(host),
        To::Named => None,
    };
    let io = Io::new(stream, BytesMut::new());
    // Who asks for a service that nobody knows is told so in HTTP.
    let protocol = protocol.unwrap_or(Protocol::Http);
    serve_as(io, protocol, &outbound, lead, ended).await;
}

/// Serves a connection to a service that speaks `protocol`.
pub(super) async fn serve_as(
    mut io: Io,
    protocol: Protocol,
    outbound: &Arc<Outbound>,
    lead: &Arc<ArcSwap<Lead>>,
    ended: &CancellationToken,
) {
    let beginning = tokio::select! {
        beginning = detect::beginning(&mut io, protocol) => beginning,
        () = ended.cancelled() => return,
    };
    let Lead { source, to } = &*lead.load_full();
    let spoken = match (beginning, to) {
        (Beginning::Speaks(speaks), _) => Some((io, speaks)),
        (Beginning::Silence, To::Host(host)) => {
            Box::pin(tcp::until_spoken(io, outbound, source, host, None)).await
        }
        (Beginning::Silence, To::Named) | (Beginning::Gone, _) => None,
    };
    // What is large is on its own, so that an idle HTTP/1 connection, of which there are most, takes little memory.
    match (spoken, to) {
        (Some((io, Speaks::Http1)), _) => http1::serve(io, outbound, lead, ended).await,
        (Some((io, Speaks::Http2)), _) => {
            let handler =
                |request, respond| call(Arc::clone(outbound), lead.load_full(), request, respond);
            Box::pin(http2::serve(io, handler, ended.clone())).await;
        }
        (Some((io, Speaks::Bytes)), To::Host(host)) => {
            Box::pin(outbound.carry(source, host, io)).await;
        }
        (Some((_, Speaks::Bytes)), To::Named) | (None, _) => {}
    }
}

async fn call(
    outbound: Arc<Outbound>,
    lead: Arc<Lead>,
    request: Request<RecvStream>,
    respond: SendResponse<Bytes>,
) {
    let source = &lead.source;
    match &lead.to {
        To::Host(host) => outbound.call(source, Some(host), request, respond).await,
        To::Named => http_proxy::call(&outbound, source, request, respond).await,
    }
}
