//! The fields of a map in a manifest: those it may have, and a problem for each other.

use super::{
    field::Field,
    node::{Key, Node, Value},
    report::{Report, printable},
    suggestion,
};

/// A map whose keys have been looked at.
pub(super) struct Fields<'a> {
    this: Field<'a>,
    entries: &'a [(Key, Node)],
}

impl<'a> Fields<'a> {
    pub(super) fn new(
        this: &Field<'a>,
        entries: &'a [(Key, Node)],
        known: &[&'static str],
    ) -> Self {
        let fields = Self {
            this: this.clone(),
            entries,
        };
        for (i, (key, _)) in entries.iter().enumerate() {
            if !known.contains(&key.text.as_str()) {
                fields.unknown(key, known);
            } else if entries[..i]
                .iter()
                .any(|(before, _)| before.text == key.text)
            {
                fields.report().add(
                    key.at,
                    &fields.path(&key.text),
                    "this field is there twice",
                    None,
                );
            }
        }
        fields
    }

    fn unknown(&self, key: &Key, known: &[&'static str]) {
        let hint = suggestion::nearest(&key.text, known).map_or_else(
            || {
                format!(
                    "there {} {}",
                    if known.len() == 1 { "is only" } else { "are" },
                    known.join(", ")
                )
            },
            |nearest| format!("did you mean {nearest:?}?"),
        );
        self.report().add(
            key.at,
            &self.path(&printable(&key.text.chars().take(100).collect::<String>())),
            "unknown field",
            Some(hint),
        );
    }

    fn report(&self) -> &'a Report<'a> {
        self.this.report
    }

    fn path(&self, name: &str) -> String {
        if self.this.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.this.path)
        }
    }

    /// Finds a field; one without a value isn't there.
    pub(super) fn optional(&self, name: &str) -> Option<Field<'a>> {
        let (_, node) = self
            .entries
            .iter()
            .find(|(key, node)| key.text == name && !matches!(node.value, Value::Null))?;
        Some(Field {
            node,
            path: self.path(name),
            report: self.report(),
        })
    }

    /// Finds a field that must be there.
    pub(super) fn required(&self, name: &str) -> Option<Field<'a>> {
        let field = self.optional(name);
        if field.is_none() {
            self.report()
                .add(self.this.node.at, &self.path(name), "it is missing", None);
        }
        field
    }

    /// Reads a field by `read`; when it isn't there, or is wrong, `default` stands in.
    pub(super) fn or<T>(
        &self,
        name: &str,
        read: impl Fn(&Field<'a>) -> Option<T>,
        default: T,
    ) -> T {
        self.optional(name)
            .and_then(|field| read(&field))
            .unwrap_or(default)
    }

    /// Adds a problem with the map as a whole.
    pub(super) fn wrong(&self, what: impl Into<String>) {
        self.this.wrong(what);
    }

    /// Tells which of these fields are there.
    pub(super) fn present(&self, names: &[&'static str]) -> Vec<&'static str> {
        names
            .iter()
            .copied()
            .filter(|name| self.optional(name).is_some())
            .collect()
    }
}
