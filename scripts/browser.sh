#!/usr/bin/env bash
# Installs what the tests need of Debian beside the product: Chromium, in which they open what people look at, Redis, in
# which services count requests together, and Prometheus, which watches the service. Quick when all are there.
set -euo pipefail

missing=()
[[ -x /usr/bin/chromium ]] || missing+=(chromium)
[[ -x /usr/bin/redis-server ]] || missing+=(redis-server)
[[ -x /usr/bin/prometheus && -x /usr/bin/promtool ]] || missing+=(prometheus)
((${#missing[@]})) || exit 0
as_root=()
if ((EUID != 0)); then
  as_root=(sudo)
fi
if ! command -v apt-get >/dev/null || { ((EUID != 0)) && ! command -v sudo >/dev/null; }; then
  printf 'setup: the tests need /usr/bin/chromium, redis-server, prometheus and promtool: install %s, then run this again\n' \
    "${missing[*]}" >&2
  exit 1
fi
printf 'setup: install the Debian package(s) %s\n' "${missing[*]}"
log=$(mktemp)
if ! { "${as_root[@]}" apt-get update --quiet && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  RUNLEVEL=1 apt-get install --quiet --yes --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 30 "$log" >&2
  printf 'setup: failed: install the Debian package(s) %s (whole log: %s)\n' "${missing[*]}" "$log" >&2
  exit 1
fi
rm -f "$log"
