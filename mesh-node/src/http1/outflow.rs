//! A body from the tunnel to a TCP connection: all that is ready goes in one write.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tunnel::{Event, Fields, MessageError, MessageRecv};

use super::FlowError;
use super::chunked::size_line;
use super::inflow::Idle;
use crate::http::fields::clean_trailers;
use crate::io::Io;

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Not at all: there is none, or the method wants none.
    Nothing,
    /// As it is, exactly so many bytes.
    Length(u64),
    /// In chunks.
    Chunked,
    /// As it is; the connection's end is its end.
    UntilClose,
}

/// A body on its way out.
#[derive(Debug)]
pub(crate) struct Outflow {
    form: Form,
    left: u64,
    /// The last declared bytes, while it isn't certain that nothing follows them (P-15).
    held: Option<Bytes>,
    ended: bool,
    /// Since when nothing more could be written, and what had been by then.
    stalled: (u64, Idle),
    /// What has passed.
    pub(crate) bytes: u64,
    /// `grpc-status` of the trailers, for the record.
    pub(crate) grpc_status: Option<String>,
}

const LONG: FlowError = FlowError::Malformed("the body is longer than its declared length");

impl Outflow {
    pub(crate) fn new(form: Form) -> Self {
        Self {
            form,
            left: match form {
                Form::Length(length) => length,
                _ => 0,
            },
            held: None,
            ended: false,
            stalled: (0, Idle::default()),
            bytes: 0,
            grpc_status: None,
        }
    }

    /// Moves what there is to the connection, and is ready when all of it has been written.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut Io,
        recv: &mut MessageRecv,
    ) -> Poll<Result<(), FlowError>> {
        loop {
            if !self.ended && recv.is_message_over() {
                self.end(io)?;
            }
            if self.ended || io.is_full() {
                ready!(self.poll_flush(cx, io))?;
                if self.ended {
                    return Poll::Ready(Ok(()));
                }
            }
            let event = match recv.poll_event(cx) {
                Poll::Ready(event) => event?,
                Poll::Pending => {
                    ready!(self.poll_flush(cx, io))?;
                    return Poll::Pending;
                }
            };
            match event {
                Some(Event::Data(data)) => self.data(data, io)?,
                Some(Event::Trailers(fields)) => self.trailers(&fields, io)?,
                None => return Poll::Ready(Err(MessageError::Reset.into())),
                // The encodings let no head stand within a message.
                Some(
                    Event::Request(_) | Event::Response(_) | Event::Interim(_) | Event::Refused(_),
                ) => return Poll::Ready(Err(FlowError::Malformed("a head within a body"))),
            }
        }
    }

    /// Writes what waits; a reader that takes nothing for too long is given up.
    fn poll_flush(&mut self, cx: &mut Context<'_>, io: &mut Io) -> Poll<Result<(), FlowError>> {
        let polled = io.poll_flush(cx);
        let (written, idle) = &mut self.stalled;
        if polled.is_ready() || *written != io.written {
            *written = io.written;
            idle.reset();
        }
        match polled {
            Poll::Ready(flushed) => Poll::Ready(flushed.map_err(FlowError::Io)),
            Poll::Pending => idle.poll(cx).map(|()| Err(FlowError::Idle)),
        }
    }

    fn data(&mut self, data: Bytes, io: &mut Io) -> Result<(), FlowError> {
        if data.is_empty() {
            return Ok(());
        }
        self.bytes += data.len() as u64;
        match self.form {
            Form::Nothing => return Err(LONG),
            Form::UntilClose => io.push(data),
            Form::Chunked => {
                io.push(size_line(data.len()));
                io.push(data);
                io.push(Bytes::from_static(b"\r\n"));
            }
            Form::Length(_) => {
                self.left = self.left.checked_sub(data.len() as u64).ok_or(LONG)?;
                if let Some(held) = self.held.take() {
                    io.push(held);
                }
                if self.left == 0 {
                    self.held = Some(data);
                } else {
                    io.push(data);
                }
            }
        }
        Ok(())
    }

    fn trailers(&mut self, fields: &Fields, io: &mut Io) -> Result<(), FlowError> {
        let status = fields.get("grpc-status");
        self.grpc_status = status.map(|status| String::from_utf8_lossy(status).into_owned());
        if self.form == Form::Chunked {
            let mut out = b"0\r\n".to_vec();
            for (name, value) in clean_trailers(fields).iter() {
                out.extend_from_slice(name);
                out.extend_from_slice(b": ");
                out.extend_from_slice(value);
                out.extend_from_slice(b"\r\n");
            }
            out.extend_from_slice(b"\r\n");
            io.push(out.into());
            self.ended = true;
            return Ok(());
        }
        // HTTP/1 has no place for them without chunks.
        self.end(io)
    }

    fn end(&mut self, io: &mut Io) -> Result<(), FlowError> {
        self.ended = true;
        match self.form {
            Form::Nothing | Form::UntilClose => {}
            Form::Chunked => io.push(Bytes::from_static(b"0\r\n\r\n")),
            Form::Length(_) if self.left > 0 => {
                return Err(FlowError::Malformed(
                    "the body is shorter than its declared length",
                ));
            }
            Form::Length(_) => {
                if let Some(held) = self.held.take() {
                    io.push(held);
                }
            }
        }
        Ok(())
    }
}
