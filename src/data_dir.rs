//! A process's data directory: one process at a time in it, kept by a lock that dies with its holder.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::Pid;
use serde_json::Value;

use crate::failure::Failure;

/// Where the machine's own processes keep their state.
pub(crate) const SYSTEM: &str = "/var/lib/weft";

const LOCK: &str = "lock";
const ADDRESSES: &str = "addresses.json";

/// A data directory that this process alone uses.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: Flock<File>,
}

impl DataDir {
    /// Makes the directory if need be (0700) and locks it.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        create(path)?;
        let path = path
            .canonicalize()
            .map_err(|error| unusable(path, &error))?;
        let file = lock_file(&path).map_err(|error| unusable(&path, &error))?;
        let mut lock = Flock::lock(file, FlockArg::LockExclusiveNonblock)
            .map_err(|(file, errno)| refused(&path, file, errno))?;
        write_pid(&mut lock).map_err(|error| unusable(&path, &error))?;
        Ok(Self { path, _lock: lock })
    }

    /// Where it is, without symbolic links.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A directory of its own for one part of the process.
    pub(crate) fn part(&self, name: &str) -> Result<PathBuf, Failure> {
        let path = self.path.join(name);
        create(&path)?;
        Ok(path)
    }

    /// Tells scripts which ports were chosen.
    pub(crate) fn write_addresses(&self, addresses: &Value) -> Result<(), Failure> {
        replace_file(
            &self.path.join(ADDRESSES),
            format!("{addresses:#}\n").as_bytes(),
        )
    }
}

/// The process that holds a data directory, if any does.
pub(crate) fn holder(path: &Path) -> Result<Option<Pid>, Failure> {
    let mut file = match File::open(path.join(LOCK)) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable(path, &error)),
    };
    let pid = read_pid(&mut file);
    match Flock::lock(file, FlockArg::LockSharedNonblock) {
        Ok(_free) => Ok(None),
        Err((_, Errno::EWOULDBLOCK)) => pid.map(Some).ok_or_else(|| {
            Failure::new(format!(
                "{} is in use by a process that didn't say which",
                path.display()
            ))
        }),
        Err((_, errno)) => Err(unusable(path, &errno.into())),
    }
}

/// Whether Weft made this directory.
pub(crate) fn is_ours(path: &Path) -> bool {
    path.join(LOCK).is_file()
}

/// The place for a cluster's state: the machine's for root, else the user's.
pub(crate) fn default_for(name: &str) -> Result<PathBuf, Failure> {
    if nix::unistd::geteuid().is_root() {
        return Ok(Path::new(SYSTEM).join(name));
    }
    xdg("XDG_STATE_HOME", ".local/state")
        .map(|state| state.join("weft").join(name))
        .ok_or_else(|| {
            Failure::usage("there is no place for state")
                .because("neither XDG_STATE_HOME nor HOME is set")
                .hint("--data-dir DIR")
        })
}

/// A base directory of the XDG rules: the variable if it is absolute, else below the home.
pub(crate) fn xdg(variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(below_home)))
}

/// Writes a file beside the old one and puts it in its place, so that a reader sees one or the other whole.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| file.write_all(bytes));
    written
        .and_then(|()| std::fs::rename(&beside, path))
        .map_err(|error| {
            Failure::new(format!("{} can't be written", path.display())).because(error)
        })
}

fn create(path: &Path) -> Result<(), Failure> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| unusable(path, &error))?;
    let mode = std::fs::metadata(path)
        .map_err(|error| unusable(path, &error))?
        .permissions()
        .mode();
    if mode & 0o022 != 0 {
        return Err(
            Failure::new(format!("the data directory {} is not safe", path.display()))
                .because(format!(
                    "others may write in it (mode {:04o})",
                    mode & 0o7777
                ))
                .hint(format!("chmod go-w {}", path.display())),
        );
    }
    Ok(())
}

fn lock_file(dir: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(dir.join(LOCK))
}

fn write_pid(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn read_pid(file: &mut File) -> Option<Pid> {
    let mut text = String::new();
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim()
        .parse()
        .ok()
        .filter(|pid| *pid > 0)
        .map(Pid::from_raw)
}

fn refused(path: &Path, mut file: File, errno: Errno) -> Failure {
    if errno != Errno::EWOULDBLOCK {
        return unusable(path, &errno.into());
    }
    let by = read_pid(&mut file).map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    );
    Failure::new(format!("the data directory {} is in use", path.display()))
        .because(format!("{by} holds its lock"))
        .hint(format!("weft down --data-dir {}", path.display()))
}

fn unusable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!(
        "the data directory {} can't be used",
        path.display()
    ))
    .because(error)
    .hint("--data-dir DIR   (one that you may write to)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_process_is_refused_and_told_who_holds_it() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let held = DataDir::open(dir.path()).expect("the first has it");
        let refused = DataDir::open(dir.path())
            .expect_err("the second is refused")
            .render(false);
        assert!(
            refused.contains(&format!("process {} holds its lock", std::process::id())),
            "{refused}"
        );
        assert_eq!(
            holder(dir.path()).ok().flatten().map(Pid::as_raw),
            i32::try_from(std::process::id()).ok()
        );
        drop(held);
        assert_eq!(holder(dir.path()).ok().flatten(), None);
        assert!(DataDir::open(dir.path()).is_ok());
    }

    #[test]
    fn a_directory_that_others_may_write_to_is_refused() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777))
            .expect("we own it");
        let refused = DataDir::open(dir.path())
            .expect_err("it is open to all")
            .render(false);
        assert!(
            refused.contains("mode 0777") && refused.contains("chmod go-w"),
            "{refused}"
        );
    }

    #[test]
    fn what_is_made_is_private() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let made = DataDir::open(&dir.path().join("a/b")).expect("it is made");
        let mode = std::fs::metadata(made.path())
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o700);
    }
}
