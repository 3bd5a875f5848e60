//! One value of a manifest on its way to being believed. Reading it wrongly typed adds a problem and gives `None`.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr, time::Duration};

use super::{
    Percent,
    fields::Fields,
    node::{Node, Value},
    parse_duration,
    report::Report,
};

/// A value, the way to it, and where to complain.
#[derive(Clone)]
pub(super) struct Field<'a> {
    pub(super) node: &'a Node,
    pub(super) path: String,
    pub(super) report: &'a Report<'a>,
}

impl<'a> Field<'a> {
    /// Adds a problem here.
    pub(super) fn wrong(&self, what: impl Into<String>) {
        self.report.add(self.node.at, &self.path, what, None);
    }

    /// Adds a problem here, with what would be right.
    pub(super) fn wrong_try(&self, what: impl Into<String>, hint: impl Into<String>) {
        self.report
            .add(self.node.at, &self.path, what, Some(hint.into()));
    }

    fn expected(&self, what: &str) {
        self.wrong(format!(
            "{what} is expected, not {}",
            self.node.value.what()
        ));
    }

    /// Reads a text.
    pub(super) fn text(&self) -> Option<&'a str> {
        match &self.node.value {
            Value::Text(text) => Some(text),
            Value::Bool(_) | Value::Integer(_) | Value::Float(_) => {
                self.wrong_try("a text is expected", "put it in quotes");
                None
            }
            Value::Null | Value::List(_) | Value::Map(_) => {
                self.expected("a text");
                None
            }
        }
    }

    /// Reads a text that has a parser of its own.
    pub(super) fn parse<T>(&self) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        self.text()?
            .parse()
            .map_err(|why| self.wrong(format!("{why}")))
            .ok()
    }

    /// Reads a whole number.
    pub(super) fn number(&self, range: RangeInclusive<u32>) -> Option<u32> {
        let (least, most) = (*range.start(), *range.end());
        let Value::Integer(number) = self.node.value else {
            self.expected("a whole number");
            return None;
        };
        let number = u32::try_from(number).ok().filter(|n| range.contains(n));
        if number.is_none() {
            self.wrong(format!("a number from {least} to {most} is expected"));
        }
        number
    }

    /// Reads a port.
    pub(super) fn port(&self) -> Option<u16> {
        self.number(1..=65_535).and_then(|n| u16::try_from(n).ok())
    }

    /// Reads how often something must happen.
    pub(super) fn count(&self) -> Option<u32> {
        self.number(1..=1_000_000)
    }

    /// Reads a duration between 1 ms and 24 hours.
    pub(super) fn duration(&self) -> Option<Duration> {
        let duration = parse_duration(self.text()?)
            .map_err(|why| self.wrong(why.to_string()))
            .ok()?;
        if duration.is_zero() || duration > Duration::from_secs(86_400) {
            self.wrong("a duration from 1ms to 24h is expected");
            return None;
        }
        Some(duration)
    }

    /// Reads a share.
    pub(super) fn percent(&self) -> Option<Percent> {
        if let Value::Integer(number) = self.node.value {
            self.wrong_try("a share needs its sign", format!("write {number}%"));
            return None;
        }
        self.parse()
    }

    /// Reads a list; a single value is none.
    pub(super) fn list(&self) -> Option<Vec<Self>> {
        let Value::List(items) = &self.node.value else {
            self.expected("a list");
            return None;
        };
        let item = |(i, node)| Self {
            node,
            path: format!("{}[{i}]", self.path),
            report: self.report,
        };
        Some(items.iter().enumerate().map(item).collect())
    }

    /// Reads a list, and each of its items by `read`.
    pub(super) fn each<T>(&self, read: impl Fn(&Self) -> Option<T>) -> Option<Vec<T>> {
        // All items are read before one is missed, so that all problems are found.
        let items: Vec<Option<T>> = self.list()?.iter().map(read).collect();
        items.into_iter().collect()
    }

    /// Reads a list that may not be empty, as it would say nothing.
    pub(super) fn some<T>(&self, read: impl Fn(&Self) -> Option<T>) -> Option<Vec<T>> {
        let items = self.each(read)?;
        if items.is_empty() {
            self.wrong("at least one is expected");
            return None;
        }
        Some(items)
    }

    /// Reads a map that has no fields but those `known`.
    pub(super) fn fields(&self, known: &'static [&'static str]) -> Option<Fields<'a>> {
        let Value::Map(entries) = &self.node.value else {
            self.expected("a map");
            return None;
        };
        Some(Fields::new(self, entries, known))
    }

    /// Reads a map whose keys may be anything.
    pub(super) fn entries(&self) -> Option<Vec<(&'a str, Self)>> {
        let Value::Map(entries) = &self.node.value else {
            self.expected("a map");
            return None;
        };
        let entry = |(key, node): &'a (super::node::Key, Node)| {
            (
                key.text.as_str(),
                Self {
                    node,
                    path: format!("{}[{:?}]", self.path, key.text),
                    report: self.report,
                },
            )
        };
        Some(entries.iter().map(entry).collect())
    }
}
