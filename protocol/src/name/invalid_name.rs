//! Why a text is not the name it should be.

/// A text that is no name of its kind, with the rule that it breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {kind}: {rule}")]
pub struct InvalidName {
    kind: &'static str,
    text: String,
    rule: &'static str,
}

/// More of a refused text than this is not repeated in an error.
const SHOWN: usize = 100;

impl InvalidName {
    /// Tells that `text` is no `kind`, as it breaks `rule`.
    pub(crate) fn new(kind: &'static str, text: &str, rule: &'static str) -> Self {
        let mut shown: String = text.chars().take(SHOWN).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        Self {
            kind,
            text: shown,
            rule,
        }
    }

    /// Tells the rule that the text breaks.
    pub fn rule(&self) -> &'static str {
        self.rule
    }
}
