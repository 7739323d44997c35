//! What the server has in its memory stays there.

use rustix::process::{DumpableBehavior, set_dumpable_behavior};

/// Sees to it that a crash leaves no core dump: it would hold every token, key and password, and goes wherever the system collects
/// them. Always, since a place with secrets in it is easily forgotten; whoever debugs a crash runs the server in a debugger. It
/// also keeps other processes of the same user from reading its memory and its environment (`/proc/PID/mem`, `environ`).
pub(super) fn keep_private() {
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "a core dump would hold secrets, and cannot be switched off");
    }
}
