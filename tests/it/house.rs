//! The house keeps itself: what a test holds, nobody has to remember. Each failure says what to do about it.

mod crates;
mod docs;
mod files;
mod metrics;
mod promises;
mod pure;
mod tree;
