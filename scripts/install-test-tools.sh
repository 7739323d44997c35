#!/usr/bin/env bash
# Installs what scripts/test.sh needs beside Rust. Does nothing that was done before.
set -euo pipefail
cd "$(dirname "$0")/.."

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

is_installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'install ok installed'; }

packages=(
    build-essential ca-certificates curl openssl sqlite3
    jq iproute2 util-linux # what the documents say is run as it stands, in a network of its own
    python3 python3-venv # aiosmtpd, requests, schemathesis
    mount util-linux     # unshare, setpriv: a sandbox
    postfix              # a real mail server
    faketime iproute2    # a clock that steps, a network that is cut
    chromium             # a real browser
    systemd              # systemd-analyze, for the units
    docker-compose       # for compose.yaml
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

# Programs alone, out of packages that would start servers where they are installed.
tools=target/test-tools
unpack() {
    local program=$1 package=$2
    [ -x "$tools/$program" ] && return
    mkdir -p "$tools/packages"
    as_root apt-get update -qq
    (cd "$tools/packages" && apt-get download -qq "$package" && dpkg-deb --extract "$package"_*.deb ..)
    rm -r "$tools/packages"
    [ -x "$tools/$program" ]
}
unpack usr/bin/promtool prometheus
unpack usr/sbin/nginx nginx
unpack usr/bin/caddy caddy

python=target/test-python
if ! [ -x "$python/bin/python" ]; then
    mkdir -p target
    python3 -m venv "$python"
fi
"$python/bin/pip" install -q --disable-pip-version-check -r scripts/test-requirements.txt

if [ -f mishpulse-server/tests/page/package-lock.json ]; then
    npm ci --prefix mishpulse-server/tests/page --no-audit --no-fund --loglevel=error
fi
