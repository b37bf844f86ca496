"""Several models in one folder, to be used as one."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from invoicegen.modeling.calibration import Calibration
from invoicegen.modeling.cohesion import choose_cohesion
from invoicegen.modeling.errors import ModelFolderError
from invoicegen.modeling.export import calibrate_heads, check_free, replace_folder, temperatures_of
from invoicegen.modeling.inference import Ensemble, Predictor
from invoicegen.modeling.loading import ModelLoader
from invoicegen.modeling.settings import (
    ONNX_FILE,
    SETTINGS_FILE,
    WEIGHTS_FILE,
    EnsembleSettings,
    Temperatures,
    write_ensemble,
)

if TYPE_CHECKING:
    from invoicegen.modeling.splits import Tables

_MEMBER_FILES: Final = (
    "README.md",
    "config.json",
    SETTINGS_FILE,
    ONNX_FILE,
    WEIGHTS_FILE,
    "tokenizer.json",
    "tokenizer_config.json",
)


@dataclass(frozen=True, slots=True)
class MadeEnsemble:
    """What :func:`make_ensemble` leaves.

    Attributes:
        path: The folder.
        pages: Number of pages that it was fitted on.
        f1_members: Entity F1 of each member on them, by its name.
        f1: That of the ensemble.
        cohesion: That was chosen.
        calibration: Of each head.
        sizes: Bytes of each member's folder.
    """

    path: Path
    pages: int
    f1_members: dict[str, float]
    f1: float
    cohesion: float
    calibration: dict[str, Calibration]
    sizes: dict[str, int]

    def summary(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        return asdict(self) | {"path": str(self.path)}


def make_ensemble(
    members: Sequence[Path], output: Path, tables: Tables, *, overwrite: bool = False
) -> MadeEnsemble:
    """Copy models into one folder whose probabilities are the mean of theirs.

    The temperatures of the mean and its cohesion are fitted on the same pages. Nothing is left in ``output`` unless
    all of it succeeds.

    Args:
        members: Folders of trained or exported models of ours, two or more; each becomes a sub-folder of its own name.
            Training that starts from the ensemble starts from the first.
        output: The folder to write.
        tables: Shards of labelled pages that no member was trained on: those of the validation split.
        overwrite: Replace what is in ``output``.

    Raises:
        ModelFolderError: If a member is none of our models or two have one name, or ``output`` holds something and may
            not be replaced.
        TaxonomyMismatchError: If the members have different labels.
        EmptySplitError: If no page has words.
    """
    from invoicegen.modeling.configuration import LayoutLMv3MultiHeadConfig
    from invoicegen.modeling.scoring import entity_scores
    from invoicegen.modeling.splits import read_split

    check_free(output, overwrite)
    names = [member.resolve().name for member in members]
    if len(members) < 2 or len(set(names)) < len(names):
        raise ModelFolderError(
            "an ensemble needs two or more models, in folders of different names; "
            f"given: {', '.join(str(member) for member in members)}"
        )
    predictors = [ModelLoader().load_model(member) for member in members]
    ensemble = Ensemble(predictors, Temperatures(), 0.0)
    read = [
        read_split("validation", tables, one.tokenizer, LayoutLMv3MultiHeadConfig.from_pretrained(member))
        for member, one in zip(members, predictors, strict=True)
    ]
    of_members = [one.score_pages(pages) for one, pages in zip(predictors, read, strict=True)]
    scores = [ensemble.mean(of_page) for of_page in zip(*of_members, strict=True)]
    truth = [[ensemble.labels.ner_labels[label] for label in page.labels["ner"]] for page in read[0]]
    calibration = calibrate_heads(read[0], scores, ensemble.decode)
    chosen = choose_cohesion(scores, truth, ensemble.decode)

    def f1(one: Predictor, found: Sequence[Any]) -> float:
        return entity_scores(truth, [one.decode(page).ner_tags for page in found])["f1"]

    made = MadeEnsemble(
        path=output,
        pages=len(truth),
        f1_members={
            name: f1(one, found) for name, one, found in zip(names, predictors, of_members, strict=True)
        },
        f1=chosen.scores["f1"],
        cohesion=chosen.cohesion,
        calibration=calibration,
        sizes={
            name: sum(path.stat().st_size for path in _files(member))
            for name, member in zip(names, members, strict=True)
        },
    )
    partial = output.with_name(f"{output.name}.partial")
    if partial.exists():
        shutil.rmtree(partial)
    try:
        for name, member in zip(names, members, strict=True):
            (partial / name).mkdir(parents=True)
            for path in _files(member):
                shutil.copyfile(path, partial / name / path.name)
        settings = EnsembleSettings(
            invoicegen=metadata.version("invoicegen"),
            members=tuple(names),
            temperatures=temperatures_of(calibration),
            cohesion=chosen.cohesion,
        )
        write_ensemble(partial, settings)
        (partial / "README.md").write_text(ensemble_card(made), encoding="utf-8")
        replace_folder(partial, output)
    finally:
        if partial.exists():
            shutil.rmtree(partial)
    return made


def _files(member: Path) -> list[Path]:
    return [member / name for name in _MEMBER_FILES if (member / name).is_file()]


def ensemble_card(made: MadeEnsemble) -> str:
    """The model card of an ensemble, in Markdown; that of each member lies in its own folder."""
    members = "\n".join(
        f"| [{name}]({name}/README.md) | {f1:.4f} | {made.sizes[name] / 1e6:.1f} |"
        for name, f1 in made.f1_members.items()
    )
    heads = "\n".join(
        f"| {head} | {fitted.temperature:.3f} | {fitted.ece_before:.4f} | {fitted.ece:.4f} |"
        for head, fitted in made.calibration.items()
    )
    return f"""# Ensemble of {len(made.f1_members)} models

The probability of a label is the mean of what its members say, each calibrated before. `train.init_from` with this
folder starts from the first. The licences of all members, in their cards, hold for it. Fitted, and measured, on
{made.pages} validation pages that no member was trained on:

| model | entity F1 | MB |
|--|--|--|
{members}
| together | {made.f1:.4f} | {sum(made.sizes.values()) / 1e6:.1f} |

| head | temperature | calibration error before | after |
|--|--|--|--|
{heads}

Cohesion {made.cohesion:g}. Expected calibration error of the most probable label over 15 bins, on the pages that
temperatures were fitted on.
"""
