"""Writes the rules of deploy/prometheus as the object that the Prometheus operator takes:
`.venv/bin/python scripts/prometheus_rule.py`.
"""

from pathlib import Path

import yaml

DEPLOY = Path(__file__).parents[1] / "deploy"
TARGET = DEPLOY / "kubernetes" / "components" / "monitoring" / "rules.yaml"
HEAD = "# Written from deploy/prometheus/rules by scripts/prometheus_rule.py.\n"


def rule_object() -> str:
    files = sorted((DEPLOY / "prometheus" / "rules").glob("*.yml"))
    groups = [group for file in files for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]]
    made = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "invoicegen"},
        "spec": {"groups": groups},
    }
    return HEAD + yaml.safe_dump(made, sort_keys=False, width=120)


if __name__ == "__main__":
    TARGET.write_text(rule_object(), encoding="utf-8")
