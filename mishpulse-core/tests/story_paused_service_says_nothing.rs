//! A service is paused for maintenance: it may fall silent and come back, and nobody hears of it.

use mishpulse_core::testing::{Input, NOTHING, Scene};
use mishpulse_core::{Policy, Span, Status};

#[test]
fn paused_service_says_nothing() {
    let mut scene = Scene::new();
    let policy =
        Policy::new(Span::from_secs(300)).unwrap().remind_every(Some(Span::from_secs(3600))).unwrap();
    let job = scene.watch(policy);
    scene.ok(job);
    scene.after("4m");
    assert_eq!(scene.put(Input::Pause(job)), ["#0 alive -> paused at 4m"]);
    assert_eq!(scene.after("30d"), NOTHING);
    assert_eq!(scene.crash("1d"), ["blind for 1d"]);

    assert_eq!(scene.put(Input::Resume(job)), ["#0 paused -> alive at 31d4m"]);
    assert_eq!(scene.after("5m"), NOTHING, "a fresh deadline");
    assert_eq!(scene.after("1m"), ["#0 alive -> dead at 31d9m", "tell dead of #0 at 31d9m"]);

    // Pausing a dead one ends the trouble without a word: no reminders, no recovery.
    assert_eq!(scene.put(Input::Pause(job)), ["#0 dead -> paused at 31d10m"]);
    assert_eq!(scene.after("1d"), NOTHING);
    assert_eq!(scene.ok(job), ["#0 paused -> alive at 32d10m"], "a beat resumes it");
}

#[test]
fn a_beat_that_does_not_resume_is_kept_in_mind() {
    let mut scene = Scene::new();
    let job = scene.watch(Policy::new(Span::from_secs(300)).unwrap().resume_on_beat(false));
    scene.put(Input::Pause(job));
    scene.after("1h");
    assert_eq!(scene.error(job, "being repaired"), NOTHING);
    assert_eq!(scene.driver.dog.service(job).unwrap().last_seen, Some(scene.time("1h")));
    scene.after("1d");
    assert_eq!(scene.put(Input::Resume(job)), ["#0 paused -> alive at 1d1h"], "it was heard");
    assert_eq!(scene.driver.dog.service(job).unwrap().status, Status::Alive);
}
