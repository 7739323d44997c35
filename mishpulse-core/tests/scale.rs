//! Many services, short and long timeouts, and jumps of time.

use std::collections::BTreeSet;

use mishpulse_core::testing::{Driver, Input, Rng, Scene, Schedule, Trace};
use mishpulse_core::{
    AlertKind, Change, Config, Event, Gap, Policy, RestoreError, Service, ServiceId, Signal, SignalKind,
    Span, Status, Timestamp, Watchdog,
};

const START: Timestamp = Timestamp::from_unix_ms(1_760_616_000_000);

#[test]
fn the_traces_see_all_that_can_happen() {
    let mut seen = BTreeSet::new();
    for trace in (0..150).map(Trace::generate) {
        let mut driver = Driver::new(&trace, Schedule::Timely);
        for step in &trace.steps {
            for event in driver.play(step) {
                seen.insert(match &event {
                    Event::Changed(change) => format!("{} -> {}", change.from, change.to),
                    Event::Alert(alert) => format!("{} {}", alert.kind, alert.to),
                    _ => "blind".into(),
                });
            }
            let pardoned = driver.dog.services().any(|(_, service)| service.pardoned);
            seen.extend(pardoned.then(|| "pardoned".into()));
        }
    }
    for from in Status::ALL {
        for to in Status::ALL {
            let can_be = match to {
                Status::New => from == Status::Paused,
                Status::Dead => [Status::Alive, Status::Warning, Status::Error].contains(&from),
                _ => from != to,
            };
            assert_eq!(seen.contains(&format!("{from} -> {to}")), can_be, "{from} -> {to}");
        }
    }
    for told in ["dead dead", "error error", "warning warning", "recovered alive", "recovered warning"] {
        assert!(seen.contains(told), "{told}");
    }
    for told in ["reminder dead", "reminder error", "blind", "pardoned"] {
        assert!(seen.contains(told), "{told}");
    }
}

#[test]
fn ten_thousand_due_in_the_same_millisecond() {
    const SERVICES: usize = 10_000;
    let policy = Policy::new(Span::from_secs(60)).unwrap();
    let mut dog = Watchdog::new(Config::default(), START);
    for _ in 0..SERVICES {
        let id = dog.watch(policy, START);
        dog.beat(id, Signal::ok(), START).unwrap();
        assert!(matches!(dog.poll(START), Some(Event::Changed(_))));
    }
    let deadline = START + Span::from_secs(60);
    let (events, looks) = drive(&mut dog, START, deadline);
    assert_eq!(events, []);
    assert!(looks < 1000, "{looks} looks for nothing");

    let dead_at = deadline + Span::from_ms(1);
    let (events, _) = drive(&mut dog, deadline, dead_at);
    let deaths: Vec<_> = events.iter().filter_map(death).collect();
    assert_eq!(deaths.len(), SERVICES, "everyone, at once");
    assert!(deaths.is_sorted(), "in order of their handles");
    assert!(deaths.iter().all(|(at, _)| *at == deadline));
    assert_eq!(events.len(), 2 * SERVICES);
}

#[test]
fn ten_thousand_heard_just_before_their_deadline_hide_nobody() {
    const SERVICES: u32 = 10_000;
    let policy = Policy::new(Span::from_secs(60)).unwrap();
    let mut dog = Watchdog::new(Config::default(), START);
    for id in (0..SERVICES).map(ServiceId::new) {
        assert_eq!(dog.watch(policy, START), id);
        dog.beat(id, Signal::ok(), START).unwrap();
    }
    let deadline = START + Span::from_secs(60);
    let just_before = START + Span::from_secs(59);
    drive(&mut dog, START, just_before);
    // All but each hundredth: their entries in the index come up with those of the dead, and are not acted upon.
    for id in (0..SERVICES).filter(|number| number % 100 > 0).map(ServiceId::new) {
        dog.beat(id, Signal::ok(), just_before).unwrap();
    }
    let (events, _) = drive(&mut dog, just_before, deadline + Span::from_ms(1 + 10));
    let dead: Vec<_> = events.iter().filter_map(death).collect();
    let expected: Vec<_> =
        (0..SERVICES).step_by(100).map(|number| (deadline, ServiceId::new(number))).collect();
    assert_eq!(dead, expected, "within ten milliseconds");
}

#[test]
fn timeouts_from_a_millisecond_to_days_side_by_side() {
    let mut rng = Rng::new(1);
    let mut dog = Watchdog::new(Config::blind_after(Span::LONGEST), START);
    let mut expected = Vec::new();
    // Of every size of timeout some, with and without as much grace.
    for _ in 0..300 {
        let timeout = Span::from_ms((1 << rng.below(28)) + rng.below(3));
        let grace = if rng.chance(50) { timeout } else { Span::ZERO };
        let id = dog.watch(Policy::new(timeout).unwrap().grace(grace).unwrap(), START);
        dog.beat(id, Signal::ok(), START).unwrap();
        expected.push((START + timeout + grace, id));
    }
    while dog.poll(START).is_some() {}
    expected.sort_unstable();

    let (mut deaths, mut looks) = (Vec::new(), 0);
    while let Some(now) = dog.next_deadline() {
        looks += 1;
        let mut dead = Vec::new();
        while let Some(event) = dog.poll(now) {
            match event {
                Event::Changed(Change { service, at, .. }) => dead.push((at, service)),
                Event::Blind(gap) => panic!("{gap:?}"),
                _ => {}
            }
        }
        // As long as the shortest timeout is among them it has to be looked after that often.
        dead.iter().for_each(|(_, id)| dog.forget(*id, now).unwrap());
        deaths.append(&mut dead);
    }
    assert_eq!(deaths, expected);
    assert!(looks < 10_000, "{looks} looks");
}

#[test]
fn ten_years_are_timed_to_the_millisecond() {
    let mut dog = Watchdog::new(Config::blind_after(Span::LONGEST), START);
    let policy = Policy::new(Span::LONGEST).unwrap().grace(Span::LONGEST).unwrap();
    let id = dog.watch(policy, START);
    dog.beat(id, Signal::ok(), START).unwrap();
    assert!(dog.poll(START).is_some());
    // Away for no more than half of it at a time: that is not blind, but late.
    assert_eq!(dog.poll(START + Span::LONGEST), None);
    assert_eq!(dog.poll(START + Span::LONGEST + Span::LONGEST), None);
    let Some(Event::Changed(death)) = dog.poll(START + Span::LONGEST + Span::LONGEST + Span::from_ms(1))
    else {
        panic!("it is dead");
    };
    assert_eq!(death.at, START + Span::LONGEST + Span::LONGEST);
}

#[test]
fn a_jump_of_any_length_finds_everyone() {
    let span = |text: &str| text.parse::<Span>().unwrap();
    // Around what the index looks ahead as well, which is 4,096 times 128 ms.
    for jump in
        ["1s", "9s", "10m", "8m44s287ms", "8m44s288ms", "8m46s336ms", "9m", "1h", "1d", "365d", "3650d"]
    {
        let jump = span(jump);
        let mut dog = Watchdog::new(Config::default(), START);
        let mut rng = Rng::new(jump.as_ms());
        let mut due = Vec::new();
        for _ in 0..500 {
            let timeout = Span::from_ms(20_000 + rng.below(2 * jump.as_ms())).min(Span::LONGEST);
            let id = dog.watch(Policy::new(timeout).unwrap(), START);
            dog.beat(id, Signal::ok(), START).unwrap();
            due.push((START + timeout, id));
        }
        while dog.poll(START).is_some() {}

        let back = START + jump;
        let is_blind = jump > span("10s");
        let said: Vec<Event> = std::iter::from_fn(|| dog.poll(back)).collect();
        assert_eq!(said.len(), usize::from(is_blind), "nobody is dead");
        for (at, id) in &mut due {
            let timeout = at.since(START);
            *at = if is_blind { back + timeout } else { *at };
            assert_eq!(dog.deadline(*id), Some(*at));
        }
        due.sort_unstable();
        let until = back + span("5m");
        let (said, _) = drive(&mut dog, back, until);
        let dead: Vec<_> = said.iter().filter_map(death).collect();
        let expected: Vec<_> = due.into_iter().filter(|(at, _)| *at < until).collect();
        assert_eq!(dead, expected);
    }
}

#[test]
fn a_late_look_finds_everyone_in_order() {
    let blind_after = "3650d".parse().unwrap();
    for late in ["5s", "8m44s", "9m", "20m", "1h"] {
        let late: Span = late.parse().unwrap();
        let mut dog = Watchdog::new(Config::blind_after(blind_after), START);
        let mut rng = Rng::new(late.as_ms());
        let mut expected = Vec::new();
        for _ in 0..3000 {
            // Due within the jump or somewhat after it, and none so short that it is blinded.
            let timeout = Span::from_ms(2 * late.as_ms() + rng.below(late.as_ms() + 1000));
            let id = dog.watch(Policy::new(timeout).unwrap(), START);
            dog.beat(id, Signal::ok(), START).unwrap();
            expected.push((START + timeout, id));
        }
        while dog.poll(START).is_some() {}
        assert_eq!(dog.poll(START + late), None);
        assert_eq!(dog.poll(START + late + late), None);
        let now = START + late + late + late;
        let dead: Vec<_> = std::iter::from_fn(|| dog.poll(now)).filter_map(|event| death(&event)).collect();
        expected.sort_unstable();
        expected.retain(|(at, _)| *at < now);
        assert_eq!(dead, expected);
    }
}

fn death(event: &Event) -> Option<(Timestamp, ServiceId)> {
    match event {
        Event::Changed(Change { service, to: Status::Dead, at, .. }) => Some((*at, *service)),
        _ => None,
    }
}

#[test]
fn at_the_end_of_time_nothing_hangs() {
    let end = Timestamp::from_unix_ms(i64::MAX);
    let begin = Timestamp::from_unix_ms(i64::MIN);
    for (from, to) in [(begin, end), (end, end), (begin, begin), (START, end)] {
        let policy = Policy::new(Span::LONGEST).unwrap().remind_every(Some(Span::from_ms(1))).unwrap();
        let mut dog = Watchdog::new(Config::default(), from);
        let ids = [(); 3].map(|()| dog.watch(policy, from));
        for id in ids {
            dog.beat(id, Signal::new(SignalKind::Error, "last words"), from).unwrap();
        }
        for now in [from, to, end, from] {
            for _ in 0..100 {
                let _ = dog.poll(now);
            }
            dog.beat(ids[0], Signal::ok(), now).unwrap();
            dog.pause(ids[1], now).unwrap();
            dog.resume(ids[1], now).unwrap();
            dog.change(ids[2], policy, now).unwrap();
            assert!(dog.next_deadline().is_some());
        }
        let mut polls = 0;
        while dog.poll(end).is_some() {
            polls += 1;
            assert!(polls < 100);
        }
        let service = dog.service(ids[0]).unwrap();
        assert_eq!(service.status, Status::Alive);
    }
}

#[test]
fn facts_that_contradict_each_other_are_refused() {
    let policy = Policy::new(Span::from_secs(1)).unwrap();
    let row = |number| (ServiceId::new(number), policy, Service::new(START));
    let restore = |rows: &[(ServiceId, Policy, Service)]| {
        Watchdog::restore(Config::default(), rows.iter().cloned(), [], START, START)
    };
    assert_eq!(restore(&[row(1), row(0), row(1)]).err(), Some(RestoreError::Duplicate(ServiceId::new(1))));

    // Handles that are missing are free, the lowest first.
    let mut dog = restore(&[row(3), row(1)]).unwrap();
    assert_eq!(dog.len(), 2);
    let numbers = [(); 3].map(|()| dog.watch(policy, START).number());
    assert_eq!(numbers, [0, 2, 4]);
}

#[test]
fn gaps_may_be_given_back_in_any_order() {
    let mut scene = Scene::new();
    let job = scene.watch(Policy::new("1d".parse().unwrap()).unwrap());
    scene.ok(job);
    scene.away("1m");
    scene.after("1h");
    scene.away("5m");
    let [first, second]: [Gap; 2] = scene.driver.dog.gaps().try_into().unwrap();
    let rows =
        || scene.driver.rows.services.iter().map(|(id, (policy, service))| (*id, *policy, service.clone()));
    for gaps in [[first, second], [second, first]] {
        let dog = Watchdog::restore(Config::default(), rows(), gaps, scene.now(), scene.now()).unwrap();
        assert_eq!(dog.deadline(job), Some(scene.time("1d1m")), "pardoned once, for the first");
        assert_eq!(dog.gaps(), [first, second]);
    }
}

#[test]
fn a_driver_that_keeps_to_a_timeout_of_one_millisecond_is_not_blind() {
    let mut scene = Scene::new();
    let job = scene.watch(Policy::new(Span::from_ms(1)).unwrap());
    scene.ok(job);
    assert_eq!(scene.after("1ms"), [""; 0]);
    assert_eq!(scene.after("1ms"), ["#0 alive -> dead at 1ms", "tell dead of #0 at 1ms"]);
    scene.ok(job);
    assert_eq!(scene.away("2ms"), ["blind for 2ms"]);
}

#[test]
fn a_poll_after_each_input_is_asked_for_at_once() {
    let mut scene = Scene::new();
    let job = scene.watch(Policy::new(Span::from_secs(300)).unwrap());
    let now = scene.now();
    scene.driver.dog.beat(job, Signal::new(SignalKind::Error, "disk full"), now).unwrap();
    assert_eq!(scene.driver.dog.next_deadline(), Some(now), "there is something to say");
    let said = scene.put(Input::Look);
    assert_eq!(said.len(), 2);
    assert!(said[1].contains(AlertKind::Error.as_str()));
}

#[test]
fn a_watchdog_may_move_to_another_thread() {
    const fn is_send<T: Send + Sync>() {}
    is_send::<Watchdog>();
    is_send::<Event>();
}

/// Polls at each next deadline until `until`: what came out, and how often it looked.
fn drive(dog: &mut Watchdog, from: Timestamp, until: Timestamp) -> (Vec<Event>, usize) {
    let (mut now, mut events, mut looks) = (from, Vec::new(), 0);
    while now < until {
        now = dog.next_deadline().map_or(until, |next| next.min(until));
        while let Some(event) = dog.poll(now) {
            events.push(event);
        }
        looks += 1;
    }
    (events, looks)
}
