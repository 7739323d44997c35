#!/usr/bin/env bash
# What must hold before the crates are published: each builds from what its package holds, and none breaks the promise of its version.
#
# check-crates.sh [BASELINE]: BASELINE is the commit of the last release; left out, its tag. Needs a clean work tree and
# cargo-semver-checks: cargo install cargo-semver-checks --locked.
set -euo pipefail
cd "$(dirname "$0")/.."

crates=(--package mishpulse-core --package mishpulse-client --package mishpulse-server)

cargo publish --dry-run --locked "${crates[@]}"

baseline=${1:-$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null || true)}
if [ -n "$baseline" ]; then
    cargo semver-checks "${crates[@]}" --baseline-rev "$baseline"
else
    echo "nothing was released, so no promise can be broken"
fi
