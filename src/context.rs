//! Which controller a command talks to: a context is a small JSON file that `weft up` and `weft controller` write.
//!
//! Looked for in this order: `--data-dir`, `--context` or `WEFT_CONTEXT`, the only one there is. Contexts lie in
//! `$XDG_CONFIG_HOME/weft/contexts` (one user's) and in `/var/lib/weft/*/context.json` (the machine's).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::data_dir;
use crate::failure::Failure;

/// What a data directory calls its own context.
const FILE_NAME: &str = "context.json";

/// Where one cluster's controller is reached from this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Context {
    api_version: String,
    kind: String,
    /// The cluster's name.
    pub(crate) name: String,
    /// The controller's unix socket.
    pub(crate) socket: PathBuf,
    /// The node on this machine, where there is one.
    pub(crate) node: Option<String>,
    /// Where the state lies.
    pub(crate) data_dir: PathBuf,
}

impl Context {
    /// Describes a controller on this machine.
    pub(crate) fn new(
        name: String,
        socket: PathBuf,
        node: Option<String>,
        data_dir: PathBuf,
    ) -> Self {
        Self {
            api_version: crate::output::API_VERSION.to_owned(),
            kind: "Context".to_owned(),
            name,
            socket,
            node,
            data_dir,
        }
    }

    /// Writes it into its data directory and, where the user has a home, among the user's contexts.
    pub(crate) fn save(&self) -> Result<(), Failure> {
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| Failure::new("the context can't be written").because(error))?;
        data_dir::replace_file(&self.data_dir.join(FILE_NAME), &text)?;
        let Some(folder) = users_folder() else {
            return Ok(());
        };
        let written = std::fs::create_dir_all(&folder)
            .map_err(|error| Failure::new(folder.display()).because(error))
            .and_then(|()| {
                data_dir::replace_file(&folder.join(format!("{}.json", self.name)), &text)
            });
        if let Err(failure) = written {
            tracing::warn!(
                reason = failure.render(false),
                "no context for this user; use --data-dir"
            );
        }
        Ok(())
    }

    /// Takes it from among the user's contexts, if it still is the one of this data directory.
    pub(crate) fn forget(&self) -> Result<(), Failure> {
        let Some(path) = users_folder().map(|folder| folder.join(format!("{}.json", self.name)))
        else {
            return Ok(());
        };
        match read(&path) {
            Ok(Some(found)) if found.data_dir == self.data_dir => std::fs::remove_file(&path)
                .map_err(|error| Failure::new(path.display()).because(error)),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// Finds the context that a command means.
pub(crate) fn choose(data_dir: Option<&Path>, name: Option<&str>) -> Result<Context, Failure> {
    if let Some(dir) = data_dir {
        return in_data_dir(dir);
    }
    pick(all()?, name)
}

fn pick(mut contexts: BTreeMap<String, Context>, name: Option<&str>) -> Result<Context, Failure> {
    let known = contexts.keys().cloned().collect::<Vec<_>>().join(", ");
    if let Some(name) = name {
        return contexts.remove(name).ok_or_else(|| {
            Failure::new(format!("there is no context called {name}"))
                .because(if known.is_empty() {
                    "this user has none".to_owned()
                } else {
                    format!("known are: {known}")
                })
                .hint("weft --data-dir DIR …")
        });
    }
    match contexts.len() {
        1 => contexts
            .pop_first()
            .map(|(_, context)| context)
            .ok_or_else(none),
        0 => Err(none()),
        _ => Err(Failure::usage("several clusters are known on this machine")
            .because(&known)
            .hint(format!(
                "weft --context {} …   (or set WEFT_CONTEXT)",
                contexts.keys().next().map_or("NAME", String::as_str)
            ))),
    }
}

fn none() -> Failure {
    Failure::new("no cluster is known on this machine")
        .because("no context was written yet")
        .hint("weft up --cluster west --trust-domain west.example")
        .hint("weft --data-dir DIR …   (for a controller that is there)")
}

/// The context of one data directory, written there or guessed from what lies in it.
pub(crate) fn in_data_dir(dir: &Path) -> Result<Context, Failure> {
    if let Some(context) = read(&dir.join(FILE_NAME))? {
        return Ok(Context {
            data_dir: dir.to_owned(),
            ..context
        });
    }
    let socket = [
        dir.join("weft.sock"),
        dir.join("controller").join("weft.sock"),
    ]
    .into_iter()
    .find(|path| path.exists());
    let Some(socket) = socket else {
        return Err(
            Failure::new(format!("no controller has its state in {}", dir.display()))
                .because("there is no context.json and no weft.sock")
                .hint(format!(
                    "weft up --cluster NAME --trust-domain DOMAIN --data-dir {}",
                    dir.display()
                )),
        );
    };
    let name = dir
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    Ok(Context::new(name, socket, None, dir.to_owned()))
}

fn all() -> Result<BTreeMap<String, Context>, Failure> {
    let mut found = BTreeMap::new();
    for path in machine_files().into_iter().chain(user_files()) {
        // Where the state is gone, so is the cluster.
        if let Some(context) = read(&path)?.filter(|context| context.data_dir.exists()) {
            found.insert(context.name.clone(), context);
        }
    }
    Ok(found)
}

fn machine_files() -> Vec<PathBuf> {
    entries(Path::new(data_dir::SYSTEM))
        .into_iter()
        .map(|dir| dir.join(FILE_NAME))
        .filter(|path| path.exists())
        .collect()
}

fn user_files() -> Vec<PathBuf> {
    let files = users_folder()
        .map(|folder| entries(&folder))
        .unwrap_or_default();
    files
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    entries.flatten().map(|entry| entry.path()).collect()
}

fn read(path: &Path) -> Result<Option<Context>, Failure> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(
                Failure::new(format!("the context {} can't be read", path.display()))
                    .because(error),
            );
        }
    };
    let context = serde_json::from_slice(&text).map_err(|error| {
        Failure::new(format!("the context {} makes no sense", path.display()))
            .because(error)
            .hint(format!("rm {}", path.display()))
    })?;
    Ok(Some(context))
}

fn users_folder() -> Option<PathBuf> {
    let config = data_dir::xdg("XDG_CONFIG_HOME", ".config")?;
    Some(config.join("weft").join("contexts"))
}

#[cfg(test)]
mod tests;
