"""A model as an ONNX file: traced, its weights shared with the safetensors file, by option in int8."""

from __future__ import annotations

import hashlib
import json
import logging
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from invoicegen.modeling.labels import HEADS
from invoicegen.modeling.model import LayoutLMv3MultiHead
from invoicegen.modeling.word_features import COLUMNS

OPSET: Final = 20
BLOCK: Final = 128
"""Inputs that share one scale in an 8-bit weight."""
_TRACED_LENGTH: Final = 24


class _Logits(nn.Module):
    """The model's logits alone, as a tuple in the order of the heads."""

    def __init__(self, model: LayoutLMv3MultiHead) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        input_ids: Tensor,
        bbox: Tensor,
        attention_mask: Tensor,
        pixel_values: Tensor | None = None,
        word_features: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        output = self.model(input_ids, bbox, attention_mask, pixel_values, word_features)
        return tuple(output[f"{head}_logits"] for head in HEADS)


def write_onnx(model: LayoutLMv3MultiHead, path: Path) -> None:
    """Export in fp32, for any number of sequences of any length up to the model's limit.

    Args:
        model: In evaluation mode, on the CPU.
        path: The file; initializers carry the model's parameter names behind ``model.``.
    """
    config = model.config
    shape = (2, _TRACED_LENGTH)
    arguments = {
        "input_ids": torch.ones(shape, dtype=torch.long),
        "bbox": torch.ones((*shape, 4), dtype=torch.long),
        "attention_mask": torch.ones(shape, dtype=torch.long),
    }
    batch = torch.export.Dim("batch")
    length = torch.export.Dim("length", max=config.sequence_limit)
    if config.word_features != "none":
        arguments["word_features"] = torch.ones((*shape, COLUMNS[config.word_features]), dtype=torch.long)
    dynamic: dict[str, dict[int, Any]] = {name: {0: batch, 1: length} for name in arguments}
    if config.visual_embed:
        side = config.input_size
        arguments["pixel_values"] = torch.zeros(2, config.num_channels, side, side)
        dynamic["pixel_values"] = {0: batch}
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    model.requires_grad_(False)  # the look-up of biases that exports well is the one without a gradient
    try:
        with warnings.catch_warnings(), _quiet(logging.getLogger("torch.onnx")):
            warnings.simplefilter("ignore")  # of torch's own deprecated calls
            torch.onnx.export(
                _Logits(model).eval(),
                (),
                str(path),
                kwargs=arguments,
                input_names=list(arguments),
                output_names=[f"{head}_logits" for head in HEADS],
                dynamic_shapes=dynamic,
                opset_version=OPSET,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    finally:
        for parameter in trainable:
            parameter.requires_grad_(True)


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Errors only while the block runs: the exporter warns of torchvision, which nothing here uses."""
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def safetensors_layout(path: Path) -> dict[str, tuple[str, list[int], int, int]]:
    """Where each tensor of a safetensors file lies: ``(dtype, shape, offset in the file, bytes)``.

    Source:
        https://huggingface.co/docs/safetensors, "Format"
    """
    with path.open("rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
    return {
        name: (
            entry["dtype"],
            entry["shape"],
            8 + size + entry["data_offsets"][0],
            entry["data_offsets"][1] - entry["data_offsets"][0],
        )
        for name, entry in header.items()
        if name != "__metadata__"
    }


def share_weights(onnx_path: Path, weights: Path) -> None:
    """Take the weights of an ONNX file out of it, and read them from the safetensors file beside it.

    A folder that serves for training too then holds them once. They are fp16 there; the network casts what it looks
    up in embedding tables, and its other weights when it is loaded, to fp32. Weights are found by content, since the
    export transposes some; what the file does not hold (biases and norms that are short, int8 weights) stays.

    Args:
        onnx_path: Of :func:`write_onnx` or :func:`quantise`; changed in place.
        weights: An fp16 safetensors file of the same model in the same folder.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from safetensors.numpy import load_file

    layout = safetensors_layout(weights)
    stored = {name: array for name, array in load_file(weights).items() if array.ndim == 2}
    places = {_digest(array.T): (name, True) for name, array in stored.items()}
    places |= {_digest(array): (name, False) for name, array in stored.items()}
    proto = onnx.load(onnx_path)
    graph = proto.graph
    readers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    before: list[Any] = []
    after: dict[str, Any] = {}
    for weight in graph.initializer:
        if weight.data_type != TensorProto.FLOAT or len(weight.dims) != 2:
            continue
        place = places.get(_digest(numpy_helper.to_array(weight).astype(np.float16)))
        if place is None:
            continue
        name, transposed = place
        value, half = weight.name, f"{weight.name}_fp16"
        _, shape, offset, length = layout[name]
        weight.Clear()
        weight.name, weight.data_type, weight.data_location = half, TensorProto.FLOAT16, TensorProto.EXTERNAL
        weight.dims.extend(shape)
        for key, setting in (("location", weights.name), ("offset", str(offset)), ("length", str(length))):
            weight.external_data.add(key=key, value=setting)
        if not transposed and all(
            node.op_type == "Gather" and node.input[0] == value for node in readers[value]
        ):
            for node in readers[value]:
                result = node.output[0]
                node.input[0], node.output[0] = half, f"{result}_fp16"
                after[node.output[0]] = helper.make_node(
                    "Cast", [node.output[0]], [result], to=TensorProto.FLOAT
                )
            continue
        cast = f"{value}_cast" if transposed else value
        before.append(helper.make_node("Cast", [half], [cast], to=TensorProto.FLOAT))
        if transposed:
            before.append(helper.make_node("Transpose", [cast], [value], perm=[1, 0]))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend(before)
    for node in nodes:
        graph.node.append(node)
        graph.node.extend(after[name] for name in node.output if name in after)
    del graph.value_info[:]
    onnx_path.write_bytes(proto.SerializeToString())


def _digest(array: NDArray[Any]) -> bytes:
    return hashlib.sha256(repr(array.shape).encode() + np.ascontiguousarray(array).tobytes()).digest()


def quantise(path: Path) -> None:
    """Turn the products with weights of an ONNX file into 8-bit ones, scaled in blocks of :data:`BLOCK` inputs.

    ONNX Runtime runs them, OpenVINO does not. The heads stay as they are.

    Args:
        path: Of :func:`write_onnx`; changed in place.
    """
    import onnx
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    proto = onnx.load(path)
    shapes = {weight.name: list(weight.dims) for weight in proto.graph.initializer}
    narrow = [
        node.name
        for node in proto.graph.node
        if node.op_type == "MatMul" and shapes.get(node.input[1], [0, 0])[1] % BLOCK
    ]
    quantizer = MatMulNBitsQuantizer(
        proto, bits=8, block_size=BLOCK, is_symmetric=True, accuracy_level=4, nodes_to_exclude=narrow
    )
    quantizer.process()
    path.write_bytes(quantizer.model.model.SerializeToString())
