#!/usr/bin/env bash
# Everything that must pass. Installs what the tests need (Debian or Ubuntu, as root or with sudo): they use real mail servers
# and a real browser, and fail where one is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

step "what the tests need"
scripts/install-test-tools.sh
export MISHPULSE_TEST_PYTHON="$PWD/target/test-python/bin/python"

step "formatting"
cargo fmt --all --check

step "lints"
cargo clippy --workspace --all-targets --locked -- -D warnings

step "the core without std"
cargo check -p mishpulse-core --no-default-features --locked

step "tests"
cargo test --workspace --locked
cargo test -p mishpulse-core --all-features --locked
cargo test -p mishpulse-client --all-features --locked

step "the API, against its description"
SECONDS_MAX=45 scripts/schemathesis.sh

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

step "all passed"
