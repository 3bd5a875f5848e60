//! HTTP as apps speak it: HTTP/1.1 and HTTP/2 with prior knowledge, on loopback.
//!
//! [`target`] refuses what two readers could read differently, [`fields`] says what
//! belongs to one hop or claims an identity, [`send`] hands a request to an app. Bodies are never held whole.

pub(crate) mod fields;
pub(crate) mod send;
pub mod target;

/// Most bytes of a head (`SECURITY` section 4).
pub(crate) const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Most fields of a head.
pub(crate) const MAX_FIELDS: usize = 100;

/// Names the reason of an answer that the mesh gave itself; one that comes from anybody else is removed.
pub(crate) const REASON: ::http::HeaderName = ::http::HeaderName::from_static("x-weft-error");
/// The reason when an app's connection broke before its answer: the caller's node may have another go where a repeat does no harm.
pub(crate) const APP_BROKE_OFF: &str = "app-broke-off";
