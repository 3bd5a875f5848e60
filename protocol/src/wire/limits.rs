//! How much one message may hold: what an attacker in a peer's place can make us keep (SECURITY, section 4; P-17).

/// The longest bundle, counting its certificates.
pub const BUNDLE_BYTES: usize = 1024 * 1024;
/// The most roots in one bundle: more than a rotation ever needs.
pub const BUNDLE_ROOTS: usize = 64;
/// The longest catalog, encoded.
pub const CATALOG_BYTES: usize = 16 * 1024 * 1024;
/// The most services in one catalog.
pub const CATALOG_EXPORTS: usize = 10_000;
/// The most endpoints of one exported service.
pub const CATALOG_ENDPOINTS: usize = 10_000;
/// The longest server name, as DNS has it.
pub const SERVER_NAME_BYTES: usize = 253;
