//! The watcher is slow to look: a beat that comes after the deadline does not hide the death before it.

use mishpulse_core::testing::{NOTHING, Scene};
use mishpulse_core::{Policy, Span};

#[test]
fn beat_that_comes_late_finds_it_dead_first() {
    let mut scene = Scene::new();
    let job = scene.watch(Policy::new(Span::from_secs(300)).unwrap());
    scene.ok(job);
    assert_eq!(scene.after("5m"), NOTHING);

    let (just_in_time, late) = (scene.now(), scene.time("5m1ms"));
    let mut other = Scene::new();
    let punctual = other.watch(Policy::new(Span::from_secs(300)).unwrap());
    other.ok(punctual);
    other.after("4m59s");
    let beat = |id| mishpulse_core::testing::Input::Beat(id, mishpulse_core::Signal::ok());
    assert_eq!(other.at(just_in_time, beat(punctual)), NOTHING, "at the deadline it is in time");

    // Nobody looked in between: the beat itself finds out, and the recovery is told after the death.
    assert_eq!(
        scene.at(late, beat(job)),
        [
            "#0 alive -> dead at 5m",
            "tell dead of #0 at 5m",
            "#0 dead -> alive at 5m1ms",
            "tell recovered of #0 at 5m1ms"
        ]
    );
}
