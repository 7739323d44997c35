//! The threads of all channels: started with the server, and again where the configuration changes one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::worker::{Office, Worker};
use super::{Channel, Email, SEND_TIMEOUT, SetupError, SharedClock, Telegram, Webhook};
use crate::config::{ChannelName, ChannelSettings, Settings};
use crate::store::{History, StoreError};

/// Gives each thread its own way to read the outbox.
pub type OpenHistory = Box<dyn Fn() -> Result<Box<dyn History>, StoreError> + Send + Sync>;

/// Every configured channel at work.
pub struct Notifier {
    office: Office,
    open_history: OpenHistory,
    workers: BTreeMap<ChannelName, Running>,
}

struct Running {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// Why a channel cannot be put to work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotifierError {
    /// What its settings name does not work.
    #[error("channel `{0}`: {1}")]
    Channel(ChannelName, SetupError),
    /// The outbox cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gives no more threads.
    #[error("channel `{0}`: no thread for it: {1}")]
    Thread(ChannelName, std::io::Error),
}

impl Notifier {
    /// Puts every channel of `settings` to work.
    ///
    /// # Errors
    /// [`NotifierError`] for the first that cannot be.
    pub fn start(
        settings: &Settings,
        office: Office,
        open_history: OpenHistory,
    ) -> Result<Self, NotifierError> {
        let mut notifier = Self { office, open_history, workers: BTreeMap::new() };
        let ready = notifier.prepare(settings)?;
        notifier.put_to_work(ready)?;
        Ok(notifier)
    }

    /// Makes the channels of `settings` ready for [`restart`](Self::restart); nothing has changed yet.
    ///
    /// # Errors
    /// [`NotifierError`] for the first that cannot be put to work.
    pub fn prepare(&self, settings: &Settings) -> Result<ReadyChannels, NotifierError> {
        let channels = settings.channels.iter();
        let ready = channels.map(|(name, settings)| {
            let channel = open(settings, &self.office.wall, SEND_TIMEOUT);
            let channel = channel.map_err(|error| NotifierError::Channel(name.clone(), error))?;
            Ok(Ready { name: name.clone(), channel, history: (self.open_history)()? })
        });
        Ok(ReadyChannels(ready.collect::<Result<_, NotifierError>>()?))
    }

    /// Stops every channel and puts those that are `ready` to work. A try that is under way is finished first, so that
    /// nothing is sent twice.
    ///
    /// # Errors
    /// [`NotifierError`] where the system gives no more threads.
    pub fn restart(&mut self, ready: ReadyChannels, office: Office) -> Result<(), NotifierError> {
        self.office = office;
        for running in self.workers.values() {
            running.stop.store(true, Ordering::Release);
        }
        self.office.bell.ring();
        self.put_to_work(ready)
    }

    /// Tells every channel to stop, and gives back their threads to wait for.
    #[must_use]
    pub fn stop(self) -> Vec<JoinHandle<()>> {
        for running in self.workers.values() {
            running.stop.store(true, Ordering::Release);
        }
        self.office.bell.ring();
        self.workers.into_values().map(|running| running.thread).collect()
    }

    fn put_to_work(&mut self, ready: ReadyChannels) -> Result<(), NotifierError> {
        let mut before = std::mem::take(&mut self.workers);
        for Ready { name, channel, history } in ready.0 {
            let stop = Arc::new(AtomicBool::new(false));
            let worker = Worker::new(name.clone(), channel, history, self.office.clone(), Arc::clone(&stop));
            let predecessor = before.remove(&name);
            let thread = Builder::new().name(format!("channel {name}")).spawn(move || {
                if let Some(predecessor) = predecessor {
                    // A predecessor that panicked has ended, too.
                    let _ = predecessor.thread.join();
                }
                worker.run();
            });
            let thread = thread.map_err(|error| NotifierError::Thread(name.clone(), error))?;
            self.workers.insert(name, Running { stop, thread });
        }
        Ok(())
    }
}

/// The one place that knows every kind of channel.
pub(super) fn open(
    settings: &ChannelSettings,
    clock: &SharedClock,
    timeout: Duration,
) -> Result<Box<dyn Channel>, SetupError> {
    Ok(match settings {
        ChannelSettings::Telegram(telegram) => Box::new(Telegram::new(telegram, timeout)),
        ChannelSettings::Email(email) => Box::new(Email::new(email, timeout)?),
        ChannelSettings::Webhook(webhook) => Box::new(Webhook::new(webhook, Arc::clone(clock), timeout)),
    })
}

/// Channels that can be put to work.
pub struct ReadyChannels(Vec<Ready>);

struct Ready {
    name: ChannelName,
    channel: Box<dyn Channel>,
    history: Box<dyn History>,
}
