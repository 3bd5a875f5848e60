//! The end beside the caller.

use std::io;
use std::path::Path;

use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{CONNECTION_WINDOW, Carried, Orders, STREAM_WINDOW, tls};

/// Streams given up at once, when a load generator ends: no attack here.
pub(super) const MANY: usize = 100_000;
/// What is read at once when bytes alone are carried.
pub(super) const PIECE: usize = 256 << 10;

/// Carries until it is ended.
///
/// # Errors
/// What keeps it from starting, or that the one connection of HTTP/2 broke.
pub async fn run(orders: &Orders, place: &Path, ready: impl FnOnce()) -> io::Result<()> {
    let connector = tls::connector(place)?;
    let listener = TcpListener::bind(orders.listen).await?;
    match orders.carried {
        Carried::Http2 | Carried::Http2Short => {
            let stream = dial(orders, &connector).await?;
            let (sender, connection) = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .initial_stream_window_size(STREAM_WINDOW)
                .initial_connection_window_size(CONNECTION_WINDOW)
                .max_concurrent_reset_streams(MANY)
                .handshake(TokioIo::new(stream))
                .await
                .map_err(io::Error::other)?;
            ready();
            tokio::select! {
                failed = requests(&listener, &sender) => failed,
                ended = connection => Err(io::Error::other(format!("the connection ended: {ended:?}"))),
            }
        }
        Carried::Pipe => {
            ready();
            bytes(&listener, orders, &connector).await
        }
    }
}

async fn requests(listener: &TcpListener, sender: &SendRequest<Incoming>) -> io::Result<()> {
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let sender = sender.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| forward(sender.clone(), request));
            let caller = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
            drop(caller.await); // callers come and go
        });
    }
}

async fn bytes(
    listener: &TcpListener,
    orders: &Orders,
    connector: &TlsConnector,
) -> io::Result<()> {
    loop {
        let (mut socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let (orders, connector) = (orders.clone(), connector.clone());
        tokio::spawn(async move {
            let mut other = dial(&orders, &connector).await?;
            copy_bidirectional_with_sizes(&mut socket, &mut other, PIECE, PIECE).await
        });
    }
}

async fn dial(orders: &Orders, connector: &TlsConnector) -> io::Result<TlsStream<TcpStream>> {
    let socket = TcpStream::connect(orders.upstream).await?;
    orders.prepare(&socket)?;
    connector.connect(tls::name()?, socket).await
}

async fn forward(
    mut sender: SendRequest<Incoming>,
    request: Request<Incoming>,
) -> Result<Response<Incoming>, hyper::Error> {
    let (mut head, body) = request.into_parts();
    let host = head.headers.remove(hyper::header::HOST);
    let host = host
        .as_ref()
        .and_then(|host| host.to_str().ok())
        .unwrap_or("origin");
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    if let Ok(uri) = format!("http://{host}{path}").parse() {
        head.uri = uri;
    }
    head.version = hyper::Version::HTTP_2;
    head.headers.remove(hyper::header::CONNECTION);
    sender.ready().await?;
    let mut response = sender.send_request(Request::from_parts(head, body)).await?;
    *response.version_mut() = hyper::Version::HTTP_11;
    Ok(response)
}
