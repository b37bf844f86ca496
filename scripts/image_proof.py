"""Runs the unpacked file system of an image of a service as a container would, and reads a document over HTTP.

    python scripts/image_proof.py ROOT INSPECTED LOG    # as root; INSPECTED: what `buildah inspect --type image` says

The process has the image's own user, environment and command, no capabilities, no way to new privileges, a root file
system that cannot be written, and only /tmp and the image's volumes beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import httpx

START_S: Final = 600
_DOCUMENT: Final = 1
_ENTER: Final = """
set -euo pipefail
mount --bind "$ROOT" "$ROOT"
for folder in proc dev; do mount --rbind "/$folder" "$ROOT/$folder"; done
for folder in $VOLUMES; do mount -t tmpfs -o "mode=0755,uid=10001,gid=10001" tmpfs "$ROOT$folder"; done
mount -t tmpfs -o mode=1777 tmpfs "$ROOT/tmp"
mount -o remount,bind,ro "$ROOT"
exec chroot "$ROOT" /usr/bin/setpriv "--reuid=$USER_ID" "--regid=$USER_ID" --clear-groups \\
  --bounding-set=-all --inh-caps=-all --no-new-privs -- /usr/bin/env --ignore-environment "$@"
"""


@dataclass(frozen=True)
class Image:
    """What an image says of how it is run."""

    root: Path
    config: dict[str, Any]
    log: Path

    @property
    def environment(self) -> dict[str, str]:
        return dict(each.split("=", 1) for each in self.config["Env"])

    def start(self, command: list[str], more: dict[str, str]) -> subprocess.Popen[bytes]:
        """A command in mounts of its own."""
        given = [f"{name}={value}" for name, value in {**self.environment, **more}.items()]
        inside = {
            **os.environ,
            "ROOT": str(self.root),
            "USER_ID": self.config["User"].split(":")[0],
            "VOLUMES": " ".join(self.config.get("Volumes") or ()),
        }
        enter = ["unshare", "--mount", "--propagation=private", "bash", "-c", _ENTER, "enter"]
        with self.log.open("ab") as errors:
            return subprocess.Popen([*enter, *given, *command], env=inside, stderr=errors)


def write_invoice(path: Path) -> tuple[str, Decimal]:
    """Write an invoice of ours as PDF.

    Returns:
        Its number, and its total.
    """
    from invoicegen.project import generate_options
    from invoicegen.rendering import render_document
    from invoicegen.synthesis import synthesise
    from invoicegen.templates import compose, plan_document

    plan = plan_document(_DOCUMENT, generate_options())
    invoice = synthesise(plan)
    path.write_bytes(render_document(compose(invoice, plan)).pdf)
    return invoice.number, Decimal(invoice.totals.gross).scaleb(-invoice.currency_digits)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> float:
    """Seconds until ``url`` answers 200."""
    start = time.monotonic()
    while time.monotonic() < start + START_S:
        if process.poll() is not None:
            sys.exit(f"image_proof: the service ended with {process.returncode}; its log says why")
        try:
            if httpx.get(url, timeout=10).status_code == 200:
                return time.monotonic() - start
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    sys.exit(f"image_proof: {url} does not answer after {START_S} s")


def check(image: Image, port: int, path: Path, number: str, total: Decimal) -> None:
    """Start the service of an image, read a document with it, and stop it."""
    url = f"http://127.0.0.1:{port}"
    settings = {
        "INVOICEGEN_PORT": str(port),
        "INVOICEGEN_ALLOW_WITHOUT_KEYS": "true",
        "INVOICEGEN_WORKERS": "1",
    }
    process = image.start([*image.config["Entrypoint"], *image.config["Cmd"]], settings)
    try:
        print(f"/health answers after {wait_for(f'{url}/health', process):.1f} s")
        print(f"/ready answers after {wait_for(f'{url}/ready', process):.1f} s more")
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        said = dict(line.split(":\t", 1) for line in status.splitlines())
        user, capabilities = said["Uid"].split()[0], said["CapEff"]
        assert (user, int(capabilities, 16), said["NoNewPrivs"]) == ("10001", 0, "1"), said
        print(f"it runs as user {user}, capabilities {capabilities}, no new privileges")
        mounts = Path(f"/proc/{process.pid}/mountinfo").read_text(encoding="utf-8").splitlines()
        own = next(line.split() for line in reversed(mounts) if line.split()[4] == "/")
        assert "ro" in own[5].split(","), own
        print("its root file system cannot be written")
        healthcheck = image.config["Healthcheck"]["Test"]
        assert healthcheck[0] == "CMD", healthcheck
        assert image.start(healthcheck[1:], settings).wait(60) == 0
        assert image.start(healthcheck[1:], {**settings, "INVOICEGEN_PORT": "1"}).wait(60) != 0
        print("its health check passes, and fails where nothing listens")
        start = time.monotonic()
        answer = httpx.post(f"{url}/v1/extract", files={"file": path.open("rb")}, timeout=300)
        answer.raise_for_status()
        result = answer.json()
        fields = result["fields"]
        read = fields["INVOICE_NUMBER"][0]["value"], Decimal(fields["TOTAL_AMOUNT"][0]["value"])
        assert read == (number, total), (read, number, total)
        print(f"an invoice is read in {time.monotonic() - start:.1f} s: number {number}, total {total}")
        written = httpx.post(f"{url}/v1/convert", params={"format": "xlsx"}, json=result, timeout=300)
        written.raise_for_status()
        print(f"its workbook has {len(written.content)} bytes")
    finally:
        process.terminate()
        process.wait(60)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root", type=Path)
    parser.add_argument("inspected", type=Path)
    parser.add_argument("log", type=Path, help="what the service writes to standard error")
    given = parser.parse_args()
    config = json.loads(given.inspected.read_text(encoding="utf-8"))["Docker"]["config"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "invoice.pdf"
        number, total = write_invoice(path)
        check(Image(given.root.resolve(), config, given.log), port, path, number, total)


if __name__ == "__main__":
    main()
