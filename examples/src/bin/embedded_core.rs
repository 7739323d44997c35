//! The watchdog inside a program of one's own: no server, no network, one's own names and clock.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::{sleep, spawn};
use std::time::Duration;

use mishpulse_core::keyed::Watchdog;
use mishpulse_core::{Clock, Config, Event, Policy, Signal, Span, SystemClock};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let clock = SystemClock::new();
    let mut dog = Watchdog::new(Config::default(), clock.now());
    for pump in ["pump-1", "pump-2"] {
        dog.watch(pump, Policy::new(Span::from_ms(500))?, clock.now())?;
    }

    // Two pumps beat; the second one breaks after a while.
    let (beats, received) = channel();
    for (pump, count) in [("pump-1", 20), ("pump-2", 5)] {
        let beats = beats.clone();
        spawn(move || {
            for _ in 0..count {
                let _ = beats.send(pump);
                sleep(Duration::from_millis(100));
            }
        });
    }
    drop(beats);

    loop {
        let due = dog.next_deadline().map_or(Span::from_secs(1), |due| due.since(clock.now()));
        match received.recv_timeout(due.into()) {
            Ok(pump) => dog.beat(&pump, Signal::ok(), clock.now())?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        while let Some(event) = dog.poll(clock.now()) {
            match event {
                Event::Changed(change) => println!("{} is {} now", change.service, change.to),
                Event::Alert(alert) => println!("  tell someone: {} of {}", alert.kind, alert.service),
                _ => {}
            }
        }
    }
}
