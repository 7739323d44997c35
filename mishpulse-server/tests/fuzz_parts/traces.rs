//! Traces of the core, which a naive model must agree with event by event.

use mishpulse_core::testing::{Driver, Input, Model, Schedule, Trace};
use mishpulse_core::{ServiceId, Span, Timestamp};

/// The first two bytes are the seed of a trace; each two bytes then change a step of it.
pub fn run(data: &[u8]) {
    let mut seed = [0; 8];
    for (to, from) in seed.iter_mut().zip(data.iter().take(2)) {
        *to = *from;
    }
    let mut trace = Trace::generate(u64::from_le_bytes(seed));
    for change in data.get(2..).unwrap_or_default().chunks_exact(2).take(64) {
        let count = trace.steps.len();
        let place = usize::from(change[0]) % count;
        let step = trace.steps[place].clone();
        match change[1] % 8 {
            0 => trace.steps.push(step),
            1 if trace.steps.len() > 1 => drop(trace.steps.remove(place)),
            2 => trace.steps[place].attentive ^= true,
            3 => trace.steps[place].now = step.now + Span::from_ms(u64::from(change[1] >> 3)),
            4 => trace.steps[place].now = earlier(step.now, change[1] >> 3),
            5 => trace.steps[place].input = Input::Restart,
            6 => trace.steps.swap(place, usize::from(change[1] >> 3) % count),
            _ => trace.steps.insert(place, step),
        }
    }
    // A day of looks, each as soon as it is due, would take as long as all the rest.
    let mut before = trace.start;
    for step in &mut trace.steps {
        step.attentive &= step.now.since(before) <= LOOKED_THROUGH_MAX;
        before = before.max(step.now);
    }
    agrees(&trace);
}

const LOOKED_THROUGH_MAX: Span = Span::from_secs(60);

fn earlier(at: Timestamp, ms: u8) -> Timestamp {
    Timestamp::from_unix_ms(at.unix_ms().saturating_sub(ms.into()))
}

fn agrees(trace: &Trace) {
    let mut driver = Driver::new(trace, Schedule::Timely);
    let mut model = Model::new(trace.config, trace.start);
    for step in &trace.steps {
        while let Some(now) = driver.next_look(step) {
            assert_eq!(driver.look(now), model.look(now), "a look at {now:?} in\n{trace}");
        }
        if !matches!(step.input, Input::Restart) {
            assert_eq!(driver.look(step.now), model.look(step.now), "before {step:?} in\n{trace}");
        }
        let result = driver.apply(&step.input, step.now);
        let events = driver.look(step.now);
        let (mut expected, expected_result) = model.apply(&step.input, step.now);
        expected.extend(model.look(step.now));
        assert_eq!((events, result), (expected, expected_result), "{step:?} in\n{trace}");
        assert_eq!(driver.dog.len(), model.len(), "{step:?} in\n{trace}");
        for id in (0..16).map(ServiceId::new) {
            let facts = driver.dog.service(id);
            let facts = facts.map(|facts| (facts.status, facts.last_seen, driver.dog.deadline(id)));
            assert_eq!(facts, model.service(id), "{id:?} after {step:?} in\n{trace}");
        }
    }
}
