//! Which field of a message is wrong, and why.

use std::fmt::Display;

/// A message that can't be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct InvalidMessage {
    field: String,
    why: String,
}

impl InvalidMessage {
    /// Tells that `field` is wrong.
    pub fn new(field: impl Into<String>, why: impl Display) -> Self {
        Self {
            field: field.into(),
            why: why.to_string(),
        }
    }

    /// Names the field, from the outermost message inwards: `services[3].endpoints[0].spiffe_id`.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Tells what is wrong with it.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// Says that the field belongs to `outer`.
    #[must_use]
    pub(super) fn within(mut self, outer: impl Display) -> Self {
        self.field = format!("{outer}.{}", self.field);
        self
    }
}
