//! The program that `weft run` runs: its variables, its signals, its exit code.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitCode, ExitStatus};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Command;
use tokio::signal::unix::{self, SignalKind, signal};

use crate::failure::Failure;

/// What never goes through the proxy.
const NO_PROXY: &str = "localhost,127.0.0.1,::1";

/// The running program.
#[derive(Debug)]
pub(super) struct Child(tokio::process::Child);

impl Child {
    /// Starts the program with the proxy in its environment.
    pub(super) fn spawn(command: &[OsString], proxy: &str) -> Result<Self, Failure> {
        let [program, arguments @ ..] = command else {
            return Err(Failure::usage("there is no program to run"));
        };
        let started = Command::new(program)
            .args(arguments)
            .envs([
                ("HTTP_PROXY", proxy),
                ("http_proxy", proxy),
                ("NO_PROXY", NO_PROXY),
                ("no_proxy", NO_PROXY),
            ])
            .kill_on_drop(true)
            .spawn();
        started.map(Self).map_err(|error| {
            Failure::new(format!("{} can't be run", program.display())).because(error)
        })
    }

    /// Waits for its end, passing signals on.
    pub(super) async fn run(mut self, signals: &mut Signals) -> Result<ExitCode, Failure> {
        let pid = self
            .0
            .id()
            .and_then(|pid| i32::try_from(pid).ok())
            .map(Pid::from_raw);
        loop {
            tokio::select! {
                ended = self.0.wait() => {
                    return ended.map(exit_code).map_err(|error| Failure::new("the program can't be waited for").because(error));
                }
                caught = signals.next() => forward(pid, caught),
            }
        }
    }
}

/// A terminal sends its Ctrl-C to both already.
fn forward(pid: Option<Pid>, caught: Signal) {
    let Some(pid) = pid.filter(|_| caught != Signal::SIGINT || !std::io::stdin().is_terminal())
    else {
        return;
    };
    if let Err(error) = kill(pid, caught) {
        tracing::debug!(%error, %caught, "the program didn't get the signal");
    }
}

/// As shells tell it: the program's own code, or 128 and the signal that ended it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let number = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(1);
    ExitCode::from(u8::try_from(number & 0xff).unwrap_or(1))
}

/// The signals that a program would get if it ran alone.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
    hang_up: unix::Signal,
    quit: unix::Signal,
}

impl Signals {
    /// From here on they are ours to pass on.
    pub(super) fn listen() -> Result<Self, Failure> {
        let open = |kind| {
            signal(kind).map_err(|error| Failure::new("signals can't be received").because(error))
        };
        Ok(Self {
            terminate: open(SignalKind::terminate())?,
            interrupt: open(SignalKind::interrupt())?,
            hang_up: open(SignalKind::hangup())?,
            quit: open(SignalKind::quit())?,
        })
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::SIGTERM,
            _ = self.interrupt.recv() => Signal::SIGINT,
            _ = self.hang_up.recv() => Signal::SIGHUP,
            _ = self.quit.recv() => Signal::SIGQUIT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Vec<OsString> {
        ["sh", "-c", script].map(OsString::from).to_vec()
    }

    async fn code_of(script: &str) -> String {
        let child = Child::spawn(&shell(script), "http://127.0.0.1:1").expect("it starts");
        let mut signals = Signals::listen().expect("signals can be received");
        format!("{:?}", child.run(&mut signals).await.expect("it ends"))
    }

    #[tokio::test]
    async fn the_exit_code_is_the_programs_own() {
        assert_eq!(code_of("exit 7").await, format!("{:?}", ExitCode::from(7)));
        assert_eq!(
            code_of("kill -9 $$").await,
            format!("{:?}", ExitCode::from(137))
        );
    }

    #[tokio::test]
    async fn the_program_finds_the_proxy_in_its_environment() {
        let script = r#"test "$http_proxy$HTTP_PROXY" = http://127.0.0.1:1http://127.0.0.1:1 && test "$no_proxy" = "$NO_PROXY""#;
        assert_eq!(code_of(script).await, format!("{:?}", ExitCode::SUCCESS));
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let _inside = runtime.enter();
        let refused = Child::spawn(&[OsString::from("/nowhere/cart")], "x")
            .expect_err("there is none")
            .render(false);
        assert!(
            refused.starts_with("/nowhere/cart can't be run: No such file"),
            "{refused}"
        );
    }
}
