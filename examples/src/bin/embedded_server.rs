//! The server inside a program of one's own, which it also watches: nothing else to install or to start.
//!
//! Takes its settings as `mishpulse serve` does: from `mishpulse.toml`, and from variables such as `MISHPULSE_LISTEN`.

use std::error::Error;

use mishpulse_client::Builder;
use mishpulse_core::Span;
use mishpulse_examples::duration;
use mishpulse_server::config::{DeclaredService, Environment, Overrides, Source, Token};
use mishpulse_server::{App, Settings};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let interval = duration("INTERVAL", Span::from_secs(60))?;
    let mut settings = Settings::load(&Source::default(), &Environment::of_process())?.settings;

    // This program is a service like any other, with another token at each start.
    let token = Token::random()?;
    settings.services.push(DeclaredService {
        name: "this-program".parse()?,
        token: Some(token.clone()),
        overrides: Overrides { timeout: Some(Span::from_secs(300)), ..Overrides::default() },
    });

    let running = App::start(settings).await?;
    println!("listens on http://{}", running.address());
    let pulse = Builder::new(format!("http://{}/api/heartbeat/{}", running.address(), token.text()))
        .interval(interval)
        .start()?;

    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    // The pulse first: it has nobody to talk to afterwards.
    drop(pulse);
    running.stop().await;
    Ok(())
}
