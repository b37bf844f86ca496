"""A model as an ONNX file: traced, its weights shared with the safetensors file, by option in int8."""

from __future__ import annotations

import hashlib
import json
import logging
import struct
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from invoicegen.modeling.labels import HEADS
from invoicegen.modeling.model import LayoutLMv3MultiHead
from invoicegen.modeling.packing import BLOCK, SCALES
from invoicegen.modeling.word_features import COLUMNS

OPSET: Final = 20
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


def share_weights(onnx_path: Path, weights: Path, originals: Mapping[str, NDArray[np.float32]]) -> None:
    """Take the weights of an ONNX file out of it, and read them from the safetensors file beside it.

    A folder that serves for training too then holds them once. They are fp16 there, or packed in eight bits; the
    network casts what it looks up in embedding tables, and its other weights when it is loaded, to fp32. Weights are
    found by content, since the export transposes some; what the file does not hold (biases and norms that are short,
    int8 weights) stays.

    Args:
        onnx_path: Of :func:`write_onnx` or :func:`quantise`; changed in place.
        weights: A safetensors file in the same folder: of fp16, or of what
            :func:`~invoicegen.modeling.packing.pack` gives.
        originals: The model's parameters by their names in ``weights``.
    """
    import onnx
    from onnx import TensorProto, numpy_helper

    layout = safetensors_layout(weights)
    matrices = {name: array for name, array in originals.items() if array.ndim == 2 and name in layout}
    places = {_digest(array.T): (name, True) for name, array in matrices.items()}
    places |= {_digest(array): (name, False) for name, array in matrices.items()}
    proto = onnx.load(onnx_path)
    graph = proto.graph
    readers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    kept, before, after = [], [], {}
    for weight in graph.initializer:
        found = weight.data_type == TensorProto.FLOAT and len(weight.dims) == 2
        place = places.get(_digest(numpy_helper.to_array(weight))) if found else None
        if place is None:
            kept.append(weight)
            continue
        name, transposed = place
        stored = _Stored(weight.name, name, weights.name, layout)
        kept.extend(stored.tensors)
        looked_up = all(
            node.op_type == "Gather" and node.input[0] == weight.name for node in readers[weight.name]
        )
        if looked_up and not transposed:
            for node in readers[weight.name]:
                after[id(node)] = stored.look_up(node)
        else:
            before.extend(stored.restore(transposed))
    nodes = list(graph.node)
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.initializer.extend(kept)
    graph.node.extend(before)
    for node in nodes:
        graph.node.extend(after.get(id(node), [node]))
    onnx_path.write_bytes(proto.SerializeToString())


class _Stored:
    """A matrix of a safetensors file in an ONNX graph: its tensors, and the nodes that make fp32 of them.

    Args:
        value: Its name in the graph.
        name: That in the file.
        file: Name of the file.
        layout: Of :func:`safetensors_layout`.
    """

    def __init__(
        self, value: str, name: str, file: str, layout: Mapping[str, tuple[str, list[int], int, int]]
    ) -> None:
        self.value = value
        self.numbers = f"{value}_stored"
        self.tensors = [_external(self.numbers, file, layout[name])]
        self.scales: str | None = None
        if name + SCALES in layout:
            self.scales = f"{value}_scales"
            self.tensors.append(_external(self.scales, file, layout[name + SCALES]))
            columns, blocks = layout[name][1][1], layout[name + SCALES][1][1]
            self.tensors += [
                _constant(f"{value}_blocks", [-1, blocks, columns // blocks]),
                _constant(f"{value}_rows", [-1, blocks, 1]),
                _constant(f"{value}_shape", layout[name][1]),
            ]

    def restore(self, transposed: bool) -> list[Any]:
        """The whole matrix under its own name."""
        from onnx import helper

        whole = f"{self.value}_whole" if transposed else self.value
        nodes = self._fp32(self.numbers, self.scales, whole, f"{self.value}_shape")
        if transposed:
            nodes.append(helper.make_node("Transpose", [whole], [self.value], perm=[1, 0]))
        return nodes

    def look_up(self, node: Any) -> list[Any]:
        """Rows of the matrix in place of a ``Gather``, which goes on under the same name."""
        from onnx import helper

        result, ids = node.output[0], node.input[1]
        nodes = [helper.make_node("Gather", [self.numbers, ids], [f"{result}_stored"], axis=0)]
        scales = None
        if self.scales is not None:
            scales = f"{result}_scales"
            nodes.append(helper.make_node("Gather", [self.scales, ids], [scales], axis=0))
            nodes.append(helper.make_node("Shape", [f"{result}_stored"], [f"{result}_shape"]))
        return nodes + self._fp32(f"{result}_stored", scales, result, f"{result}_shape")

    def _fp32(self, numbers: str, scales: str | None, result: str, shape: str) -> list[Any]:
        from onnx import TensorProto, helper

        if scales is None:
            return [helper.make_node("Cast", [numbers], [result], to=TensorProto.FLOAT)]
        nodes = [
            helper.make_node("Cast", [numbers], [f"{result}_cast"], to=TensorProto.FLOAT),
            helper.make_node("Reshape", [f"{result}_cast", f"{self.value}_blocks"], [f"{result}_by_block"]),
            helper.make_node("Cast", [scales], [f"{result}_factors"], to=TensorProto.FLOAT),
            helper.make_node("Reshape", [f"{result}_factors", f"{self.value}_rows"], [f"{result}_by_factor"]),
            helper.make_node("Mul", [f"{result}_by_block", f"{result}_by_factor"], [f"{result}_scaled"]),
        ]
        return [*nodes, helper.make_node("Reshape", [f"{result}_scaled", shape], [result])]


_ONNX_TYPES: Final = {"F16": "FLOAT16", "I8": "INT8"}


def _external(name: str, file: str, place: tuple[str, list[int], int, int]) -> Any:
    """A tensor that lies in a safetensors file."""
    from onnx import TensorProto

    kind, shape, offset, length = place
    tensor = TensorProto(
        name=name,
        data_type=TensorProto.DataType.Value(_ONNX_TYPES[kind]),
        dims=shape,
        data_location=TensorProto.EXTERNAL,
    )
    for key, setting in (("location", file), ("offset", str(offset)), ("length", str(length))):
        tensor.external_data.add(key=key, value=setting)
    return tensor


def _constant(name: str, values: list[int]) -> Any:
    from onnx import numpy_helper

    return numpy_helper.from_array(np.array(values, dtype=np.int64), name)


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
