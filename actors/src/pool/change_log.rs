//! Log of changed leases and queue entries.

/// Set of changed items; disabled, and empty, until first taken.
#[derive(Debug)]
pub(super) struct ChangeLog<T>(Option<Vec<T>>);

impl<T> Default for ChangeLog<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> ChangeLog<T> {
    /// Logs a change.
    pub(super) fn note(&mut self, what: T) {
        if let Self(Some(changed)) = self {
            changed.push(what);
        }
    }

    /// Whether changes are logged.
    pub(super) fn is_enabled(&self) -> bool {
        self.0.is_some()
    }

    /// Takes all changes and enables the log.
    pub(super) fn take(&mut self) -> Vec<T> {
        self.0.replace(Vec::new()).unwrap_or_default()
    }
}
