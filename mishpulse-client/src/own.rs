//! Marks what this crate does itself, so that its own troubles are not reported as the app's.

use std::cell::Cell;

/// From here to the drop of what is returned, this thread works for the crate.
pub(crate) fn enter() -> Own {
    Own { before: WORKING.try_with(|working| working.replace(true)).unwrap_or(true) }
}

/// Whether this thread works for the crate right now.
pub(crate) fn is_own() -> bool {
    // Unreadable only while the thread ends: then it is better to report than to swallow.
    WORKING.try_with(Cell::get).unwrap_or(false)
}

pub(crate) struct Own {
    before: bool,
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = WORKING.try_with(|working| working.set(self.before));
    }
}

thread_local! {
    static WORKING: Cell<bool> = const { Cell::new(false) };
}
