#!/bin/sh
# nginx with Nchan (Debian: libnginx-mod-nchan) on $PORT, with as many workers as the embedded pushlab-server
# has. The shell becomes nginx, so that whoever started it ends nginx by its own id.
set -eu
ulimit -n "$(ulimit -Hn)"
folder=$(mktemp -d)
workers=$(($(nproc) / 2))
[ "$workers" -gt 0 ] || workers=1
sed -e "s|PORT|$PORT|; s|WORKERS|$workers|; s|FOLDER|$folder|" nginx.conf >"$folder/nginx.conf"
exec nginx -c "$folder/nginx.conf"
