//! The laws of what people hear, each checked over random traces.

use std::collections::BTreeMap;

use mishpulse_core::testing::{Driver, Input, Schedule, Trace};
use mishpulse_core::{
    AlertKind, Change, Event, Gap, ServiceId, Span, Status, Timestamp, UnknownService, keyed,
};

#[path = "common/check.rs"]
mod check;
mod common;

use check::{ensure, of_whom, same};
use common::{Verdict, holds};

#[test]
fn every_change_starts_where_the_last_one_led_to() {
    holds(|trace| {
        let mut statuses: BTreeMap<ServiceId, (Status, Timestamp)> = BTreeMap::new();
        each_step(trace, |driver, events, input| {
            for event in events {
                if let Event::Changed(change) = event {
                    let (status, at) = statuses
                        .insert(change.service, (change.to, change.at))
                        .unwrap_or((Status::New, change.at));
                    same(&format!("what it was before {change:?}"), &change.from, &status)?;
                    ensure(change.from != change.to, || format!("no change: {change:?}"))?;
                    ensure(at <= change.at, || format!("{change:?} was before the last change, {at:?}"))?;
                }
            }
            if let Input::Forget(id) = input {
                statuses.remove(id);
            }
            for (id, service) in driver.dog.services() {
                let told = statuses.get(&id).map_or(Status::New, |(status, _)| *status);
                same(&format!("the status of {id:?} and what was said of it"), &service.status, &told)?;
            }
            Ok(())
        })
    });
}

#[test]
fn recovered_is_only_told_after_its_trouble_was_and_then_once() {
    holds(|trace| {
        let mut told: BTreeMap<ServiceId, bool> = BTreeMap::new();
        each_step(trace, |_, events, input| {
            for event in events {
                match event {
                    Event::Alert(alert) => match alert.kind {
                        AlertKind::Dead | AlertKind::Error => {
                            told.insert(alert.service, true);
                        }
                        AlertKind::Recovered | AlertKind::Reminder => {
                            let was_told = told.get(&alert.service).copied().unwrap_or_default();
                            ensure(was_told, || format!("nobody knew of the trouble of {alert:?}"))?;
                            told.insert(alert.service, alert.kind == AlertKind::Reminder);
                        }
                        _ => {}
                    },
                    // Its alert comes after the change, and paused services are nobody's trouble.
                    Event::Changed(Change { service, to: Status::Paused, .. }) => {
                        told.insert(*service, false);
                    }
                    _ => {}
                }
            }
            if let Input::Forget(id) = input {
                told.remove(id);
            }
            Ok(())
        })
    });
}

#[test]
fn only_what_was_asked_for_is_told() {
    holds(|trace| {
        each_step(trace, |driver, events, input| {
            for event in events {
                let Event::Alert(alert) = event else { continue };
                // A policy that is changed in this step may have been another when the alert was raised.
                if matches!(input, Input::Change(id, _) | Input::Forget(id) if *id == alert.service) {
                    continue;
                }
                let policy = driver.dog.policy(alert.service).expect("it is watched");
                let is_asked = alert.kind == AlertKind::Reminder || policy.tells(alert.kind);
                ensure(is_asked, || format!("nobody asked for {alert:?}"))?;
            }
            Ok(())
        })
    });
}

#[test]
fn an_alert_follows_the_change_that_it_is_about() {
    holds(|trace| {
        let mut last: BTreeMap<ServiceId, Change> = BTreeMap::new();
        each_step(trace, |_, events, input| {
            let mut before: Option<&Event> = None;
            for event in events {
                if let Event::Changed(change) = event {
                    last.insert(change.service, change.clone());
                }
                if let Event::Alert(alert) = event {
                    let change = last.get(&alert.service).ok_or("an alert without a change")?;
                    same("status", &alert.to, &change.to)?;
                    same("since", &alert.since, &change.at)?;
                    if alert.from != alert.to {
                        same("the event before", &before, &Some(&Event::Changed(change.clone())))?;
                        same("from", &alert.from, &change.from)?;
                        same("at", &alert.at, &change.at)?;
                    }
                    ensure(alert.began <= alert.at, || format!("it began later than it was: {alert:?}"))?;
                }
                before = Some(event);
            }
            if let Input::Forget(id) = input {
                last.remove(id);
            }
            Ok(())
        })
    });
}

#[test]
fn who_is_silent_is_dead_and_who_is_heard_is_not() {
    holds(|trace| {
        each_step(trace, |driver, _, _| {
            for (id, service) in driver.dog.services() {
                let deadline = driver.dog.deadline(id);
                let is_overdue = deadline.is_some_and(|deadline| deadline < driver.dog.listened_until());
                ensure(!is_overdue, || format!("{id:?} is not dead: {service:?}"))?;
                let is_quiet = [Status::New, Status::Dead, Status::Paused].contains(&service.status);
                same("a deadline where there is none to keep", &deadline.is_none(), &is_quiet)?;
            }
            Ok(())
        })
    });
}

#[test]
fn a_gap_never_kills() {
    holds(|trace| {
        let mut before: BTreeMap<ServiceId, Timestamp> = BTreeMap::new();
        each_step(trace, |driver, events, input| {
            for gap in gaps(events) {
                for event in events {
                    let Event::Changed(Change { service, to: Status::Dead, .. }) = event else { continue };
                    let deadline = before.get(service).copied();
                    let is_changed = matches!(input, Input::Change(id, _) if id == service);
                    let allowance = driver.dog.policy(*service).expect("it is watched").allowance();
                    let is_blinding = gap.away > trace.config.blind_after || gap.away > allowance.half();
                    let is_blinding = is_blinding && gap.away > Span::from_ms(1);
                    // Who died now was due before the watcher went away, or was pardoned before already.
                    let was_ahead = deadline.is_some_and(|deadline| deadline >= gap.from);
                    let pardoned = driver.dog.service(*service).is_some_and(|service| service.pardoned);
                    let is_wrong = is_blinding && was_ahead && !is_changed && !pardoned;
                    ensure(!is_wrong, || format!("{gap:?} killed {service:?}, due {deadline:?}"))?;
                }
            }
            before =
                driver.dog.services().filter_map(|(id, _)| Some((id, driver.dog.deadline(id)?))).collect();
            Ok(())
        })
    });
}

#[test]
fn silence_is_pardoned_at_most_once_between_two_signals() {
    holds(|trace| {
        let mut pardons: BTreeMap<ServiceId, (Option<Timestamp>, Timestamp, u32)> = BTreeMap::new();
        each_step(trace, |driver, _, input| {
            let mut seen = BTreeMap::new();
            for (id, service) in driver.dog.services() {
                let (last_seen, silent_from, mut count) =
                    pardons.get(&id).copied().unwrap_or((service.last_seen, service.silent_from, 0));
                // A beat, or somebody's hand, starts anew.
                if last_seen != service.last_seen || input.service() == Some(id) {
                    count = 0;
                } else if silent_from != service.silent_from {
                    count += 1;
                }
                ensure(count <= 1, || format!("{id:?} was pardoned again"))?;
                seen.insert(id, (service.last_seen, service.silent_from, count));
            }
            pardons = seen;
            Ok(())
        })
    });
}

#[test]
fn what_falls_due_comes_in_order_of_time_and_handle() {
    holds(|trace| {
        let mut driver = Driver::new(trace, Schedule::Timely);
        for step in &trace.steps {
            driver.play(step);
            // Nothing is said for a while, then all at once.
            let later = driver.now + Span::from_ms(9_000);
            let due: Vec<_> = driver.look(later).iter().filter_map(when_due).collect();
            ensure(due.is_sorted(), || format!("out of order: {due:?}"))?;
        }
        Ok(())
    });
}

/// The first millisecond at which an event can be told, and whose it is.
fn when_due(event: &Event) -> Option<(Timestamp, ServiceId)> {
    let at = match event {
        Event::Changed(change) => change.at + Span::from_ms(1),
        Event::Alert(alert) if alert.kind == AlertKind::Reminder => alert.at,
        Event::Alert(alert) => alert.at + Span::from_ms(1),
        _ => return None,
    };
    Some((at, of_whom(event)?))
}

#[test]
fn services_with_names_fare_as_services_with_handles() {
    holds(|trace| {
        let mut plain = Driver::new(trace, Schedule::Timely);
        let mut named: keyed::Watchdog<String> = keyed::Watchdog::new(trace.config, trace.start);
        let name = |id: ServiceId| format!("service {id}");
        for step in &trace.steps {
            let mut is_last = false;
            while !is_last {
                let next = plain.next_look(step);
                is_last = next.is_none();
                let now = next.unwrap_or(step.now);
                let mut expected: Vec<_> = plain.look(now).iter().map(|event| words(event, name)).collect();
                let mut heard: Vec<_> =
                    std::iter::from_fn(|| named.poll(now)).map(|event| words(&event, |name| name)).collect();
                // Those who are restored by name may have other handles, by which events at one moment are ordered.
                expected.sort_by(|one, other| one.0.cmp(&other.0));
                heard.sort_by(|one, other| one.0.cmp(&other.0));
                same("events", &heard, &expected)?;
            }
            let result =
                if let Input::Restart = step.input { Ok(()) } else { plain.apply(&step.input, step.now) };
            if let Input::Restart = step.input {
                let names: Vec<ServiceId> = plain.rows.services.keys().copied().collect();
                let rows = names.iter().map(|id| {
                    (
                        name(*id),
                        *named.policy(&name(*id)).unwrap(),
                        named.service(&name(*id)).unwrap().clone(),
                    )
                });
                let gaps = named.gaps().to_vec();
                named = keyed::Watchdog::restore(trace.config, rows, gaps, plain.now, plain.now).unwrap();
                if let Some(since) = plain.dog.deaf_since() {
                    named.deaf(since, plain.now);
                }
            }
            let named_result = match &step.input {
                Input::Watch(policy) => {
                    let id = plain.rows.services.keys().find(|id| named.service(&name(**id)).is_none());
                    let name = name(*id.expect("one is new"));
                    named.watch(name, *policy, step.now).map_err(|_| UnknownService)
                }
                Input::Forget(id) => named.forget(&name(*id), step.now),
                Input::Change(id, policy) => named.change(&name(*id), *policy, step.now),
                Input::Beat(id, signal) => named.beat(&name(*id), signal.clone(), step.now),
                Input::Pause(id) => named.pause(&name(*id), step.now),
                Input::Resume(id) => named.resume(&name(*id), step.now),
                // Time goes on from the latest, by which the driver goes while it is deaf.
                Input::Deaf => {
                    named.deaf(plain.now.max(step.now), plain.now);
                    Ok(())
                }
                Input::Hears => {
                    named.hears(plain.now);
                    Ok(())
                }
                Input::Look | Input::Restart => Ok(()),
            };
            same("results", &named_result, &result)?;
            let is_restarted = trace.steps.iter().any(|step| matches!(step.input, Input::Restart));
            if !is_restarted {
                same("next deadline", &named.next_deadline(), &plain.dog.next_deadline())?;
            }
            same("number", &named.len(), &plain.dog.len())?;
        }
        Ok(())
    });
}

/// Whom an event is about, and what it says.
fn words<K: Clone>(event: &Event<K>, name: impl Fn(K) -> String) -> (String, String) {
    match event {
        Event::Changed(change) => {
            (name(change.service.clone()), format!("{} -> {} {:?}", change.from, change.to, change.at))
        }
        Event::Alert(alert) => {
            let of_what = (alert.kind, alert.at, alert.from, alert.to, alert.began, alert.since);
            let said = format!("{of_what:?} {:?} {:?}", alert.last_seen, alert.message);
            (name(alert.service.clone()), said)
        }
        Event::Blind(gap) => (String::new(), format!("{gap:?}")),
        _ => unreachable!("there are no other events"),
    }
}

fn gaps(events: &[Event]) -> impl Iterator<Item = Gap> {
    events.iter().filter_map(|event| if let Event::Blind(gap) = event { Some(*gap) } else { None })
}

/// Plays `trace`, and shows each look and each input with what came of it.
fn each_step(trace: &Trace, mut check: impl FnMut(&Driver, &[Event], &Input) -> Verdict) -> Verdict {
    let mut driver = Driver::new(trace, Schedule::Timely);
    for step in &trace.steps {
        while let Some(now) = driver.next_look(step) {
            let events = driver.look(now);
            check(&driver, &events, &Input::Look)?;
        }
        let events = driver.look(step.now);
        check(&driver, &events, &Input::Look)?;
        // Nobody is there for an input to a service that is unknown: it does nothing.
        let _ = driver.apply(&step.input, step.now);
        let events = driver.look(step.now);
        check(&driver, &events, &step.input)?;
    }
    Ok(())
}
