//! `mishpulse serve`.

use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::args::ServeOptions;
use super::{FAILED, MISTAKE, descriptors, logs, memory, systemd};
use crate::app::{App, AppError, Prepared, Running};
use crate::config::{Durability, Environment, Loaded, LogFormat, ServiceName, Settings, Source};

/// Runs the server until it is told to stop.
pub(super) fn run(options: &ServeOptions) -> ExitCode {
    let source = options.source();
    let loaded = match Settings::load(&source, &Environment::of_process()) {
        Ok(loaded) => loaded,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(MISTAKE);
        }
    };
    logs::start(&loaded.settings);
    memory::keep_private();
    descriptors::raise(&loaded.settings.limits);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads(&loaded.settings))
        .event_interval(TASKS_BETWEEN_LOOKS)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("mishpulse: no threads to run on: {error}");
            return ExitCode::from(FAILED);
        }
    };
    let code = runtime.block_on(serve(loaded, &source));
    // What matters has been finished; a heartbeat to a server that does not answer is not waited for.
    runtime.shutdown_background();
    code
}

/// After how many tasks at the latest a thread looks for what has arrived. It looks anyway when none is left: so each round reads all
/// that is there, which shares a commit, and under load no connection waits for its turn through several rounds of others.
const TASKS_BETWEEN_LOOKS: u32 = 1024;

/// One for each processor, and two where there is but one: while the engine writes on one of them, others go on. Two more where it
/// waits for the disk each time: with one more, two processors answered up to 9 % fewer beats at 64 and 256 connections, and with four more
/// no more.
fn threads(settings: &Settings) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    match settings.durability {
        Durability::Process => processors.max(2),
        Durability::Power => processors + 2,
    }
}

async fn serve(loaded: Loaded, source: &Source) -> ExitCode {
    // Before it answers anyone: from then on a signal is an order, and not the end.
    let signals =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::hangup()));
    let (Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)) = signals else {
        eprintln!("mishpulse: signals cannot be listened to");
        return ExitCode::from(FAILED);
    };
    let (declares_none, warnings) = (loaded.settings.services.is_empty(), loaded.warnings);
    let mut running = match start(loaded.settings).await {
        Ok(running) => running,
        Err(error) => {
            eprintln!("mishpulse: {error}");
            return ExitCode::from(if is_mistake(&error) { MISTAKE } else { FAILED });
        }
    };
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    if declares_none && running.board().read(|view| view.is_empty()) {
        greet_newcomer(&running).await;
    }
    let is_well = running.is_well();
    systemd::follow(move || is_well());
    let code = loop {
        tokio::select! {
            () = heard(&mut terminate) => break ExitCode::SUCCESS,
            () = heard(&mut interrupt) => break ExitCode::SUCCESS,
            () = heard(&mut hangup) => {
                systemd::reloading();
                reload(&mut running, source).await;
                systemd::reloaded();
            }
            () = running.engine_ended() => {
                eprintln!("mishpulse: the engine has ended; the log says why");
                break ExitCode::from(FAILED);
            }
        }
    };
    systemd::stopping();
    tracing::info!("stopping");
    running.stop().await;
    tracing::info!("stopped");
    code
}

/// Says where everything is before it starts: those are the first lines, whatever the log level.
async fn start(settings: Settings) -> Result<Running, AppError> {
    let listen = |source| AppError::Listen { address: settings.listen.clone(), source };
    let listener = TcpListener::bind(&settings.listen).await.map_err(listen)?;
    let prepared = App::prepare(settings, listener)?;
    greet(&prepared);
    prepared.start(None)
}

/// One line for whoever starts it: words, or JSON like all of the log.
fn tell(settings: &Settings, line: &str) {
    match settings.log_format {
        LogFormat::Text => eprintln!("{line}"),
        LogFormat::Json => eprintln!("{}", serde_json::json!({ "level": "INFO", "message": line })),
    }
}

async fn heard(signal: &mut Signal) {
    signal.recv().await;
}

fn greet(prepared: &Prepared) {
    let full = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let settings = prepared.settings();
    let version = env!("CARGO_PKG_VERSION");
    tell(settings, &format!("MishPulse {version} listens on http://{}", prepared.address()));
    tell(settings, &format!("data folder: {}", full(&settings.data_dir).display()));
    match &prepared.admin_key().file {
        Some(file) => tell(settings, &format!("admin key: in {}", full(file).display())),
        None => tell(settings, "admin key: from the configuration"),
    }
}

/// With nothing to watch there is nothing to see: makes an example and says how to beat for it.
async fn greet_newcomer(running: &Running) {
    let Ok(name) = EXAMPLE.parse::<ServiceName>() else { return };
    let settings = running.settings();
    match running.make_service(name).await {
        Ok(url) => {
            tell(
                settings,
                &format!(
                    "no services yet, so here is one called `{EXAMPLE}`; send it a first heartbeat with"
                ),
            );
            tell(settings, &format!("    curl -X POST {url} -d '{{\"status\":\"ok\"}}'"));
            tell(settings, &format!("and look at {}", settings.public_url));
        }
        Err(error) => tracing::warn!(%error, "the example service could not be made"),
    }
}

const EXAMPLE: &str = "example";

/// Reads the file again; one with a mistake changes nothing.
async fn reload(running: &mut Running, source: &Source) {
    let loaded = match Settings::load(source, &Environment::of_process()) {
        Ok(loaded) => loaded,
        Err(error) => {
            for line in error.to_string().lines() {
                tracing::error!("{line}");
            }
            tracing::error!("the configuration was read again and has a mistake; nothing has changed");
            return;
        }
    };
    let changes = crate::config::diff(running.settings(), &loaded.settings);
    match running.reload(loaded.settings).await {
        Ok(()) => {
            for change in changes {
                tracing::info!("{change}");
            }
            tracing::info!("the configuration was read again");
        }
        Err(error) => tracing::error!(%error, "the configuration cannot be taken; nothing has changed"),
    }
}

fn is_mistake(error: &AppError) -> bool {
    use crate::engine::StartError;

    matches!(
        error,
        AppError::Declared(_)
            | AppError::Template(_)
            | AppError::Notifier(_)
            | AppError::Engine(StartError::Declared(_) | StartError::Service { .. })
    )
}
