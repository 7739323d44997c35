//! What systemd is told: that the server is ready, reloads, stops, and that it is well.
//!
//! Without `$NOTIFY_SOCKET` all of it does nothing.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// Says that the server is ready once `is_well` says so, and from then on, where systemd's watchdog asks for it, that it still is
/// as long as that holds. Ends with the runtime.
pub(super) fn follow(is_well: impl Fn() -> bool + Send + 'static) {
    let watchdog = sd_notify::watchdog_enabled();
    tokio::spawn(async move {
        while !is_well() {
            sleep(POLL).await;
        }
        tell(&[NotifyState::Ready]);
        let Some(limit) = watchdog else { return };
        let mut ticks = interval((limit / 3).max(LEAST));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if is_well() {
                tell(&[NotifyState::Watchdog]);
            } else {
                tracing::warn!("the server is not well; systemd is not told otherwise and will restart it");
            }
        }
    });
}

/// The configuration is being read again; to be followed by [`reloaded`].
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// It was read again, whether it was taken or not.
pub(super) fn reloaded() {
    tell(&[NotifyState::Ready]);
}

/// The server stops.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

const POLL: Duration = Duration::from_millis(20);
/// However short systemd's watchdog is.
const LEAST: Duration = Duration::from_millis(10);

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "systemd cannot be told");
    }
}
