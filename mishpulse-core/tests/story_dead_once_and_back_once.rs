//! A service falls silent: one alert, stamped with its deadline. It comes back: one alert more.

use mishpulse_core::testing::{NOTHING, Scene};
use mishpulse_core::{Policy, Span};

#[test]
fn dead_once_and_back_once() {
    let mut scene = Scene::new();
    let job = scene.watch(Policy::new(Span::from_secs(300)).unwrap());
    assert_eq!(scene.after("1d"), NOTHING, "who was never heard is not missed");
    assert_eq!(scene.ok(job), ["#0 new -> alive at 1d"]);
    for _ in 0..10 {
        assert_eq!(scene.after("5m"), NOTHING);
        assert_eq!(scene.ok(job), NOTHING);
    }

    assert_eq!(scene.after("1h"), ["#0 alive -> dead at 1d55m", "tell dead of #0 at 1d55m"]);
    assert_eq!(scene.after("7d"), NOTHING, "told once");
    assert_eq!(scene.ok(job), ["#0 dead -> alive at 8d1h50m", "tell recovered of #0 at 8d1h50m"]);
    assert_eq!(scene.ok(job), NOTHING);
}
