//! Apps as nodes see them: a port on 127.0.0.1 that speaks HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

type Body = BoxBody<Bytes, hyper::Error>;

/// A running app; dropped, it is killed with all its connections.
pub struct App {
    pub port: u16,
    breaks: Arc<AtomicU32>,
    pub connections: Arc<AtomicU32>,
    _tasks: JoinSet<()>,
}

/// Ends a connection without an answer.
#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("broken")
    }
}

impl std::error::Error for Broken {}

impl App {
    pub fn start(name: &'static str) -> Self {
        Self::start_at(name, 0)
    }

    pub fn start_at(name: &'static str, port: u16) -> Self {
        let listener = listen(port);
        let port = listener.local_addr().unwrap().port();
        let (breaks, count) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let (their_breaks, their_count) = (Arc::clone(&breaks), Arc::clone(&count));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                their_count.fetch_add(1, Relaxed);
                let breaks = Arc::clone(&their_breaks);
                connections.spawn(async move {
                    let service = service_fn(move |request| {
                        let breaks = breaks
                            .fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1))
                            .is_ok();
                        async move {
                            if breaks {
                                Err(Broken)
                            } else {
                                Ok(answer(name, request).await)
                            }
                        }
                    });
                    let served = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                    drop(served);
                });
            }
        });
        Self {
            port,
            breaks,
            connections: count,
            _tasks: tasks,
        }
    }

    /// The next `count` requests end their connection without an answer.
    pub fn break_next(&self, count: u32) {
        self.breaks.store(count, Relaxed);
    }

    /// Kills it, and comes back with the port.
    pub async fn kill(mut self) -> u16 {
        self._tasks.shutdown().await;
        self.port
    }
}

fn listen(port: u16) -> TcpListener {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket
        .bind(SocketAddr::from(([127, 0, 0, 1], port)))
        .unwrap();
    socket.listen(1024).unwrap()
}

/// `/echo` gives the body back as it comes, `/trailers` ends with a trailer, `/headers` shows the request's fields, `/bytes/N` gives
/// N bytes, `/status/N` that status; anything else the app's name.
async fn answer(name: &'static str, request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let full = |text: String| {
        Full::new(Bytes::from(text))
            .map_err(|never| match never {})
            .boxed()
    };
    if path == "/echo" {
        return Response::new(request.into_body().boxed());
    }
    if path == "/trailers" {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", "0".parse().unwrap());
        let frames = [
            Ok(Frame::data(Bytes::from_static(b"message"))),
            Ok(Frame::trailers(trailers)),
        ];
        let body = BodyExt::boxed(StreamBody::new(futures_util::stream::iter(frames)));
        return Response::builder()
            .header("content-type", "application/grpc")
            .body(body)
            .unwrap();
    }
    if path == "/headers" {
        let mut text = format!(
            "{} {} {:?}\n",
            request.method(),
            request.uri(),
            request.version()
        );
        for (name, value) in request.headers() {
            text.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
        }
        return Response::new(full(text));
    }
    if path == "/length" {
        let chunked = request.headers().get("transfer-encoding").is_some();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        return Response::new(full(format!("{} {chunked}", body.len())));
    }
    if let Some(count) = path.strip_prefix("/bytes/") {
        let mut left: usize = count.parse().unwrap();
        let chunk = Bytes::from(vec![b'x'; 64 << 10]);
        let frames = std::iter::from_fn(move || {
            let next = left.min(chunk.len());
            left -= next;
            (next > 0).then(|| Ok(Frame::data(chunk.slice(..next))))
        });
        return Response::new(BodyExt::boxed(StreamBody::new(futures_util::stream::iter(
            frames,
        ))));
    }
    let mut response = Response::new(full(name.to_owned()));
    if let Some(status) = path.strip_prefix("/status/") {
        *response.status_mut() = status.parse::<u16>().unwrap().try_into().unwrap();
    }
    response
}
