//! "Did you mean": the known word that a misspelt one is nearest to.

/// Finds the one of `known` that takes the fewest edits, unless that is most of the word.
pub(super) fn nearest<'k>(text: &str, known: &[&'k str]) -> Option<&'k str> {
    if text.len() > 50 {
        return None;
    }
    let distance = |word: &&str| edits(&text.to_ascii_lowercase(), &word.to_ascii_lowercase());
    let best = known.iter().copied().min_by_key(distance)?;
    (distance(&best) <= best.len().max(3) / 3).then_some(best)
}

/// Levenshtein's distance in bytes.
fn edits(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_and_far_ones_not() {
        let known = ["peer", "cluster", "healthyBelow", "consecutiveErrors"];
        for (text, suggested) in [
            ("peeer", Some("peer")),
            ("per", Some("peer")),
            ("Cluster", Some("cluster")),
            ("healthybelow", Some("healthyBelow")),
            ("consecutiveError", Some("consecutiveErrors")),
            ("p99Above", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(nearest(text, &known), suggested, "{text}");
        }
    }
}
