//! Kept HTTP/1.1 connections: the one used last is used next, so that idle ones age out.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;

use super::{SendError, Unsent, connect};
use crate::http::body::{AppBody, Whole};
use crate::http::{MAX_FIELDS, MAX_HEAD_BYTES};

/// Most idle connections to one port.
const MAX_IDLE: usize = 256;
/// How long one may stay idle. Below the 5 s after which some servers (Node.js) close theirs.
const IDLE: Duration = Duration::from_secs(4);

type Connection = SendRequest<AppBody>;

#[derive(Debug, Default)]
pub(super) struct Kept {
    idle: Arc<Idle>,
}

#[derive(Debug, Default)]
struct Idle(Mutex<Vec<(Connection, Instant)>>);

impl Kept {
    pub(super) async fn send(
        &self,
        port: u16,
        mut request: Request<AppBody>,
    ) -> Result<Response<Returning>, Unsent> {
        let whole = request.body().whole();
        // A kept connection may have been closed by the app just then; the request comes back unsent, and goes to the next.
        while let Some(mut connection) = self.idle.take() {
            match connection.try_send_request(request).await {
                Ok(response) => return Ok(self.answer(connection, whole, response)),
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => {
                        return Err(Unsent {
                            error: SendError::Broken(error.into_error()),
                            request: None,
                        });
                    }
                },
            }
        }
        let mut connection = match open(port).await {
            Ok(connection) => connection,
            Err(error) => {
                return Err(Unsent {
                    error,
                    request: Some(request),
                });
            }
        };
        match connection.try_send_request(request).await {
            Ok(response) => Ok(self.answer(connection, whole, response)),
            Err(mut error) => {
                let request = error.take_message();
                Err(Unsent {
                    error: SendError::Broken(error.into_error()),
                    request,
                })
            }
        }
    }

    fn answer(
        &self,
        connection: Connection,
        whole: Whole,
        response: Response<Incoming>,
    ) -> Response<Returning> {
        response.map(|body| Returning::new(body, connection, whole, Arc::clone(&self.idle)))
    }
}

async fn open(port: u16) -> Result<Connection, SendError> {
    let stream = connect(port).await?;
    let (connection, driver) = Builder::new()
        .max_headers(MAX_FIELDS)
        .max_buf_size(8 * MAX_HEAD_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(SendError::Broken)?;
    tokio::spawn(async move {
        if let Err(error) = driver.await {
            tracing::debug!(port, %error, "a connection to an app broke");
        }
    });
    Ok(connection)
}

impl Idle {
    fn take(&self) -> Option<Connection> {
        let mut idle = self.0.lock();
        for at in (0..idle.len()).rev() {
            if idle[at].1.elapsed() > IDLE {
                // Those below are older still.
                idle.drain(..=at);
                return None;
            }
            if idle[at].0.is_closed() {
                idle.remove(at);
            } else if idle[at].0.is_ready() {
                return Some(idle.remove(at).0);
            }
        }
        None
    }

    fn put(&self, connection: Connection) {
        let mut idle = self.0.lock();
        if idle.len() < MAX_IDLE && !connection.is_closed() {
            idle.push((connection, Instant::now()));
        }
    }
}

/// An answer's body that puts its connection back once it is through. Dropped before its end, it closes it; and so it does when the
/// request wasn't sent whole by then, since the app would take what comes next for the rest of it (P-15).
#[derive(Debug)]
pub(crate) struct Returning {
    body: Incoming,
    connection: Option<Connection>,
    request: Whole,
    idle: Arc<Idle>,
}

impl Returning {
    fn new(body: Incoming, connection: Connection, request: Whole, idle: Arc<Idle>) -> Self {
        let mut returning = Self {
            body,
            connection: Some(connection),
            request,
            idle,
        };
        if returning.body.is_end_stream() {
            returning.put_back();
        }
        returning
    }

    fn put_back(&mut self) {
        if let Some(connection) = self.connection.take()
            && self.request.is_so()
        {
            self.idle.put(connection);
        }
    }
}

impl Body for Returning {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        if frame.is_none() || this.body.is_end_stream() {
            this.put_back();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
