//! gRPC between our own processes: ordinary HTTP/2 by tonic on a stream of a tunnel.

use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::rt::TokioIo;
use protocol::name::SpiffeId;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::service::Routes;
use tonic::transport::server::Connected;
use tonic::transport::{Channel, Server};

use crate::accept::Stranger;
use crate::tunnel::Tunnel;

/// The generated services; their messages are in `protocol::wire`.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::allow_attributes_without_reason,
    clippy::pedantic,
    unused_qualifications,
    missing_debug_implementations,
    reason = "generated code; its documentation is in the .proto files"
)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/weft.v1.rs"));
}

/// Most bytes of one message: a catalog's bound (`SECURITY` section 4).
pub const MAX_MESSAGE_BYTES: usize = 16 << 20;

/// Who calls, in the extensions of each request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// As proven; `None` for a stranger.
    pub id: Option<SpiffeId>,
}

/// Why there is no channel.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The tunnel is gone.
    #[error("the tunnel is gone")]
    Tunnel(#[source] quinn::ConnectionError),
    /// HTTP/2 didn't start.
    #[error("gRPC didn't start on the tunnel")]
    Grpc(#[source] tonic::transport::Error),
}

/// Opens a stream on the tunnel and speaks gRPC on it. When the tunnel ends, calls fail with `UNAVAILABLE`.
///
/// # Errors
/// When the tunnel is gone.
pub async fn connect(tunnel: &Tunnel) -> Result<Channel, ConnectError> {
    let (send, recv) = tunnel
        .connection
        .open_bi()
        .await
        .map_err(ConnectError::Tunnel)?;
    let io = RpcStream {
        send,
        recv,
        caller: Caller {
            id: Some(tunnel.remote().id().clone()),
        },
    };
    let mut once = Some(TokioIo::new(io));
    tonic::transport::Endpoint::from_static("http://weft.internal")
        .connect_with_connector(tower::service_fn(move |_| {
            let io = once
                .take()
                .ok_or_else(|| std::io::Error::other("the tunnel's stream has ended"));
            std::future::ready(io)
        }))
        .await
        .map_err(ConnectError::Grpc)
}

/// Serves gRPC on every stream of the tunnel until it ends.
pub async fn serve(tunnel: &Tunnel, routes: Routes) {
    serve_streams(
        &tunnel.connection,
        Caller {
            id: Some(tunnel.remote().id().clone()),
        },
        routes,
    )
    .await;
}

/// Serves gRPC to somebody unproven until the connection ends.
pub async fn serve_stranger(stranger: &Stranger, routes: Routes) {
    serve_streams(&stranger.connection, Caller { id: None }, routes).await;
}

async fn serve_streams(connection: &quinn::Connection, caller: Caller, routes: Routes) {
    let incoming = futures_util::stream::unfold(connection.clone(), move |connection| {
        let caller = caller.clone();
        async move {
            let (send, recv) = connection.accept_bi().await.ok()?;
            Some((
                Ok::<_, std::io::Error>(RpcStream { send, recv, caller }),
                connection,
            ))
        }
    });
    let ended = connection.clone();
    let served = Server::builder()
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, async move {
            ended.closed().await;
        });
    if let Err(error) = served.await {
        tracing::debug!(%error, "a gRPC connection ended");
    }
}

/// The two halves of a stream as one.
#[derive(Debug)]
struct RpcStream {
    send: quinn::SendStream,
    recv: quinn::RecvStream,
    caller: Caller,
}

impl Connected for RpcStream {
    type ConnectInfo = Caller;

    fn connect_info(&self) -> Caller {
        self.caller.clone()
    }
}

impl AsyncRead for RpcStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        AsyncRead::poll_read(Pin::new(&mut self.recv), cx, buf)
    }
}

impl AsyncWrite for RpcStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        AsyncWrite::poll_write(Pin::new(&mut self.send), cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        AsyncWrite::poll_flush(Pin::new(&mut self.send), cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        AsyncWrite::poll_shutdown(Pin::new(&mut self.send), cx)
    }
}
