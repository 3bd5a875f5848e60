//! The command line as client of a controller, over its unix socket.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use protocol::wire::v1::{WaitReply, WaitRequest};
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Status};

use crate::context::Context;
use crate::failure::Failure;

/// The generated client.
pub(crate) type Client = tunnel::rpc::v1::api_client::ApiClient<Channel>;

/// Longer than any answer takes, waiting aside.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// How long a controller may be silent, at most twice in a row, before it counts as gone.
const ALIVE_WITHIN: Duration = Duration::from_secs(5);

/// A controller's API, as one command uses it.
#[derive(Debug)]
pub(crate) struct Api {
    /// The client; each call's `Status` goes through [`refused`].
    pub(crate) client: Client,
}

impl Api {
    /// Connects to the controller of a context.
    pub(crate) async fn connect(context: &Context) -> Result<Self, Failure> {
        let lost = |error: std::io::Error| unreachable_controller(context, &error);
        // A first look tells a missing socket from a dead or a forbidden one; tonic would fold them into one error.
        drop(UnixStream::connect(&context.socket).await.map_err(lost)?);
        let client = dial(&context.socket).await.map_err(|error| {
            Failure::new(format!("the controller of {} doesn't answer", context.name))
                .caused_by(&error)
        })?;
        Ok(Self { client })
    }

    /// Waits until every node in touch has acknowledged a version.
    pub(crate) async fn acknowledged(
        &mut self,
        version: u64,
        within: Duration,
    ) -> Result<WaitReply, Failure> {
        let timeout_millis = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        let mut request = tonic::Request::new(WaitRequest {
            version,
            timeout_millis,
        });
        request.set_timeout(within.saturating_add(ANSWER_WITHIN));
        match self.client.wait_acknowledged(request).await {
            Ok(reply) => still_lagging(reply.into_inner(), version, within),
            Err(status) if status.code() == Code::DeadlineExceeded => {
                Err(not_acknowledged(version, within).with(status.message()))
            }
            Err(status) => Err(refused(&format!("waiting for version {version}"), &status)),
        }
    }
}

async fn dial(socket: &Path) -> Result<Client, tonic::transport::Error> {
    let socket = socket.to_owned();
    let connector = tower::service_fn(move |_: Uri| {
        let socket = socket.clone();
        async move { UnixStream::connect(socket).await.map(TokioIo::new) }
    });
    // A controller that accepts but doesn't live (stopped, stuck) is noticed by its silence, however long a call may take.
    let channel = Endpoint::from_static("http://controller.weft.internal")
        .connect_timeout(ALIVE_WITHIN)
        .http2_keep_alive_interval(ALIVE_WITHIN)
        .keep_alive_timeout(ALIVE_WITHIN)
        .keep_alive_while_idle(true)
        .connect_with_connector(connector)
        .await?;
    Ok(Client::new(channel).max_decoding_message_size(64 << 20))
}

fn still_lagging(reply: WaitReply, version: u64, within: Duration) -> Result<WaitReply, Failure> {
    if reply.lagging.is_empty() {
        return Ok(reply);
    }
    let failure = not_acknowledged(version, within)
        .because(format!("{} of {} did", reply.acknowledged, reply.nodes));
    Err(failure.with(format!("not yet: {}", reply.lagging.join(", "))))
}

fn not_acknowledged(version: u64, within: Duration) -> Failure {
    let within = crate::output::age::short(within);
    Failure::timed_out(format!(
        "stored as version {version}, but not every host acknowledged it within {within}"
    ))
    .hint("weft status")
}

fn unreachable_controller(context: &Context, error: &std::io::Error) -> Failure {
    let socket = context.socket.display();
    let failure = Failure::new(format!(
        "the controller of {} can't be reached at {socket}",
        context.name
    ));
    match error.kind() {
        ErrorKind::NotFound => failure
            .because("it isn't running (no socket there)")
            .hint(start_hint(context)),
        ErrorKind::ConnectionRefused => failure
            .because("it isn't running (its socket is left from before)")
            .hint(start_hint(context)),
        ErrorKind::PermissionDenied => failure
            .because("this user may not open its socket")
            .hint("sudo weft …   (or as the user that started it)"),
        _ => failure.because(error),
    }
}

fn start_hint(context: &Context) -> String {
    format!("weft up --data-dir {}", context.data_dir.display())
}

/// A controller's no, in words. Problems that it lists become evidence.
pub(crate) fn refused(what: &str, status: &Status) -> Failure {
    let mut lines = status
        .message()
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty());
    let why = lines
        .next()
        .map_or_else(|| status.code().description().to_owned(), str::to_owned);
    let failure = match status.code() {
        Code::DeadlineExceeded => Failure::timed_out(what),
        _ => Failure::new(what),
    };
    lines.fold(failure.because(why), |failure, line| {
        match line.trim_start().strip_prefix("Try: ") {
            Some(command) => failure.hint(command),
            None => failure.with(line),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_many_lines_becomes_why_evidence_and_hints() {
        let status = Status::invalid_argument(
            "2 problems\nshop.yaml:1:1: no kind\nshop.yaml:7:3: spec.x: unknown\nTry: weft apply --help\n",
        );
        insta::assert_snapshot!(refused("apply shop.yaml", &status).render(false), @r"
        apply shop.yaml: 2 problems
          shop.yaml:1:1: no kind
          shop.yaml:7:3: spec.x: unknown
        Try: weft apply --help
        ");
    }

    #[test]
    fn a_refusal_without_words_still_says_something() {
        let rendered = refused("peer list", &Status::new(Code::Unavailable, "")).render(false);
        assert_eq!(rendered, "peer list: The service is currently unavailable");
    }

    #[test]
    fn a_dead_controller_is_told_from_a_forbidden_one() {
        let context = Context::new(
            "west".into(),
            "/run/w/weft.sock".into(),
            None,
            "/run/w".into(),
        );
        insta::assert_snapshot!(unreachable_controller(&context, &ErrorKind::NotFound.into()).render(false), @r"
        the controller of west can't be reached at /run/w/weft.sock: it isn't running (no socket there)
        Try: weft up --data-dir /run/w
        ");
        let forbidden =
            unreachable_controller(&context, &ErrorKind::PermissionDenied.into()).render(false);
        assert!(forbidden.contains("may not open"), "{forbidden}");
    }

    #[test]
    fn nodes_that_lag_are_named_with_exit_code_4() {
        let reply = WaitReply {
            acknowledged: 1,
            nodes: 3,
            lagging: vec!["n2".into(), "n3".into()],
        };
        let failure = still_lagging(reply, 7, Duration::from_secs(30)).expect_err("two lag");
        insta::assert_snapshot!(failure.render(false), @r"
        stored as version 7, but not every host acknowledged it within 30s: 1 of 3 did
          not yet: n2, n3
        Try: weft status
        ");
    }
}
