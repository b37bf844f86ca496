"""A model as an ONNX file: traced, its embedding tables shared with the safetensors file, its products in int8."""

from __future__ import annotations

import json
import struct
import warnings
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from invoicegen.modeling.labels import HEADS
from invoicegen.modeling.model import LayoutLMv3MultiHead

OPSET: Final = 20
_TRACED_LENGTH: Final = 24


class _Logits(nn.Module):
    """The model's logits alone, as a tuple in the order of the heads."""

    def __init__(self, model: LayoutLMv3MultiHead) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, input_ids: Tensor, bbox: Tensor, attention_mask: Tensor, pixel_values: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        output = self.model(input_ids, bbox, attention_mask, pixel_values)
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
    dynamic: dict[str, dict[int, Any]] = {name: {0: batch, 1: length} for name in arguments}
    if config.visual_embed:
        side = config.input_size
        arguments["pixel_values"] = torch.zeros(2, config.num_channels, side, side)
        dynamic["pixel_values"] = {0: batch}
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    model.requires_grad_(False)  # the look-up of biases that exports well is the one without a gradient
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch's own deprecated calls
            torch.onnx.export(
                _Logits(model).eval(),
                tuple(arguments.values()),
                str(path),
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


def share_tables(onnx_path: Path, weights: Path) -> None:
    """Take the embedding tables of an ONNX file out of it, and read them from the safetensors file beside it.

    A folder that serves for training too then holds them once. The tables are fp16 there; what is looked up in them
    becomes fp32.

    Args:
        onnx_path: Of :func:`write_onnx`; changed in place.
        weights: An fp16 safetensors file of the same model in the same folder.
    """
    import onnx
    from onnx import TensorProto, helper

    layout = safetensors_layout(weights)
    proto = onnx.load(onnx_path)
    graph = proto.graph
    readers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    casts: dict[str, Any] = {}
    for table in graph.initializer:
        name = table.name.removeprefix("model.")
        looked_up = readers.get(table.name, [])
        if name not in layout or any(
            node.op_type != "Gather" or node.input[0] != table.name for node in looked_up
        ):
            continue
        dtype, shape, offset, length = layout[name]
        if dtype != "F16" or shape != list(table.dims):
            raise ValueError(f"{weights}: {name} is {dtype} {shape}, expected F16 {list(table.dims)}")
        table.ClearField("raw_data")
        table.ClearField("float_data")
        table.data_type = TensorProto.FLOAT16
        table.data_location = TensorProto.EXTERNAL
        for key, value in (("location", weights.name), ("offset", str(offset)), ("length", str(length))):
            table.external_data.add(key=key, value=value)
        for node in looked_up:
            result, half = node.output[0], f"{node.output[0]}_fp16"
            node.output[0] = half
            casts[half] = helper.make_node(
                "Cast", [half], [result], name=f"{half}_cast", to=TensorProto.FLOAT
            )
    nodes = list(graph.node)
    del graph.node[:]
    for node in nodes:
        graph.node.append(node)
        graph.node.extend(casts[name] for name in node.output if name in casts)
    del graph.value_info[:]
    onnx_path.write_bytes(proto.SerializeToString())


def quantise(path: Path) -> None:
    """Turn the products with weights of an ONNX file into int8 ones.

    Args:
        path: Of :func:`write_onnx`; changed in place.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        str(path),
        str(path),
        weight_type=QuantType.QInt8,
        per_channel=True,
        op_types_to_quantize=["MatMul"],
        extra_options={"MatMulConstBOnly": True},
    )
