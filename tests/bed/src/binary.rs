//! Where the `weft` binary is: beside the test binary that runs, so that both come from one build.

use std::path::PathBuf;
use std::process::{Command, Output};

/// The `weft` binary of this build.
#[derive(Debug, Clone, Copy)]
pub struct Weft;

impl Weft {
    /// Finds `target/<profile>/weft` beside the running test binary (which lives in `deps/` of the same profile);
    /// `WEFT_BIN` names another one.
    pub fn binary() -> PathBuf {
        if let Some(path) = std::env::var_os("WEFT_BIN") {
            return PathBuf::from(path);
        }
        let here = std::env::current_exe().expect("a running test has a path");
        let found = here
            .ancestors()
            .skip(1)
            .take(3)
            .map(|directory| directory.join("weft"))
            .find(|path| path.is_file());
        found.unwrap_or_else(|| {
            panic!(
                "there is no weft binary beside {}; build it first: cargo build --bin weft",
                here.display()
            )
        })
    }

    /// Starts a command of the binary, without any setting of the user who runs the tests.
    pub fn command() -> Command {
        let mut command = Command::new(Self::binary());
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy().to_ascii_uppercase();
            if text.starts_with("WEFT_") || text.ends_with("_PROXY") {
                command.env_remove(&name);
            }
        }
        command
            .env_remove("NOTIFY_SOCKET")
            .env_remove("XDG_RUNTIME_DIR")
            .env("NO_COLOR", "1");
        command
    }

    /// Runs the binary to its end and gives what it said.
    pub fn run(arguments: &[&str]) -> Output {
        Self::command()
            .args(arguments)
            .output()
            .expect("the weft binary starts")
    }

    /// The root of the source tree: the nearest directory above the running test that holds a workspace.
    pub fn source_tree() -> PathBuf {
        let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        manifest
            .ancestors()
            .find(|directory| directory.join("Cargo.lock").is_file())
            .expect("the test bed is part of the workspace")
            .to_path_buf()
    }
}
