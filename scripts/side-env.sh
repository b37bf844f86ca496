#!/usr/bin/env bash
# side-env.sh NAME: makes .venv-NAME, quick when it is there: the packages of requirements-NAME.lock over those of .venv,
# for an extra that asks for other versions than .venv has, or a program that only a benchmark runs (the lock says which).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly NAME=${1:?deploy, docs, easyocr, invoice2data, load or mlflow}
readonly VENV=.venv-$NAME
readonly LOCK=requirements-$NAME.lock
readonly STAMP=$VENV/setup-stamp
export PIP_DISABLE_PIP_VERSION_CHECK=1

.venv/bin/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || {
  printf 'side-env: %s has wheels for Python 3.11 alone, .venv has %s; elsewhere install invoicegen and %s %s\n' \
    "$LOCK" "$(.venv/bin/python --version)" "$NAME" "in an environment of its own" >&2
  exit 1
}
wanted=$({ readlink -f .venv; cat "${BASH_SOURCE[0]}" "$LOCK"; } | sha256sum | cut -d ' ' -f 1)
if [[ -f $STAMP && $(<"$STAMP") == "$wanted" ]]; then exit; fi

printf 'side-env: make %s\n' "$VENV"
rm -rf "$VENV"
.venv/bin/python -m venv "$VENV"
"$VENV/bin/python" -m pip install --quiet --no-compile --no-deps --require-hashes --requirement "$LOCK"
site='import sysconfig; print(sysconfig.get_path("purelib"))'
printf 'import site; site.addsitedir("%s")\n' "$(.venv/bin/python -c "$site")" \
  >"$("$VENV/bin/python" -c "$site")/packages-of-venv.pth"
printf '%s\n' "$wanted" >"$STAMP"
