"""Write docs/augmentation.md and its pictures: every effect and preset on the same piece of a generated page.

python scripts/augmentation_docs.py
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, get_args

import numpy as np
import yaml
from PIL import Image

from invoicegen.augmentation import load_presets
from invoicegen.augmentation.apply import apply_preset
from invoicegen.augmentation.augraphy import Augraphy, Transform
from invoicegen.augmentation.geometric import AnyGeometricEffect
from invoicegen.augmentation.photometric import AnyPhotometricEffect, CoveringEffect
from invoicegen.augmentation.presets import Preset
from invoicegen.augmentation.surface import AnySurfaceEffect
from invoicegen.rendering import rasterise, render_document
from invoicegen.schema.truth import TruePage

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs/images/augmentation"
SHOWN = {
    "rotate": {"degrees": (3, 3)},
    "scale_shift": {"scale": (0.9, 0.9), "shift_x": (0.02, 0.02)},
    "perspective": {"strength": (0.12, 0.12)},
    "page_curl": {"amplitude": (0.05, 0.05)},
    "skew": {"degrees": (4, 4)},
    "fold": {"lean": (0.08, 0.08)},
    "crop": {"cut": (0.08, 0.08)},
}
"""Geometry is shown stronger than it is used: a degree cannot be seen on a thumbnail."""
STAGES = {
    "On the flat sheet: ink, paper, people": AnySurfaceEffect,
    "Geometry": AnyGeometricEffect,
    "In the picture: light, lens, sensor, file": AnyPhotometricEffect,
}


def registered(union: Any) -> dict[str, Any]:
    """Classes of a union of effects by name."""
    return {effect.model_fields["effect"].default: effect for effect in get_args(get_args(union)[0])}


def sheet() -> tuple[Any, TruePage]:
    """An A6 sheet with text, a table and a coloured head, at 100 dpi."""
    rows = "".join(
        f"<tr><td>{name}</td><td>{count}</td><td>{price}</td></tr>"
        for name, count, price in (
            ("Ordner A4", 3, "11,90"),
            ("Kopierpapier 80 g", 10, "42,50"),
            ("Stifte blau", 5, "7,25"),
        )
    )
    html = (
        '<html xmlns="http://www.w3.org/1999/xhtml"><head><style>@page { size: A6; margin: 8mm 14mm }'
        "html { font: 9pt 'DejaVu Sans' } h1 { color: #1f4e79; font-size: 15pt; margin: 0 0 3mm }"
        "td { padding: 1mm 3mm 1mm 0; border-bottom: 0.2mm solid #999 } .head { background: #d9e4ef }</style></head>"
        '<body><h1>Rechnung 2026-17</h1><p class="head">Muster GmbH, Hauptstr. 1, 10115 Berlin</p>'
        f"<table>{rows}</table><p>Summe netto 61,65 EUR</p><p>zzgl. 19 % MwSt. 11,71 EUR</p>"
        "<p><b>Zu zahlen 73,36 EUR</b></p></body></html>"
    )
    rendered = render_document(html, dpi=100)
    return rasterise(rendered.pdf, 0, dpi=100), rendered.pages[0]


def picture(name: str, preset: Preset) -> str:
    """Apply, save, and return the Markdown of the picture."""
    image, page = sheet()
    result = apply_preset(image, page, preset, np.random.default_rng(4))
    shown = Image.fromarray(result.image)
    shown.thumbnail((260, 370))
    shown.save(FOLDER / f"{name}.jpg", quality=72)
    return f"![{name}](images/augmentation/{name}.jpg)"


def augraphy() -> list[str]:
    """The section on the effects of the extra, which must be installed."""
    lines = [
        "## From augraphy",
        "",
        'An optional extra: `pip install "invoicegen[augraphy]"`. A preset asks for one with',
        "`{effect: augraphy, transform: DirtyDrum, options: {...}}`, on the flat sheet or in the picture; `options`",
        "are what the class of augraphy takes. Only those are offered that move nothing and give the same pixels for",
        "the same seed. [`docs/examples/augraphy`](examples/augraphy/presets.yml) is a preset of them.",
        "",
        "| transform | |",
        "|--|--|",
    ]
    for transform in get_args(Transform):
        preset = Preset(description=transform, photometrics=[Augraphy(transform=transform)])
        lines.append(f"| **{transform}** | {picture(f'augraphy_{transform}', preset)} |")
    return [*lines, ""]


def main() -> None:
    """Write the page and the pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.jpg"):
        old.unlink()
    presets = load_presets()
    used = {e.effect: e for p in presets.values() for e in [*p.surface, *p.geometry, *p.photometrics]}
    count = sum(len(registered(union)) for union in STAGES.values())
    lines = [
        "# Augmentation",
        "",
        "<!-- Written by scripts/augmentation_docs.py; edit that. -->",
        "",
        f"{count} effects in three stages: what happens to the flat sheet, one geometric map that moves pixels and",
        "boxes alike, and what happens in the picture. Only geometry moves anything; effects that hide print lower",
        "`visible` of the words under them. All draws come from the document's own generator. Tests track drawn",
        "markers through every effect and preset.",
        "",
        "## Presets",
        "",
        "`src/invoicegen/augmentation/presets.yml` names chains of effects with their probabilities and strengths;",
        "`generate.presets` weighs them by family. Presets of your own: a `presets.yml` in a folder of",
        "`generate.extensions`, as in [`docs/examples/acme`](examples/acme/presets.yml); one of a known name takes its",
        "place.",
        "",
        "| preset | | effects |",
        "|--|--|--|",
    ]
    for name, preset in presets.items():
        chain = ", ".join(
            f"{e.effect} {e.probability:g}" for e in [*preset.surface, *preset.geometry, *preset.photometrics]
        )
        lines.append(
            f"| **{name}**: {preset.description} | {picture(f'preset_{name}', preset)} | {chain or 'none'} |"
        )
    for title, union in STAGES.items():
        lines += ["", f"## {title}", "", "| effect | | parameters |", "|--|--|--|"]
        stage = {AnySurfaceEffect: "surface", AnyGeometricEffect: "geometry"}.get(union, "photometrics")
        for name, effect in registered(union).items():
            chosen = used[name].model_copy(update={"probability": 1.0, **SHOWN.get(name, {})})
            one = Preset.model_validate(
                {"description": name, stage: [chosen.model_dump()], "background": {"kind": "table"}}
            )
            summary = (inspect.getdoc(effect) or "").splitlines()[0]
            hides = " Hides print." if issubclass(effect, CoveringEffect) else ""
            parameters = "; ".join(
                f"`{key}`: {field.description}"
                for key, field in effect.model_fields.items()
                if key not in ("effect", "probability")
            )
            lines.append(f"| **{name}**: {summary}{hides} | {picture(name, one)} | {parameters or 'none'} |")
    lines += ["", "Geometry is shown stronger than the presets use it.", "", *augraphy()]
    (ROOT / "docs/augmentation.md").write_text("\n".join(lines), encoding="utf-8")
    sizes = sum(path.stat().st_size for path in FOLDER.iterdir())
    print(yaml.safe_dump({"effects": count, "presets": len(presets), "pictures_kB": sizes // 1000}))


if __name__ == "__main__":
    main()
