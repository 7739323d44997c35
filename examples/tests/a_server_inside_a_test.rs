//! How an app's heartbeats are tested against a server in the same process: no port to choose, no network, no mocks.

use std::time::Duration;

use mishpulse_client::Builder;
use mishpulse_core::Status;
use mishpulse_server::config::Environment;
use mishpulse_server::{App, Running, Settings};

#[tokio::test(flavor = "multi_thread")]
async fn an_app_beats_and_tells_of_trouble() {
    let folder = tempfile::tempdir().unwrap();
    let environment = [("DATA", folder.path())].into_iter().collect::<Environment>();
    let text = "listen = '127.0.0.1:0'\ndata_dir = '${DATA}'";
    let settings = Settings::parse("test", text, &environment).unwrap().settings;
    let server = App::start(settings).await.unwrap();
    let url = server.make_service("app".parse().unwrap()).await.unwrap();
    assert_eq!(of_app(&server), (Status::New, None));

    let pulse = Builder::new(url).start().unwrap();
    assert!(pulse.flush(Duration::from_secs(10)));
    assert_eq!(of_app(&server), (Status::Alive, None));

    pulse.error("disk full");
    assert!(pulse.flush(Duration::from_secs(10)));
    assert_eq!(of_app(&server), (Status::Error, Some("disk full".to_owned())));

    drop(pulse);
    server.stop().await;
}

/// What the server believes of the service `app`, read where its own page reads it.
fn of_app(server: &Running) -> (Status, Option<String>) {
    server.board().read(|view| {
        let row = view.row("app").unwrap();
        (row.status, row.message.as_ref().map(ToString::to_string))
    })
}
