//! A job for cron that says how it ended, ok, its error or its panic: `job FOLDER` tells how large the files in it are.
//!
//! An empty folder divides by zero: a mistake left in, so that you can see a panic being reported.

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

fn main() -> ExitCode {
    let url = env::var("MISHPULSE_URL").unwrap_or_default();
    let folder = env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    match mishpulse_client::job(url, || average_bytes(Path::new(&folder))) {
        Ok(average) => {
            println!("{average} bytes on average");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn average_bytes(folder: &Path) -> Result<u64, io::Error> {
    let (mut files, mut bytes) = (0, 0);
    for entry in fs::read_dir(folder)? {
        let facts = entry?.metadata()?;
        if facts.is_file() {
            files += 1;
            bytes += facts.len();
        }
    }
    Ok(bytes / files)
}
