"""Hooks of the documentation site: pages are written to be read on the forge too, and the site takes them as they are.

Files of the repository outside of docs/ that pages link to become part of the site: those of ``PAGES`` as pages, all
others as they are, under ``source/``. So the site needs no address of a forge, and a link that leads nowhere fails it.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
PAGES = {  # page of the site: file of the repository
    "project/changelog.md": "CHANGELOG.md",
    "project/contributing.md": "CONTRIBUTING.md",
    "project/conduct.md": "CODE_OF_CONDUCT.md",
    "project/security-policy.md": "SECURITY.md",
    "project/licence.md": "LICENSE",
    "model-card.md": "src/invoicegen/weights/compact/README.md",
    "model-card-compact.md": "src/invoicegen/weights/compact/compact/README.md",
    "model-card-compact-multilingual.md": "src/invoicegen/weights/compact/compact-multilingual/README.md",
}
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)\s#]+)")
LOADED = re.compile(
    r"""<(?:script|img|iframe)[^>]+src="https?:|<link[^>]+(?:stylesheet|preload|icon)[^>]+href="https?:"""
)
BLOCKS = ("<li>", "<table>", "<pre>", "<h2", "<h3")


def on_config(config: Any) -> Any:
    """Name the pages of a folder that the navigation names, as ``decisions/``."""

    def filled(items: list[Any]) -> list[Any]:
        found: list[Any] = []
        for item in items:
            ((title, value),) = item.items() if isinstance(item, dict) else ((None, item),)
            if isinstance(value, list):
                found.append({title: filled(value)})
            elif value.endswith("/"):
                pages = sorted(Path(config.docs_dir, value).glob("*.md"))
                found.append({title: [f"{value}{page.name}" for page in pages]})
            else:
                found.append(item)
        return found

    config.nav = filled(config.nav)
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that lie outside of docs/."""
    for uri, path in PAGES.items():
        files.append(File.generated(config, uri, content=(ROOT / path).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: Any, files: Files) -> str:
    """Lead links to files of the repository to their places on the site."""
    uri = page.file.src_uri
    here = PAGES.get(uri, f"docs/{uri}")
    at = {path: page for page, path in PAGES.items()}

    def placed(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(here), match[1]))
        if target.startswith("docs/"):
            place = target.removeprefix("docs/")
            if (ROOT / target).is_dir():  # forges list it
                place = min(path for path in files.src_uris if path.startswith(f"{place}/"))
        elif target in at:
            place = at[target]
        elif (ROOT / target).is_file():
            place = f"source/{target}"
            if place not in files.src_uris:
                files.append(File.generated(config, place, abs_src_path=str(ROOT / target)))
        else:
            raise PluginError(f"{here}: no file {target} for the link {match[1]}")
        return posixpath.relpath(place, posixpath.dirname(uri) or ".")

    return LINK.sub(placed, markdown)


def on_page_content(html: str, page: Page, **_: Any) -> str:
    """Hold that a page has the same lists, tables and blocks on the site as on the forge.

    Python-Markdown wants a blank line before a list, and four columns before a block within one.
    """
    forge = MarkdownIt("commonmark").enable("table").render(page.markdown or "")
    for block in BLOCKS:
        ours, theirs = html.count(block), forge.count(block)
        if ours != theirs:
            raise PluginError(f"{page.file.src_uri}: {theirs} {block} on the forge, {ours} on the site")
    return html


def on_post_page(output: str, page: Page, **_: Any) -> str:
    """Hold that the site loads nothing from anywhere else."""
    if found := LOADED.search(output):
        raise PluginError(f"{page.file.src_uri}: loads from elsewhere: {found.group()}")
    return output
