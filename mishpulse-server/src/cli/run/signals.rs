//! Signals that are passed on to the command.

use std::io;

use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// From now on the signals come out of here instead of ending this process.
///
/// One that whoever started this process has it ignore, as `nohup` does with HUP, stays ignored, here and in the command.
pub(super) fn listen() -> io::Result<UnboundedReceiver<Signal>> {
    let ignored = ignored();
    let (sender, receiver) = unbounded_channel();
    for kind in PASSED_ON {
        let number = kind.as_raw();
        if ignored & (1 << (number - 1)) != 0 {
            continue;
        }
        let mut heard = signal(SignalKind::from_raw(number))?;
        let sender = sender.clone();
        tokio::spawn(async move { while heard.recv().await.is_some() && sender.send(kind).is_ok() {} });
    }
    Ok(receiver)
}

const PASSED_ON: [Signal; 6] =
    [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT, Signal::USR1, Signal::USR2];

/// The signals that this process ignores, a bit each; none where the system does not say.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}
