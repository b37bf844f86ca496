"""What OCR engines find, how fast, and in how much memory: `invoicegen ocr-benchmark` as a script.

    python benchmarks/ocr.py [--throughput] [--real DIR] …

Options and tables are those of the command: python benchmarks/ocr.py --help.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    from invoicegen.console import app

    app(["ocr-benchmark", *sys.argv[1:]])
