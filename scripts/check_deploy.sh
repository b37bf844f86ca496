#!/usr/bin/env bash
# Checks the images and compose.yaml: hadolint, dclint, podman-compose's reading, and the policy tests. .venv-deploy is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly DCLINT=dclint@3.1.0
readonly BIN=$PWD/.venv-deploy/bin

printf '== hadolint\n'
"$BIN/hadolint" --failure-threshold style deploy/docker/Dockerfile

printf '== %s\n' "$DCLINT"
if command -v npm >/dev/null; then
  npm exec --yes --package="$DCLINT" -- dclint --max-warnings 0 deploy/compose.yaml
else
  printf 'NOT RUN: npm is not here\n'
fi

printf '== podman-compose config\n'
if command -v podman >/dev/null; then
  "$BIN/podman-compose" --file deploy/compose.yaml --profile annotation --profile monitoring --profile redis \
    --profile training config >/dev/null
else
  printf 'NOT RUN: podman is not here\n'
fi

printf '== policies\n'
"$BIN/python" -m pytest tests/deploy/test_docker.py
