#!/usr/bin/env bash
# Shows that the simulation bites: plants each bug of mishpulse-server/tests/planted/bugs.toml in a copy of the sources and counts
# the seeds after which the simulation finds it. Prints a table, and fails where one is not found within SEEDS_MAX (200) seeds,
# or where a bug's text is no longer in the sources. With names, only those are looked for. All bugs go into one build, and each run switches one on.
set -euo pipefail
cd "$(dirname "$0")/.."

copy="$PWD/target/planted/tree"
mkdir -p "$copy"
# Only what differs is written, so that what has not changed is not built again.
python3 - "$copy" <<'PYTHON'
import pathlib, subprocess, sys, tomllib

copy = pathlib.Path(sys.argv[1])
bugs = tomllib.loads(pathlib.Path("mishpulse-server/tests/planted/bugs.toml").read_text())["bug"]
texts = {}
for bug in bugs:
    text = texts.get(bug["file"]) or pathlib.Path(bug["file"]).read_text()
    found = text.count(bug["find"])
    if found != 1:
        sys.exit(f"{bug['name']}: its text stands {found} times in {bug['file']}: mend mishpulse-server/tests/planted/bugs.toml")
    texts[bug["file"]] = text.replace(bug["find"], bug["put"])
core = "mishpulse-core/src/lib.rs"
texts[core] = pathlib.Path(core).read_text() + '''
/// Whether this bug is to show.
pub fn planted(name: &str) -> bool {
    extern crate std;
    static NAME: std::sync::OnceLock<std::string::String> = std::sync::OnceLock::new();
    NAME.get_or_init(|| std::env::var("PLANTED").unwrap_or_default()) == name
}
'''
listed = subprocess.run(
    ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], check=True, capture_output=True
)
for name in listed.stdout.decode().split("\0"):
    source, target = pathlib.Path(name), copy / name
    if not source.is_file():
        continue
    data = texts[name].encode() if name in texts else source.read_bytes()
    if not target.exists() or target.read_bytes() != data:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
(copy.parent / "names").write_text("".join(f"{bug['name']}\t{bug.get('on', 'memory')}\t{bug['what']}\n" for bug in bugs))
PYTHON

export CARGO_TARGET_DIR="$PWD/target/planted/target"
binary=$(cd "$copy" && cargo test -p mishpulse-server --test sim --no-run --message-format=json |
    python3 -c '
import json, sys
built = [json.loads(line) for line in sys.stdin if line.startswith("{")]
print([one["executable"] for one in built if one.get("executable") and one["target"]["name"] == "sim"][-1])')

seeds_max=${SEEDS_MAX:-200}
missed=0
echo "| bug | what it does | seeds until found | what the simulation said |"
echo "| --- | --- | --- | --- |"
while IFS=$'\t' read -r name on what; do
    if [ $# -gt 0 ] && [[ " $* " != *" $name "* ]]; then
        continue
    fi
    if found=$(PLANTED="$name" MISHPULSE_SIM_ON="$on" MISHPULSE_SIM_UNTIL_FOUND="$seeds_max" "$binary" until_found --nocapture 2>/dev/null |
        grep '^found after '); then
        seeds=${found#found after }
        echo "| $name | $what | ${seeds%%:*} | ${seeds#*: } |"
    else
        echo "| $name | $what | not within $seeds_max | |"
        missed=$((missed + 1))
    fi
done <target/planted/names
if PLANTED=none MISHPULSE_SIM_UNTIL_FOUND=20 "$binary" until_found --nocapture 2>/dev/null | grep '^found after '; then
    echo "without any bug the simulation fails as well" >&2
    exit 1
fi
exit "$((missed > 0))"
