//! The current View, swapped whole; readers never wait.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use protocol::view::View;

/// The View in force here. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct CurrentView(Arc<ArcSwapOption<View>>);

impl CurrentView {
    /// The View in force; none before the first.
    pub fn current(&self) -> Option<Arc<View>> {
        self.0.load_full()
    }

    /// Puts a View in force.
    pub(crate) fn swap(&self, view: Arc<View>) {
        self.0.store(Some(view));
    }
}
