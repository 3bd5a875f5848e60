//! What is wrong with a manifest, where, and what to do about it.

use std::fmt;

/// One thing that is wrong. It prints as `shop.yaml:7:5: spec.places[1].peeer: unknown field; did you mean "peer"?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file it is in, as the user named it.
    pub file: String,
    /// The line, from 1; 0 where there was no text.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
    /// The way to the field: `spec.places[1].peer`; empty for the document as a whole.
    pub field: String,
    /// What is wrong.
    pub what: String,
    /// What would be right, where that can be said.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}:", self.file)?;
        }
        if self.line > 0 {
            write!(f, "{}:{}:", self.line, self.column)?;
        }
        if !self.file.is_empty() || self.line > 0 {
            f.write_str(" ")?;
        }
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.what)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

/// All that is wrong with a manifest, in the order of its lines; never empty. `Display` prints one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    list: Vec<Problem>,
    more: usize,
}

impl Problems {
    /// Takes those found, of which `more` were too many to keep.
    pub(super) fn new(mut list: Vec<Problem>, more: usize) -> Option<Self> {
        list.sort_by_key(|p| (p.line, p.column));
        (!list.is_empty()).then_some(Self { list, more })
    }

    /// Lists them.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.list.iter()
    }

    /// Counts all of them, also those that were too many to keep.
    pub fn count(&self) -> usize {
        self.list.len() + self.more
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.list.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        match self.more {
            0 => Ok(()),
            more => write!(f, "\nand {more} more"),
        }
    }
}

impl std::error::Error for Problems {}
