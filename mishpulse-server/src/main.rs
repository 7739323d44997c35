//! The binary `mishpulse`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // TLS is needed by channels and client alike; the provider is named once, so that nobody has to guess it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    mishpulse_server::cli::main()
}
