#!/usr/bin/env bash
# Runs what stands in one document, in order: driver.sh BLOCKS COUNT, in the folder that the reader would be in.
#
# BLOCKS has block N as N.sh, N.py, N.toml or N.wait (stopped by hand); beside it may be N.exit (the exit code that it shall have)
# and N.name (the file that N.body is). It gets N.out and N.err, and `current` says how far it came.
#
# It is called within a network and a process tree of its own, so port 8080 is free and nothing is left behind. Else the reader's
# commands are run as they stand, but for this: a server is started in the background, instead of the one before, and waited
# for; `cargo run --release` starts the binary that is there; the words TOKEN and URL stand for those of the service `example`.
set -euo pipefail
blocks=$1 count=$2
server=
ip link set lo up

cargo() {
    if [ "$*" = 'run --release' ]; then start serve; else command cargo "$@"; fi
}

mishpulse() {
    if [ $# = 0 ] || [ "$1" = serve ]; then start "$@"; else command mishpulse "$@"; fi
}

sudo() { "$@"; }

# What a server refuses is no success, whatever curl thinks.
curl() {
    case " $*" in
        *' -f'*) command curl "$@" ;;
        *) command curl --fail-with-body "$@" ;;
    esac
}

start() {
    if [ -n "$server" ]; then
        kill "$server" && { wait "$server" || true; }
    fi
    command mishpulse "$@" 2>"$blocks/log" &
    server=$!
    for _ in $(seq 600); do
        if is_up; then
            cat "$blocks/log"
            return
        fi
        kill -0 "$server" || break
        sleep 0.05
    done
    cat "$blocks/log" >&2
    return 1
}

# It answers, is well, and has said all that it says to a newcomer.
is_up() {
    base=$(grep -o 'listens on http://.*' "$blocks/log" | cut -d' ' -f3) || return 1
    curl -fs "${base%\"\}}/readyz" -o /dev/null || return 1
    if grep -q 'by=first run' "$blocks/log"; then grep -q 'and look at' "$blocks/log"; fi
}

listeners() { ss -Hltn | wc -l; }

# A person takes longer to go on than what was started in the background takes to listen.
settle() {
    grep -q '&$' "$1" || return 0
    for _ in $(seq 400); do
        [ "$(listeners)" = "$2" ] || return 0
        sleep 0.05
    done
    return 1
}

placeholders() {
    token=$(command mishpulse service show example --json 2>/dev/null | jq -r .token 2>/dev/null) || token=TOKEN
    word() { printf 's@(^|[^A-Za-z0-9_${])%s([^A-Za-z0-9_=]|$)@\\1%s\\2@g;' "$1" "$2"; }
    sed -E -i "$(word TOKEN "$token")$(word URL "http://127.0.0.1:8080/api/heartbeat/$token")" "$1"
}

for ((n = 0; n < count; n++)); do
    echo "$n" >"$blocks/current"
    [ ! -e "$blocks/$n.name" ] || cp "$blocks/$n.body" "$(cat "$blocks/$n.name")"
    before=$(listeners)
    if [ -e "$blocks/$n.sh" ]; then
        placeholders "$blocks/$n.sh"
        if [ -e "$blocks/$n.exit" ]; then
            set +e
            # shellcheck disable=SC1090
            source "$blocks/$n.sh" >"$blocks/$n.out" 2>"$blocks/$n.err"
            code=$?
            set -e
            [ "$code" = "$(cat "$blocks/$n.exit")" ] || exit 1
        else
            # shellcheck disable=SC1090
            source "$blocks/$n.sh" >"$blocks/$n.out" 2>"$blocks/$n.err"
        fi
        settle "$blocks/$n.sh" "$before"
    elif [ -e "$blocks/$n.wait" ]; then
        placeholders "$blocks/$n.wait"
        set -a
        export URL KEY TOKEN 2>/dev/null || true
        set +a
        code=0
        timeout 2 bash "$blocks/$n.wait" >"$blocks/$n.out" 2>"$blocks/$n.err" || code=$?
        [ "$code" = 124 ] || exit 1
    elif [ -e "$blocks/$n.py" ]; then
        placeholders "$blocks/$n.py"
        "${PYTHON:-python3}" "$blocks/$n.py" >"$blocks/$n.out" 2>"$blocks/$n.err"
    elif [ -e "$blocks/$n.toml" ]; then
        # shellcheck disable=SC2046
        env $(cat "$blocks/$n.env") mishpulse check-config --config "$blocks/$n.toml" >"$blocks/$n.out" 2>"$blocks/$n.err"
    fi
done
echo done >"$blocks/current"
