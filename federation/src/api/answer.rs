//! Errors as people read them.

use std::fmt::Display;

use tonic::{Code, Status};

use crate::store::ProposeError;

/// A request that can't be granted as things are; `hint` is the command to run next.
pub(crate) fn refused(what: impl Display, hint: impl Display) -> Status {
    with_hint(Code::FailedPrecondition, what, hint)
}

/// A request that is wrong in itself.
pub(crate) fn invalid(what: impl Display, hint: impl Display) -> Status {
    with_hint(Code::InvalidArgument, what, hint)
}

/// Nothing of that name.
pub(crate) fn not_found(what: impl Display, hint: impl Display) -> Status {
    with_hint(Code::NotFound, what, hint)
}

/// The store took no write.
pub(crate) fn unavailable(error: &ProposeError) -> Status {
    with_hint(
        Code::Unavailable,
        format!("this controller takes no change: {error}"),
        "weft status",
    )
}

/// An error of that kind.
pub(crate) fn with_hint(code: Code, what: impl Display, hint: impl Display) -> Status {
    Status::new(code, format!("{what}\nTry: {hint}"))
}
