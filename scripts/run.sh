#!/usr/bin/env bash
# The whole line once: documents, model, figures, then one PDF of the test split read with the trained model.
# A second run takes up what is there: finished shards are passed over, training and evaluation are done anew.
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
printf '\n== invoicegen extract %s\n' "$document"
.venv/bin/invoicegen extract "$document" --pretty >data/08_reporting/example.json
.venv/bin/python - data/08_reporting/example.json <<'EOF'
import json
import sys
from pathlib import Path

record = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
for name, values in record["fields"].items():
    print(f"  {name:24} {values[0]['value']}   ({values[0]['confidence']:.2f})")
print(f"  {len(record['line_items'])} line items, {len(record['checks'])} checks")
scores = json.loads(Path("data/08_reporting/evaluation_scores.json").read_text(encoding="utf-8"))
entities = scores["entities"]["micro"]
print(f"\nEntity F1 on generated test pages of layouts never seen: {entities['f1']:.3f}")
print("(a few minutes of training; docs/benchmarks.md says what more brings)")
EOF

cat <<'EOF'

Where to look:
  data/08_reporting/gallery.html             generated pages with their labels
  data/08_reporting/report.html              scores of the model on the test split, with its errors
  data/08_reporting/evaluation_scores.json   the same as data
  data/08_reporting/training_curves.png      how the training went
  data/08_reporting/example.pdf, .json       a document of the test split, and what was read from it
  data/06_models/model                       the trained model
  data/05_model_input                        labelled pages: train, validation, test
  .venv/bin/kedro viz run                    the pipelines as a graph
EOF
