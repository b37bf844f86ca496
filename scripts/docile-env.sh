#!/usr/bin/env bash
# Makes .venv-docile, where the tests read what we export with DocILE's own package; quick when it is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly VENV=.venv-docile
readonly STAMP=$VENV/lock-stamp
readonly LOCK=requirements-docile.lock

if ! cmp --silent "$LOCK" "$STAMP"; then
  rm -rf "$VENV"
  .venv/bin/python -m venv "$VENV"
  "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --requirement "$LOCK"
  cp "$LOCK" "$STAMP"
fi
