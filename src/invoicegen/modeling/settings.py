"""What a model folder says of itself in ``invoicegen.json``, an ensemble in ``ensemble.json``; imports nothing slow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from invoicegen.modeling.errors import ModelFolderError
from invoicegen.modeling.options import Layout
from invoicegen.modeling.word_features import WordFeatures
from invoicegen.schema.taxonomy import ExtraEntity, LabelSet

SETTINGS_FILE: Final = "invoicegen.json"
ONNX_FILE: Final = "model.onnx"
WEIGHTS_FILE: Final = "model.safetensors"
ENSEMBLE_FILE: Final = "ensemble.json"


class Temperatures(BaseModel):
    """What each head's logits are divided by before they become confidences; 1 leaves them as they are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ner: float = Field(1.0, gt=0)
    table: float = Field(1.0, gt=0)
    cell: float = Field(1.0, gt=0)


class InputFormat(BaseModel):
    """How pages become inputs of a network, and its outputs labels.

    Attributes:
        head_labels: Label names of each head it has, in the order of the logits.
        taxonomy: Version of the taxonomy they are from.
        extra_entities: Entity types of the NER head beside those of the taxonomy.
        sequence_limit: Most subwords in one sequence, special tokens included.
        layout: ``word``, ``segment`` or ``none``, see ``LayoutLMv3MultiHeadConfig``.
        max_subwords_per_word: Subwords read of each word.
        word_features: Which features of whole words the network takes.
        resumable: Entity types that reading order interrupts.
        image_size: Side of the page image in pixels, for a network with patches; else None.
        transitions: Of a model with CRF, scores of neighbouring NER labels, a row a label; else None.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    head_labels: dict[str, tuple[str, ...]]
    taxonomy: str
    extra_entities: tuple[ExtraEntity, ...] = ()
    sequence_limit: int = Field(ge=3)
    layout: Layout = "word"
    max_subwords_per_word: int = Field(8, ge=1)
    word_features: WordFeatures = "none"
    resumable: tuple[str, ...] = ()
    image_size: int | None = None
    transitions: tuple[tuple[float, ...], ...] | None = None

    @property
    def label_set(self) -> LabelSet:
        """The entity types of the NER head."""
        return LabelSet(extra_entities=self.extra_entities)


class ModelSettings(BaseModel):
    """How a model is used.

    Attributes:
        invoicegen: Version that wrote the folder.
        taxonomy: Version of the taxonomy.
        max_length: Subwords a window, special tokens included.
        overlap_words: Words that neighbouring windows of a long page share.
        temperatures: Of the confidences, fitted on validation pages.
        cohesion: What a change of type within a line of running text costs, chosen on validation pages; see
            :class:`~invoicegen.modeling.decoding.Decoder`.
        inputs: Of an exported network, which is used without reading ``config.json``; else None.
        runtime: That an exported network was made for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    invoicegen: str = ""
    taxonomy: str = ""
    max_length: int = Field(ge=3)
    overlap_words: int = Field(ge=0)
    temperatures: Temperatures = Temperatures()
    cohesion: float = Field(0.0, ge=0)
    inputs: InputFormat | None = None
    runtime: Literal["openvino", "onnxruntime"] = "openvino"


def read_settings(folder: Path) -> ModelSettings:
    """The settings of a model folder.

    Raises:
        ModelFolderError: If it has none, or what it has cannot be used.
    """
    path = folder / SETTINGS_FILE
    try:
        return ModelSettings.model_validate_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise ModelFolderError(
            f"{folder} is not an InvoiceGen model: {SETTINGS_FILE} is missing; "
            "train one with `kedro run --pipeline=train` or give another folder"
        ) from None
    except (ValidationError, UnicodeDecodeError) as error:
        raise ModelFolderError(f"{path} cannot be used: {error}") from error


class EnsembleSettings(BaseModel):
    """What the folder of an ensemble says of itself in ``ensemble.json``.

    Attributes:
        invoicegen: Version that wrote the folder.
        members: Its sub-folders with one model each; training goes on from the first.
        temperatures: Of the mean of the members' probabilities, fitted on validation pages.
        cohesion: As that of :class:`ModelSettings`, for the mean.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    invoicegen: str = ""
    members: tuple[Annotated[str, Field(pattern=r"^\w[\w.-]*$")], ...] = Field(min_length=2)
    temperatures: Temperatures = Temperatures()
    cohesion: float = Field(0.0, ge=0)


def is_ensemble(folder: Path) -> bool:
    """Whether a folder holds an ensemble."""
    return (folder / ENSEMBLE_FILE).is_file()


def read_ensemble(folder: Path) -> EnsembleSettings:
    """The settings of the folder of an ensemble.

    Raises:
        ModelFolderError: If what it has cannot be used.
    """
    path = folder / ENSEMBLE_FILE
    try:
        return EnsembleSettings.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError) as error:
        raise ModelFolderError(f"{path} cannot be used: {error}") from error


def single_model(folder: Path) -> Path:
    """The folder itself, or that of an ensemble's first member.

    Raises:
        ModelFolderError: If its ``ensemble.json`` cannot be used.
    """
    return folder / read_ensemble(folder).members[0] if is_ensemble(folder) else folder


def write_ensemble(folder: Path, settings: EnsembleSettings) -> None:
    """Write ``ensemble.json`` into a folder."""
    text = json.dumps(settings.model_dump(mode="json"), indent=2)
    (folder / ENSEMBLE_FILE).write_text(text + "\n", encoding="utf-8")


def write_settings(folder: Path, settings: ModelSettings) -> None:
    """Write ``invoicegen.json`` into a folder."""
    record: dict[str, Any] = settings.model_dump(mode="json", exclude_none=True)
    (folder / SETTINGS_FILE).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
