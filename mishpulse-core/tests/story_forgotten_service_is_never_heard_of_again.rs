//! A service is forgotten: no death, no reminder, and who gets its handle next starts from nothing.

use mishpulse_core::testing::{Input, NOTHING, Scene};
use mishpulse_core::{Policy, Signal, Span, Status, UnknownService};

#[test]
fn forgotten_service_is_never_heard_of_again() {
    let mut scene = Scene::new();
    let policy = Policy::new(Span::from_secs(300)).unwrap().remind_every(Some(Span::from_secs(60))).unwrap();
    let [dead, alive] = [(); 2].map(|()| scene.watch(policy));
    scene.ok(dead);
    scene.after("5m1s");
    scene.ok(alive);
    for id in [dead, alive] {
        assert_eq!(scene.put(Input::Forget(id)), NOTHING);
        assert_eq!(scene.driver.dog.service(id), None);
        assert_eq!(scene.driver.dog.deadline(id), None);
        let now = scene.now();
        assert_eq!(scene.driver.dog.beat(id, Signal::ok(), now), Err(UnknownService));
        assert_eq!(scene.driver.dog.forget(id, now), Err(UnknownService));
    }
    assert!(scene.driver.dog.is_empty());
    assert_eq!(scene.driver.dog.next_deadline(), None);
    assert_eq!(scene.after("1d"), NOTHING);

    let newcomer = scene.watch(policy);
    assert_eq!(newcomer, dead, "the lowest handle that is free");
    assert_eq!(scene.driver.dog.service(newcomer).unwrap().status, Status::New);
    assert_eq!(scene.after("1d"), NOTHING);
    assert_eq!(scene.ok(newcomer), ["#0 new -> alive at 2d5m1s"]);
    assert_eq!(scene.after("4m"), NOTHING, "its deadline is its own");
}

#[test]
fn what_there_was_to_say_of_it_is_not_said() {
    let mut scene = Scene::new();
    let policy = Policy::new(Span::from_secs(300)).unwrap();
    let [job, other] = [(); 2].map(|()| scene.watch(policy));
    let now = scene.now();
    for id in [job, other] {
        scene.driver.dog.beat(id, Signal::ok(), now).unwrap();
    }
    assert_eq!(scene.put(Input::Forget(job)), ["#1 new -> alive at 0s"]);
}
