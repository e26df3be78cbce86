"""Attention over sequences that lie end to end, one group of equal lengths at a time: no padding, no mask.

Without gradients each group goes through torch's fused kernel. For training on a CPU that kernel is the wrong one: its
backward pass takes three times as long as plain batched products, and with dropout it is not used at all. So training
has its own forward and backward pass, which also saves autograd's work on some thirty small operations a group.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import chain
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from tunesmith.models.encoders._dropout import Coins

Group = tuple[int, int, int]  # first token, number of sequences, length


class GroupedAttention:
    """Self-attention for one batch; every layer calls the same object, with its own queries, keys and values."""

    def __init__(self, groups: Sequence[Group], num_heads: int, *, rate: float, coins: Coins | None) -> None:
        self._groups = groups
        self._num_heads = num_heads
        self._rate = rate
        self._coins = coins if rate > 0.0 else None

    def __call__(self, qkv: Tensor) -> Tensor:
        """Let each token gather from its own sequence: queries, keys, values ``[T, 3 H]`` to ``[T, H]``."""
        needs_gradient = torch.is_grad_enabled() and qkv.requires_grad
        if not qkv.is_cpu or not (needs_gradient or self._coins):
            return self._fused(qkv)
        n_tokens, width = qkv.shape
        rows = qkv.view(n_tokens * 3 * self._num_heads, width // 3 // self._num_heads)
        keep, scale = self._coins.keep(self._layout.n_scores, self._rate) if self._coins else (None, 1.0)
        gathered: Tensor = _Attention.apply(rows, self._layout, keep, scale)  # type: ignore[no-untyped-call]
        return gathered.view(n_tokens, width // 3)

    def _fused(self, qkv: Tensor) -> Tensor:
        rate = self._rate if self._coins else 0.0
        gathered = []
        for start, count, length in self._groups:
            block = qkv[start : start + count * length].view(count, length, 3, self._num_heads, -1)
            query, key, value = block.permute(2, 0, 3, 1, 4)  # each [count, N, length, D]
            mixed = functional.scaled_dot_product_attention(query, key, value, dropout_p=rate)
            gathered.append(mixed.transpose(1, 2).reshape(count * length, -1))
        return torch.cat(gathered) if len(gathered) > 1 else gathered[0]

    @cached_property
    def _layout(self) -> _HeadLayout:
        return _HeadLayout(self._groups, self._num_heads)


class _HeadLayout:
    """Two orders of the same head vectors, and the way from one to the other.

    Linear layers make the heads of a token neighbours, ``[T, 3, N, D]``; batched products want the tokens of a head to
    be neighbours, ``[3, count N, length, D]`` for each group. Both are rows of D numbers, so one ``index_select``
    goes either way for all groups at once, and its gradient is one ``index_select`` back.
    """

    def __init__(self, groups: Sequence[Group], num_heads: int) -> None:
        n_tokens = sum(count * length for _, count, length in groups)
        self.shapes = [(count * num_heads, length) for _, count, length in groups]
        self.n_scores = sum(batch * length * length for batch, length in self.shapes)
        self.to_heads, self.from_heads = _reorder(groups, torch.arange(n_tokens * 3 * num_heads), 3, num_heads)
        self.to_head, self.from_head = _reorder(groups, torch.arange(n_tokens * num_heads), 1, num_heads)

    def vectors(self, rows: Tensor, parts: int) -> list[list[Tensor]]:
        """View rows in head order as ``parts`` lists (queries, keys, values, or one of them), one block a group."""
        shapes = [shape for shape in self.shapes for _ in range(parts)]
        pieces = rows.split_with_sizes([batch * length for batch, length in shapes])
        blocks = [piece.view(*shape, -1) for piece, shape in zip(pieces, shapes, strict=True)]
        return [blocks[part::parts] for part in range(parts)]

    def squares(self, scores: Tensor) -> list[Tensor]:
        """View a flat array of scores as one ``[count N, length, length]`` a group."""
        pieces = scores.split_with_sizes([batch * length * length for batch, length in self.shapes])
        return [piece.view(batch, length, length) for piece, (batch, length) in zip(pieces, self.shapes, strict=True)]


def _reorder(groups: Sequence[Group], places: Tensor, parts: int, num_heads: int) -> tuple[Tensor, Tensor]:
    """For each place in head order its place in token order, and the inverse."""
    by_token = places.view(-1, parts, num_heads)
    to_heads = torch.cat(
        [
            by_token[start : start + count * length].view(count, length, parts, num_heads).permute(2, 0, 3, 1).flatten()
            for start, count, length in groups
        ]
    )
    from_heads = torch.empty_like(to_heads)
    from_heads[to_heads] = places
    return to_heads, from_heads


class _Attention(torch.autograd.Function):
    """``softmax(Q K^T / sqrt(D))``, dropout, times V; Vaswani et al. 2017, equation 1, and its gradient."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, layout: _HeadLayout, keep: Tensor | None, scale: float) -> Tensor:
        heads = rows.index_select(0, layout.to_heads)
        queries, keys, values = layout.vectors(heads, 3)
        attention = rows.new_empty(layout.n_scores)
        squares = layout.squares(attention)
        for square, query, key in zip(squares, queries, keys, strict=True):
            torch.bmm(query, key.mT, out=square)
        attention.mul_(rows.shape[1] ** -0.5)
        for square in squares:
            torch.softmax(square, dim=-1, out=square)
        kept = attention if keep is None else attention * keep
        mixed = _products(layout.squares(kept), values)
        ctx.layout, ctx.scale = layout, scale
        ctx.save_for_backward(heads, attention, kept, keep)
        gathered = torch.cat(mixed).index_select(0, layout.from_head)
        return gathered if keep is None else gathered.mul_(scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        heads, attention, kept, keep = ctx.saved_tensors
        layout: _HeadLayout = ctx.layout
        queries, keys, values = layout.vectors(heads, 3)
        (mixed,) = layout.vectors(gradient.index_select(0, layout.to_head), 1)
        change = torch.empty_like(attention)  # of the attention, then of the scores
        squares = layout.squares(change)
        for square, d_mixed, value in zip(squares, mixed, values, strict=True):
            torch.bmm(d_mixed, value.mT, out=square)
        if keep is not None:
            change.mul_(keep)
        for square, weights in zip(squares, layout.squares(attention), strict=True):
            torch._softmax_backward_data(square, weights, -1, square.dtype, grad_input=square)
        change.mul_(heads.shape[1] ** -0.5)
        d_queries = _products(squares, keys)
        d_keys = _products([square.mT for square in squares], queries)
        d_values = _products([weights.mT for weights in layout.squares(kept)], mixed)
        parts = chain.from_iterable(zip(d_queries, d_keys, d_values, strict=True))
        return torch.cat(list(parts)).index_select(0, layout.from_heads).mul_(ctx.scale), None, None, None


def _products(left: Iterable[Tensor], right: Iterable[Tensor]) -> list[Tensor]:
    """Multiply block by block and flatten to rows of D numbers."""
    return [torch.bmm(one, other).flatten(0, 1) for one, other in zip(left, right, strict=True)]
