//! rustls configurations that prove identities at both ends: TLS 1.3, no tickets, no early data, [`verify()`](crate::verify())
//! and nothing else deciding (P-3, P-4, P-5, P-6).

mod client;
mod expect;
mod refusal;
mod server;
mod signatures;

pub use client::{client, client_explained};
pub use expect::Expect;
pub use refusal::{LastRefusal, refusal_of};
pub use server::{ClientAuth, ServerCertificates, server};
