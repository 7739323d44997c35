//! A run of one seed, from beginning to end.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use mishpulse_core::Timestamp;

use super::clerks::PROMPT;
use super::desk::Sent;
use super::store::{Disk, Folder, Memory};
use super::tally::Tally;
use super::world::{Next, OPERATOR, World};

/// Which disk is under it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum On {
    Memory,
    Sqlite,
}

/// Runs a seed. What was counted, and a number that is the same for the same run.
///
/// # Panics
/// On a violation, after saying how to see it again.
pub fn run(seed: u64, on: On, longer: u64, is_shown: bool) -> (Tally, u64) {
    match on {
        On::Memory => run_on(seed, Memory::default(), "memory", longer, is_shown),
        On::Sqlite => run_on(seed, Folder::new(), "sqlite", longer, is_shown),
    }
}

fn run_on<D: Disk>(seed: u64, disk: D, on: &str, longer: u64, is_shown: bool) -> (Tally, u64) {
    let mut world = World::new(seed, longer, disk, is_shown);
    let ran = catch_unwind(AssertUnwindSafe(|| live(&mut world)));
    if let Err(panic) = ran {
        eprintln!("the last that happened, of seed {seed} on {on}:");
        world.lines.last().for_each(|line| eprintln!("  {line}"));
        eprintln!("plan: {:?}", world.plan);
        eprintln!(
            "seed {seed} on {on} has a violation; to see it again:\n  MISHPULSE_SEED={seed} MISHPULSE_SIM_ON={on} \
             MISHPULSE_SIM_LONGER={longer} cargo test -p mishpulse-server --test sim -- --nocapture"
        );
        resume_unwind(panic);
    }
    (world.tally, world.lines.sum())
}

fn live<D: Disk>(world: &mut World<D>) {
    let begin = world.now;
    world.start();
    for number in 0..world.plan.declared {
        world.add_agent(format!("d{number}").parse().expect("a token"));
    }
    for _ in 0..world.plan.made {
        world.make_service();
        let now = world.now;
        world.go_on(now + 10);
    }
    // One whom nobody knows.
    world.add_agent("unknown".parse().expect("a token"));
    world.after(1, Next::Chaos);
    world.go_on(begin + world.plan.wild_ms);

    world.calm();
    let calm = world.now;
    // Channels that had left the file come back to it.
    let settings = world.plan.settings(None);
    for second in 1.. {
        world.go_on(calm + world.plan.quiet_ms / 4 + second * 1000);
        if std::sync::Arc::ptr_eq(&world.file, &settings) {
            break;
        }
        assert!(second < 60, "a reload is not taken although all is well");
        world.ask(Sent::Reconfigure(std::sync::Arc::clone(&settings)), OPERATOR);
    }
    world.go_on(calm + world.plan.quiet_ms / 2 + 60_000);
    work_off(world);
    let settled = world.now;
    world.is_settled = true;
    // Where there is time for it, a few die once more, and their letters are to leave at once.
    if world.plan.unit_ms < 10_000 {
        let until = world.now + 12 * world.plan.unit_ms as i64;
        world.agents.iter_mut().take(3).for_each(|agent| agent.silent_until = until);
    }
    world.go_on(settled + world.plan.quiet_ms / 2 - 60_000);
    world.tally.simulated_ms = (world.now - begin) as u64;

    assert!(world.server.is_some(), "the server is down after all went well");
    world.compare_board();
    world.compare_outbox();
    let recent = Timestamp::from_unix_ms(world.clock.ms() - 45_000);
    world.ledger.all_is_told(recent);
}

/// Lets the channels work off what has piled up. The first that is due leaves at least every other second, and the oldest
/// letter of all is due, so this is over by then, and where one is passed over again and again it is not.
fn work_off<D: Disk>(world: &mut World<D>) {
    let before = |world: &World<D>| Timestamp::from_unix_ms(world.clock.ms() - PROMPT.as_ms() as i64);
    let piled_up = world.ledger.most_pending(before(world));
    let until = world.now + piled_up as i64 * 2000 + PROMPT.as_ms() as i64;
    loop {
        let left = world.ledger.most_pending(before(world));
        if left == 0 {
            break;
        }
        assert!(world.now < until, "of {piled_up} letters that had piled up, {left} are still pending");
        let now = world.now;
        world.go_on(now + 1000);
    }
}
