#!/usr/bin/env bash
# The whole line once: documents, model, figures, then one PDF read with the trained model.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
export KEDRO_DISABLE_TELEMETRY=1 DO_NOT_TRACK=1

printf '== kedro run --pipelines generate,train,evaluate\n'
.venv/bin/kedro run --pipelines generate,train,evaluate

document=$(find data -path '*test*' -name '*.pdf' | LC_ALL=C sort | head -n 1)
if [[ -z $document ]]; then
  printf 'run: the generate pipeline left no test PDF under data/\n' >&2
  exit 1
fi
printf '\n== invoicegen extract %s\n' "$document"
.venv/bin/invoicegen extract "$document"

cat <<'EOF'

Where to look:
  data/01_raw                    the generated PDFs and page images
  data/05_model_input            labelled pages, train, validation and test
  data/06_models                 the trained model
  data/08_reporting              figures of the evaluation
  .venv/bin/kedro viz run        the pipelines as a graph
EOF
