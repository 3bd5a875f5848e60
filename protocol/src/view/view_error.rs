//! Why a message is no View.

use crate::wire::InvalidMessage;

/// What was wrong with it; nothing of it is used then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    /// Made by a controller that speaks another schema.
    #[error("the View has schema {0}, and this host understands {known}", known = crate::wire::VIEW_SCHEMA)]
    Schema(u32),
    /// A field isn't what it should be.
    #[error(transparent)]
    Invalid(#[from] InvalidMessage),
}

impl ViewError {
    /// Names the field that is wrong.
    pub fn field(&self) -> &str {
        match self {
            Self::Schema(_) => "schema",
            Self::Invalid(invalid) => invalid.field(),
        }
    }
}
