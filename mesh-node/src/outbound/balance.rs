//! Least request, power of two choices: draw two candidates, take the one with less to do for its weight. Pure.

/// A candidate as the choice sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load {
    /// Requests under way there.
    pub in_flight: usize,
    /// Its share among the others; 0 counts as 1.
    pub weight: u32,
}

impl Load {
    /// Whether this one has less to do, for its weight, than `other`.
    fn is_lighter_than(self, other: Self) -> bool {
        let (mine, theirs) = (self.in_flight as u128 + 1, other.in_flight as u128 + 1);
        mine * u128::from(other.weight.max(1)) < theirs * u128::from(self.weight.max(1))
    }
}

/// Chooses among candidates by two draws, each uniform over all `u32`; none of none.
pub(crate) fn choose(candidates: &[Load], draws: [u32; 2]) -> Option<usize> {
    let count = candidates.len() as u64;
    let at = |draw: u32, of: u64| (u64::from(draw) * of) >> 32;
    match count {
        0 => None,
        1 => Some(0),
        _ => {
            let first = at(draws[0], count) as usize;
            // The second is another one, always.
            let step = 1 + at(draws[1], count - 1) as usize;
            let second = (first + step) % candidates.len();
            Some(if candidates[second].is_lighter_than(candidates[first]) {
                second
            } else {
                first
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn load(in_flight: usize) -> Load {
        Load {
            in_flight,
            weight: 1,
        }
    }

    #[test]
    fn of_two_the_idler_is_taken_whatever_is_drawn() {
        for draws in [[0, 0], [u32::MAX, 0], [0, u32::MAX], [u32::MAX, u32::MAX]] {
            assert_eq!(choose(&[load(5), load(1)], draws), Some(1));
        }
    }

    #[test]
    fn weight_counts() {
        let heavy = Load {
            in_flight: 5,
            weight: 10,
        };
        assert_eq!(choose(&[heavy, load(1)], [0, 0]), Some(0));
    }

    proptest! {
        #[test]
        fn a_candidate_is_chosen_and_never_the_busiest_of_many(loads in proptest::collection::vec(0usize..50, 1..20), draws: [u32; 2]) {
            let candidates: Vec<Load> = loads.iter().map(|&l| load(l)).collect();
            let chosen = choose(&candidates, draws).unwrap_or(usize::MAX);
            prop_assert!(chosen < candidates.len());
            let most = loads.iter().max().copied().unwrap_or(0);
            if loads.iter().filter(|&&l| l == most).count() == 1 && loads.len() > 1 {
                prop_assert_ne!(loads[chosen], most);
            }
        }
    }
}
