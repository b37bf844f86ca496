#!/usr/bin/env bash
# The weights that come with the package, from nothing: documents, training, export, comparison with the present ones.
# A second run takes up what is there: finished shards are passed over, an unfinished training goes on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
export KEDRO_DISABLE_TELEMETRY=1 DO_NOT_TRACK=1

printf '== kedro run --env model --pipelines generate,train\n'
.venv/bin/kedro run --env model --pipelines generate,train

printf '== invoicegen export-model\n'
.venv/bin/invoicegen export-model data/06_models/model data/06_models/export \
  --pages data/05_model_input/validation_pages --overwrite

cat <<'EOF'

data/06_models/export is what src/invoicegen/weights/compact holds. Before it takes its place, evaluate both on the same
documents, each from data/06_models/model, and compare (docs/evaluation.md):
  .venv/bin/kedro run --env model --pipelines evaluate,evaluate_real --params=real.path=FOLDER
  .venv/bin/invoicegen compare
EOF
