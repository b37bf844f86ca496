"""The LayoutLMv3 encoder, faster: same parameters under the same names, same outputs.

Differences from ``transformers.LayoutLMv3Model``:

* Relative-position biases are looked up once a batch and shared by all layers. Horizontal and vertical buckets
  are one joint lookup. The biases are trained (stock transformers gathers them under ``no_grad``).
* Attention is ``scaled_dot_product_attention`` with the biases and the padding mask as one additive mask; where the
  biases learn, on CPUs, it works window by window.
* In training the last layer computes the tokens that have a label.
* Dropout on CPUs draws four decisions from one random number.

Source:
    Huang et al., LayoutLMv3, https://arxiv.org/abs/2204.08387; parameter names and bucket rule of
    ``transformers.models.layoutlmv3.modeling_layoutlmv3``.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.models.layoutlmv3.modeling_layoutlmv3 import (
    LayoutLMv3Intermediate,
    LayoutLMv3Output,
    LayoutLMv3PatchEmbeddings,
    LayoutLMv3SelfOutput,
    LayoutLMv3TextEmbeddings,
)

from invoicegen.modeling.configuration import LayoutLMv3MultiHeadConfig
from invoicegen.modeling.word_features import ROWS, WordFeatures

_GRID = 1024
"""More than the largest distance on the 0-1000 layout grid and than the longest sequence."""


def relative_position_buckets(bins: int, max_distance: int) -> Tensor:
    """The bucket of every relative distance from ``-_GRID`` to ``_GRID``.

    Half of the buckets are for positive distances; in each half, the first half is exact, the rest logarithmic.

    Returns:
        Shape (2 * _GRID + 1,); entry ``distance + _GRID`` is the bucket of ``distance``.

    Source:
        Raffel et al., T5, https://arxiv.org/abs/1910.10683, section 2.1, as LayoutLMv3 uses it.
    """
    distance = torch.arange(-_GRID, _GRID + 1)
    half = bins // 2
    exact = half // 2
    magnitude = distance.abs()
    logarithmic = exact + (
        torch.log(magnitude.clamp(min=1).float() / exact) / math.log(max_distance / exact) * (half - exact)
    ).to(torch.long)
    bucket = torch.where(magnitude < exact, magnitude, logarithmic.clamp(max=half - 1))
    return bucket + (distance > 0).long() * half


def _sums_by_index(index: Tensor, rows: Tensor, entries: int) -> Tensor:
    """Sums of ``rows`` (n, m) over equal values of ``index`` (m,): shape (n, entries)."""
    return rows.new_zeros(len(rows), entries).scatter_add_(1, index.expand(len(rows), -1), rows)


class _LookupFunction(torch.autograd.Function):
    """``table[:, index] + added``, masked; window by window, so that what is worked on stays in a CPU's cache.

    What is masked gets no gradient from attention (its weight there is 0), so the backward pass leaves the mask out.
    """

    @staticmethod
    def forward(
        ctx: Any,
        table: Tensor,
        index: Tensor,
        added: Tensor | None,
        mask: Tensor | None,
        dtype: torch.dtype,
    ) -> Tensor:
        ctx.save_for_backward(index)
        ctx.entries, ctx.dtype, ctx.has_added = table.shape[1], table.dtype, added is not None
        blocked_entry = ctx.entries
        columns = functional.pad(table.t().to(dtype), (0, 0, 0, 1), value=torch.finfo(dtype).min)
        result = columns.new_empty(len(index), len(table), *index.shape[1:])
        for number, window in enumerate(result):
            entries = index[number]
            if mask is not None:
                entries = entries.masked_fill(~mask[number], blocked_entry)
            looked_up = functional.embedding(entries, columns).movedim(-1, 0)
            if added is None:
                window.copy_(looked_up)
            else:
                torch.add(looked_up, added[0], out=window)
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, Tensor | None, None, None]:
        (index,) = ctx.saved_tensors
        rows = gradients[0].shape[1]
        of_table = gradients[0].new_zeros(rows, ctx.entries, dtype=torch.float32)
        of_added = torch.zeros_like(gradients[0][:1], dtype=torch.float32) if ctx.has_added else None
        for number, gradient in enumerate(gradients[0].unbind()):
            window = gradient.float()
            of_table += _sums_by_index(index[number].flatten(), window.flatten(1), ctx.entries)
            if of_added is not None:
                of_added[0] += window
        return of_table.to(ctx.dtype), None, of_added, None, None


def _looked_up(
    table: Tensor, index: Tensor, added: Tensor | None, mask: Tensor | None, dtype: torch.dtype
) -> Tensor:
    """Columns of a table, plus what else is added to the attention scores, less what is masked.

    All rows of an entry are looked up at once, as one contiguous piece: that takes a fraction of the time of one
    look-up a row.

    Args:
        table: Shape (heads, entries).
        index: Shape (batch, length, length).
        added: Shape (1, heads, length, length), of ``dtype``; None for nothing.
        mask: Shape (batch, length), True for keys to attend to; None for all.
        dtype: Of the result.

    Returns:
        Shape (batch, heads, length, length).
    """
    if table.requires_grad and table.device.type == "cpu":
        result: Tensor = _LookupFunction.apply(table, index, added, mask, dtype)  # type: ignore[no-untyped-call]
        return result
    return _looked_up_at_once(table, index, added, mask, dtype)


def _looked_up_at_once(
    table: Tensor, index: Tensor, added: Tensor | None, mask: Tensor | None, dtype: torch.dtype
) -> Tensor:
    """As :func:`_looked_up`, all windows together; on GPUs the gradient is summed after sorting the index."""
    result = functional.embedding(index, table.t()).to(dtype).movedim(-1, 1)
    if added is not None:
        result = result + added
    if mask is not None:
        result = result.masked_fill(~mask[:, None, None, :], torch.finfo(dtype).min)
    return result.contiguous()


class _AttentionFunction(torch.autograd.Function):
    """Softmax attention with an additive bias that gets a gradient, window by window on a CPU.

    The scores of one window fit into the processor's cache, those of a batch are tens of megabytes; and the gradients
    of the bias, which all layers share, are added up in place on their way back through the layers.
    """

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, bias: Tensor, heads: int, rows: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The arguments and results of :class:`SelfAttention`, projected; ``rows`` are the queries' in the bias."""
        batch, queries, size = query.shape
        width = size // heads
        query, key, value = (
            part.view(batch, -1, heads, width).transpose(1, 2).contiguous() for part in (query, key, value)
        )
        weights = query.new_empty(batch, heads, queries, key.shape[2])
        context = query.new_empty(batch, queries, heads, width)
        added = bias.expand(batch, -1, -1, -1)
        ctx.scale = width**-0.5
        for window, scores in enumerate(weights):
            its_bias = added[window] if rows is None else added[window].index_select(1, rows[window])
            torch.baddbmm(its_bias, query[window], key[window].mT, alpha=ctx.scale, out=scores)
            torch.softmax(scores, dim=-1, out=scores)
            torch.bmm(scores, value[window], out=context[window].transpose(0, 1))
        ctx.save_for_backward(query, key, value, weights, rows)
        ctx.bias_shape = bias.shape
        ctx.set_materialize_grads(False)
        return context.flatten(2), bias

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        of_context, of_bias = gradients
        if of_context is None:
            return None, None, None, of_bias, None, None
        query, key, value, weights, rows = ctx.saved_tensors
        if of_bias is None:  # the last layer
            of_bias = weights.new_zeros(ctx.bias_shape)
        batch, heads, queries, width = query.shape
        total = of_bias.expand(batch, -1, -1, -1)
        of_context = of_context.reshape(batch, queries, heads, width).transpose(1, 2).contiguous()
        # In memory as the projections are: (batch, length, heads, width).
        of_query, of_key, of_value = (
            torch.empty_like(part.transpose(1, 2), memory_format=torch.contiguous_format).transpose(1, 2)
            for part in (query, key, value)
        )
        of_scores = torch.empty_like(weights[0])
        for window, attention in enumerate(weights):
            torch.bmm(attention.mT, of_context[window], out=of_value[window])
            torch.bmm(of_context[window], value[window].mT, out=of_scores)
            torch._softmax_backward_data(of_scores, attention, -1, of_scores.dtype, grad_input=of_scores)
            if rows is None:
                total[window].add_(of_scores)
            else:
                total[window].index_add_(1, rows[window], of_scores)
            for result, left, right in (
                (of_query[window], of_scores, key[window]),
                (of_key[window], of_scores.mT, query[window]),
            ):
                torch.baddbmm(result, left, right, beta=0, alpha=ctx.scale, out=result)
        return (
            *(part.transpose(1, 2).flatten(2) for part in (of_query, of_key, of_value)),
            of_bias,
            None,
            None,
        )


class Dropout(nn.Module):
    """Dropout that draws 16 random bits an element on CPUs, where drawing is what ``nn.Dropout`` spends its time on.

    Args:
        rate: Share of elements set to zero, to the nearest 1/65536.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, states: Tensor) -> Tensor:
        """Any shape to the same; elements that stay are scaled by 1 / (1 - rate)."""
        if not self.training or self.rate == 0:
            return states
        if states.device.type != "cpu":
            return functional.dropout(states, self.rate)
        bits = torch.empty(-(-states.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        drawn = bits.view(torch.int16)[: states.numel()].view(states.shape)
        kept = drawn >= round(self.rate * 65536) - 32768
        return states * kept.to(states.dtype).mul_(1 / (1 - self.rate))


def replace_dropout(module: nn.Module) -> None:
    """Put :class:`Dropout` in the place of every ``nn.Dropout`` within ``module``."""
    for name, child in module.named_children():
        if isinstance(child, nn.Dropout):
            setattr(module, name, Dropout(child.p))
        else:
            replace_dropout(child)


class RelativeBias(nn.Module):
    """One relative bias; holds its weight as ``nn.Linear(bins, heads)`` does, under the stock name."""

    def __init__(self, bins: int, heads: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(heads, bins))
        nn.init.normal_(self.weight, std=0.02)


class SelfAttention(nn.Module):
    """Multi-head self-attention with an additive bias."""

    def __init__(self, config: LayoutLMv3MultiHeadConfig) -> None:
        super().__init__()
        size = config.hidden_size
        self.heads = config.num_attention_heads
        self.query = nn.Linear(size, size)
        self.key = nn.Linear(size, size)
        self.value = nn.Linear(size, size)
        self.dropout = config.attention_probs_dropout_prob

    def forward(
        self, states: Tensor, bias: Tensor | None, rows: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Attend.

        Args:
            states: Shape (batch, length, hidden).
            bias: Shape (batch, heads, length, length), all but the last may be 1; or None.
            rows: Tokens that attend, shape (batch, queries); None for all.

        Returns:
            Shape (batch, queries, hidden), and the bias for the next layer: the same values, through which the
            gradient takes its way.
        """
        dropout = self.dropout if self.training else 0.0
        attending = states if rows is None else _tokens(states, rows)
        if bias is not None and bias.requires_grad and states.device.type == "cpu" and not dropout:
            if rows is None:
                query, key, value = _linear(states, self.query, self.key, self.value)
            else:
                query, (key, value) = self.query(attending), _linear(states, self.key, self.value)
            attended: tuple[Tensor, Tensor] = _AttentionFunction.apply(  # type: ignore[no-untyped-call]
                query, key, value, bias, self.heads, rows
            )
            return attended
        batch, length, size = states.shape
        width = size // self.heads

        def split(projected: Tensor) -> Tensor:
            return projected.view(batch, -1, self.heads, width).transpose(1, 2)

        query, key, value = split(self.query(attending)), split(self.key(states)), split(self.value(states))
        added = bias
        if rows is not None and bias is not None and bias.shape[2] > 1:
            added = torch.take_along_dim(bias, rows[:, None, :, None], dim=2)
        if added is None or not added.requires_grad:
            context = functional.scaled_dot_product_attention(
                query, key, value, attn_mask=added, dropout_p=dropout
            )
        else:
            # SDPA has no fused kernel for a bias with a gradient; its fallback guards against rows that are masked
            # throughout (ours never are: the CLS token is always real), which costs a tenth of the training step.
            flat = (batch * self.heads, -1, width)
            scores = torch.baddbmm(
                added.expand(batch, self.heads, -1, -1).reshape(batch * self.heads, -1, length),
                query.reshape(flat),
                key.reshape(flat).transpose(1, 2),
                alpha=width**-0.5,
            )
            weights = functional.dropout(scores.softmax(dim=-1), dropout, self.training)
            context = torch.bmm(weights, value.reshape(flat)).view(batch, self.heads, -1, width)
        return context.transpose(1, 2).reshape(batch, -1, size), bias


def _tokens(states: Tensor, rows: Tensor) -> Tensor:
    """The tokens ``rows`` (batch, n) of ``states`` (batch, length, hidden): shape (batch, n, hidden)."""
    batch, length, size = states.shape
    places = rows + length * torch.arange(batch, device=rows.device)[:, None]
    return states.flatten(0, 1).index_select(0, places.flatten()).view(batch, -1, size)


def _linear(states: Tensor, *projections: nn.Linear) -> tuple[Tensor, ...]:
    """Several projections of the same states as one product."""
    weight = torch.cat([projection.weight for projection in projections])
    bias = torch.cat([projection.bias for projection in projections])
    return functional.linear(states, weight, bias).chunk(len(projections), dim=-1)


class Attention(nn.Module):
    """Self-attention, projection and residual norm, with the stock parameter names."""

    def __init__(self, config: LayoutLMv3MultiHeadConfig) -> None:
        super().__init__()
        self.self = SelfAttention(config)
        self.output = LayoutLMv3SelfOutput(config)

    def forward(
        self, states: Tensor, bias: Tensor | None, rows: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """As :meth:`SelfAttention.forward`."""
        context, bias = self.self(states, bias, rows)
        if rows is not None:
            states = _tokens(states, rows)
        return self.output(context, states), bias


class Layer(nn.Module):
    """One transformer layer, with the stock parameter names."""

    def __init__(self, config: LayoutLMv3MultiHeadConfig) -> None:
        super().__init__()
        self.attention = Attention(config)
        self.intermediate = LayoutLMv3Intermediate(config)
        self.output = LayoutLMv3Output(config)

    def forward(
        self, states: Tensor, bias: Tensor | None, rows: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """As :meth:`SelfAttention.forward`."""
        attended, bias = self.attention(states, bias, rows)
        return self.output(self.intermediate(attended), attended), bias


class Encoder(nn.Module):
    """The stack of layers and the relative-position biases they share."""

    def __init__(self, config: LayoutLMv3MultiHeadConfig) -> None:
        super().__init__()
        self.layer = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))
        self.scale = 1 / math.sqrt(config.hidden_size // config.num_attention_heads)
        self.spatial_bins = config.rel_2d_pos_bins
        self.has_sequential = config.has_relative_attention_bias
        self.has_spatial = config.has_spatial_attention_bias
        if self.has_sequential:
            self.rel_pos_bias = RelativeBias(config.rel_pos_bins, config.num_attention_heads)
            self.sequential_buckets = nn.Buffer(
                relative_position_buckets(config.rel_pos_bins, config.max_rel_pos), persistent=False
            )
        if self.has_spatial:
            self.rel_pos_x_bias = RelativeBias(config.rel_2d_pos_bins, config.num_attention_heads)
            self.rel_pos_y_bias = RelativeBias(config.rel_2d_pos_bins, config.num_attention_heads)
            self.spatial_buckets = nn.Buffer(
                relative_position_buckets(config.rel_2d_pos_bins, config.max_rel_2d_pos), persistent=False
            )

    def bias(
        self, boxes: Tensor, positions: Tensor, mask: Tensor | None, dtype: torch.dtype
    ) -> Tensor | None:
        """All that is added to the attention scores.

        Args:
            boxes: Shape (batch, length, 4), 0-1000 grid.
            positions: Shape (length,), place of each token in its own modality.
            mask: Shape (batch, length), True for real tokens; None if all are.
            dtype: Of the result, that of the attention scores.

        Returns:
            Shape (batch or 1, heads, length, length), or None if there is nothing to add.
        """
        total: Tensor | None = None
        if self.has_sequential:
            buckets = self.sequential_buckets[positions[None, :] - positions[:, None] + _GRID]
            total = _looked_up(self.rel_pos_bias.weight * self.scale, buckets[None], None, None, dtype)
        if self.has_spatial:
            x, y = boxes[..., 0], boxes[..., 3]
            bucket_x = self.spatial_buckets[x[:, None, :] - x[:, :, None] + _GRID]
            bucket_y = self.spatial_buckets[y[:, None, :] - y[:, :, None] + _GRID]
            weights_x, weights_y = self.rel_pos_x_bias.weight, self.rel_pos_y_bias.weight
            table = (weights_x[:, :, None] + weights_y[:, None, :]).flatten(1) * self.scale
            total = _looked_up(table, bucket_x * self.spatial_bins + bucket_y, total, mask, dtype)
        elif mask is not None:
            blocked = ~mask[:, None, None, :]
            if total is None:
                total = torch.zeros(blocked.shape, device=mask.device, dtype=dtype)
            total = total.masked_fill(blocked, torch.finfo(dtype).min)
        return total

    def forward(
        self,
        states: Tensor,
        boxes: Tensor,
        positions: Tensor,
        mask: Tensor | None,
        wanted: Tensor | None = None,
    ) -> Tensor:
        """Shape (batch, length, hidden) to the same.

        Args:
            states: What the first layer is given.
            boxes: As in :meth:`bias`.
            positions: As in :meth:`bias`.
            mask: As in :meth:`bias`.
            wanted: Shape (batch, length), True for tokens whose states are asked for; None for all. The last layer
                spares itself the others: what is given back of them has no meaning.
        """
        device = states.device.type
        autocast = torch.is_autocast_enabled(device)
        bias = self.bias(
            boxes, positions, mask, torch.get_autocast_dtype(device) if autocast else states.dtype
        )
        *layers, last = self.layer
        for layer in layers:
            states, bias = layer(states, bias)
        found: Tensor
        if wanted is None:
            found, _ = last(states, bias)
            return found
        # In every window as many tokens as the one with most of them has: the wanted ones first.
        most = max(int(wanted.sum(dim=1).max()), 1)
        rows = wanted.int().argsort(dim=1, descending=True, stable=True)[:, :most]
        found, _ = last(states, bias, rows)
        return found.new_zeros(states.shape).scatter(1, rows[..., None].expand_as(found), found)


class WordFeatureEmbeddings(nn.Embedding):
    """Vectors of the features of whole words, added to those of the subwords; they start at zero.

    Args:
        which: Says how many rows there are, see :mod:`~invoicegen.modeling.word_features`.
        hidden_size: Width.
    """

    def __init__(self, which: WordFeatures, hidden_size: int) -> None:
        super().__init__(ROWS[which], hidden_size)

    def forward(self, input: Tensor) -> Tensor:
        """Shape (batch, length, columns) to (batch, length, hidden)."""
        return super().forward(input).sum(dim=2)


class LayoutLMv3Encoder(nn.Module):
    """Embeddings and encoder: subwords, boxes and, by configuration, word features and image patches to states."""

    def __init__(self, config: LayoutLMv3MultiHeadConfig) -> None:
        super().__init__()
        self.embeddings = LayoutLMv3TextEmbeddings(config)
        self.has_word_features = config.word_features != "none"
        if self.has_word_features:
            self.word_feature_embeddings = WordFeatureEmbeddings(config.word_features, config.hidden_size)
        self.encoder = Encoder(config)
        self.visual = config.visual_embed
        if self.visual:
            self.patch_embed = LayoutLMv3PatchEmbeddings(config)
            # Only square patches were ever released; the configuration's type allows for others.
            self.patches_per_side = config.input_size // int(config.patch_size)  # type: ignore[arg-type]
            self.cls_token = nn.Parameter(torch.zeros(1, 1, config.hidden_size))
            self.pos_embed = nn.Parameter(torch.zeros(1, self.patches_per_side**2 + 1, config.hidden_size))
            self.norm = nn.LayerNorm(config.hidden_size, eps=1e-6)
            self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
            self.dropout = nn.Dropout(config.hidden_dropout_prob)
        replace_dropout(self)

    def _patch_boxes(self, device: torch.device) -> Tensor:
        """Boxes of the image's CLS token and of its patches, row by row: shape (1 + n², 4), 0-1000 grid."""
        edges = torch.arange(self.patches_per_side + 1, device=device) * 1000 // self.patches_per_side
        rows, columns = torch.meshgrid(edges[:-1], edges[:-1], indexing="ij")
        bottoms, rights = torch.meshgrid(edges[1:], edges[1:], indexing="ij")
        patches = torch.stack([columns, rows, rights, bottoms], dim=-1).view(-1, 4)
        return torch.cat([torch.tensor([[1, 1, 999, 999]], device=device), patches])

    def forward(
        self,
        input_ids: Tensor,
        bbox: Tensor,
        attention_mask: Tensor | None = None,
        pixel_values: Tensor | None = None,
        word_features: Tensor | None = None,
        wanted: Tensor | None = None,
    ) -> Tensor:
        """Hidden states of the text tokens.

        Args:
            input_ids: Shape (batch, length).
            bbox: Shape (batch, length, 4), 0-1000 grid.
            attention_mask: Shape (batch, length), 1 for real tokens; None if all are.
            pixel_values: Shape (batch, channels, size, size); exactly when the configuration has patches.
            word_features: Shape (batch, length, columns), 0 for tokens that are no words; exactly when the
                configuration has word features.
            wanted: Shape (batch, length), True for tokens whose states are asked for; None for all.

        Returns:
            Shape (batch, length, hidden); of no meaning for tokens that were not asked for.

        Raises:
            ValueError: If images or word features are given to a model without them or the other way round.
        """
        if self.visual != (pixel_values is not None):
            wants, got = ("needs", "none came") if self.visual else ("takes no", "some came")
            raise ValueError(f"this model {wants} page images (visual_embed={self.visual}), {got}")
        if self.has_word_features != (word_features is not None):
            wants, got = ("needs", "none came") if self.has_word_features else ("takes no", "some came")
            raise ValueError(f"this model {wants} word_features, {got}")
        length = input_ids.shape[1]
        subwords = self.embeddings.word_embeddings(input_ids)
        if word_features is not None:
            subwords = subwords + self.word_feature_embeddings(word_features)
        states: Tensor = self.embeddings(input_ids=input_ids, bbox=bbox, inputs_embeds=subwords)
        positions = torch.arange(length, device=input_ids.device)
        mask = None if attention_mask is None else attention_mask.bool()
        if pixel_values is not None:
            batch = len(input_ids)
            patches = self.patch_embed(pixel_values)
            patches = torch.cat([self.cls_token.expand(batch, -1, -1), patches], dim=1) + self.pos_embed
            states = self.dropout(self.LayerNorm(torch.cat([states, self.norm(patches)], dim=1)))
            patch_boxes = self._patch_boxes(bbox.device)
            bbox = torch.cat([bbox, patch_boxes.expand(batch, -1, -1)], dim=1)
            positions = torch.cat([positions, torch.arange(len(patch_boxes), device=bbox.device)])
            if mask is not None:
                mask = functional.pad(mask, (0, len(patch_boxes)), value=True)
            if wanted is not None:
                wanted = functional.pad(wanted, (0, len(patch_boxes)), value=False)
        hidden: Tensor = self.encoder(states, bbox, positions, mask, wanted)
        return hidden[:, :length]
