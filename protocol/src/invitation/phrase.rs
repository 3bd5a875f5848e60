//! A root's digest as four words that two people can read to each other.

const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
const VOWELS: &[u8; 4] = b"aiou";

/// Turns the first 64 bits of a digest into four words of five letters (proquints): `lusab-babad-gutih-tugad`.
pub fn phrase(root_digest: &[u8; 32]) -> String {
    let word = |pair: &[u8]| word(u16::from_be_bytes([pair[0], pair[1]]));
    root_digest[..8]
        .chunks_exact(2)
        .map(word)
        .collect::<Vec<_>>()
        .join("-")
}

/// Sixteen bits as consonant, vowel, consonant, vowel, consonant: 4, 2, 4, 2 and 4 bits.
fn word(bits: u16) -> String {
    let consonant = |shift: u32| char::from(CONSONANTS[usize::from(bits >> shift & 15)]);
    let vowel = |shift: u32| char::from(VOWELS[usize::from(bits >> shift & 3)]);
    [
        consonant(12),
        vowel(10),
        consonant(6),
        vowel(4),
        consonant(0),
    ]
    .iter()
    .collect()
}
