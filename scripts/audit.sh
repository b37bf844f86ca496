#!/usr/bin/env bash
# Looks up the locked packages in the advisory databases of pip-audit, which has an environment of its own, .venv-audit.
# Needs a network; an advisory that does not concern us is named with its reason in scripts/audit.txt, an id a line.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly VENV=.venv-audit
readonly VERSION=2.10.1

[[ -x $VENV/bin/pip-audit && $("$VENV/bin/pip-audit" --version) == *" $VERSION" ]] || {
  printf 'audit: make %s\n' "$VENV"
  rm -rf "$VENV"
  .venv/bin/python -m venv "$VENV"
  "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check "pip-audit==$VERSION"
}
ignored=()
while read -r id _; do
  ignored+=(--ignore-vuln "$id")
done < <(grep --extended-regexp --invert-match '^(#|$)' scripts/audit.txt)
for lock in requirements*.lock; do
  printf 'audit: %s\n' "$lock"
  "$VENV/bin/pip-audit" --strict --requirement "$lock" --no-deps --disable-pip "${ignored[@]}"
done
