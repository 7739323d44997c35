#!/usr/bin/env bash
# Builds deploy/Dockerfile without a container engine, says how large each layer is, and runs the image by scripts/run_image.py.
#
# Needs root on Debian with buildah, debootstrap, iproute2, openssl and python3, and Rust. The image that the Dockerfile begins with is
# made of Debian's packages and of the Rust of this machine, so nothing is pulled. What was compiled stays in target/image-check.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$PWD/target/image-check
image=localhost/mishpulse:check
with_store() { buildah --root "$folder/store" --runroot "$folder/run" --storage-driver vfs "$@"; }
step() { printf '\n== %s\n' "$*"; }

mkdir -p "$folder/compiled"
trap 'rm -rf "$folder/store" "$folder/run" "$folder/root" "$folder/base"' EXIT

base=$(sed -n 's/^FROM \([^ ]*\) AS build$/\1/p' deploy/Dockerfile)
step "what it begins with: $base, of Debian's packages"
rm -rf "$folder/base"
debootstrap --variant=minbase --include=ca-certificates,gcc,libc6-dev bookworm "$folder/base" >"$folder/debootstrap.log"
container=$(with_store from scratch)
with_store add --quiet "$container" "$folder/base" / >/dev/null
with_store config --env CARGO_HOME=/usr/local/cargo --env CARGO_NET_OFFLINE=true \
    --env PATH=/usr/local/rust/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
with_store commit --quiet --rm "$container" "$base" >/dev/null

step "the image, by deploy/Dockerfile"
cargo fetch --locked
with_store bud --layers --isolation chroot --pull-never --format docker --file deploy/Dockerfile --tag "$image" \
    --volume "$(rustc --print sysroot):/usr/local/rust:ro" \
    --volume "${CARGO_HOME:-$HOME/.cargo}/registry:/usr/local/cargo/registry:ro" \
    --volume "$folder/compiled:/src/target" \
    .

step "its size"
rm -f "$folder/image.tar"
with_store push --quiet "$image" "docker-archive:$folder/image.tar:mishpulse:check" >/dev/null
mkdir -p "$folder/root"
python3 scripts/run_image.py lay "$folder/image.tar" "$folder/root"

step "it runs"
unshare --net --mount --pid --fork --kill-child --mount-proc \
    python3 scripts/run_image.py run "$folder/image.tar" "$folder/root"

step "all passed"
