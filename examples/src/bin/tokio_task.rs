//! A tokio task that is watched: it ticks whenever it comes round, with work to do or without.
//!
//! `HANG_AFTER=3` lets it wait for ever after three orders, for a lock that it holds itself; the rest of the program goes
//! on. `ROUND`, `STALLED_AFTER` and `INTERVAL` are lengths of time such as `500ms`.

use std::error::Error;
use std::time::Duration;

use mishpulse_client::{Builder, Watch};
use mishpulse_core::Span;
use mishpulse_examples::{duration, number};
use tokio::sync::{Mutex, mpsc};
use tokio::time::{sleep, timeout};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let round = duration("ROUND", Span::from_secs(1))?;
    let stalled_after = duration("STALLED_AFTER", Span::from_secs(90))?;

    // The pulse has a thread of its own, so it tells of a runtime that hangs as well.
    let pulse = Builder::from_env().interval(duration("INTERVAL", Span::from_secs(60))?).start()?;
    let (orders, received) = mpsc::channel(8);
    let watch = pulse.watch_named("orders", stalled_after);
    tokio::spawn(take_orders(received, watch, stalled_after / 3, number("HANG_AFTER")?));

    for order in 0.. {
        // A full channel is the task's trouble, not ours.
        let _ = orders.try_send(order);
        sleep(round).await;
    }
    Ok(())
}

async fn take_orders(mut orders: mpsc::Receiver<u64>, watch: Watch, idle: Duration, hang_after: Option<u64>) {
    let sum = Mutex::new(0);
    loop {
        watch.tick();
        // An idle task is no stalled one: it comes round without an order, too.
        let Ok(order) = timeout(idle, orders.recv()).await else { continue };
        let Some(order) = order else { return };
        let mut first = sum.lock().await;
        if hang_after == Some(order) {
            println!("order {order}: hangs");
            let _second = sum.lock().await;
        }
        *first += order;
        println!("order {order}: done");
    }
}
