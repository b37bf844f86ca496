"""List the licences of all that the wheel requires, and fail where one is copyleft or not stated.

python scripts/licences.py

Exceptions stand in scripts/licences.toml, each with its reason. What a package says of itself is read from the
installed metadata: the SPDX expression, else the trove classifiers, else the licence field.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib.metadata import PackageMetadata, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
EXCEPTIONS = ROOT / "scripts" / "licences.toml"
PERMISSIVE = re.compile(
    r"\b(MIT|BSD|0BSD|[23]-clause|Apache|ISC|PSF|Python Software Foundation|CNRI-Python|Python-2\.0|HPND|Zlib|"
    r"Unlicense|Public Domain|CC0|BSL-1\.0|Boost)\b",
    re.IGNORECASE,
)
COPYLEFT = re.compile(
    r"\b([AL]?GPL|GNU|Affero|Lesser General|General Public|MPL|Mozilla|EPL|Eclipse|CDDL|EUPL|CC-BY-(?:NC|SA)|SSPL|"
    r"Proprietary)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Package:
    """A package that the wheel requires, by itself or through others.

    Attributes:
        name: Canonical name.
        version: The installed one.
        licence: What it says of itself; empty where it says nothing. In an SPDX expression ``OR`` is a choice, in what
            classifiers list or a field says it is not known to be one.
    """

    name: str
    version: str
    licence: str

    @property
    def problem(self) -> str | None:
        """Why it may not be required without a reason; None for a permissive licence."""
        if not self.licence:
            return "states no licence"
        if is_permissive(self.licence):
            return None
        return (
            "is copyleft" if COPYLEFT.search(self.licence) else "has a licence that this check does not know"
        )


def is_permissive(licence: str) -> bool:
    """Whether what a package says can be met by permissive licences alone; ``AND`` binds tighter than ``OR``."""
    for operator, enough in (("OR", any), ("AND", all)):
        parts = split_outside_parentheses(licence, operator)
        if len(parts) > 1:
            return enough(map(is_permissive, parts))
    if licence.startswith("(") and licence.endswith(")"):
        return is_permissive(licence[1:-1])
    return bool(PERMISSIVE.search(licence)) and not COPYLEFT.search(licence)


def split_outside_parentheses(text: str, operator: str) -> list[str]:
    """The operands of an operator that stands in no parenthesis."""
    parts, depth = [""], 0
    for word in re.findall(r"[()]|[^\s()]+|\s+", text):
        depth += (word == "(") - (word == ")")
        if word == operator and depth == 0:
            parts.append("")
        else:
            parts[-1] += word
    return [part.strip() for part in parts]


def stated_licence(metadata: PackageMetadata) -> str:
    """The SPDX expression, else the classifiers, else the first line of the licence field."""
    if expression := metadata.get("License-Expression"):
        return str(expression)
    classifiers = [
        name.rsplit(" :: ", 1)[-1]
        for name in metadata.get_all("Classifier") or ()
        if name.startswith("License :: ") and not name.endswith("OSI Approved")
    ]
    field = str(metadata.get("License") or "").strip().split("\n")[0]
    return " AND ".join(classifiers) or ("" if field.upper() == "UNKNOWN" else field)


def required(roots: Iterable[str]) -> list[Package]:
    """All packages that some requirements bring, extras included, by name.

    Raises:
        PackageNotFoundError: If one is not installed.
    """
    seen: set[tuple[str, str]] = set()
    packages: dict[str, Package] = {}
    waiting = [Requirement(root) for root in roots]
    while waiting:
        requirement = waiting.pop()
        found = distribution(requirement.name)
        name = canonicalize_name(requirement.name)
        packages[name] = Package(name, found.version, stated_licence(found.metadata))
        for extra in ("", *sorted(requirement.extras)):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            for text in found.requires or ():
                child = Requirement(text)
                if child.marker is None or child.marker.evaluate({"extra": extra}):
                    waiting.append(child)
    return [packages[name] for name in sorted(packages)]


def reason_of(package: Package, exceptions: Mapping[str, str]) -> str | None:
    """Why a package may be required all the same."""
    return next((reason for name, reason in exceptions.items() if fnmatch(package.name, name)), None)


def judge(packages: Iterable[Package], exceptions: Mapping[str, str]) -> list[str]:
    """What has to be mended: packages without a permissive licence or a reason, and reasons that are not needed."""
    problems = []
    for package in packages:
        reason = reason_of(package, exceptions)
        if package.problem and reason is None:
            problems.append(
                f"{package.name} {package.version} {package.problem} ({package.licence or 'nothing'}): replace it, or "
                f"give the reason in {EXCEPTIONS.relative_to(ROOT)}"
            )
        elif reason is not None and not package.problem and package.name in exceptions:
            problems.append(
                f"{EXCEPTIONS.relative_to(ROOT)}: {package.name} needs no reason any more: take it out"
            )
    return problems


def main() -> int:
    """Print a table and what is wrong; the exit status is 1 if something is."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    exceptions = tomllib.loads(EXCEPTIONS.read_text(encoding="utf-8"))
    try:
        packages = required(project["dependencies"])
    except PackageNotFoundError as error:
        print(f"licences: {error.name} is not installed: run make setup", file=sys.stderr)
        return 1
    for package in packages:
        reason = reason_of(package, exceptions)
        print(f"{package.name:32} {package.version:18} {package.licence[:50]:50} {reason or ''}".rstrip())
    problems = judge(packages, exceptions)
    for problem in problems:
        print(f"licences: {problem}", file=sys.stderr)
    print(f"{len(packages)} packages, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
