//! Identities: SVIDs, the bundles that vouch for them, verifying, issuing, and TLS made of these.
//!
//! One function decides whether a chain of certificates proves somebody: [`verify()`]. The TLS configurations of [`tls`] call it,
//! the tunnel calls it, and nothing in the tree accepts a chain by any other way.
//!
//! ```text
//!   authority ──issues──> svid ──shown in──> tls ──asks──> verify ──looks into──> bundle
//!    root                  key (0600, zeroized)              VerifiedSvid          one per trust domain (P-1)
//!     └ intermediate
//! ```
//!
//! ```
//! use std::time::{Duration, SystemTime};
//! use identity::{Bundle, Bundles, PrivateKey, RootAuthority, X509Svid, verify};
//! use protocol::name::{SpiffeId, TrustDomain};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (west, now) = (TrustDomain::parse("west")?, SystemTime::now());
//! let root = RootAuthority::create(&west, now)?;
//! let intermediate = root.intermediate(now, [7; 16])?;
//!
//! // A host makes its key itself; the authority takes only the public half from the request.
//! let (key, cart) = (PrivateKey::generate()?, SpiffeId::parse("spiffe://west/ns/shop/sa/cart")?);
//! let chain = intermediate.issue(&key.csr()?, &cart, Duration::from_secs(3600), now, [8; 16])?;
//! let svid = X509Svid::from_parts(chain, key)?;
//!
//! let bundle = Bundle { trust_domain: west, sequence: 1, roots: vec![root.certificate().clone()], valid_until: None };
//! assert_eq!(verify(svid.chain(), &Bundles::from_iter([bundle]), now)?.id(), &cart);
//! # Ok(())
//! # }
//! ```
//!
//! | to find | look at |
//! | --- | --- |
//! | who may be believed, and why not | [`verify()`], [`VerifyError`] |
//! | what each trust domain's roots are | [`bundle`] |
//! | an identity of our own, with its key | [`svid`], [`key`] |
//! | what signs identities | [`authority`] |
//! | rustls configurations | [`tls`] |
//! | when to renew | [`renewal`] |
//! | who is asking for an identity | [`attest`] |

pub mod attest;
pub mod authority;
pub mod bundle;
pub mod key;
mod pem;
mod provider;
pub mod renewal;
pub mod svid;
pub mod tls;
pub mod verify;

pub use authority::{IntermediateAuthority, RootAuthority};
pub use bundle::{Bundle, Bundles, Trust};
pub use key::PrivateKey;
pub use provider::provider;
pub use svid::X509Svid;
pub use verify::{VerifiedSvid, VerifyError, verify};
