//! Opaque server names (TRANSPORT section 6): an onlooker reads them in ClientHellos and learns nothing.
//!
//! ```text
//!   name = base32(HMAC(K_name[day], service | identity | callers' trust domain)[..16]) + ".weft.internal"
//!   K_name[day] = HMAC(K_name, "epoch" | day)
//! ```
//! Callers are given the present day's name. Destinations answer to it, to the day's before, and to the next day's, as a caller may hear
//! of a new day before the destination does.

use aws_lc_rs::hmac;
use data_encoding::{BASE32_NOPAD, Encoding};
use protocol::name::{ServiceName, SpiffeId, TrustDomain};

use crate::state::UnixSeconds;

const DAY_SECONDS: UnixSeconds = 24 * 3600;
const NAME_BYTES: usize = 16;
const SUFFIX: &str = ".weft.internal";
const ENCODING: &Encoding = &BASE32_NOPAD;

/// Names for one day.
pub(super) struct ServerNames {
    /// The day before, the day, the day after.
    keys: [hmac::Key; 3],
}

impl ServerNames {
    pub(super) fn new(name_key: &[u8], now: UnixSeconds) -> Self {
        let day = now / DAY_SECONDS;
        let master = hmac::Key::new(hmac::HMAC_SHA256, name_key);
        let of_day = |day: u64| {
            let mut context = hmac::Context::with_key(&master);
            context.update(b"epoch");
            context.update(&day.to_be_bytes());
            hmac::Key::new(hmac::HMAC_SHA256, context.sign().as_ref())
        };
        Self {
            keys: [of_day(day.saturating_sub(1)), of_day(day), of_day(day + 1)],
        }
    }

    /// The name that callers of `trust_domain` are given.
    pub(super) fn given(
        &self,
        service: &ServiceName,
        id: &SpiffeId,
        trust_domain: &TrustDomain,
    ) -> String {
        name(&self.keys[1], service, id, trust_domain)
    }

    /// The names that a destination answers to.
    pub(super) fn answered(
        &self,
        service: &ServiceName,
        id: &SpiffeId,
        trust_domain: &TrustDomain,
    ) -> [String; 3] {
        self.keys
            .each_ref()
            .map(|key| name(key, service, id, trust_domain))
    }
}

fn name(
    key: &hmac::Key,
    service: &ServiceName,
    id: &SpiffeId,
    trust_domain: &TrustDomain,
) -> String {
    let mut context = hmac::Context::with_key(key);
    for part in [
        service.to_string(),
        id.to_string(),
        trust_domain.to_string(),
    ] {
        context.update(part.as_bytes());
        // No name holds a zero byte, so that parts can't run into each other.
        context.update(&[0]);
    }
    let mut name = ENCODING.encode(&context.sign().as_ref()[..NAME_BYTES]);
    name.make_ascii_lowercase();
    name + SUFFIX
}
