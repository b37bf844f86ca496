"""How many generated documents can be electronic invoices, whether all of those are valid, and how long it takes.

    python benchmarks/einvoice.py [--documents 500]

Documents of the base configuration; those that have the terms of EN 16931 are written as CII and as UBL, and checked by
XSD and Schematron. Wall time of one process and its Saxon child.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Print a table of counts and milliseconds."""
    from invoicegen.einvoice import broken_rules, business_terms, missing_terms, write_xml
    from invoicegen.pipelines.options import GenerateOptions
    from invoicegen.synthesis import synthesise
    from invoicegen.templates import plan_document

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=500)
    count = parser.parse_args().documents
    given = yaml.safe_load((ROOT / "conf/base/parameters_generate.yml").read_text())["generate"]
    options = GenerateOptions.model_validate(given)
    outcomes: Counter[tuple[str, str]] = Counter()
    seconds: Counter[str] = Counter()
    missing: Counter[str] = Counter()
    for index in range(count):
        invoice = synthesise(plan_document(index, options))
        start = time.perf_counter()
        terms = business_terms(invoice)
        seconds["business terms"] += time.perf_counter() - start
        lacking = missing_terms(invoice, terms)
        if lacking:
            outcomes[invoice.document_type, "refused"] += 1
            missing.update(item.term for item in lacking)
            continue
        valid = True
        for syntax in ("cii", "ubl"):
            start = time.perf_counter()
            xml = write_xml(terms, syntax)
            middle = time.perf_counter()
            valid &= not broken_rules(xml, syntax)
            seconds[f"{syntax}: write and XSD"] += middle - start
            seconds[f"{syntax}: Schematron"] += time.perf_counter() - middle
        outcomes[invoice.document_type, "valid" if valid else "INVALID"] += 1
    for (kind, outcome), number in sorted(outcomes.items()):
        print(f"{kind:<12} {outcome:<8} {number:>6}")
    print("lacking:", ", ".join(f"{term} {number}" for term, number in missing.most_common()))
    written = sum(number for (_, outcome), number in outcomes.items() if outcome != "refused")
    for step, spent in seconds.items():
        documents = count if step == "business terms" else written
        print(f"ms a document, {step:<22} {1000 * spent / documents:8.2f}")


if __name__ == "__main__":
    main()
