//! From start to exit code.

use std::future::pending;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use mishpulse_client::{Signal as Beat, Status, beat};
use rustix::process::Signal;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until, timeout};

use super::child::{Ended, Running};
use super::mask::Mask;
use super::signals;
use super::tail::Tail;
use crate::cli::FAILED;
use crate::cli::args::RunOptions;

/// Runs the command, tells the monitor how it ended, and ends as it did.
pub(in crate::cli) fn run(options: &RunOptions) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("mishpulse: cannot listen to signals: {error}");
            return ExitCode::from(FAILED);
        }
    };
    let code = runtime.block_on(wrap(options));
    // A beat that is still under way may hold a thread; nobody waits for it.
    runtime.shutdown_background();
    ExitCode::from(code)
}

async fn wrap(options: &RunOptions) -> u8 {
    let mut signals = match signals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            eprintln!("mishpulse: cannot listen to signals: {error}");
            return FAILED;
        }
    };
    let (report, code) = match Running::start(&options.command) {
        Ok(running) => follow(running, options, &mut signals).await,
        Err(error) => not_started(options, &error),
    };
    tell(options, report, &mut signals).await;
    code
}

/// How it ended, for the monitor.
type Report = Result<(), String>;

/// As a shell has it: the program was not found.
const NOT_FOUND: u8 = 127;
/// As a shell has it: the program cannot be run.
const NOT_RUNNABLE: u8 = 126;
/// As `timeout` of GNU has it.
const TIMED_OUT: u8 = 124;
/// As a shell has it: killed by a signal, whose number is added.
const KILLED: i32 = 128;
/// How long a command that was told to end for its time-out may take over it.
const KILL_AFTER: Duration = Duration::from_secs(10);
/// The client's own limit is 10 s; this is for a system that does not keep it.
const TELL_TIMEOUT: Duration = Duration::from_secs(12);
/// Room in a message for the last lines, beside how it ended.
const LINES_BYTES_MAX: usize = 3500;

async fn follow(
    mut running: Running,
    options: &RunOptions,
    signals: &mut UnboundedReceiver<Signal>,
) -> (Report, u8) {
    let limit: Option<Duration> = options.timeout.map(Into::into);
    let mut deadline = limit.map(|limit| Instant::now() + limit);
    let mut is_timed_out = false;
    loop {
        tokio::select! {
            () = running.exited() => break,
            Some(signal) = signals.recv() => running.send(signal),
            () = passed(deadline) => {
                running.send(if is_timed_out { Signal::KILL } else { Signal::TERM });
                deadline = Some(Instant::now() + KILL_AFTER);
                is_timed_out = true;
            }
        }
    }
    let (ended, tail) = match running.finish().await {
        Ok(finished) => finished,
        Err(error) => return (Err(format!("it cannot be told how it ended: {error}")), FAILED),
    };
    let (how, code) = match (ended, options.timeout) {
        (_, Some(timeout)) if is_timed_out => (format!("timed out after {timeout}"), TIMED_OUT),
        (Ended::Code(0), _) => return (Ok(()), 0),
        (Ended::Code(code), _) => (format!("exit code {code}"), u8::try_from(code).unwrap_or(FAILED)),
        (Ended::Killed(signal), _) => {
            let code = u8::try_from(KILLED + signal).unwrap_or(FAILED);
            (format!("killed by {}", name_of(signal)), code)
        }
    };
    (Err(message(&how, tail, options)), code)
}

async fn passed(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

fn not_started(options: &RunOptions, error: &io::Error) -> (Report, u8) {
    let program = options.command.first().map(|program| program.to_string_lossy()).unwrap_or_default();
    // Said even with --quiet: there is nobody else to say it.
    eprintln!("mishpulse: {program}: {error}");
    let code = if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_RUNNABLE };
    let how = format!("exit code {code}: {program}: {error}");
    (Err(message(&how, Tail::default(), options)), code)
}

/// How it ended and the last lines, without how long it took: the same failure is to be the same message, which is told once.
fn message(how: &str, tail: Tail, options: &RunOptions) -> String {
    let mask = Mask::of_process().with_url(&options.url);
    let lines = tail.text(&mask, LINES_BYTES_MAX);
    let how = mask.apply(how);
    if lines.is_empty() { how.into_owned() } else { format!("{how}\n{lines}") }
}

fn name_of(signal: i32) -> String {
    match Signal::from_named_raw(signal) {
        Some(Signal::TERM) => "SIGTERM".to_owned(),
        Some(Signal::INT) => "SIGINT".to_owned(),
        Some(Signal::HUP) => "SIGHUP".to_owned(),
        Some(Signal::QUIT) => "SIGQUIT".to_owned(),
        Some(Signal::KILL) => "SIGKILL, perhaps for want of memory".to_owned(),
        Some(Signal::SEGV) => "SIGSEGV".to_owned(),
        Some(Signal::ABORT) => "SIGABRT".to_owned(),
        Some(Signal::PIPE) => "SIGPIPE".to_owned(),
        _ => format!("signal {signal}"),
    }
}

/// Sends the heartbeat, within bounds. A signal that would end the command ends the wait.
async fn tell(options: &RunOptions, report: Report, signals: &mut UnboundedReceiver<Signal>) {
    let signal = match report {
        Ok(()) => Beat::from(Status::Ok),
        Err(message) => Beat::error(message),
    };
    let url = options.url.clone();
    let sending = tokio::task::spawn_blocking(move || beat(url, signal));
    let told = tokio::select! {
        told = timeout(TELL_TIMEOUT, sending) => told,
        _ = ending(signals) => return,
    };
    let why = match told {
        Ok(Ok(Ok(()))) => return,
        Ok(Ok(Err(error))) => error.to_string(),
        Ok(Err(_)) => "the HTTP client failed".to_owned(),
        Err(_) => "it takes too long".to_owned(),
    };
    if !options.quiet {
        eprintln!("mishpulse: the monitor was not told how it ended: {why}");
    }
}

async fn ending(signals: &mut UnboundedReceiver<Signal>) {
    while let Some(signal) = signals.recv().await {
        if ![Signal::USR1, Signal::USR2].contains(&signal) {
            return;
        }
    }
    pending::<()>().await;
}
