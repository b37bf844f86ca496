"""Opening models: folders of ours, exported networks, and standard token classifiers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from invoicegen.modeling.encoding import FileTokenizer, WordTokenizer
from invoicegen.modeling.errors import ModelFolderError, TaxonomyMismatchError
from invoicegen.modeling.inference import Ensemble, PageLabeler, Predictor
from invoicegen.modeling.labels import check_head_labels
from invoicegen.modeling.onnx_network import OnnxNetwork
from invoicegen.modeling.openvino_network import OpenVinoNetwork
from invoicegen.modeling.options import Runtime
from invoicegen.modeling.settings import (
    ONNX_FILE,
    SETTINGS_FILE,
    InputFormat,
    ModelSettings,
    is_ensemble,
    read_ensemble,
    read_settings,
)
from invoicegen.schema.taxonomy import NER_IDS, NER_LABELS, TAXONOMY_VERSION
from invoicegen.weights import resolve_model

_STOCK_MODEL_TYPE = "layoutlmv3"
_STOCK_OVERLAP_WORDS = 64


class ModelLoader:
    """Opens three kinds of folders, and makes a :class:`Predictor` of each; and ensembles of such folders.

    * An **exported model** (``invoicegen.json``, ``model.onnx`` and the weights that it refers to in
      ``model.safetensors``): run on the CPU by OpenVINO or ONNX Runtime, without torch.
    * A **trained model** (``invoicegen.json``, ``config.json``, ``model.safetensors``): run by torch.
    * A **standard LayoutLMv3 token classifier** of Hugging Face (``config.json`` with ``model_type: layoutlmv3``
      and an ``id2label`` of the taxonomy's BIO labels, in any order, some may be missing): run by torch. It has no
      table and cell heads; their labels are what its entities imply (see
      :class:`~invoicegen.modeling.decoding.Decoder`).
    * An **ensemble** (``ensemble.json``, and its members' folders of the first two kinds).

    Args:
        device: ``cpu``, ``cuda``, ``cuda:1`` or ``auto``; exported networks run on the CPU only.
        threads: CPU threads; for torch they are the process's. None takes one a core, or leaves torch's as they are.
        runtime: ``auto`` takes the runtime that an exported network was made for on a CPU, and torch for all else.
            A folder that holds the network and the weights can be run by either.
    """

    def __init__(self, device: str = "cpu", threads: int | None = None, runtime: Runtime = "auto") -> None:
        self._device = device
        self._threads = threads
        self._runtime = runtime

    def load(self, path: str | Path) -> PageLabeler:
        """Open the folder of a model or of an ensemble.

        Args:
            path: The folder, or ``shipped`` for the weights that come with the package.

        Raises:
            ModelFolderError: If it holds no model, or one that is damaged or incomplete.
            TaxonomyMismatchError: If its labels are not those of the installed taxonomy and of the types that it
                adds, or those of an ensemble's members differ.
        """
        folder = _resolved(path)
        if not is_ensemble(folder):
            return self.load_model(folder)
        settings = read_ensemble(folder)
        members = [self.load_model(folder / name) for name in settings.members]
        return Ensemble(members, settings.temperatures, settings.cohesion)

    def load_model(self, path: str | Path) -> Predictor:
        """Open the folder of one model.

        Raises:
            ModelFolderError: If it holds an ensemble, no model, or one that is damaged or incomplete.
            TaxonomyMismatchError: If its labels are not those of the installed taxonomy and of the types that it adds.
        """
        folder = _resolved(path)
        if is_ensemble(folder):
            names = ", ".join(str(folder / name) for name in read_ensemble(folder).members)
            raise ModelFolderError(
                f"{folder} holds an ensemble where one model is wanted; name a member: {names}"
            )
        if not (folder / SETTINGS_FILE).is_file() and _model_type(folder) == _STOCK_MODEL_TYPE:
            return self._load_token_classifier(folder)
        settings = read_settings(folder)
        exported = (folder / ONNX_FILE).is_file()
        runtime = self._runtime
        if runtime == "auto":
            runtime = settings.runtime if exported and not self._on_gpu() else "torch"
        if runtime == "torch":
            return self._load_trained(folder, settings)
        if not exported:
            raise ModelFolderError(
                f"{folder} has no {ONNX_FILE} for {runtime}; make one with `invoicegen export-model {folder} OUT`"
            )
        return self._load_exported(folder, settings, runtime)

    def _on_gpu(self) -> bool:
        if self._device != "auto":
            return self._device != "cpu"
        from invoicegen.modeling.torch_network import resolve_device

        return resolve_device("auto").type != "cpu"

    def _load_exported(self, folder: Path, settings: ModelSettings, runtime: Runtime) -> Predictor:
        inputs = settings.inputs
        if inputs is None:
            raise ModelFolderError(
                f"{folder / SETTINGS_FILE} does not say how {ONNX_FILE} is used (no 'inputs'); "
                "export the model anew with `invoicegen export-model`"
            )
        check_head_labels(inputs.head_labels, inputs.taxonomy, inputs.label_set)
        tokenizer = WordTokenizer(FileTokenizer.from_folder(folder), inputs.max_subwords_per_word)
        kind = OpenVinoNetwork if runtime == "openvino" else OnnxNetwork
        return Predictor(kind(folder / ONNX_FILE, self._threads), tokenizer, inputs, settings)

    def _load_trained(self, folder: Path, settings: ModelSettings) -> Predictor:
        import torch

        from invoicegen.modeling.configuration import input_format
        from invoicegen.modeling.model import LayoutLMv3MultiHead
        from invoicegen.modeling.torch_network import TorchNetwork

        model = self._from_pretrained(LayoutLMv3MultiHead, folder, dtype=torch.float32)
        transitions = model.ner_transitions()
        inputs = input_format(model.config).model_copy(
            update={"transitions": None if transitions is None else tuple(map(tuple, transitions.tolist()))}
        )
        tokenizer = WordTokenizer(FileTokenizer.from_folder(folder), inputs.max_subwords_per_word)
        return Predictor(TorchNetwork(model), tokenizer, inputs, settings)

    def _load_token_classifier(self, folder: Path) -> Predictor:
        import torch
        from transformers import AutoTokenizer, LayoutLMv3Config, LayoutLMv3ForTokenClassification

        from invoicegen.modeling.torch_network import TokenClassifier

        config = LayoutLMv3Config.from_pretrained(folder)
        order = label_order(folder, {int(i): str(label) for i, label in (config.id2label or {}).items()})
        model = self._from_pretrained(LayoutLMv3ForTokenClassification, folder, dtype=torch.float32)
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder)
        except (OSError, ValueError) as error:
            raise ModelFolderError(f"{folder}: no tokenizer that can be read: {error}") from error
        inputs = InputFormat(
            head_labels={"ner": NER_LABELS},
            taxonomy=TAXONOMY_VERSION,
            sequence_limit=config.max_position_embeddings - (config.pad_token_id or 0) - 1,
            # LayoutLMv3 was pre-trained on the boxes of segments, and words of no segment keep their own.
            layout="segment",
            image_size=config.input_size if config.visual_embed else None,
        )
        settings = ModelSettings(max_length=inputs.sequence_limit, overlap_words=_STOCK_OVERLAP_WORDS)
        words = WordTokenizer(tokenizer, inputs.max_subwords_per_word)
        return Predictor(TokenClassifier(model, order), words, inputs, settings)

    def _from_pretrained(self, kind: Any, folder: Path, **options: Any) -> Any:
        """A transformers model in evaluation mode on the device.

        Raises:
            ModelFolderError: If files are missing or damaged, or parameters lacking.
        """
        import torch
        from safetensors import SafetensorError

        from invoicegen.modeling.quiet import quiet_transformers
        from invoicegen.modeling.torch_network import resolve_device

        if self._threads is not None:
            torch.set_num_threads(self._threads)
        try:
            with quiet_transformers():
                model, report = kind.from_pretrained(folder, output_loading_info=True, **options)
        except (OSError, ValueError, SafetensorError) as error:
            raise ModelFolderError(
                f"the model in {folder} cannot be loaded, files are missing or damaged: {error}; "
                "copy the whole folder again, or train the model anew"
            ) from error
        if report["missing_keys"]:
            lacking = sorted(report["missing_keys"])
            raise ModelFolderError(
                f"the weights in {folder} lack {len(lacking)} parameters, such as {lacking[0]}; copy the whole "
                "folder again, or train the model anew"
            )
        torch.nn.Module.to(model, resolve_device(self._device))
        model.train(False)
        return model


def _resolved(path: str | Path) -> Path:
    try:
        return resolve_model(path)
    except FileNotFoundError as error:
        raise ModelFolderError(str(error)) from None


def _model_type(folder: Path) -> str | None:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return config.get("model_type") if isinstance(config, dict) else None


def label_order(folder: Path, id2label: dict[int, str]) -> list[int | None]:
    """Where each NER label of the taxonomy stands among a token classifier's logits; None where it lacks one.

    Raises:
        TaxonomyMismatchError: If it has labels of another taxonomy, or none for words outside of entities.
    """
    foreign = sorted(set(id2label.values()) - NER_IDS.keys())
    if foreign or "O" not in id2label.values():
        found = f"such as {', '.join(foreign[:5])}" if foreign else "without O"
        raise TaxonomyMismatchError(
            f"{folder}: the token classifier has {len(id2label)} labels, {len(foreign)} of them foreign to taxonomy "
            f"{TAXONOMY_VERSION} ({found}); its id2label must name labels like O, B-TOTAL_AMOUNT, I-TOTAL_AMOUNT. "
            "Rename them in config.json, or train a model with `kedro run --pipeline=train`"
        )
    places = {label: i for i, label in id2label.items()}
    return [places.get(label) for label in NER_LABELS]
