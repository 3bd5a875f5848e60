//! One port on 127.0.0.1: accepts connections of an app and serves HTTP on each.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use std::{io, net};

use arc_swap::ArcSwap;
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tunnel::Sockets;

use super::{Lead, To, http_proxy};
use crate::http::serve;
use crate::outbound::{Outbound, OutboundBody};

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

/// The name under which a port's socket is kept for the next process.
pub(super) fn kept_as(port: u16) -> String {
    format!("node.tcp.{port}")
}

/// Binds a port of 127.0.0.1, or goes on with the one that was left.
pub(super) fn bind(sockets: &Sockets, port: u16, lead: Lead) -> io::Result<(Bound, Accepting)> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = sockets.tcp(&kept_as(port), address, || listen(address))?;
    let lead = Arc::new(ArcSwap::from_pointee(lead));
    let close = CancellationToken::new();
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

fn listen(address: SocketAddr) -> io::Result<net::TcpListener> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(1024)?;
    Ok(socket.into())
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
    pub(super) async fn run(
        self,
        outbound: Arc<Outbound>,
        stop: CancellationToken,
        connections: TaskTracker,
    ) {
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
                () = stop.cancelled() => return,
            };
            let Ok(held) = Arc::clone(&room).try_acquire_owned() else {
                continue;
            };
            let (outbound, lead) = (Arc::clone(&outbound), Arc::clone(&self.lead));
            let (close, stop) = (self.close.clone(), stop.clone());
            connections.spawn(async move {
                let ended = CancellationToken::new();
                let handler = |request| answer(Arc::clone(&outbound), lead.load_full(), request);
                let serving = serve::serve(stream, handler, ended.clone());
                tokio::pin!(serving);
                tokio::select! {
                    () = &mut serving => {}
                    () = async { tokio::select! { () = close.cancelled() => {}, () = stop.cancelled() => {} } } => {
                        ended.cancel();
                        serving.await;
                    }
                }
                drop(held);
            });
        }
    }
}

async fn answer(
    outbound: Arc<Outbound>,
    lead: Arc<Lead>,
    request: Request<Incoming>,
) -> Response<OutboundBody> {
    match &lead.to {
        To::Host(host) => outbound.request(&lead.source, Some(host), request).await,
        To::Named => http_proxy::answer(&outbound, &lead.source, request).await,
    }
}
