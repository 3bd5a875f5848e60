//! The end beside the origin.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::near::{MANY, PIECE};
use super::{CONNECTION_WINDOW, Carried, Orders, STREAM_WINDOW, tls};

type App = Client<HttpConnector, Incoming>;

/// Carries until it is ended.
///
/// # Errors
/// What keeps it from starting.
pub async fn run(orders: &Orders, place: &Path, ready: impl FnOnce()) -> io::Result<()> {
    let acceptor = tls::acceptor(place)?;
    let listener = TcpListener::bind(orders.listen).await?;
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let app: App = Client::builder(TokioExecutor::new()).build(connector);
    ready();
    loop {
        let (socket, _) = listener.accept().await?;
        orders.prepare(&socket)?;
        let (acceptor, app, upstream) = (acceptor.clone(), app.clone(), orders.upstream);
        match orders.carried {
            Carried::Http2 | Carried::Http2Short => {
                drop(tokio::spawn(requests(socket, acceptor, app, upstream)))
            }
            Carried::Pipe => drop(tokio::spawn(bytes(socket, acceptor, upstream))),
        }
    }
}

async fn bytes(socket: TcpStream, acceptor: TlsAcceptor, upstream: SocketAddr) -> io::Result<()> {
    let mut stream = acceptor.accept(socket).await?;
    let mut app = TcpStream::connect(upstream).await?;
    app.set_nodelay(true)?;
    copy_bidirectional_with_sizes(&mut stream, &mut app, PIECE, PIECE).await?;
    Ok(())
}

async fn requests(
    socket: TcpStream,
    acceptor: TlsAcceptor,
    app: App,
    upstream: SocketAddr,
) -> io::Result<()> {
    let stream = acceptor.accept(socket).await?;
    let service = service_fn(move |request| forward(app.clone(), upstream, request));
    http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(1_000)
        .max_pending_accept_reset_streams(MANY)
        .max_local_error_reset_streams(None)
        .serve_connection(TokioIo::new(stream), service)
        .await
        .map_err(io::Error::other)
}

async fn forward(
    app: App,
    upstream: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<Incoming>, legacy::Error> {
    let (mut head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    if let Ok(uri) = format!("http://{upstream}{path}").parse() {
        head.uri = uri;
    }
    head.version = hyper::Version::HTTP_11;
    let mut response = app.request(Request::from_parts(head, body)).await?;
    *response.version_mut() = hyper::Version::HTTP_2;
    response.headers_mut().remove(hyper::header::CONNECTION);
    response.headers_mut().remove("keep-alive");
    Ok(response)
}
