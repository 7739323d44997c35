//! Somebody sets the clock back, or two threads read it in another order than they call: the latest time counts.

use mishpulse_core::testing::{Input, NOTHING, Scene};
use mishpulse_core::{Policy, Signal, Span};

#[test]
fn clock_going_backwards_changes_nothing() {
    let mut scene = Scene::new();
    let [early, late] = [(); 2].map(|()| scene.watch(Policy::new(Span::from_secs(300)).unwrap()));
    scene.ok(early);
    scene.ok(late);
    scene.after("4m");

    assert_eq!(scene.at(scene.time("1m"), Input::Beat(late, Signal::ok())), NOTHING);
    let service = scene.driver.dog.service(late).unwrap();
    assert_eq!(service.last_seen, Some(scene.time("4m")), "heard at the last time that was known");
    assert_eq!(scene.at(scene.time("0s"), Input::Look), NOTHING);
    assert_eq!(scene.driver.dog.next_deadline(), Some(scene.time("4m5s")));

    assert_eq!(scene.after("1m1ms"), ["#0 alive -> dead at 5m", "tell dead of #0 at 5m"]);
    assert_eq!(scene.at(scene.time("2m"), Input::Look), NOTHING, "nobody is revived");
    assert_eq!(
        scene.at(scene.time("2m"), Input::Beat(early, Signal::ok())),
        ["#0 dead -> alive at 5m1ms", "tell recovered of #0 at 5m1ms"]
    );
}
