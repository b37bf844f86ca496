"""Puts the default configuration into the wheel, beside the code; all else is in pyproject.toml."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

CONF = ("conf/base/*.yml", "conf/local/.gitkeep", "conf/logging.yml")


class BuildWithConf(build_py):
    """A wheel has ``invoicegen/conf``; an editable installation is of a checkout, which has its own."""

    def run(self) -> None:
        """Copy the package, then the configuration."""
        super().run()
        if self.editable_mode:
            return
        for pattern in CONF:
            for file in sorted(Path().glob(pattern)):
                target = Path(self.build_lib, "invoicegen", file)
                self.mkpath(str(target.parent))
                self.copy_file(str(file), str(target))


setup(cmdclass={"build_py": BuildWithConf})
