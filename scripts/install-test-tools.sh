#!/usr/bin/env bash
# Installs what scripts/test.sh needs beside Rust. Does nothing that was done before.
set -euo pipefail
cd "$(dirname "$0")/.."

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

packages=(build-essential ca-certificates curl openssl python3 python3-venv sqlite3)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

python=target/test-python
if [ ! -x "$python/bin/python" ]; then
    mkdir -p target
    python3 -m venv "$python"
fi
"$python/bin/pip" install -q --disable-pip-version-check -r scripts/test-requirements.txt
