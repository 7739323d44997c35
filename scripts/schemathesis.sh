#!/usr/bin/env bash
# Throws generated requests, right ones and wrong ones, at a live server, and fails where it does not do what its description says.
# SECONDS_MAX and EXAMPLES bound it, SEED repeats a run.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${MISHPULSE_TEST_PYTHON:-target/test-python/bin/python}
[ -x "$python" ] || python3 -m venv "${python%/bin/python}"
schemathesis=${python%python}schemathesis
[ -x "$schemathesis" ] || "$python" -m pip install -q --disable-pip-version-check -r scripts/test-requirements.txt

cargo build -q -p mishpulse-server --locked
binary=${CARGO_TARGET_DIR:-target}/debug/mishpulse

folder=$(mktemp -d)
server=
stop() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$folder"
}
trap stop EXIT

# The one channel is a service of the server itself, so that it takes what is sent.
port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port
key=key-of-the-schemathesis-run-0123456789
cat >"$folder/mishpulse.toml" <<CONFIG
admin_key = "$key"
log_level = "error"
[limits]
key_failures = 1000
[channels.ops]
kind = "webhook"
url = "$url/api/heartbeat/taker"
[[services]]
name = "taker"
token = "taker"
CONFIG
"$binary" serve --config "$folder/mishpulse.toml" --listen "127.0.0.1:$port" --data-dir "$folder/data" 2>"$folder/log" &
server=$!
curl -fsS --retry 100 --retry-delay 1 --retry-max-time 30 --retry-connrefused "$url/readyz" >/dev/null || { cat "$folder/log"; exit 1; }

# /events never ends. It warns of what cannot be otherwise: forms take no request that no page of theirs made, ETags do not match by
# chance, and badges cannot be guessed. One worker: Python 3.11 builds its own syntax trees badly in two.
scripts=$PWD/scripts
schemathesis=$(realpath -s "$schemathesis")
cd "$folder" # it leaves files where it runs
SCHEMATHESIS_HOOKS="$scripts/schemathesis_hooks.py" \
    "$schemathesis" --config-file "$scripts/schemathesis.toml" run "$url/api/openapi.json" \
    --header "Authorization: Bearer $key" \
    --exclude-path /events \
    --max-time "${SECONDS_MAX:-70}" --max-examples "${EXAMPLES:-100}" --seed "${SEED:-1}" --workers 1 --warnings off --no-color

# It is still there, and has found nothing wrong with itself. Its one channel fails rightly where the service behind it is gone.
if ! kill -0 "$server" || grep -a 'ERROR\|panicked' "$folder/log" | grep -av 'not delivered'; then
    echo "the server is unwell" >&2
    exit 1
fi
