//! A worker whose heartbeats depend on its loop: when the loop hangs people are told, though the process is alive.
//!
//! `DEADLOCK_AFTER=3` lets it run into a real deadlock after three rounds. `ROUND`, `STALLED_AFTER` and `INTERVAL` are
//! lengths of time such as `500ms`.

use std::error::Error;
use std::sync::{Arc, Barrier, Mutex, PoisonError};
use std::thread;

use mishpulse_client::Builder;
use mishpulse_core::Span;
use mishpulse_examples::{duration, number};

fn main() -> Result<(), Box<dyn Error>> {
    let round = duration("ROUND", Span::from_secs(1))?;
    let deadlock_after = number("DEADLOCK_AFTER")?;

    let pulse = Builder::from_env().interval(duration("INTERVAL", Span::from_secs(60))?).start()?;
    let watch = pulse.watch(duration("STALLED_AFTER", Span::from_secs(90))?);

    let shop = Arc::new(Shop::default());
    for done in 0.. {
        watch.tick();
        if deadlock_after == Some(done) {
            println!("round {done}: a deadlock");
            deadlock(&shop);
        }
        shop.sell(|| {});
        println!("round {done}: sold");
        thread::sleep(round);
    }
    Ok(())
}

/// Two locks that two threads take in different order.
#[derive(Default)]
struct Shop {
    stock: Mutex<i64>,
    cash: Mutex<i64>,
}

impl Shop {
    /// Takes the stock, then the cash; `between` is called with the first one taken.
    fn sell(&self, between: impl FnOnce()) {
        let mut stock = self.stock.lock().unwrap_or_else(PoisonError::into_inner);
        between();
        let mut cash = self.cash.lock().unwrap_or_else(PoisonError::into_inner);
        *stock -= 1;
        *cash += 1;
    }

    /// The mistake: takes the cash, then the stock.
    fn refund(&self, between: impl FnOnce()) {
        let mut cash = self.cash.lock().unwrap_or_else(PoisonError::into_inner);
        between();
        let mut stock = self.stock.lock().unwrap_or_else(PoisonError::into_inner);
        *cash -= 1;
        *stock += 1;
    }
}

/// Sells and refunds at such a moment that each waits for the other for ever.
fn deadlock(shop: &Arc<Shop>) {
    let both_hold_one = Arc::new(Barrier::new(2));
    let (theirs, at) = (Arc::clone(shop), Arc::clone(&both_hold_one));
    thread::spawn(move || {
        theirs.refund(|| {
            at.wait();
        });
    });
    shop.sell(|| {
        both_hold_one.wait();
    });
}
