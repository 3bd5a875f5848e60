//! How the version of a View is made of its state's; who counts the steps is `push::version`.

/// The low bits of a View's version: the step since the state changed.
pub(crate) const STEP_BITS: u32 = 20;

/// The version of the state that a View was compiled from.
pub(crate) fn state_version(view_version: u64) -> u64 {
    view_version >> STEP_BITS
}
