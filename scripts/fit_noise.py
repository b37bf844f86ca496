"""Fit the noise model of an OCR engine, and write it where generation looks for it.

    python scripts/fit_noise.py [--engine rapidocr] [--documents 112] [--seed 5] [--cache FOLDER]

The first documents of conf/base with that seed are made, with the augmentation presets in turn, and read by the engine;
what it made of their true words is counted (invoicegen.labeling.noise_fit). The same command gives the same file.
"""

from __future__ import annotations

import argparse
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from invoicegen import __version__
from invoicegen.augmentation import PRESETS
from invoicegen.execution import ExecutionOptions
from invoicegen.labeling.noise_fit import Observation, fit_noise
from invoicegen.ocr import ENGINE_NAMES, OcrOptions
from invoicegen.ocr.noise.model import Provenance
from invoicegen.pipelines.measuring import plan_with, read_documents
from invoicegen.pipelines.options import GenerateOptions
from invoicegen.schema.annotation import Word
from invoicegen.schema.truth import TruePage

ROOT = Path(__file__).resolve().parents[1]
HEADER = """\
# What {engine} makes of true words, by augmentation preset: docs/labeling.md. Written by
#     python scripts/fit_noise.py --engine {engine} --documents {documents} --seed {seed}
"""


class _Dumper(yaml.SafeDumper):
    """Lists of lists in lines, not an item a line."""

    def represent_sequence(
        self, tag: str, sequence: Any, flow_style: bool | None = None
    ) -> yaml.SequenceNode:
        return super().represent_sequence(tag, sequence, flow_style=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--engine", default="rapidocr", choices=ENGINE_NAMES)
    parser.add_argument("--documents", type=int, default=112, help="documents, presets in turn")
    parser.add_argument("--seed", type=int, default=5, help="of documents that nothing else is measured on")
    parser.add_argument("--workers", type=int, default=0, help="processes; 0: one per core")
    parser.add_argument("--cache", type=Path, help="folder that keeps what the engine read")
    given = parser.parse_args()
    parameters = yaml.safe_load((ROOT / "conf/base/parameters_generate.yml").read_text())["generate"]
    options = GenerateOptions.model_validate({**parameters, "seed": given.seed})
    presets = [PRESETS[index % len(PRESETS)] for index in range(given.documents)]
    plans = [plan_with(options, index, preset) for index, preset in enumerate(presets)]
    observations, version = [], ""
    ocr = OcrOptions(cache_dir=given.cache)
    for (item,) in read_documents(
        plans, [given.engine], options, ocr, ExecutionOptions(workers=given.workers)
    ):
        version = item["read"]["version"]
        for truth, words in zip(item["truth"]["pages"], item["read"]["pages"], strict=True):
            observations.append(
                Observation(
                    TruePage.from_dict(truth),
                    [Word.model_validate(word) for word in words],
                    item["plan"]["augmentation"],
                )
            )
    provenance = Provenance(
        engine=given.engine,
        engine_version=version,
        generator_version=__version__,
        seed=given.seed,
        documents=given.documents,
        pages=len(observations),
        words=sum(len(one.page.words) for one in observations),
        dpi=options.dpi,
    )
    model = fit_noise(observations, provenance)
    target = Path(str(files("invoicegen.ocr.noise"))) / f"{given.engine}.yml"
    text = yaml.dump(
        model.model_dump(mode="json"),
        Dumper=_Dumper,
        allow_unicode=True,
        sort_keys=False,
        width=110,
        default_flow_style=None,
    )
    head = HEADER.format(engine=given.engine, documents=given.documents, seed=given.seed)
    target.write_text(head + text, encoding="utf-8")
    print(f"{target}: {len(observations)} pages, {provenance.words} words")


if __name__ == "__main__":
    main()
