//! So many good answers in a row make healthy, so many bad ones unhealthy. Pure.

/// What the checks of one workload have shown.
#[derive(Debug, Clone)]
pub(super) struct Gauge {
    healthy_after: u32,
    unhealthy_after: u32,
    healthy: Option<bool>,
    /// Answers in a row that speak against `healthy`.
    against: u32,
}

impl Gauge {
    pub(super) fn new(healthy_after: u32, unhealthy_after: u32) -> Self {
        Self {
            healthy_after: healthy_after.max(1),
            unhealthy_after: unhealthy_after.max(1),
            healthy: None,
            against: 0,
        }
    }

    /// `None` until there is something to say.
    pub(super) fn is_healthy(&self) -> Option<bool> {
        self.healthy
    }

    /// Takes one answer; the new health, if this changed it. The first answer of all decides alone.
    pub(super) fn observe(&mut self, is_well: bool) -> Option<bool> {
        if self.healthy == Some(is_well) {
            self.against = 0;
            return None;
        }
        self.against += 1;
        let needed = match (self.healthy, is_well) {
            (None, _) => 1,
            (_, true) => self.healthy_after,
            (_, false) => self.unhealthy_after,
        };
        (self.against >= needed).then(|| self.set(is_well))
    }

    /// Proof enough: unhealthy at once. True when that is news.
    pub(super) fn condemn(&mut self) -> bool {
        let is_news = self.healthy != Some(false);
        self.set(false);
        is_news
    }

    fn set(&mut self, healthy: bool) -> bool {
        self.healthy = Some(healthy);
        self.against = 0;
        healthy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_answer_decides_and_then_rows_count() {
        let mut gauge = Gauge::new(2, 3);
        assert_eq!(gauge.observe(true), Some(true));
        assert_eq!([gauge.observe(false), gauge.observe(false)], [None, None]);
        assert_eq!(gauge.observe(true), None, "starts over");
        assert_eq!(
            [
                gauge.observe(false),
                gauge.observe(false),
                gauge.observe(false)
            ],
            [None, None, Some(false)]
        );
        assert_eq!(
            [gauge.observe(true), gauge.observe(true)],
            [None, Some(true)]
        );
    }

    #[test]
    fn condemned_at_once_and_only_once_news() {
        let mut gauge = Gauge::new(1, 5);
        gauge.observe(true);
        assert!(gauge.condemn());
        assert!(!gauge.condemn());
        assert_eq!(gauge.observe(true), Some(true));
    }
}
