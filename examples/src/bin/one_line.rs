//! An app with the one line that makes it beat, once a minute and when it panics.

fn main() {
    let url = std::env::var("MISHPULSE_URL").unwrap_or_default();
    let _pulse = mishpulse_client::start(url);

    // What the app does. A panic in here would be reported as an error.
    std::thread::park();
}
