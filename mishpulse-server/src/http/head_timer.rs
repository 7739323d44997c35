//! The time-out of a request's head, without an entry in the runtime's timer for each request.
//!
//! hyper asks for a new timer whenever it begins to wait for a head, and drops it when the head is there. For the runtime that is
//! an entry to put in and to take out, under a lock that all threads share. Here a connection has one entry, which is put off
//! only when it has gone off too early.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};
use tokio::time;

/// The timer of one connection, which waits for one thing at a time.
#[derive(Default)]
pub(super) struct HeadTimer(Arc<Alarm>);

type Alarm = Mutex<Option<Pin<Box<time::Sleep>>>>;

struct Waiting {
    deadline: time::Instant,
    alarm: Arc<Alarm>,
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Waiting { deadline: deadline.into(), alarm: Arc::clone(&self.0) })
    }

    fn now(&self) -> Instant {
        time::Instant::now().into_std()
    }
}

impl Sleep for Waiting {}

impl Future for Waiting {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut alarm = self.alarm.lock().unwrap_or_else(PoisonError::into_inner);
        let alarm = alarm.get_or_insert_with(|| Box::pin(time::sleep_until(self.deadline)));
        if alarm.deadline() > self.deadline {
            alarm.as_mut().reset(self.deadline);
        }
        ready!(alarm.as_mut().poll(context));
        if alarm.deadline() < self.deadline {
            // It was set for an earlier wait.
            alarm.as_mut().reset(self.deadline);
            ready!(alarm.as_mut().poll(context));
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    async fn is_over(wait: &mut Pin<Box<dyn Sleep>>) -> bool {
        poll_fn(|context| Poll::Ready(wait.as_mut().poll(context).is_ready())).await
    }

    #[tokio::test]
    async fn each_wait_ends_at_its_own_deadline() {
        let (timer, ms) = (HeadTimer::default(), Duration::from_millis);
        let begun = Instant::now();
        // One that is given up leaves its alarm, here too early a one, to the next.
        let mut given_up = timer.sleep(ms(50));
        assert!(!is_over(&mut given_up).await);
        drop(given_up);
        timer.sleep(ms(120)).await;
        assert!(begun.elapsed() >= ms(120));
        timer.sleep(ms(80)).await;
        assert!(begun.elapsed() >= ms(200));
        let mut long = timer.sleep(ms(60_000));
        assert!(!is_over(&mut long).await);
        timer.sleep(ms(10)).await;
        assert!(begun.elapsed() < ms(30_000));
    }
}
