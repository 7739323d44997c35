//! `recovered` is raised only if the trouble before it was.

use mishpulse_core::testing::{Input, Scene};
use mishpulse_core::{AlertKind, AlertKinds, Policy, Span};

fn telling(kinds: &[AlertKind]) -> Policy {
    let kinds: AlertKinds = kinds.iter().copied().collect();
    Policy::new(Span::from_secs(300)).unwrap().notify_on(kinds)
}

#[test]
fn recovery_is_quiet_where_the_trouble_was() {
    let mut scene = Scene::new();
    let job = scene.watch(telling(&[AlertKind::Dead, AlertKind::Recovered]));
    assert_eq!(scene.error(job, "disk full"), ["#0 new -> error at 0s"]);
    assert_eq!(scene.ok(job), ["#0 error -> alive at 0s"], "nobody knew");

    // Told of the death, not of the error after it: the end of all that is told.
    scene.after("5m1ms");
    assert_eq!(scene.error(job, "disk full"), ["#0 dead -> error at 5m1ms"]);
    assert_eq!(
        scene.warning(job, "disk 91%"),
        ["#0 error -> warning at 5m1ms", "tell recovered of #0 at 5m1ms"]
    );
}

#[test]
fn recovery_is_not_told_where_it_is_not_asked_for() {
    let mut scene = Scene::new();
    let job = scene.watch(telling(&[AlertKind::Error]));
    assert_eq!(scene.error(job, "disk full"), ["#0 new -> error at 0s", "tell error of #0 at 0s"]);
    assert_eq!(scene.ok(job), ["#0 error -> alive at 0s"]);
}

#[test]
fn an_error_that_is_asked_for_later_is_told_at_the_next_beat() {
    let mut scene = Scene::new();
    let job = scene.watch(telling(&[AlertKind::Dead]));
    scene.error(job, "disk full");
    scene.put(Input::Change(job, telling(&[AlertKind::Error, AlertKind::Recovered])));
    scene.after("1m");
    assert_eq!(scene.error(job, "disk full"), ["tell error of #0 at 1m"]);
    assert_eq!(scene.ok(job), ["#0 error -> alive at 1m", "tell recovered of #0 at 1m"]);
}
