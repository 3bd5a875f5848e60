//! SVIDs: the identities a process holds itself, certificate and key together.

mod x509;

pub use x509::{LoadSvidError, SvidError, X509Svid};
