#!/usr/bin/env bash
# Makes .venv-easyocr, quick when it is there: EasyOCR, its weights for English, and the torchvision that runs beside
# the torch of .venv, over the packages of .venv (docs/decisions says why it is apart).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly VENV=.venv-easyocr
readonly STAMP=$VENV/setup-stamp
export PIP_DISABLE_PIP_VERSION_CHECK=1

.venv/bin/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || {
  printf 'easyocr-env: the locked torchvision exists for Python 3.11 alone, .venv has %s; elsewhere install\n' \
    "$(.venv/bin/python --version)" "'invoicegen[easyocr]' in an environment of its own" >&2
  exit 1
}
wanted=$({ readlink -f .venv; cat "${BASH_SOURCE[0]}" requirements-easyocr.lock; } | sha256sum | cut -d ' ' -f 1)
if [[ -f $STAMP && $(<"$STAMP") == "$wanted" ]]; then exit; fi

printf 'easyocr-env: make %s\n' "$VENV"
rm -rf "$VENV"
.venv/bin/python -m venv "$VENV"
"$VENV/bin/python" -m pip install --quiet --no-compile --no-deps --require-hashes --requirement requirements-easyocr.lock
site='import sysconfig; print(sysconfig.get_path("purelib"))'
printf 'import site; site.addsitedir("%s")\n' "$(.venv/bin/python -c "$site")" \
  >"$("$VENV/bin/python" -c "$site")/packages-of-venv.pth"
printf '%s\n' "$wanted" >"$STAMP"
