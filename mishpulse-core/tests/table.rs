//! Every cell of the table of statuses: what a service is, what happens to it, what it is then, and of what people hear.

use mishpulse_core::testing::{Input, Scene};
use mishpulse_core::{AlertKind, AlertKinds, Policy, ServiceId, Signal, SignalKind, Span, Status};

use Status::{Alive, Dead, Error, New, Paused, Warning};

#[derive(Debug, Clone, Copy)]
enum Cause {
    Ok,
    Warning,
    Error,
    Silence,
}

/// Where it leads, and whether that is told, and as what.
type Cell = (Status, Option<AlertKind>);

const QUIET: Option<AlertKind> = None;
const TELL_DEAD: Option<AlertKind> = Some(AlertKind::Dead);
const TELL_ERROR: Option<AlertKind> = Some(AlertKind::Error);
const TELL_RECOVERED: Option<AlertKind> = Some(AlertKind::Recovered);
/// Told where it is asked for, which it is not by default.
const TELL_WARNING: Option<AlertKind> = Some(AlertKind::Warning);

/// By what it is now: after `ok`, `warning`, `error`, and silence for more than timeout and grace.
const TABLE: [(Status, [Cell; 4]); 6] = [
    (New, [(Alive, QUIET), (Warning, QUIET), (Error, TELL_ERROR), (New, QUIET)]),
    (Alive, [(Alive, QUIET), (Warning, TELL_WARNING), (Error, TELL_ERROR), (Dead, TELL_DEAD)]),
    (Warning, [(Alive, QUIET), (Warning, QUIET), (Error, TELL_ERROR), (Dead, TELL_DEAD)]),
    (Error, [(Alive, TELL_RECOVERED), (Warning, TELL_RECOVERED), (Error, QUIET), (Dead, TELL_DEAD)]),
    (Dead, [(Alive, TELL_RECOVERED), (Warning, TELL_RECOVERED), (Error, TELL_ERROR), (Dead, QUIET)]),
    (Paused, [(Alive, QUIET), (Warning, QUIET), (Error, TELL_ERROR), (Paused, QUIET)]),
];

#[test]
fn every_cell_of_the_table() {
    check_cells(AlertKinds::DEFAULT);
}

#[test]
fn every_cell_where_all_is_asked_for() {
    check_cells(AlertKind::ALL.into_iter().collect());
}

#[test]
fn every_cell_where_nothing_is_asked_for() {
    check_cells(AlertKinds::NONE);
}

fn check_cells(kinds: AlertKinds) {
    for (from, cells) in TABLE {
        for (cause, (to, alert)) in
            [Cause::Ok, Cause::Warning, Cause::Error, Cause::Silence].into_iter().zip(cells)
        {
            let (mut scene, id) = a_service_that_is(from, kinds);
            let said = happens(&mut scene, id, cause);

            let what = format!("{from} + {cause:?}");
            let mut expected = Vec::new();
            let at = match (cause, to) {
                (Cause::Silence, Dead) => {
                    scene.driver.dog.service(id).unwrap().last_seen.unwrap() + ALLOWANCE
                }
                _ => scene.now(),
            };
            let at = at.since(scene.time("0s"));
            if from != to {
                expected.push(format!("{id:?} {from} -> {to} at {at}"));
            }
            if let Some(kind) = alert.filter(|kind| kinds.contains(*kind)) {
                expected.push(format!("tell {kind} of {id:?} at {at}"));
            }
            assert_eq!(said, expected, "{what}");
            assert_eq!(scene.driver.dog.service(id).unwrap().status, to, "{what}");
        }
    }
}

#[test]
fn pausing_and_resuming_from_every_status() {
    for from in Status::ALL {
        let (mut scene, id) = a_service_that_is(from, AlertKinds::DEFAULT);
        let pausing = scene.put(Input::Pause(id));
        if from == Paused {
            assert!(pausing.is_empty(), "it is paused already");
        } else {
            assert_eq!(
                pausing,
                [format!("{id:?} {from} -> paused at {}", scene.now().since(scene.time("0s")))]
            );
        }
        assert_eq!(scene.driver.dog.deadline(id), None);

        scene.after("1d");
        let heard = scene.driver.dog.service(id).unwrap().last_seen.is_some();
        let to = if heard { Alive } else { New };
        let resuming = scene.put(Input::Resume(id));
        assert_eq!(resuming, [format!("{id:?} paused -> {to} at {}", scene.now().since(scene.time("0s")))]);
        assert_eq!(scene.driver.dog.deadline(id), heard.then(|| scene.now() + ALLOWANCE), "a fresh one");
    }
}

#[test]
fn resuming_changes_nothing_where_it_is_not_paused() {
    for from in Status::ALL.into_iter().filter(|status| *status != Paused) {
        let (mut scene, id) = a_service_that_is(from, AlertKinds::DEFAULT);
        scene.after("1m");
        let before = scene.driver.dog.service(id).cloned();
        assert!(scene.put(Input::Resume(id)).is_empty(), "{from}");
        assert_eq!(scene.driver.dog.service(id).cloned(), before, "{from}");
    }
}

#[test]
fn a_beat_leaves_a_service_paused_where_the_policy_says_so() {
    for kind in [SignalKind::Ok, SignalKind::Warning, SignalKind::Error] {
        let (mut scene, id) = a_service_that_is(Paused, AlertKinds::DEFAULT);
        scene.put(Input::Change(id, policy(AlertKinds::DEFAULT).resume_on_beat(false)));
        scene.after("1m");
        assert!(scene.put(Input::Beat(id, Signal::new(kind, "still here"))).is_empty());
        let service = scene.driver.dog.service(id).unwrap();
        assert_eq!(service.status, Paused);
        assert_eq!(service.last_seen, Some(scene.now()), "the beat is recorded");
        assert_eq!(service.message().unwrap().as_str(), "still here");
    }
}

#[test]
fn a_service_is_alive_at_its_deadline_and_dead_a_millisecond_later() {
    for from in [Alive, Warning, Error] {
        let (mut scene, id) = a_service_that_is(from, AlertKinds::DEFAULT);
        assert!(scene.after("6m").is_empty());
        assert_eq!(scene.driver.dog.deadline(id), Some(scene.now()));
        assert_eq!(scene.driver.dog.service(id).unwrap().status, from);
        let at = scene.now().since(scene.time("0s"));
        assert_eq!(
            scene.after("1ms"),
            [format!("{id:?} {from} -> dead at {at}"), format!("tell dead of {id:?} at {at}")]
        );
    }
}

const ALLOWANCE: Span = Span::from_secs(360);

fn policy(kinds: AlertKinds) -> Policy {
    let timeout: Span = "5m".parse().unwrap();
    Policy::new(timeout).unwrap().grace("1m".parse().unwrap()).unwrap().notify_on(kinds)
}

fn a_service_that_is(status: Status, kinds: AlertKinds) -> (Scene, ServiceId) {
    let mut scene = Scene::new();
    let id = scene.watch(policy(kinds));
    match status {
        Alive => scene.ok(id),
        Warning => scene.warning(id, "disk 91%"),
        Error => scene.error(id, "disk full"),
        Dead => {
            scene.ok(id);
            scene.after("7m")
        }
        Paused => {
            scene.ok(id);
            scene.put(Input::Pause(id))
        }
        _ => Vec::new(),
    };
    assert_eq!(scene.driver.dog.service(id).unwrap().status, status);
    (scene, id)
}

fn happens(scene: &mut Scene, id: ServiceId, cause: Cause) -> Vec<String> {
    if let Cause::Silence = cause {
        return scene.after("1h");
    }
    scene.after("1m");
    match cause {
        Cause::Ok => scene.ok(id),
        Cause::Warning => scene.warning(id, "disk 91%"),
        Cause::Error | Cause::Silence => scene.error(id, "disk full"),
    }
}
