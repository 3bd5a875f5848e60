//! The application's own record of what it served: one ID a line, written before the answer and in one piece,
//! so that a killed process leaves no half line and no unrecorded answer.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::Path,
};

/// The record file of one instance.
#[derive(Debug)]
pub(super) struct Records(File);

impl Records {
    /// Opens the file, behind what an earlier process of this instance wrote.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(
            OpenOptions::new().create(true).append(true).open(path)?,
        ))
    }

    /// Notes that the request `id` came in. Requests without an ID (a user's curl) are nobody's figures.
    pub(super) fn note(&self, id: &str) -> io::Result<()> {
        if id.is_empty() {
            return Ok(());
        }
        (&self.0).write_all(format!("{id}\n").as_bytes())
    }

    /// The same file for another task.
    pub(super) fn again(&self) -> io::Result<Self> {
        Ok(Self(self.0.try_clone()?))
    }
}
