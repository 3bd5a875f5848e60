//! A request to an app that speaks HTTP/1, by our own engine: one task carries it there and the answer back.

use std::task::Poll;

use http::StatusCode;
use tunnel::MessageError;

use super::Inbound;
use super::app::Instance;
use super::exchange::{AppRequest, Outcome, UnderWay};
use crate::http::send::http1::Connection;
use crate::http1::response::{self, Response};
use crate::http1::{FlowError, Form, Inflow, Outflow, write};
use crate::splice::splice;

impl Inbound {
    /// Sends it to this instance.
    pub(super) async fn to_http1(
        &self,
        instance: &Instance,
        request: &AppRequest,
        under_way: UnderWay,
    ) -> Outcome {
        let mut connection = match instance.app.http1().connection().await {
            Ok(connection) => connection,
            Err(error) => return Outcome::NotTaken(Box::new(under_way), error),
        };
        let form = match (request.has_body, request.length) {
            (false, _) => Form::Nothing,
            (true, Some(length)) => Form::Length(length),
            (true, None) => Form::Chunked,
        };
        connection
            .io
            .push(write::request(&request.head, &request.fields, form));
        let outflow = Outflow::new(form);
        Carrying {
            request,
            under_way,
            connection,
            outflow,
            unwanted: false,
        }
        .carry()
        .await
    }
}

/// A request on its way to an app, and its answer on the way back.
struct Carrying<'a> {
    request: &'a AppRequest,
    under_way: UnderWay,
    connection: Connection,
    outflow: Outflow,
    /// The app takes no more of the body; its answer may still come.
    unwanted: bool,
}

/// Why there is no answer.
enum NoAnswer {
    /// The caller has gone, or broke the rules within its body.
    Caller,
    /// The app's connection broke, or what it said isn't HTTP.
    App(String),
}

impl Carrying<'_> {
    async fn carry(mut self) -> Outcome {
        let answer = loop {
            match self.head().await {
                Ok(answer) if answer.head.is_interim() => {
                    let interim = self.under_way.send.response(&answer.head, false);
                    if interim.await.is_err() {
                        return Outcome::Cancelled;
                    }
                }
                Ok(answer) => break answer,
                Err(NoAnswer::Caller) => return Outcome::Cancelled,
                Err(NoAnswer::App(detail)) => {
                    return self.under_way.broken(detail);
                }
            }
        };
        self.under_way.record.status(answer.head.status);
        if answer.head.status == StatusCode::SWITCHING_PROTOCOLS {
            return self.switch(answer).await;
        }
        self.give(answer).await
    }

    /// Waits for the next head of an answer, while the body is sent.
    async fn head(&mut self) -> Result<Response, NoAnswer> {
        let mut stopped = std::pin::pin!(self.under_way.send.stopped());
        let Connection { io, .. } = &mut self.connection;
        std::future::poll_fn(|cx| {
            if !self.unwanted
                && let Poll::Ready(Err(error)) = self.outflow.poll(cx, io, &mut self.under_way.recv)
            {
                match error {
                    // It may answer all the same, as servers do that refuse a large body.
                    FlowError::Io(_) => self.unwanted = true,
                    _ => return Poll::Ready(Err(NoAnswer::Caller)),
                }
            }
            loop {
                match response::parse(&mut io.buf, &self.request.head.method) {
                    Ok(Some(answer)) => return Poll::Ready(Ok(answer)),
                    Ok(None) => {}
                    Err(error) => return Poll::Ready(Err(NoAnswer::App(error.to_string()))),
                }
                match io.poll_fill(cx) {
                    Poll::Ready(Ok(1..)) => {}
                    Poll::Ready(Ok(0)) => {
                        let detail = "it closed the connection without an answer";
                        return Poll::Ready(Err(NoAnswer::App(detail.to_owned())));
                    }
                    Poll::Ready(Err(error)) => {
                        return Poll::Ready(Err(NoAnswer::App(error.to_string())));
                    }
                    Poll::Pending => break,
                }
            }
            if stopped.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(NoAnswer::Caller));
            }
            Poll::Pending
        })
        .await
    }

    /// Sends the answer back as it comes.
    async fn give(mut self, answer: Response) -> Outcome {
        let mut inflow = Inflow::new(answer.framing);
        let sent = self.under_way.send.response(&answer.head, inflow.is_over());
        if let Err(error) = sent.await {
            return self.under_way.break_off(&error);
        }
        let mut stopped = std::pin::pin!(self.under_way.send.stopped());
        let io = &mut self.connection.io;
        let flowed = std::future::poll_fn(|cx| {
            if !self.unwanted
                && let Poll::Ready(Err(error)) = self.outflow.poll(cx, io, &mut self.under_way.recv)
            {
                tracing::debug!(%error, "a request's body broke off after its answer had begun");
                self.unwanted = true;
            }
            let polled = inflow.poll(cx, io, &mut self.under_way.send);
            // Nobody may be there any more to hear an app that says nothing for long.
            if polled.is_pending() && stopped.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(FlowError::Message(MessageError::Reset)));
            }
            polled
        })
        .await;
        self.under_way
            .record
            .passed(self.outflow.bytes, inflow.bytes);
        if let Err(error) = flowed {
            return match error {
                FlowError::Message(MessageError::Reset | MessageError::TunnelLost) => {
                    Outcome::Cancelled
                }
                error => self.under_way.break_off(&error),
            };
        }
        // What the app has not read of this request it would take for the next (P-15).
        let whole = self.under_way.recv.is_message_over()
            && !self.unwanted
            && self.connection.io.is_flushed();
        if answer.keep_alive && whole {
            self.connection.give_back();
        }
        self.under_way.finish()
    }

    /// After an upgrade: bytes both ways.
    async fn switch(mut self, answer: Response) -> Outcome {
        if !self.request.head.upgrade {
            let detail = "an upgrade that nobody asked for";
            return self.under_way.broken(detail.to_owned());
        }
        if let Err(error) = self.under_way.send.response(&answer.head, false).await {
            return self.under_way.break_off(&error);
        }
        let UnderWay {
            send,
            recv,
            mut record,
        } = self.under_way;
        let (Some(send), Some(recv)) = (send.into_bytes(), recv.into_bytes()) else {
            record.broken_off(&"the encoding carries no upgrades");
            record.finish();
            return Outcome::Answered(None);
        };
        let (passed, ended) = splice(self.connection.into_io(), send, recv).await;
        record.passed(passed.to, passed.from);
        if let Err(error) = ended {
            record.broken_off(&error);
        }
        record.finish();
        Outcome::Answered(None)
    }
}
