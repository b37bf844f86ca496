#!/usr/bin/env bash
# Installs Debian's Chromium, in which the tests open what people look at; quick when it is there.
set -euo pipefail

[[ -x /usr/bin/chromium ]] && exit
as_root=()
if ((EUID != 0)); then
  as_root=(sudo)
fi
if ! command -v apt-get >/dev/null || { ((EUID != 0)) && ! command -v sudo >/dev/null; }; then
  printf 'setup: the tests open pages in /usr/bin/chromium: install Chromium, then run this again\n' >&2
  exit 1
fi
printf 'setup: install the Debian package chromium\n'
log=$(mktemp)
if ! { "${as_root[@]}" apt-get update --quiet && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install --quiet --yes --no-install-recommends chromium; } >"$log" 2>&1; then
  tail -n 30 "$log" >&2
  printf 'setup: failed: install the Debian package chromium (whole log: %s)\n' "$log" >&2
  exit 1
fi
rm -f "$log"
