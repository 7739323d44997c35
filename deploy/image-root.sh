#!/bin/sh
# Lays out what the image holds: image-root.sh PROGRAM FOLDER makes FOLDER/base and FOLDER/program, one for each layer.
set -eu
program=$1 base=$2/base own=$2/program
user=65532

mkdir -p "$base/etc/ssl/certs" "$base/etc/mishpulse" "$base/tmp" "$base/var/lib/mishpulse" "$own/usr/bin"

# The libraries, each where the loader looks for it.
ldd "$program" | sed -n -e 's/.*=> \(\/[^ ]*\) (.*/\1/p' -e 's/^[[:space:]]*\(\/[^ ]*\) (.*/\1/p' | while read -r library; do
    mkdir -p "$base$(dirname "$library")"
    cp -L "$library" "$base$library"
done
# The loader is part of the program's format: without it nothing starts.
ls "$base"/lib*/ld-linux-* >/dev/null

cp -L /etc/ssl/certs/ca-certificates.crt "$base/etc/ssl/certs/ca-certificates.crt"
echo "mishpulse:x:$user:$user::/var/lib/mishpulse:/nonexistent" >"$base/etc/passwd"
echo "mishpulse:x:$user:" >"$base/etc/group"
# /etc/hosts first, so that the names of a compose file and of Kubernetes are found.
echo "hosts: files dns" >"$base/etc/nsswitch.conf"
chmod 1777 "$base/tmp"
chmod 700 "$base/var/lib/mishpulse"
chown "$user:$user" "$base/var/lib/mishpulse"

cp "$program" "$own/usr/bin/mishpulse"
chmod 755 "$own/usr/bin/mishpulse"
