//! The laws of a watchdog, each checked over random traces.
//!
//! `MISHPULSE_SEEDS=100000 cargo test --release --test laws` looks further; `MISHPULSE_SEED=7` looks at one trace again.

use mishpulse_core::testing::{Driver, Input, Model, Rng, Schedule, Trace};
use mishpulse_core::{Event, Service, ServiceId, Span};

#[path = "common/check.rs"]
mod check;
mod common;

use check::{ensure, of_whom, same};
use common::{Verdict, holds};

#[test]
fn the_same_inputs_give_the_same_events() {
    holds(|trace| {
        let (mut one, mut other) = (timely(trace), timely(trace));
        for step in &trace.steps {
            same("events", &one.play(step), &other.play(step))?;
            same("rows", &one.rows, &other.rows)?;
        }
        Ok(())
    });
}

#[test]
fn a_naive_model_agrees_event_by_event() {
    holds(|trace| agrees(trace, true));
}

#[test]
fn a_naive_model_agrees_when_an_input_comes_before_the_look() {
    holds(|trace| agrees(trace, false));
}

fn agrees(trace: &Trace, looks_first: bool) -> Verdict {
    let mut driver = timely(trace);
    let mut model = Model::new(trace.config, trace.start);
    for step in &trace.steps {
        while let Some(now) = driver.next_look(step) {
            same(&format!("events of a look at {now:?}"), &driver.look(now), &model.look(now))?;
        }
        if looks_first && !matches!(step.input, Input::Restart) {
            same(&format!("events before {step:?}"), &driver.look(step.now), &model.look(step.now))?;
        }
        let result = driver.apply(&step.input, step.now);
        let events = driver.look(step.now);
        let (mut expected, expected_result) = model.apply(&step.input, step.now);
        expected.extend(model.look(step.now));
        same(&format!("events of {step:?}"), &events, &expected)?;
        same("results", &result, &expected_result)?;
        same("number", &driver.dog.len(), &model.len())?;
        for id in (0..13).map(ServiceId::new) {
            let service = driver.dog.service(id);
            let facts = service.map(|facts| (facts.status, facts.last_seen, driver.dog.deadline(id)));
            same(&format!("facts of {id:?} after {step:?}"), &facts, &model.service(id))?;
        }
    }
    Ok(())
}

#[test]
fn the_schedule_of_polls_does_not_matter() {
    holds(|trace| {
        let timely = all_events(trace, Schedule::Timely);
        for seed in 0..3 {
            same("events", &all_events(trace, Schedule::Eager(Rng::new(seed))), &timely)?;
        }
        // Who polls after the input alone hears the same of each service; of two services in another order.
        let mut input_first = all_events(trace, Schedule::InputFirst);
        let mut timely = timely;
        input_first.sort_by_key(of_whom);
        timely.sort_by_key(of_whom);
        same("events by service", &input_first, &timely)
    });
}

#[test]
fn after_the_last_event_the_next_deadline_is_ahead_and_nothing_is_due_before_it() {
    holds(|trace| {
        let mut driver = timely(trace);
        let mut model = Model::new(trace.config, trace.start);
        for step in &trace.steps {
            while let Some(now) = driver.next_look(step) {
                driver.look(now);
                let _ = model.look(now);
                next_deadline_is_right(&driver, &model, trace)?;
            }
            if !matches!(step.input, Input::Restart) {
                driver.look(step.now);
                let _ = model.look(step.now);
            }
            let _ = driver.apply(&step.input, step.now);
            driver.look(step.now);
            let _ = model.apply(&step.input, step.now);
            let _ = model.look(step.now);
            next_deadline_is_right(&driver, &model, trace)?;
        }
        Ok(())
    });
}

fn next_deadline_is_right(driver: &Driver, model: &Model, trace: &Trace) -> Verdict {
    let Some(next) = driver.dog.next_deadline() else {
        return ensure(driver.dog.is_empty(), || "no next deadline, but someone is watched".into());
    };
    let (now, blind_after) = (driver.now, trace.config.blind_after);
    ensure(next > now, || format!("next deadline {next:?} is not after {now:?}"))?;
    let longest = blind_after.half().max(Span::from_ms(1));
    ensure(next.since(now) <= longest, || format!("next deadline {next:?} is too far from {now:?}"))?;
    let due = model.next_due().map(|due| due.max(now + Span::from_ms(1)));
    ensure(due.is_none_or(|due| next <= due), || format!("next deadline {next:?} is after {due:?}"))
}

#[test]
fn who_keeps_to_the_next_deadline_is_never_taken_for_blind() {
    holds(|trace| {
        let mut driver = timely(trace);
        for step in &trace.steps {
            while let Some(now) = driver.next_look(step) {
                let events = driver.look(now);
                ensure(!events.iter().any(|event| matches!(event, Event::Blind(_))), || {
                    format!("taken for blind at {now:?}")
                })?;
            }
            driver.play(step);
        }
        Ok(())
    });
}

#[test]
fn extra_polls_change_nothing() {
    holds(|trace| {
        let mut driver = timely(trace);
        for step in &trace.steps {
            driver.play(step);
            let before = facts(&driver);
            let next = driver.dog.next_deadline();
            for _ in 0..3 {
                same("an extra poll", &driver.dog.poll(driver.now), &None)?;
                same("a poll in the past", &driver.dog.poll(trace.start), &None)?;
            }
            same("facts", &facts(&driver), &before)?;
            same("next deadline", &driver.dog.next_deadline(), &next)?;
        }
        Ok(())
    });
}

#[test]
fn a_restored_watchdog_goes_on_as_the_original_would() {
    holds(|trace| {
        let mut rng = Rng::new(trace.steps.len() as u64);
        let crashes: Vec<usize> = (0..6).map(|_| rng.below(trace.steps.len() as u64) as usize).collect();
        let mut original = timely(trace);
        let mut restored: Vec<Driver> = Vec::new();
        for (place, step) in trace.steps.iter().enumerate() {
            let events = original.play(step);
            let expected = facts(&original);
            for driver in &mut restored {
                same(&format!("events at {step:?}"), &driver.play(step), &events)?;
                same(&format!("facts at {step:?}"), &facts(driver), &expected)?;
                same("gaps", &driver.dog.gaps(), &original.dog.gaps())?;
                same("rows", &driver.rows, &original.rows)?;
            }
            if crashes.contains(&place) {
                let driver = original.fork();
                same(&format!("facts restored after {step:?}"), &facts(&driver), &expected)?;
                restored.push(driver);
            }
        }
        Ok(())
    });
}

fn timely(trace: &Trace) -> Driver {
    Driver::new(trace, Schedule::Timely)
}

fn all_events(trace: &Trace, schedule: Schedule) -> Vec<Event> {
    let mut driver = Driver::new(trace, schedule);
    trace.steps.iter().flat_map(|step| driver.play(step)).collect()
}

fn facts(driver: &Driver) -> Vec<(ServiceId, Service)> {
    driver.dog.services().map(|(id, service)| (id, service.clone())).collect()
}
