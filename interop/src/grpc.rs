//! Python's gRPC, as server and as client.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use testbed::binary::Weft;
use testbed::{Process, python, wait};

/// A running server of `python/server.py`, and all that a client needs.
#[derive(Debug)]
pub struct PythonGrpc {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    python: PathBuf,
    directory: TempDir,
    _server: Process,
}

impl PythonGrpc {
    /// Generates the stubs and starts the server; `Err` says what is missing on this machine.
    pub fn start() -> Result<Self, String> {
        let python = python::with_modules(&["grpc", "grpc_tools"])?;
        let directory = TempDir::with_prefix("weft-grpc-").unwrap();
        let place = directory.path();
        for file in ["echo.proto", "server.py", "client.py"] {
            std::fs::copy(sources().join(file), place.join(file)).unwrap();
        }
        let generated = Command::new(&python)
            .current_dir(place)
            .args([
                "-m",
                "grpc_tools.protoc",
                "-I.",
                "--python_out=.",
                "--grpc_python_out=.",
                "echo.proto",
            ])
            .status();
        assert!(generated.unwrap().success(), "the stubs are generated");
        let mut command = Command::new(&python);
        command.current_dir(place).args(["-u", "server.py"]);
        let server = Process::spawn("server.py", command, &place.join("server.log"));
        let port = wait::until("the server prints its port", wait::GENEROUS, || {
            server.log().lines().next()?.parse().ok()
        });
        Ok(Self {
            port,
            python,
            directory,
            _server: server,
        })
    }

    /// Runs one scenario of `python/client.py` through the mesh.
    #[track_caller]
    pub fn scenario(&self, listener_port: u16, authority: &str, name: &str) {
        let output = Command::new(&self.python)
            .current_dir(self.directory.path())
            .args([
                "client.py",
                &format!("127.0.0.1:{listener_port}"),
                authority,
                name,
            ])
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "scenario {name} failed:\n{errors}");
    }
}

fn sources() -> PathBuf {
    Path::new(&Weft::source_tree()).join("interop/python")
}
