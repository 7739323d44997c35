#!/usr/bin/env bash
# Makes the Debian package: scripts/package.sh [VERSION]. Needs cargo-deb: cargo install cargo-deb --locked.
# With PROGRAM=FILE that binary is packed instead of one that is built here.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -z "${PROGRAM:-}" ]; then
    cargo build --release --locked --package mishpulse-server
    PROGRAM=target/release/mishpulse
fi
mkdir -p target/release/package
[ "$PROGRAM" -ef target/release/mishpulse ] || install -m 755 "$PROGRAM" target/release/mishpulse

gzip -9nc deploy/debian/mishpulse.1 >target/release/package/mishpulse.1.gz
gzip -9nc CHANGELOG.md >target/release/package/NEWS.md.gz
"$PROGRAM" completions bash >target/release/package/mishpulse.bash
"$PROGRAM" completions zsh >target/release/package/_mishpulse
"$PROGRAM" completions fish >target/release/package/mishpulse.fish

cargo deb --no-build --locked --package mishpulse-server ${1:+--deb-version "$1"}
