//! Who watches the watchman: beats of this server's own, to another one or to any URL, while it is well.

use std::sync::Arc;
use std::time::Duration;

use mishpulse_client::{Status, beat};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval};

use crate::config::SelfHeartbeat;

/// Says whether this server is well: its store takes writes and its watchdog looks on time.
pub type IsWell = Arc<dyn Fn() -> bool + Send + Sync>;

/// Sends the beats. Stops when dropped.
pub struct Watchman {
    is_well: IsWell,
    beats: Option<(SelfHeartbeat, JoinHandle<()>)>,
}

impl Watchman {
    /// Sends beats as `settings` say, if they do, as long as `is_well` holds.
    #[must_use]
    pub fn start(settings: Option<&SelfHeartbeat>, is_well: IsWell) -> Self {
        let mut watchman = Self { is_well, beats: None };
        watchman.change(settings);
        watchman
    }

    /// Goes by other settings from now on.
    pub fn change(&mut self, settings: Option<&SelfHeartbeat>) {
        if self.beats.as_ref().map(|(settings, _)| settings) == settings {
            return;
        }
        self.stop();
        self.beats = settings.map(|settings| {
            (settings.clone(), tokio::spawn(send_beats(settings.clone(), Arc::clone(&self.is_well))))
        });
    }

    fn stop(&mut self) {
        if let Some((_, beats)) = self.beats.take() {
            beats.abort();
        }
    }
}

impl Drop for Watchman {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn send_beats(settings: SelfHeartbeat, is_well: IsWell) {
    let every = Duration::from(settings.every);
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut was_well = true;
    let mut is_heard = true;
    loop {
        ticks.tick().await;
        // Silence is the message: the other side knows what it means.
        if !is_well() {
            if std::mem::replace(&mut was_well, false) {
                tracing::warn!("this server is not well, so its own heartbeats stop");
            }
            continue;
        }
        was_well = true;
        let url = settings.url.clone();
        let sent = spawn_blocking(move || beat(url.reveal(), Status::Ok)).await;
        match sent {
            Ok(Ok(())) => is_heard = true,
            // The error never has the URL. It is said once for each time of silence.
            Ok(Err(error)) if std::mem::replace(&mut is_heard, false) => {
                tracing::warn!(%error, "this server's own heartbeat was not taken");
            }
            Ok(Err(_)) | Err(_) => {}
        }
    }
}
