#!/usr/bin/env bash
# Installs the Debian package in a fresh Debian that boots in a container, and uses it: beats, an alert, a hang, an upgrade, a removal
# that keeps the data, a purge. Prints a transcript.
#
# Needs root on Debian with debootstrap, systemd-container, lintian and dpkg-dev, cargo-deb and python3. Leaves nothing behind but
# target/package-check. PROGRAM=FILE packs that binary instead of building one, SUITE=trixie takes another Debian.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$PWD/target/package-check root=$PWD/target/package-check/root
data=/var/lib/mishpulse config=/etc/mishpulse/mishpulse.toml
container='' hook=''

step() { printf '\n== %s\n' "$*"; }
fail() {
    echo "FAILED: $*" >&2
    [ -z "$container" ] || inside journalctl --unit mishpulse --no-pager --lines 40 >&2 || true
    exit 1
}
# In the container: its files, processes and network. `run` shows the command, too.
inside() { nsenter --target "$container" --mount --uts --ipc --net --pid -- "$@"; }
run() {
    printf '# %s\n' "$*"
    inside "$@"
}
# Waits until a command succeeds, 60 s at most.
await() {
    local what=$1 tries=300
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || fail "$what"
        sleep 0.2
    done
}
booted() { inside systemctl is-system-running | grep -E 'running|degraded'; }
ready() { inside mishpulse healthcheck; }
property() { inside systemctl show mishpulse --property "$1" --value; }
is() { inside sh -c "mishpulse status --json --name '$1' | grep -q '\"status\":\"$2\"'"; }
hook_got() { grep -q "\"event\":\"$1\"" "$folder/hook.log"; }
# What must be the same before and after: services with tokens and history, and the key.
kept() {
    inside sh -c "cat $data/admin.key; mishpulse service list --json --data-dir $data | grep -o '\"\(name\|token\)\":\"[^\"]*\"'"
    inside mishpulse service show job --json --data-dir $data | grep -o '"timeout":"[^"]*"'
}
keeps() { [ "$(kept)" = "$before" ] || fail "the data is not the same as before: $(kept)"; }

boot() {
    local options=(--quiet "--directory=$root" --boot --private-network --register=no --console=pipe)
    [ -d /run/systemd/system ] || options+=(--keep-unit)
    systemd-nspawn "${options[@]}" >"$folder/boot.log" 2>&1 &
    local nspawn=$!
    await "the container starts" pgrep --parent "$nspawn"
    container=$(pgrep --parent "$nspawn" | head -1)
    await "systemd runs in the container" booted
}
end() {
    [ -z "$hook" ] || kill "$hook" 2>/dev/null || true
    if [ -n "$container" ]; then
        # What tells systemd to halt.
        kill -s RTMIN+3 "$container" 2>/dev/null || true
        for _ in $(seq 100); do
            kill -0 "$container" 2>/dev/null || break
            sleep 0.1
        done
        kill -s KILL "$container" 2>/dev/null || true
    fi
    wait 2>/dev/null || true
    rm -rf "$root"
}
trap end EXIT

step "two versions of the package"
rm -rf "$folder"
mkdir -p "$folder"
pack() {
    scripts/package.sh "$@" 2>>"$folder/package.log" >"$folder/name" || fail "see $folder/package.log"
    cp "$(tail -n 1 "$folder/name")" "$folder/"
    printf '%s/%s' "$folder" "$(basename "$(tail -n 1 "$folder/name")")"
}
first=$(pack)
PROGRAM=${PROGRAM:-target/release/mishpulse}
export PROGRAM
second=$(pack 999.0.0~test)
stat --format '%s bytes %n' "$first" "$second" "$PROGRAM"
echo "$ lintian $first"
lintian --allow-root --fail-on error,warning "$first"

step "a fresh Debian"
debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,adduser "${SUITE:-bookworm}" "$root" >"$folder/debootstrap.log"
cp "$first" "$root/root/first.deb"
cp "$second" "$root/root/second.deb"
boot
echo "Debian $(inside cat /etc/debian_version) has booted: $(inside systemctl is-system-running || true)"

step "installed"
run dpkg --install /root/first.deb
await "the service is ready" ready
run systemctl is-active mishpulse
run systemctl is-enabled mishpulse
inside ls -l --directory $data | grep -q private/mishpulse || fail "the data is not in a folder of the service's own"
run stat --format '%A %U:%G %n' /etc/mishpulse $config $data/ $data/mishpulse.db $data/admin.key
[ "$(inside stat --format '%a %G' $config)" = "640 mishpulse" ] || fail "the configuration is for others to read"
run grep -E '^(Uid|CapEff|NoNewPrivs|Seccomp):' "/proc/$(property MainPID)/status"
[ "$(inside stat --format %U "/proc/$(property MainPID)")" = mishpulse ] || fail "the service is not its own user's"
run systemd-analyze verify --man=no /lib/systemd/system/mishpulse.service
inside systemd-analyze security --no-pager --threshold=19 mishpulse.service | tail -1

step "configured, and a beat"
nsenter --target "$container" --net -- python3 - >"$folder/hook.log" <<'PY' &
import http.server, sys
class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        print(body, flush=True)
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", 9000), Hook).serve_forever()
PY
hook=$!
await "the webhook listens" inside grep ':2328 ' /proc/net/tcp # port 9000
inside sh -c "cat >> $config" <<'TOML'

[channels.hook]
kind = "webhook"
url = "http://127.0.0.1:9000/"
headers = { "Authorization" = "${HOOK_SECRET}" }

[[services]]
name = "job"
timeout = "3s"
TOML
if inside systemctl reload mishpulse 2>/dev/null; then fail "a file with a mistake was taken"; fi
echo "a variable is missing: systemctl reload has failed, and the service runs on: $(inside systemctl is-active mishpulse)"
inside sh -c 'umask 077; echo HOOK_SECRET=s3cret > /etc/mishpulse/environment'
run systemctl restart mishpulse
await "the service is ready" ready
run mishpulse channel test hook --data-dir $data
url=$(inside mishpulse service show job --json --data-dir $data | grep -o '"heartbeat_url":"[^"]*"' | cut -d'"' -f4)
run mishpulse beat "$url"
run mishpulse status
is job alive || fail "the beat did not count"

step "silence, and an alert"
await "the webhook hears of it" hook_got service.dead
is job dead || fail "it is not dead"
grep '"event":"service.dead"' "$folder/hook.log"
inside mishpulse beat "$url"
await "the webhook hears of its recovery" hook_got service.recovered
grep '"event":"service.recovered"' "$folder/hook.log"
inside mishpulse service edit job --timeout 1h --data-dir $data >/dev/null
run mishpulse backup /root/copy.db --data-dir $data

step "systemd's watchdog, of 3 s instead of 30 s"
inside sh -c "mkdir -p /run/systemd/system/mishpulse.service.d && printf '[Service]\nWatchdogSec=3s\n' > /run/systemd/system/mishpulse.service.d/test.conf"
inside systemctl daemon-reload
inside systemctl restart mishpulse
await "the service is ready" ready
pid=$(property MainPID)
run systemctl kill --signal=STOP mishpulse
another() { [ "$(property MainPID)" != "$pid" ] && [ "$(property MainPID)" != 0 ]; }
await "systemd starts it anew" another
await "the service is ready" ready
inside journalctl --unit mishpulse --no-pager --output cat --grep 'Watchdog timeout|Scheduled restart'
inside rm /run/systemd/system/mishpulse.service.d/test.conf
inside systemctl daemon-reload
inside systemctl restart mishpulse
await "the service is ready" ready

step "an upgrade"
before=$(kept) pid=$(property MainPID)
run dpkg --install /root/second.deb
await "the service is another process" another
await "the service is ready" ready
inside dpkg-query --show mishpulse
keeps
inside grep -q 'name = "job"' $config || fail "the configuration is not the one that was edited"
inside mishpulse beat "$url"
run mishpulse status

step "a removal that keeps the data"
run dpkg --remove mishpulse
inside test -s $data/mishpulse.db || fail "the data is gone"
inside test -s $config || fail "the configuration is gone"
run ls $data/ /etc/mishpulse
run dpkg --install /root/second.deb
await "the service is ready" ready
keeps
echo "installed again, and all is there"

step "a purge"
run dpkg --purge mishpulse
for path in $data /var/lib/private/mishpulse /etc/mishpulse /usr/bin/mishpulse; do
    if inside test -e $path; then fail "$path is still there"; fi
done
echo "nothing is left"

step "all passed"
