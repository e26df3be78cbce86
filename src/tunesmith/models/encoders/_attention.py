"""Attention over sequences that lie end to end, several sequences of like length at a time.

On a CPU there are two ways. Long sequences without gradients go through torch's fused kernel, a group of equal
lengths at a time. For training that kernel is the wrong one: its backward pass takes three times as long as plain
batched products, and with dropout it is not used at all. So training has passes of its own, which also spare autograd
some thirty small operations a group. Their forward half serves short sequences without gradients too: on two cores it
encodes banking77 at 91 to 93 % of the rate of bare matrix products, the fused kernel at 85 to 88 %.

Any other device has thousands of cores to keep busy, and each call costs it more than the padding does: there all
sequences go through the fused kernel at once. So they do on a CPU that computes in bfloat16.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from tunesmith.models.dropout import Coins

Group = tuple[int, int, int]  # first token, number of sequences, length
Ints = NDArray[np.int64]

_ROUNDING = 8
_SHORT = 64


class GroupedAttention:
    """Self-attention for one batch; every layer calls the same object, with its own queries, keys and values."""

    def __init__(self, groups: Sequence[Group], num_heads: int, *, rate: float, coins: Coins | None) -> None:
        self._groups = groups
        self._num_heads = num_heads
        self._rate = rate
        self._coins = coins if rate > 0.0 else None
        self._padded: tuple[Tensor, ...] | None = None

    def __call__(self, qkv: Tensor) -> Tensor:
        """Let each token gather from its own sequence: queries, keys, values ``[T, 3 H]`` to ``[T, H]``."""
        if not qkv.is_cpu or qkv.dtype == torch.bfloat16:
            return self._at_once(qkv)
        if not self._own_pays(qkv):
            return self._fused(qkv)
        n_tokens, width = qkv.shape
        rows = qkv.view(n_tokens * 3 * self._num_heads, width // 3 // self._num_heads)
        factors = self._coins.factors(self._blocks.n_scores, self._rate) if self._coins else None
        gathered: Tensor = _Attention.apply(rows, self._blocks, factors)  # type: ignore[no-untyped-call]
        return gathered.view(n_tokens, width // 3)

    def _own_pays(self, qkv: Tensor) -> bool:
        training = torch.is_grad_enabled() and qkv.requires_grad
        longest = max(length for _, _, length in self._groups)
        return training or longest <= _SHORT

    def _fused(self, qkv: Tensor) -> Tensor:
        rate = self._rate if self._coins else 0.0
        gathered = []
        for start, count, length in self._groups:
            block = qkv[start : start + count * length].view(count, length, 3, self._num_heads, -1)
            query, key, value = block.permute(2, 0, 3, 1, 4)  # each [count, N, length, D]
            mixed = functional.scaled_dot_product_attention(query, key, value, dropout_p=rate)
            gathered.append(mixed.transpose(1, 2).reshape(count * length, -1))
        return torch.cat(gathered) if len(gathered) > 1 else gathered[0]

    def _at_once(self, qkv: Tensor) -> Tensor:
        """Run torch's kernel once, on sequences that are padded to the longest."""
        if self._padded is None:  # the same for every layer
            self._padded = tuple(index.to(qkv.device) for index in _padded(self._groups))
        places, back, real = self._padded
        block = qkv.index_select(0, places.flatten()).view(*places.shape, 3, self._num_heads, -1)
        query, key, value = block.permute(2, 0, 3, 1, 4)  # each [S, N, longest, D]
        rate = self._rate if self._coins else 0.0
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=real, dropout_p=rate)
        return mixed.transpose(1, 2).reshape(places.numel(), -1).index_select(0, back)

    @cached_property
    def _blocks(self) -> _Blocks:
        return _Blocks(self._groups, self._num_heads)


class _Blocks:
    """Two orders of the same head vectors, and the way from one to the other.

    Linear layers make the heads of a token neighbours, ``[T, 3, N, D]``; batched products want the tokens of a head to
    be neighbours, ``[3, n, N, places, D]`` for each block of n sequences. Both are rows of D numbers, so one
    ``index_select`` goes either way for all blocks at once, and its gradient is one ``index_select`` back.

    Lengths that round up to the same multiple of 8 share a block: on short texts that halves the time of attention,
    which is mostly spent on starting small products. Places left over see each other and nothing else, and no token
    sees them, so what they hold does not matter.
    """

    def __init__(self, groups: Sequence[Group], num_heads: int) -> None:
        tokens = [_tokens(list(alike), places) for places, alike in groupby(groups, key=_n_places)]  # [n, places] each
        self.shapes = [(token.shape[0] * num_heads, token.shape[1]) for token in tokens]
        self.n_scores = sum(batch * places * places for batch, places in self.shapes)
        self.to_heads, self.from_heads = _reorder(tokens, 3, num_heads)
        self.to_head, self.from_head = _reorder(tokens, 1, num_heads)
        self.apart = [_apart(token >= 0) for token in tokens]

    def vectors(self, rows: Tensor, parts: int) -> list[list[Tensor]]:
        """View rows in head order as ``parts`` lists (queries, keys, values, or one of them), one tensor a block."""
        shapes = [shape for shape in self.shapes for _ in range(parts)]
        pieces = rows.split_with_sizes([batch * places for batch, places in shapes])
        blocks = [piece.view(*shape, -1) for piece, shape in zip(pieces, shapes, strict=True)]
        return [blocks[part::parts] for part in range(parts)]

    def squares(self, scores: Tensor) -> list[Tensor]:
        """View a flat array of scores as one ``[n N, places, places]`` a block."""
        pieces = scores.split_with_sizes([batch * places * places for batch, places in self.shapes])
        return [piece.view(batch, places, places) for piece, (batch, places) in zip(pieces, self.shapes, strict=True)]


def _padded(groups: Sequence[Group]) -> tuple[Tensor, Tensor, Tensor]:
    """Token of each place, any where there is none, ``[S, longest]``; place of each token; whether there is one."""
    tokens = _tokens(groups, max(length for _, _, length in groups))
    places = torch.from_numpy(tokens)
    return places.clamp(min=0), torch.from_numpy(np.flatnonzero(tokens >= 0)), (places >= 0)[:, None, None]


def _n_places(group: Group) -> int:
    return -(-group[2] // _ROUNDING) * _ROUNDING


def _tokens(groups: Sequence[Group], places: int) -> Ints:
    """The token at each place of a block's sequences, -1 where there is none, ``[n, places]``."""
    rows = []
    for start, count, length in groups:
        row = np.full((count, places), -1)
        row[:, :length] = np.arange(start, start + count * length).reshape(count, length)
        rows.append(row)
    return np.concatenate(rows)


def _reorder(tokens: Sequence[Ints], parts: int, num_heads: int) -> tuple[Tensor, Tensor]:
    """For each row in head order its row in token order (any, where there is no token), and the inverse."""
    offsets = np.arange(parts * num_heads).reshape(parts, 1, num_heads, 1)
    rows = [(token.clip(min=0)[:, None] * (parts * num_heads) + offsets).ravel() for token in tokens]
    real = [np.broadcast_to((token >= 0)[:, None], (parts, len(token), num_heads, token.shape[1])) for token in tokens]
    to_heads = np.concatenate(rows)
    taken = np.flatnonzero(np.concatenate([mask.ravel() for mask in real]))
    from_heads = np.empty_like(taken)
    from_heads[to_heads[taken]] = taken
    return torch.from_numpy(to_heads), torch.from_numpy(from_heads)


def _apart(real: NDArray[np.bool_]) -> Tensor:
    """0 between two tokens or two places left over, minus infinity between the kinds, ``[n, 1, places, places]``."""
    alike = real[:, None, :, None] == real[:, None, None, :]
    return torch.from_numpy(np.where(alike, np.float32(0.0), np.float32(-np.inf)))


class _Attention(torch.autograd.Function):
    """``softmax(Q K^T / sqrt(D))``, dropout, times V; Vaswani et al. 2017, equation 1, and its gradient."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, blocks: _Blocks, factors: Tensor | None) -> Tensor:
        heads = rows.index_select(0, blocks.to_heads)
        queries, keys, values = blocks.vectors(heads, 3)
        attention = rows.new_empty(blocks.n_scores)
        for square, query, key, apart in zip(blocks.squares(attention), queries, keys, blocks.apart, strict=True):
            torch.bmm(query, key.mT, out=square)
            scores = square.view(len(apart), -1, *square.shape[1:])
            torch.add(apart, scores, alpha=rows.shape[1] ** -0.5, out=scores)
            torch.softmax(square, dim=-1, out=square)
        kept = attention if factors is None else attention * factors
        mixed = rows.new_empty(len(heads) // 3, rows.shape[1])
        _multiply(blocks.squares(kept), values, *blocks.vectors(mixed, 1))
        ctx.blocks = blocks
        ctx.save_for_backward(heads, attention, kept, factors)
        return mixed.index_select(0, blocks.from_head)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        heads, attention, kept, factors = ctx.saved_tensors
        blocks: _Blocks = ctx.blocks
        queries, keys, values = blocks.vectors(heads, 3)
        (d_mixed,) = blocks.vectors(gradient.index_select(0, blocks.to_head), 1)
        d_heads, d_scores = torch.empty_like(heads), torch.empty_like(attention)
        d_queries, d_keys, d_values = blocks.vectors(d_heads, 3)
        squares = blocks.squares(d_scores)
        _multiply([weights.mT for weights in blocks.squares(kept)], d_mixed, d_values)
        _multiply(d_mixed, [value.mT for value in values], squares)
        if factors is not None:
            d_scores.mul_(factors)
        for square, weights in zip(squares, blocks.squares(attention), strict=True):
            torch._softmax_backward_data(square, weights, -1, square.dtype, grad_input=square)
        d_scores.mul_(heads.shape[1] ** -0.5)
        _multiply(squares, keys, d_queries)
        _multiply([square.mT for square in squares], queries, d_keys)
        return d_heads.index_select(0, blocks.from_heads), None, None


def _multiply(left: Sequence[Tensor], right: Sequence[Tensor], out: Sequence[Tensor]) -> None:
    """Multiply block by block into memory that is there."""
    for one, other, product in zip(left, right, out, strict=True):
        torch.bmm(one, other, out=product)
