//! A service reports an error each minute: people hear of it once, and of another error at most every five minutes.

use mishpulse_core::testing::{NOTHING, Scene};
use mishpulse_core::{Policy, Span, Status};

#[test]
fn error_repeats_are_quiet() {
    let mut scene = Scene::new();
    let job = scene.watch(Policy::new(Span::from_secs(300)).unwrap());
    scene.ok(job);
    scene.after("1m");
    assert_eq!(scene.error(job, "disk full"), ["#0 alive -> error at 1m", "tell error of #0 at 1m"]);
    for _ in 0..60 {
        scene.after("1m");
        assert_eq!(scene.error(job, "disk full"), NOTHING, "the same error");
    }

    assert_eq!(scene.error(job, "no network"), ["tell error of #0 at 1h1m"], "another one");
    scene.after("1m");
    assert_eq!(scene.error(job, "disk full"), NOTHING, "too soon");
    scene.after("3m59s");
    assert_eq!(scene.error(job, "disk full"), NOTHING, "still too soon");
    scene.after("1s");
    assert_eq!(scene.error(job, "disk full"), ["tell error of #0 at 1h6m"], "after five minutes");

    scene.after("1m");
    assert_eq!(scene.error(job, ""), NOTHING, "no message is another message, but it is too soon");
    scene.after("4m");
    assert_eq!(scene.error(job, ""), ["tell error of #0 at 1h11m"]);
    assert_eq!(scene.driver.dog.service(job).unwrap().since, scene.time("1m"), "it has been one trouble");
    assert_eq!(scene.ok(job), ["#0 error -> alive at 1h11m", "tell recovered of #0 at 1h11m"]);
    assert_eq!(
        scene.error(job, "disk full"),
        ["#0 alive -> error at 1h11m", "tell error of #0 at 1h11m"],
        "a new trouble, which waits for no cooldown"
    );
}

#[test]
fn an_error_is_no_death_but_silence_after_it_is() {
    let mut scene = Scene::new();
    let job = scene.watch(Policy::new(Span::from_secs(300)).unwrap());
    scene.error(job, "disk full");
    for _ in 0..100 {
        assert_eq!(scene.after("5m"), NOTHING);
        assert_eq!(scene.error(job, "disk full"), NOTHING);
        assert_eq!(scene.driver.dog.service(job).unwrap().status, Status::Error);
    }
    assert_eq!(scene.after("6m"), ["#0 error -> dead at 8h25m", "tell dead of #0 at 8h25m"]);
    assert_eq!(scene.error(job, "disk full"), ["#0 dead -> error at 8h26m", "tell error of #0 at 8h26m"]);
    assert_eq!(scene.ok(job), ["#0 error -> alive at 8h26m", "tell recovered of #0 at 8h26m"]);
}
