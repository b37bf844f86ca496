#!/usr/bin/env bash
# The whole line once: documents, model, figures, then one PDF of the test split read with the trained model.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
export KEDRO_DISABLE_TELEMETRY=1 DO_NOT_TRACK=1

printf '== kedro run --pipelines generate,train,evaluate\n'
.venv/bin/kedro run --pipelines generate,train,evaluate

# Shards lie in a folder named by the options they were made with; the newest shard is of this run.
document=data/08_reporting/example.pdf
.venv/bin/python - "$document" <<'EOF'
import sys
from pathlib import Path

import pyarrow.parquet as pq

shards = Path("data/05_model_input/test_pages").glob("*/*.parquet")
for shard in sorted(shards, key=lambda path: path.stat().st_mtime, reverse=True):
    if doc_ids := pq.read_table(shard, columns=["doc_id"])["doc_id"].to_pylist():
        pdfs = pq.read_table(Path("data/02_intermediate/pdfs") / shard.parent.name / shard.name)
        pdf = dict(zip(pdfs["doc_id"].to_pylist(), pdfs["pdf"].to_pylist(), strict=True))[doc_ids[0]]
        Path(sys.argv[1]).write_bytes(pdf)
        break
else:
    sys.exit("run: data/05_model_input/test_pages holds no page; set generate.documents higher")
EOF
printf '\n== invoicegen extract %s --pretty\n' "$document"
.venv/bin/invoicegen extract "$document" --pretty

cat <<'EOF'

Where to look:
  data/08_reporting/evaluation_report.html   figures of the model on the test split
  data/08_reporting/example.pdf              the document read above
  data/06_models/model                       the trained model
  data/05_model_input                        labelled pages: train, validation, test
  .venv/bin/kedro viz run                    the pipelines as a graph
EOF
