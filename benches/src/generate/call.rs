//! A gRPC call without gRPC: HTTP/2 with the five bytes before each message.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use http::Request;
use tokio::net::TcpStream;

/// A message of so many bytes with its prefix.
pub fn message(bytes: u32) -> Vec<u8> {
    let mut message = vec![0];
    message.extend(bytes.to_be_bytes());
    message.resize(5 + bytes as usize, b'x');
    message
}

/// The head of every call.
///
/// # Errors
/// When the authority isn't one.
pub fn head(authority: &str) -> io::Result<Request<()>> {
    Request::post(format!("http://{authority}/bench.Origin/Echo"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .map_err(io::Error::other)
}

/// Opens a connection; its driver runs beside on the same thread.
///
/// # Errors
/// When it can't be opened.
pub async fn connect(entry: SocketAddr) -> io::Result<SendRequest<Bytes>> {
    let stream = TcpStream::connect(entry).await?;
    stream.set_nodelay(true)?;
    let (send, connection) = h2::client::handshake(stream)
        .await
        .map_err(io::Error::other)?;
    tokio::spawn(async move { drop(connection.await) });
    Ok(send)
}

/// One call, answered with one message and a good end.
///
/// # Errors
/// What happened instead.
pub fn once(entry: SocketAddr, authority: &str) -> io::Result<()> {
    block_on(async {
        let call = async {
            let mut send = connect(entry)
                .await?
                .ready()
                .await
                .map_err(io::Error::other)?;
            let (answer, mut body) = send
                .send_request(head(authority)?, false)
                .map_err(io::Error::other)?;
            body.send_data(message(8).into(), true)
                .map_err(io::Error::other)?;
            let answer = answer.await.map_err(io::Error::other)?;
            let status = answer.status();
            if status != 200 || answer.headers().contains_key("grpc-status") {
                return Err(io::Error::other(format!("{answer:?}")));
            }
            let first = answer.into_body().data().await;
            first
                .ok_or(io::ErrorKind::UnexpectedEof)?
                .map_err(io::Error::other)?;
            Ok(())
        };
        tokio::time::timeout(Duration::from_secs(2), call)
            .await
            .map_err(io::Error::other)?
    })
}

/// On this thread, until it is done.
///
/// # Errors
/// Its own, or the runtime's.
pub fn block_on<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(work)
}
