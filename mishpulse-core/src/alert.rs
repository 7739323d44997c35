//! Which change is worth telling a person, and what was told already.

use crate::event::{Alert, AlertKind};
use crate::policy::Policy;
use crate::service::{Service, Status, Trouble};
use crate::time::{Span, Timestamp};

/// An alert before it is known whose it is.
pub(crate) type Raised = Alert<()>;

/// Decides what people hear of a service that was `from` and is what its facts say now, as of `at`. Keeps account of it
/// in the service's trouble.
pub(crate) fn on_change(
    service: &mut Service,
    policy: &Policy,
    from: Status,
    at: Timestamp,
) -> Option<Raised> {
    let to = service.status;
    let was_told = service.trouble().is_some_and(|trouble| trouble.told);
    let kind = match (from, to) {
        (Status::Error, Status::Error) => return on_another_error(service, policy, at),
        (_, Status::Error) => AlertKind::Error,
        (Status::Alive | Status::Warning | Status::Error, Status::Dead) => AlertKind::Dead,
        (Status::Alive, Status::Warning) => AlertKind::Warning,
        (Status::Error | Status::Dead, Status::Alive | Status::Warning) if was_told => AlertKind::Recovered,
        _ => {
            if !to.is_trouble() {
                service.set_trouble(None);
            }
            return None;
        }
    };

    let tells = policy.tells(kind);
    let began = match (service.trouble(), to) {
        (Some(trouble), _) => trouble.began,
        (None, Status::Dead) => service.last_seen.unwrap_or(service.silent_from),
        (None, _) => at,
    };
    if to.is_trouble() {
        let message = service.message().filter(|_| tells && kind == AlertKind::Error).cloned();
        let trouble = service.trouble_since(began);
        trouble.reminded_at = None;
        if tells {
            trouble.told = true;
        }
        if tells && kind == AlertKind::Error {
            trouble.error_told_at = Some(at);
            trouble.error_told = message;
        }
    } else {
        service.set_trouble(None);
    }
    tells.then(|| raise(service, kind, from, began, at))
}

/// Raises the reminder that is due at `due`, unless others are due after it by `end`: who comes late hears once, when
/// the last of them is due, and not once for each interval missed.
pub(crate) fn on_reminder(
    service: &mut Service,
    policy: &Policy,
    due: Timestamp,
    end: Timestamp,
) -> Option<Raised> {
    let every = policy.reminder()?;
    let trouble = service.trouble_mut()?;
    match end.since(due).as_ms() / every.as_ms() {
        0 => trouble.reminded_at = Some(due),
        missed => {
            trouble.reminded_at = Some(due + Span::from_ms((missed - 1) * every.as_ms()));
            return None;
        }
    }
    let began = trouble.began;
    Some(raise(service, AlertKind::Reminder, service.status, began, due))
}

/// Counts the intervals of reminders on to the one that `now` is in, without raising any: a policy holds from now on.
pub(crate) fn skip_reminders(service: &mut Service, policy: &Policy, now: Timestamp) {
    let since = service.since;
    let (Some(every), Some(trouble)) = (policy.reminder(), service.trouble_mut()) else { return };
    let from = trouble.reminded_at.unwrap_or(since);
    let missed = now.since(from).as_ms() / every.as_ms();
    if missed > 0 {
        trouble.reminded_at = Some(from + Span::from_ms(missed * every.as_ms()));
    }
}

/// A service in error reports an error again: told where it differs from what was told last, and not too soon after it.
fn on_another_error(service: &mut Service, policy: &Policy, at: Timestamp) -> Option<Raised> {
    if !policy.tells(AlertKind::Error) {
        return None;
    }
    let since = service.since;
    let told_at = service.trouble().and_then(|trouble| trouble.error_told_at);
    let told = service.trouble().and_then(|trouble| trouble.error_told.as_ref());
    let is_new = told_at.is_none() || told != service.message();
    let is_soon = told_at.is_some_and(|told_at| at.since(told_at) < policy.cooldown());
    if !is_new || is_soon {
        return None;
    }
    let message = service.message().cloned();
    let trouble = service.trouble_since(since);
    if !trouble.told {
        trouble.told = true;
        trouble.reminded_at = Some(at);
    }
    trouble.error_told_at = Some(at);
    trouble.error_told = message;
    let began = trouble.began;
    Some(raise(service, AlertKind::Error, Status::Error, began, at))
}

fn raise(service: &Service, kind: AlertKind, from: Status, began: Timestamp, at: Timestamp) -> Raised {
    Alert {
        service: (),
        kind,
        at,
        from,
        to: service.status,
        began,
        since: service.since,
        last_seen: service.last_seen,
        message: service.message().cloned(),
    }
}

impl Trouble {
    /// Trouble that began at `began`, of which nobody has heard.
    pub(crate) const fn new(began: Timestamp) -> Self {
        Self { began, error_told_at: None, error_told: None, reminded_at: None, told: false }
    }
}
