"""``python -m invoicegen --pipelines generate``: what ``kedro run`` does, from any folder.

In a project its ``conf`` holds; elsewhere the configuration that came with the wheel, or ``--conf-source``. Paths of
the catalog are relative to the project, elsewhere to the current folder.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from invoicegen.project import PACKAGED_CONF, find_project


def main(*args: Any, **kwargs: Any) -> Any:
    """Run pipelines as ``kedro run`` does, with the same options."""
    os.environ.setdefault(
        "KEDRO_DISABLE_TELEMETRY", "1"
    )  # outside of a project, its .telemetry does not say so
    if find_project() is None and PACKAGED_CONF.is_dir():
        os.environ.setdefault("KEDRO_LOGGING_CONFIG", str(PACKAGED_CONF / "logging.yml"))
        kwargs.setdefault("default_map", {"conf_source": str(PACKAGED_CONF)})

    from kedro.framework.cli.utils import (
        find_run_command,
    )  # reads the logging configuration as it is imported
    from kedro.framework.project import configure_project

    package_name = Path(__file__).parent.name
    configure_project(package_name)
    interactive = hasattr(sys, "ps1")
    kwargs["standalone_mode"] = not interactive
    return find_run_command(package_name)(*args, **kwargs)


if __name__ == "__main__":
    main()
