//! Reminders: one each interval while a service is dead or in error, and none after.

use mishpulse_core::testing::{Input, NOTHING, Scene};
use mishpulse_core::{AlertKind, AlertKinds, Policy, Span};

fn reminding(every: &str) -> Policy {
    Policy::new(Span::from_secs(300)).unwrap().remind_every(Some(every.parse().unwrap())).unwrap()
}

#[test]
fn reminders_until_it_recovers() {
    let mut scene = Scene::new();
    let job = scene.watch(reminding("1h"));
    scene.ok(job);
    assert_eq!(scene.after("6m"), ["#0 alive -> dead at 5m", "tell dead of #0 at 5m"]);
    assert_eq!(
        scene.after("3h"),
        ["tell reminder of #0 at 1h5m", "tell reminder of #0 at 2h5m", "tell reminder of #0 at 3h5m"]
    );
    scene.ok(job);
    assert_eq!(scene.after("5m"), NOTHING);

    // In error the time runs from the error, and from the death when it dies of it.
    scene.error(job, "disk full");
    for _ in 0..14 {
        scene.after("5m");
        scene.error(job, "disk full");
    }
    assert_eq!(scene.now(), scene.time("4h21m"));
    assert_eq!(
        scene.after("2h"),
        ["#0 error -> dead at 4h26m", "tell dead of #0 at 4h26m", "tell reminder of #0 at 5h26m"]
    );
}

#[test]
fn who_was_away_reminds_once() {
    let mut scene = Scene::new();
    let job = scene.watch(reminding("1h"));
    scene.ok(job);
    scene.after("6m");
    assert_eq!(scene.crash("10h"), ["blind for 10h", "tell reminder of #0 at 10h5m"]);
    assert_eq!(scene.after("1h"), ["tell reminder of #0 at 11h5m"], "and goes on in step");
}

#[test]
fn nobody_is_reminded_of_what_was_not_told() {
    let mut scene = Scene::new();
    let job = scene.watch(reminding("1h").notify_on(AlertKinds::NONE.with(AlertKind::Error)));
    scene.ok(job);
    assert_eq!(scene.after("1d"), ["#0 alive -> dead at 5m"]);
    assert_eq!(scene.ok(job), ["#0 dead -> alive at 1d"]);
}

#[test]
fn a_reminder_that_is_asked_for_later_comes_at_the_next_interval() {
    let mut scene = Scene::new();
    let job = scene.watch(Policy::new(Span::from_secs(300)).unwrap());
    scene.ok(job);
    scene.after("10h");
    assert_eq!(scene.put(Input::Change(job, reminding("1h"))), NOTHING, "not for the nine hours before");
    assert_eq!(scene.after("1h"), ["tell reminder of #0 at 10h5m"]);
    scene.put(Input::Change(job, reminding("20m")));
    assert_eq!(scene.after("30m"), ["tell reminder of #0 at 11h5m", "tell reminder of #0 at 11h25m"]);
}
