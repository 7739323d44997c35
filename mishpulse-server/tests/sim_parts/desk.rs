//! What the simulation asks of the engine, in a form that both the engine and the oracle understand.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use mishpulse_core::{Signal, Timestamp};
use mishpulse_server::Settings;
use mishpulse_server::config::{Overrides, ServiceName, Token};
use mishpulse_server::engine::{BeatOutcome, Command, Edit, Inbox};
use mishpulse_server::store::rows::Identity;
use mishpulse_server::store::{NewDelivery, Settlement};

/// Something that was asked.
#[derive(Clone)]
pub enum Sent {
    Beat { token: Token, signal: Signal, received: Timestamp },
    Create(Identity),
    Amend(ServiceName, Amendment),
    Delete(ServiceName),
    Pause(ServiceName),
    Resume(ServiceName),
    RotateToken(ServiceName, Token),
    Settle(Settlement),
    Post(NewDelivery),
    Reconfigure(Arc<Settings>),
}

/// What is to be other.
#[derive(Clone, Default)]
pub struct Amendment {
    pub name: Option<ServiceName>,
    pub overrides: Option<Overrides>,
}

impl Amendment {
    pub fn of(&self, identity: &Identity) -> Identity {
        let Self { name, overrides } = self.clone();
        let name = name.unwrap_or_else(|| identity.name.clone());
        let overrides = overrides.unwrap_or_else(|| identity.overrides.clone());
        Identity { name, overrides, ..identity.clone() }
    }
}

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is kept.
    Kept,
    /// There is no such service.
    Unknown,
    /// It cannot be.
    Wrong,
    /// It cannot be stored now.
    Unavailable,
}

/// Something that waits for its answer.
pub struct Asked {
    pub sent: Sent,
    /// Whose: the agent's or the clerk's number.
    pub by: usize,
    future: Pin<Box<dyn Future<Output = Answer>>>,
}

impl Asked {
    /// Sends it, and says at once where it was turned away at the door.
    pub fn new(inbox: &Inbox, sent: Sent, by: usize) -> Result<Self, Answer> {
        let future = ask(inbox.clone(), sent.clone());
        let mut asked = Self { sent, by, future };
        match asked.poll() {
            None => Ok(asked),
            Some(answer) => Err(answer),
        }
    }

    /// The answer, where there is one.
    pub fn poll(&mut self) -> Option<Answer> {
        match self.future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        }
    }
}

fn ask(inbox: Inbox, sent: Sent) -> Pin<Box<dyn Future<Output = Answer>>> {
    let edit = match sent {
        Sent::Beat { token, signal, received } => {
            return Box::pin(async move {
                match inbox.ask(|reply| Command::Beat { token, signal, received, reply }).await {
                    Ok(BeatOutcome::Stored) => Answer::Kept,
                    Ok(BeatOutcome::UnknownToken) => Answer::Unknown,
                    Err(_) => Answer::Unavailable,
                }
            });
        }
        Sent::Settle(settlement) => {
            return Box::pin(async move {
                let asked = inbox.ask(|reply| Command::Settle { settlement, reply }).await;
                asked.map_or(Answer::Unavailable, |()| Answer::Kept)
            });
        }
        Sent::Post(delivery) => {
            return Box::pin(async move {
                let delivery = Box::new(delivery);
                let asked = inbox.ask(|reply| Command::Post { delivery, reply }).await;
                asked.map_or(Answer::Unavailable, |()| Answer::Kept)
            });
        }
        Sent::Reconfigure(settings) => {
            return Box::pin(async move {
                let asked = inbox.ask(|reply| Command::Reconfigure { settings, reply }).await;
                asked.map_or(Answer::Unavailable, |result| result.map_or(Answer::Wrong, |()| Answer::Kept))
            });
        }
        Sent::Create(identity) => Edit::Create(identity),
        Sent::Amend(name, amendment) => {
            Edit::Update { name, change: Box::new(move |identity| Ok(amendment.of(identity))) }
        }
        Sent::Delete(name) => Edit::Delete { name, check: Box::new(|_| Ok(())) },
        Sent::Pause(name) => Edit::Pause(name),
        Sent::Resume(name) => Edit::Resume(name),
        Sent::RotateToken(name, token) => Edit::RotateToken(name, token),
    };
    Box::pin(async move {
        let asked =
            inbox.ask(|reply| Command::Edit { edit: Box::new(edit), by: "sim".to_owned(), reply }).await;
        asked.map_or(Answer::Unavailable, |result| result.map_or(Answer::Wrong, |_| Answer::Kept))
    })
}
