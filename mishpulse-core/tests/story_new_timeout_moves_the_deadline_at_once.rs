//! A policy is changed: its deadline moves at once, both ways.

use mishpulse_core::testing::{Input, NOTHING, Scene};
use mishpulse_core::{Policy, Span};

#[test]
fn new_timeout_moves_the_deadline_at_once() {
    let policy = |timeout: &str| Policy::new(timeout.parse::<Span>().unwrap()).unwrap();
    let mut scene = Scene::new();
    let job = scene.watch(policy("1d"));
    scene.ok(job);
    scene.after("1h");

    assert_eq!(scene.put(Input::Change(job, policy("2h"))), NOTHING);
    assert_eq!(scene.driver.dog.deadline(job), Some(scene.time("2h")), "counted from the last beat");
    scene.after("59m");
    assert_eq!(scene.put(Input::Change(job, policy("3h"))), NOTHING);
    assert_eq!(scene.after("1h"), NOTHING, "longer");
    assert_eq!(scene.after("2h"), ["#0 alive -> dead at 3h", "tell dead of #0 at 3h"]);
    assert_eq!(
        scene.put(Input::Change(job, policy("30d"))),
        NOTHING,
        "what is dead is dead until it is heard"
    );
    scene.ok(job);

    // Silent for too long by the new policy: dead from now on, not since a time at which it was known to be alive.
    scene.after("1d");
    assert_eq!(
        scene.put(Input::Change(job, policy("1h"))),
        ["#0 alive -> dead at 1d4h59m", "tell dead of #0 at 1d4h59m"]
    );
}
