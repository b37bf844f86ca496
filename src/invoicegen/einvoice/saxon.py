"""The child process of :mod:`invoicegen.einvoice.schematron`: a JSON line in, a JSON line out."""

from __future__ import annotations

import json
import sys
from typing import Any, Final
from xml.etree import ElementTree

_SVRL: Final = "{http://purl.oclc.org/dsdl/svrl}"


def main() -> None:
    """Check documents until standard input ends."""
    from saxonche import PySaxonProcessor  # type: ignore[import-not-found]

    sheets: dict[str, Any] = {}
    with PySaxonProcessor(license=False) as saxon:
        for line in sys.stdin:
            request = json.loads(line)
            try:
                sheet = request["stylesheet"]
                root = ElementTree.fromstring(request["xml"].encode()).tag.rpartition("}")[2]
                if root not in request["roots"]:  # The rules of another document would find nothing wrong.
                    raise ValueError(f"the root element is {root}, not {' or '.join(request['roots'])}")
                if sheet not in sheets:
                    sheets[sheet] = saxon.new_xslt30_processor().compile_stylesheet(stylesheet_file=sheet)
                report = sheets[sheet].transform_to_string(xdm_node=saxon.parse_xml(xml_text=request["xml"]))
                reply: dict[str, Any] = {"broken": _broken(report)}
            except Exception as error:
                reply = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(reply), flush=True)


def _broken(report: str | None) -> list[str]:
    """The failed assertions of an SVRL report (ISO/IEC 19757-3), warnings left out."""
    if not report:
        raise ValueError("Saxon gave no report")
    root = ElementTree.fromstring(report)
    if root.tag != f"{_SVRL}schematron-output":
        raise ValueError(f"Saxon gave a {root.tag}, no report")
    found = [
        " ".join("".join(failed.itertext()).split())
        for failed in root.iter(f"{_SVRL}failed-assert")
        if failed.get("flag") != "warning" and failed.get("role") not in ("warning", "warn")
    ]
    return list(dict.fromkeys(found))


if __name__ == "__main__":
    main()
