//! Where the demo lives: one directory per user, gone when it ends, and what a killed demo left is cleared first.
//!
//! ```text
//! weft-demo-UID/  processes      a line each: process ID, start time; the demo itself is the first
//!                 west/ east/    data directories   records/  the applications' own   log/  what each process said
//! ```

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use nix::unistd::geteuid;

use super::trouble::DemoError;
use process::Process;

mod process;

const PROCESSES: &str = "processes";

/// The demo's directory; dropping it removes it.
#[derive(Debug)]
pub(super) struct Place(PathBuf);

impl Place {
    /// Makes the directory, after clearing what a killed demo left there.
    pub(super) fn take() -> Result<Self, DemoError> {
        let path = path();
        match fs::symlink_metadata(&path) {
            Ok(found) => {
                let ours = found.is_dir()
                    && found.uid() == geteuid().as_raw()
                    && found.mode() & 0o077 == 0;
                if !ours {
                    return Err(DemoError::Foreign(path));
                }
                clear(&path)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(DemoError::io(path.display(), error)),
        }
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|error| DemoError::io(path.display(), error))?;
        let place = Self(path);
        place.remember(std::process::id())?;
        for folder in ["records", "log", "home"] {
            place.folder(folder)?;
        }
        Ok(place)
    }

    /// A path inside.
    pub(super) fn at(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }

    /// Makes a directory inside.
    pub(super) fn folder(&self, name: impl AsRef<Path>) -> Result<PathBuf, DemoError> {
        let path = self.at(name);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
        made.map_err(|error| DemoError::io(path.display(), error))?;
        Ok(path)
    }

    /// Writes a file inside that nobody else can read.
    pub(super) fn write(&self, name: impl AsRef<Path>, text: &str) -> Result<PathBuf, DemoError> {
        let path = self.at(name);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|error| DemoError::io(path.display(), error))?;
        Ok(path)
    }

    /// Notes a process, so that the next demo can end it should this one be killed.
    pub(super) fn remember(&self, id: u32) -> Result<(), DemoError> {
        let Some(process) = Process::running(id) else {
            return Ok(());
        };
        let path = self.at(PROCESSES);
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path);
        let written = file.and_then(|mut file| file.write_all(format!("{process}\n").as_bytes()));
        written.map_err(|error| DemoError::io(path.display(), error))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // However the demo ended, by an error or a panic: none of its processes outlives it.
        end_processes(&self.0);
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(place = %self.0.display(), %error, "not removed");
        }
    }
}

/// `$XDG_RUNTIME_DIR/weft-demo`, else `weft-demo-UID` among the temporary files.
fn path() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| Path::new(folder).is_dir()) {
        Some(folder) => PathBuf::from(folder).join("weft-demo"),
        None => std::env::temp_dir().join(format!("weft-demo-{}", geteuid())),
    }
}

/// Ends the processes that a killed demo left, and removes its files.
fn clear(place: &Path) -> Result<(), DemoError> {
    if let Some(demo) = processes(place).first().filter(|demo| demo.lives()) {
        return Err(DemoError::Busy {
            place: place.to_owned(),
            process: demo.id(),
        });
    }
    end_processes(place);
    fs::remove_dir_all(place).map_err(|error| DemoError::io(place.display(), error))
}

/// Ends what the demo started, each process known by its ID and start time. The first one is the demo itself.
fn end_processes(place: &Path) {
    for process in processes(place).into_iter().skip(1) {
        process.end();
    }
}

fn processes(place: &Path) -> Vec<Process> {
    let list = fs::read_to_string(place.join(PROCESSES)).unwrap_or_default();
    list.lines().filter_map(Process::parse).collect()
}
