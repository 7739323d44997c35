//! The command as a process: in a group of its own, its output passed on byte by byte and its last lines kept.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Read, Write, stderr, stdin, stdout};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::tail::Tail;

/// A command that runs.
pub(super) struct Running {
    child: Child,
    pid: Pid,
    /// Whether it has a process group of its own.
    leads_group: bool,
    tail: Arc<Mutex<Tail>>,
    flow: Arc<Flow>,
    exited: oneshot::Receiver<()>,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Code(i32),
    Killed(i32),
}

impl Running {
    /// Starts `command`, the program first. On a terminal it stays in this process's group, so that it can read from it and
    /// gets Ctrl-C.
    pub(super) fn start(command: &[OsString]) -> io::Result<Self> {
        let Some((program, arguments)) = command.split_first() else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let leads_group = !stdin().is_terminal();
        let mut starting = Command::new(program);
        starting.args(arguments).stdin(Stdio::inherit()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if leads_group {
            starting.process_group(0);
        }
        let mut child = starting.spawn()?;
        let pid = Pid::from_child(&child);
        let tail = Arc::new(Mutex::new(Tail::default()));
        let flow = Arc::new(Flow::default());
        if let Some(output) = child.stdout.take() {
            pass_on(output, stdout(), 0, &tail, &flow)?;
        }
        if let Some(output) = child.stderr.take() {
            pass_on(output, stderr(), 1, &tail, &flow)?;
        }
        let (exit, exited) = oneshot::channel();
        thread::Builder::new().name("wait".to_owned()).spawn(move || {
            // It is left to be reaped, so that its number stays its own as long as signals may be sent to it.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(pid), options) {}
            let _ = exit.send(());
        })?;
        Ok(Self { child, pid, leads_group, tail, flow, exited })
    }

    /// Passes `signal` on to the command and all that it started.
    pub(super) fn send(&self, signal: Signal) {
        // It may just have ended, and there is nobody left to tell.
        let _ = if self.leads_group {
            kill_process_group(self.pid, signal)
        } else if [Signal::INT, Signal::QUIT].contains(&signal) {
            // The terminal has sent it to the command as well.
            Ok(())
        } else {
            kill_process(self.pid, signal)
        };
    }

    /// Waits until the command has ended.
    pub(super) async fn exited(&mut self) {
        let _ = (&mut self.exited).await;
    }

    /// How it ended, once [`exited`](Self::exited) has come back and its output has been passed on.
    pub(super) async fn finish(mut self) -> io::Result<(Ended, Tail)> {
        let status = self.child.wait()?;
        self.flow.ended().await;
        let tail = std::mem::take(&mut *self.tail.lock().unwrap_or_else(PoisonError::into_inner));
        let ended = match (status.code(), status.signal()) {
            (Some(code), _) => Ended::Code(code),
            (None, Some(signal)) => Ended::Killed(signal),
            (None, None) => Ended::Code(1),
        };
        Ok((ended, tail))
    }
}

/// How far the output has come.
#[derive(Debug, Default)]
struct Flow {
    /// Streams that are open.
    open: AtomicUsize,
    /// Streams of which something was read that is not written yet.
    busy: AtomicUsize,
    chunks: AtomicUsize,
}

impl Flow {
    /// Waits until all output has been passed on. What the command left behind may keep its output open for ever, so after a
    /// moment it is enough that nothing is under way; a reader who is slow is waited for.
    async fn ended(&self) {
        for wait in std::iter::repeat_n(POLL, OPEN_POLLS) {
            if self.open.load(Ordering::SeqCst) == 0 {
                return;
            }
            sleep(wait).await;
        }
        loop {
            let chunks = self.chunks.load(Ordering::SeqCst);
            sleep(QUIET).await;
            let is_quiet =
                self.busy.load(Ordering::SeqCst) == 0 && self.chunks.load(Ordering::SeqCst) == chunks;
            if is_quiet || self.open.load(Ordering::SeqCst) == 0 {
                return;
            }
        }
    }
}

const POLL: Duration = Duration::from_millis(2);
/// A second of them.
const OPEN_POLLS: usize = 500;
const QUIET: Duration = Duration::from_millis(50);

fn pass_on(
    mut from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    stream: usize,
    tail: &Arc<Mutex<Tail>>,
    flow: &Arc<Flow>,
) -> io::Result<()> {
    let (tail, flow) = (Arc::clone(tail), Arc::clone(flow));
    flow.open.fetch_add(1, Ordering::SeqCst);
    thread::Builder::new().name(format!("output {stream}")).spawn(move || {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let bytes = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => &buffer[..count],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            flow.busy.fetch_add(1, Ordering::SeqCst);
            flow.chunks.fetch_add(1, Ordering::SeqCst);
            tail.lock().unwrap_or_else(PoisonError::into_inner).push(stream, bytes);
            let written = to.write_all(bytes).and_then(|()| to.flush());
            flow.busy.fetch_sub(1, Ordering::SeqCst);
            // Where nobody reads any more, the command is to hear of it as it would without us: its pipe breaks.
            if written.is_err() {
                break;
            }
        }
        drop(from);
        flow.open.fetch_sub(1, Ordering::SeqCst);
    })?;
    Ok(())
}

const BUFFER_BYTES: usize = 64 * 1024;
