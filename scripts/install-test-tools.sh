#!/usr/bin/env bash
# Installs what scripts/test.sh needs beside Rust. Does nothing that was done before.
set -euo pipefail
cd "$(dirname "$0")/.."

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

is_installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'install ok installed'; }

packages=(
    build-essential ca-certificates curl openssl sqlite3
    python3 python3-venv # aiosmtpd, requests, schemathesis
    postfix              # a real mail server
    faketime iproute2    # a clock that steps, a network that is cut
    chromium             # a real browser
)
command -v npm >/dev/null || packages+=(nodejs npm)
missing=()
for package in "${packages[@]}"; do
    is_installed "$package" || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
    as_root apt-get update -qq
    echo 'postfix postfix/main_mailer_type select No configuration' | as_root debconf-set-selections
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

python=target/test-python
if ! [ -x "$python/bin/python" ]; then
    mkdir -p target
    python3 -m venv "$python"
fi
"$python/bin/pip" install -q --disable-pip-version-check -r scripts/test-requirements.txt

if [ -f mishpulse-server/tests/page/package-lock.json ]; then
    npm ci --prefix mishpulse-server/tests/page --no-audit --no-fund --loglevel=error
fi
