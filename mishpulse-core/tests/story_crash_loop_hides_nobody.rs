//! The server crashes every minute, for days. Who is alive is never called dead for it; who died is found all the same.

use mishpulse_core::testing::Scene;
use mishpulse_core::{Policy, Span, Status};

#[test]
fn crash_loop_hides_nobody() {
    let mut scene = Scene::new();
    let minutes = Policy::new(Span::from_secs(300)).unwrap();
    let [healthy, dying] = [(); 2].map(|()| scene.watch(minutes));
    let daily = scene.watch(Policy::new("1d".parse().unwrap()).unwrap());
    for id in [healthy, dying, daily] {
        scene.ok(id);
    }

    let mut deaths = Vec::new();
    // Two days of 30 s down and 30 s up: far more gaps than are kept one by one.
    for _ in 0..2 * 1440 {
        let mut said = scene.crash("30s");
        said.retain(|word| word != "blind for 30s");
        deaths.append(&mut said);
        deaths.append(&mut scene.after("30s"));
        assert_eq!(scene.ok(healthy), [""; 0]);
        assert_eq!(scene.driver.dog.service(healthy).unwrap().status, Status::Alive);
    }
    // One full timeout from the end of the first gap, for the daily one as well, but for what joining gaps adds.
    assert_eq!(deaths[..2], ["#1 alive -> dead at 5m30s", "tell dead of #1 at 5m30s"]);
    assert_eq!(deaths.len(), 4, "{deaths:?}");
    let since = scene.driver.dog.service(daily).unwrap().since;
    assert!(since >= scene.time("1d30s") && since < scene.time("1d1h"), "{:?}", &deaths[2..]);
    assert!(scene.driver.dog.gaps().len() <= 1000);
}
