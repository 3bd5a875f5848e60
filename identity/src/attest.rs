//! Who is asking for an identity: the proofs that a host or cluster can bring.

pub mod join_token;
