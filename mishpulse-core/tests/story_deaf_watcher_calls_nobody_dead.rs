//! The watcher looks, but nobody can be heard. Nobody is called dead for it; who was heard all the same counts; what really
//! died is found within one timeout of the end.

use mishpulse_core::testing::{Input, NOTHING, Scene};
use mishpulse_core::{Config, Policy, Span, Status, Watchdog};

fn minutes(minutes: u64) -> Policy {
    Policy::new(Span::from_secs(60 * minutes)).unwrap()
}

#[test]
fn deaf_watcher_calls_nobody_dead() {
    let mut scene = Scene::new();
    let [healthy, connected, doomed, daily] =
        [minutes(5), minutes(5), minutes(5), minutes(1440)].map(|policy| scene.watch(policy));
    for id in [healthy, connected, doomed, daily] {
        scene.ok(id);
    }
    scene.after("4m");
    scene.put(Input::Deaf);
    for _ in 0..10 {
        assert_eq!(scene.after("3m"), NOTHING, "all that time someone looks");
        assert_eq!(scene.ok(connected), NOTHING, "its connection was open before");
    }
    assert_eq!(scene.put(Input::Hears), ["blind for 30m"]);
    assert_eq!(scene.driver.dog.service(connected).unwrap().last_seen, Some(scene.time("34m")));
    assert_eq!(scene.driver.dog.deadline(doomed), Some(scene.time("39m")), "one full timeout from its end");
    assert_eq!(scene.driver.dog.deadline(daily), Some(scene.time("1d34m")));
    scene.after("4m");
    assert_eq!(scene.ok(healthy), NOTHING);
    assert_eq!(
        scene.after("1m1s"),
        [
            "#1 alive -> dead at 39m",
            "tell dead of #1 at 39m",
            "#2 alive -> dead at 39m",
            "tell dead of #2 at 39m"
        ]
    );
}

#[test]
fn a_short_deafness_only_puts_a_death_off() {
    let mut scene = Scene::new();
    let job = scene.watch(minutes(5));
    scene.ok(job);
    scene.after("4m55s");
    scene.put(Input::Deaf);
    assert_eq!(scene.after("10s"), NOTHING);
    assert_eq!(scene.put(Input::Hears), ["#0 alive -> dead at 5m", "tell dead of #0 at 5m"]);
}

#[test]
fn who_had_died_before_is_dead() {
    let mut scene = Scene::new();
    let job = scene.watch(minutes(5));
    scene.ok(job);
    scene.after("5m");
    // It is noticed late that nobody could be heard for a while.
    let (since, now) = (scene.time("5m2s"), scene.time("5m9s"));
    scene.driver.dog.deaf(since, now);
    assert_eq!(scene.driver.dog.listened_until(), since);
    assert_eq!(scene.after("10s"), ["#0 alive -> dead at 5m", "tell dead of #0 at 5m"]);
}

#[test]
fn a_suspend_while_it_is_deaf_is_part_of_it() {
    let mut scene = Scene::new();
    let job = scene.watch(minutes(5));
    scene.ok(job);
    scene.put(Input::Deaf);
    assert_eq!(scene.away("1h"), NOTHING);
    assert_eq!(scene.after("10m"), NOTHING);
    assert_eq!(scene.put(Input::Hears), ["blind for 1h10m"]);
    assert_eq!(scene.after("5m"), NOTHING);
    assert_eq!(scene.after("1s"), ["#0 alive -> dead at 1h15m", "tell dead of #0 at 1h15m"]);
}

#[test]
fn a_crash_while_it_is_deaf_alarms_nobody_who_could_not_report() {
    let mut scene = Scene::new();
    let [job, connected] = [minutes(5), minutes(5)].map(|policy| scene.watch(policy));
    scene.ok(job);
    scene.ok(connected);
    scene.after("4m");
    scene.put(Input::Deaf);
    scene.after("2m");
    scene.ok(connected);
    assert_eq!(scene.crash("1s"), ["blind for 2m1s"], "it had been deaf before it was down");
    assert_eq!(scene.driver.dog.deadline(job), Some(scene.time("11m1s")));

    // One that is too short for a pardon takes nothing from who was heard in it.
    let rows =
        scene.driver.rows.services.iter().map(|(id, (policy, service))| (*id, *policy, service.clone()));
    let (seen, now) = (scene.time("5m55s"), scene.time("6m1s"));
    let dog = Watchdog::restore(Config::default(), rows, [], seen, now).unwrap();
    assert_eq!(dog.service(connected).unwrap().status, Status::Alive);
    assert_eq!(dog.deadline(connected), Some(scene.time("11m")));
}
