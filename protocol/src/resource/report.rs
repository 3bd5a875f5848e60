//! Where problems gather while a manifest is checked.

use std::cell::RefCell;

use super::{Problem, Problems, node::At};

/// More problems than this are counted, not kept.
const KEPT: usize = 100;

/// The problems of one file so far.
pub(super) struct Report<'a> {
    file: &'a str,
    found: RefCell<(Vec<Problem>, usize)>,
}

impl<'a> Report<'a> {
    pub(super) fn new(file: &'a str) -> Self {
        Self {
            file,
            found: RefCell::default(),
        }
    }

    pub(super) fn add(&self, at: At, field: &str, what: impl Into<String>, hint: Option<String>) {
        let mut found = self.found.borrow_mut();
        if found.0.len() >= KEPT {
            found.1 += 1;
            return;
        }
        let (file, field, what) = (self.file.to_owned(), field.to_owned(), what.into());
        found.0.push(Problem {
            file,
            line: at.line,
            column: at.column,
            field,
            what,
            hint,
        });
    }

    /// Hands out `value` if nothing was wrong.
    pub(super) fn unless_problems<T>(self, value: T) -> Result<T, Problems> {
        let (problems, more) = self.found.into_inner();
        Problems::new(problems, more).map_or(Ok(value), Err)
    }
}

/// Escapes what would steer a terminal: a manifest may quote what others wrote.
pub(super) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            printable.extend(c.escape_debug())
        } else {
            printable.push(c)
        }
    }
    printable
}
