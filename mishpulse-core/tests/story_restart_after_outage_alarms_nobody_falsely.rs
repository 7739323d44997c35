//! The server is down for an hour. Nobody who could not report is called dead; who really died is found within one
//! timeout; who was dead before stays dead without being told again.

use mishpulse_core::testing::{NOTHING, Scene};
use mishpulse_core::{Config, Event, Policy, Span, Status, Watchdog};

#[test]
fn restart_after_outage_alarms_nobody_falsely() {
    let mut scene = Scene::new();
    let policy = Policy::new(Span::from_secs(300)).unwrap();
    let [healthy, doomed, dead, daily] =
        [policy, policy, policy, Policy::new("1d".parse().unwrap()).unwrap()]
            .map(|policy| scene.watch(policy));
    for id in [dead, healthy, doomed, daily] {
        scene.ok(id);
    }
    scene.after("4m");
    scene.ok(healthy);
    scene.ok(doomed);
    assert_eq!(scene.after("2m"), ["#2 alive -> dead at 5m", "tell dead of #2 at 5m"]);

    assert_eq!(
        scene.crash("1h"),
        ["blind for 1h"],
        "all deadlines passed in the outage, and nobody is alarmed"
    );
    assert_eq!(scene.driver.dog.service(healthy).unwrap().status, Status::Alive);
    assert_eq!(
        scene.driver.dog.deadline(doomed),
        Some(scene.time("1h11m")),
        "one full timeout from the return"
    );
    assert_eq!(scene.driver.dog.deadline(daily), Some(scene.time("1d1h6m")));

    assert_eq!(scene.after("4m"), NOTHING);
    assert_eq!(scene.ok(healthy), NOTHING);
    assert_eq!(scene.after("2m"), ["#1 alive -> dead at 1h11m", "tell dead of #1 at 1h11m"]);
    assert_eq!(scene.ok(dead), ["#2 dead -> alive at 1h12m", "tell recovered of #2 at 1h12m"]);
}

#[test]
fn a_deadline_that_an_outage_just_does_not_miss_is_ahead() {
    let mut scene = Scene::new();
    let job = scene.watch(Policy::new(Span::from_secs(300)).unwrap());
    scene.ok(job);
    scene.after("5m");
    assert_eq!(scene.crash("1h"), ["blind for 1h"], "at its deadline it is still alive");
    assert_eq!(scene.after("5m"), NOTHING);
    assert_eq!(scene.after("1ms"), ["#0 alive -> dead at 1h10m", "tell dead of #0 at 1h10m"]);
}

#[test]
fn an_outage_after_the_deadline_pardons_nothing() {
    let mut scene = Scene::new();
    let job = scene.watch(Policy::new(Span::from_secs(300)).unwrap());
    scene.ok(job);
    // It listened until a millisecond after the deadline, and crashed before it had stored the death.
    let rows =
        scene.driver.rows.services.iter().map(|(id, (policy, service))| (*id, *policy, service.clone()));
    let (seen, now) = (scene.time("5m1ms"), scene.time("1h"));
    let mut dog = Watchdog::restore(Config::default(), rows, [], seen, now).unwrap();
    assert!(matches!(dog.poll(now), Some(Event::Blind(_))));
    let Some(Event::Changed(death)) = dog.poll(now) else { panic!("it is dead") };
    assert_eq!((death.to, death.at), (Status::Dead, scene.time("5m")));
}

#[test]
fn a_restart_within_ten_seconds_is_no_outage() {
    let mut scene = Scene::new();
    let job = scene.watch(Policy::new(Span::from_secs(300)).unwrap());
    scene.ok(job);
    scene.after("4m55s");
    assert_eq!(scene.crash("10s"), ["#0 alive -> dead at 5m", "tell dead of #0 at 5m"]);
}

#[test]
fn half_of_a_short_timeout_is_an_outage_to_who_has_it() {
    let mut scene = Scene::new();
    let [short, long] =
        ["4s", "5m"].map(|timeout| scene.watch(Policy::new(timeout.parse().unwrap()).unwrap()));
    scene.ok(short);
    scene.ok(long);
    scene.after("3s");
    assert_eq!(scene.crash("2s"), ["#0 alive -> dead at 4s", "tell dead of #0 at 4s"], "not more than half");
    scene.ok(short);
    scene.after("3s");
    assert_eq!(scene.crash("2s1ms"), ["blind for 2s1ms"]);
    assert_eq!(scene.driver.dog.deadline(short), Some(scene.time("14s1ms")));
    assert_eq!(
        scene.driver.dog.deadline(long),
        Some(scene.time("5m")),
        "that short an outage is nothing to it"
    );
}

#[test]
fn a_clock_that_was_set_back_while_it_was_down_pardons_everyone() {
    let mut scene = Scene::new();
    let job = scene.watch(Policy::new(Span::from_secs(300)).unwrap());
    scene.ok(job);
    scene.after("4m");
    assert_eq!(scene.crash_with_clock_set_back(), ["blind for 3650d"]);
    assert_eq!(scene.driver.dog.deadline(job), Some(scene.time("9m")));
    assert_eq!(scene.after("5m"), NOTHING);
    assert_eq!(scene.after("1s"), ["#0 alive -> dead at 9m", "tell dead of #0 at 9m"]);
}
