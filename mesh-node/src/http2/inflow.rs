//! A body from an HTTP/2 stream into the tunnel.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;
use tunnel::{MessageError, MessageSend};

use super::broken;
use crate::http::fields;
use crate::http1::FlowError;
use crate::http1::inflow::{Idle, Part};

/// A body on its way in.
#[derive(Debug)]
pub(crate) struct Inflow {
    /// Nothing once all of it has been read.
    stream: Option<RecvStream>,
    /// The data is through; trailers may follow.
    data_over: bool,
    /// Where it may not pause for long.
    idle: Option<Idle>,
    /// What has passed.
    pub(crate) bytes: u64,
    /// `grpc-status` of the trailers, for the record.
    pub(crate) grpc_status: Option<String>,
}

impl Inflow {
    /// A body that may pause as long as it likes: streams of calls and of events do.
    pub(crate) fn new(stream: RecvStream) -> Self {
        let over = stream.is_end_stream();
        Self {
            stream: (!over).then_some(stream),
            data_over: false,
            idle: None,
            bytes: 0,
            grpc_status: None,
        }
    }

    /// A body that is given up when it brings nothing for too long.
    pub(crate) fn impatient(stream: RecvStream) -> Self {
        Self {
            idle: Some(Idle::default()),
            ..Self::new(stream)
        }
    }

    /// Whether all of it has been read.
    pub(crate) const fn is_over(&self) -> bool {
        self.stream.is_none()
    }

    /// The next part. Not to be asked once it is over.
    pub(crate) fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Result<Part, FlowError>> {
        let polled = self.poll_stream(cx);
        let Some(idle) = &mut self.idle else {
            return polled;
        };
        if polled.is_ready() {
            idle.reset();
            return polled;
        }
        idle.poll(cx).map(|()| Err(FlowError::Idle))
    }

    fn poll_stream(&mut self, cx: &mut Context<'_>) -> Poll<Result<Part, FlowError>> {
        let Some(stream) = &mut self.stream else {
            return Poll::Ready(Ok(Part::Data(Bytes::new(), true)));
        };
        while !self.data_over {
            let Some(data) = ready!(stream.poll_data(cx)) else {
                self.data_over = true;
                break;
            };
            let data = data.map_err(broken)?;
            if !data.is_empty() {
                // A part is asked for when the one before has gone: no more than one is beyond the window.
                stream
                    .flow_control()
                    .release_capacity(data.len())
                    .map_err(broken)?;
                self.bytes += data.len() as u64;
            }
            let end = stream.is_end_stream();
            if end {
                self.stream = None;
            } else if data.is_empty() {
                continue;
            }
            return Poll::Ready(Ok(Part::Data(data, end)));
        }
        let trailers = ready!(stream.poll_trailers(cx)).map_err(broken)?;
        self.stream = None;
        let Some(trailers) = trailers else {
            return Poll::Ready(Ok(Part::Data(Bytes::new(), true)));
        };
        let status = trailers.get("grpc-status");
        self.grpc_status = status
            .and_then(|status| status.to_str().ok())
            .map(str::to_owned);
        let part = fields::clean_trailer_map(&trailers)
            .map(Part::Trailers)
            .map_err(|_| FlowError::Malformed("the trailers are too long"));
        Poll::Ready(part)
    }

    /// Moves what there is towards the tunnel, and is ready when all of it has been handed over.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        send: &mut MessageSend,
    ) -> Poll<Result<(), FlowError>> {
        loop {
            ready!(send.poll_flush(cx))?;
            if send.is_message_over() {
                return Poll::Ready(Ok(()));
            }
            match ready!(self.poll_part(cx))? {
                Part::Data(data, end) => send.start_data(data, end),
                Part::Trailers(fields) => send.start_trailers(&fields).map_err(unsendable)?,
            }
        }
    }
}

const fn unsendable(_: MessageError) -> FlowError {
    FlowError::Malformed("the trailers are too long")
}
