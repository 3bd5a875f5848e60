//! One way against another, round by round, or a refusal.
//!
//! Rounds are interleaved, so the two figures of one round saw the same machine: their quotient is taken first and the median of
//! the quotients after. When the quotients lie further apart than the metric tolerates, the run was disturbed, and no ratio is
//! better than a wrong one. From five rounds on the highest and lowest quotient are set aside before that is judged.

use std::fmt;

use super::{Figure, Metric};

/// A ratio that holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// The median of the rounds' quotients.
    pub value: f64,
    /// How far they lie apart, in parts of it.
    pub scatter: f64,
}

/// Why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// What is wrong with the rounds.
    pub reason: String,
}

/// Rounds needed before scatter says anything.
const LEAST_ROUNDS: usize = 3;

/// `ours` over `theirs`.
///
/// # Errors
/// When there are too few rounds or they scatter too far; it says how far, and both ranges.
pub fn ratio(metric: Metric, ours: &Figure, theirs: &Figure) -> Result<Ratio, Refused> {
    let refuse = |why: String| {
        let digits = metric.digits();
        Refused {
            reason: format!(
                "{why}: {} against {} {}",
                ours.show(digits),
                theirs.show(digits),
                metric.heading()
            ),
        }
    };
    let pairs: Vec<(f64, f64)> = ours
        .0
        .iter()
        .copied()
        .zip(theirs.0.iter().copied())
        .collect();
    if pairs.len() < LEAST_ROUNDS {
        return Err(refuse(format!("only {} rounds", pairs.len())));
    }
    if pairs.iter().any(|(_, theirs)| *theirs <= 0.0) {
        return Err(refuse("nothing to divide by".to_owned()));
    }
    let quotients = Figure(pairs.iter().map(|(ours, theirs)| ours / theirs).collect());
    let mut kept = quotients.0.clone();
    kept.sort_by(f64::total_cmp);
    if kept.len() >= 5 {
        kept = kept[1..kept.len() - 1].to_vec();
    }
    let (low, high) = Figure(kept).range();
    let value = quotients.median();
    let scatter = (high - low) / value.abs().max(f64::MIN_POSITIVE);
    if scatter > metric.tolerance() {
        let why = format!(
            "rounds scatter by {:.0} % (quotients {low:.2}–{high:.2}), more than {:.0} %",
            scatter * 100.0,
            metric.tolerance() * 100.0
        );
        return Err(refuse(why));
    }
    Ok(Ratio { value, scatter })
}

impl fmt::Display for Ratio {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.2} ×", self.value)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "no ratio: {}", self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ours: &[f64], theirs: &[f64]) -> Result<Ratio, Refused> {
        ratio(
            Metric::Rate,
            &Figure(ours.to_vec()),
            &Figure(theirs.to_vec()),
        )
    }

    #[test]
    fn a_slow_round_of_both_does_no_harm() {
        let ratio = of(&[40.0, 20.0, 42.0], &[10.0, 5.0, 10.0]).unwrap();
        assert_eq!(ratio.value, 4.0);
    }

    #[test]
    fn scatter_is_refused_with_both_ranges() {
        let refused = of(&[40.0, 20.0, 42.0], &[10.0, 10.0, 10.0]).unwrap_err();
        for part in ["rounds scatter by", "40 (20–42)", "10 (10–10)"] {
            assert!(refused.reason.contains(part), "{refused}");
        }
    }

    #[test]
    fn two_rounds_say_nothing_of_scatter() {
        assert!(of(&[1.0, 1.0], &[1.0, 1.0]).is_err());
        assert!(of(&[1.0, 1.0, 1.0], &[1.0, 0.0, 1.0]).is_err());
    }

    #[test]
    fn of_five_rounds_the_extremes_are_set_aside() {
        let ratio = of(&[4.0, 1.0, 4.0, 9.0, 4.0], &[1.0; 5]).unwrap();
        assert_eq!(ratio.value, 4.0);
    }
}
