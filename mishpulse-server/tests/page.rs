//! The page in a real browser: Debian's Chromium, driven by the scripts in `tests/page`, on pages that the real binary serves.
//!
//! They need chromium, node, and `npm ci` in `mishpulse-server/tests/page`; without them they fail.

use std::path::{Path, PathBuf};
use std::process::Command;

fn run(script: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/page");
    let chromium =
        std::env::var_os("MISHPULSE_CHROMIUM").map_or_else(|| "/usr/bin/chromium".into(), PathBuf::from);
    assert!(
        chromium.exists(),
        "{} is missing: scripts/install-test-tools.sh installs it",
        chromium.display()
    );
    assert!(
        folder.join("node_modules/playwright-core").exists() && folder.join("node_modules/axe-core").exists(),
        "the browser's driver is missing: run `npm ci --prefix mishpulse-server/tests/page`"
    );
    let output = Command::new("node")
        .arg(folder.join(script))
        .env("MISHPULSE_BIN", env!("CARGO_BIN_EXE_mishpulse"))
        .output()
        .expect("node runs; scripts/install-test-tools.sh installs it");
    let told = String::from_utf8_lossy(&output.stdout);
    // Figures, for whoever runs it with --nocapture.
    println!("{told}");
    assert!(output.status.success(), "{script}:\n{told}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_change_is_on_the_screen_at_once() {
    run("live_change.mjs");
}

#[test]
fn a_broken_connection_is_mended_and_nothing_missed() {
    run("reconnect.mjs");
}

#[test]
fn what_others_write_does_nothing() {
    run("hostile_text.mjs");
}

#[test]
fn only_holders_of_a_key_change_anything() {
    run("sign_in.mjs");
}

#[test]
fn it_works_without_script() {
    run("no_script.mjs");
}

#[test]
fn it_is_accessible() {
    run("accessible.mjs");
}

#[test]
fn the_first_load_is_small() {
    run("first_load.mjs");
}
