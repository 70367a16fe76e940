#!/bin/sh
# nginx with Nchan (Debian: libnginx-mod-nchan) on $PORT, with as many workers as the embedded pushlab-server
# has, in a folder of its own that goes with it.
set -eu
ulimit -n "$(ulimit -Hn)"
workers=$(($(nproc) / 2))
[ "$workers" -gt 0 ] || workers=1
folder=$(mktemp -d)
# Workers of a root's nginx run as somebody else and have to pass through it.
chmod 711 "$folder"
sed "s|PORT|$PORT|; s|WORKERS|$workers|; s|FOLDER|$folder|" nginx.conf >"$folder/nginx.conf"

nginx -c "$folder/nginx.conf" &
nginx=$!
trap 'kill "$nginx" 2>/dev/null || true' TERM INT
status=0
wait "$nginx" || status=$?
# A signal ends the first wait, not nginx.
wait "$nginx" 2>/dev/null || true
rm -r "$folder"
exit "$status"
