"""Rows to batches: packed token arrays without padding, in order of length or as an honest random draw."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.spans import Ints, spans
from tunesmith.data.tokenize import TokenSet
from tunesmith.errors import ShapeError
from tunesmith.types import PackedTokens


class MicroBatch(NamedTuple):
    """Most that one forward pass takes."""

    size: int | None = None
    """Rows; None for no limit."""

    tokens: int | None = None
    """Tokens, about."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Some rows with their sequences packed shortest first.

    ``rows`` int64 ``[B]``, numbers in the token set; ``sequence_text`` int64 ``[S]``, which text each packed sequence
    is of: that of the row at this place in ``rows``, or of pairs the first text of place ``p`` is ``2 p``, the second
    ``2 p + 1``. A row has all its windows in one batch.
    """

    rows: Ints
    tokens: PackedTokens
    sequence_text: Ints
    n_sides: int = 1
    """Texts of a row."""

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.rows)

    @property
    def n_texts(self) -> int:
        """Texts of all rows."""
        return len(self) * self.n_sides

    @property
    def n_tokens(self) -> int:
        """Tokens of all sequences, special tokens included."""
        return len(self.tokens.input_ids)

    def split(self, micro_batch: MicroBatch) -> list[Batch]:
        """Cut into parts that fit one forward pass, rows of like length together.

        Args:
            micro_batch: Most that a part holds. By tokens all parts are about equal, and a row is never cut.

        Returns:
            Parts that hold every row once; the batch itself where it fits.

        Raises:
            ShapeError: A limit is below 1.
        """
        size, most_tokens = micro_batch
        limits = [limit for limit in micro_batch if limit is not None]
        if min(limits, default=1) < 1:
            raise ShapeError(f"micro_batch of {size} rows, {most_tokens} tokens: a limit is below 1")
        if size is not None and most_tokens is not None:
            parts = self.split(MicroBatch(tokens=most_tokens))
            return [smaller for part in parts for smaller in part.split(MicroBatch(size))]
        if size is not None:
            n_parts = math.ceil(len(self) / size)
        else:
            n_parts = 1 if most_tokens is None else math.ceil(self.n_tokens / most_tokens)
        if n_parts <= 1:
            return [self]
        n_tokens = np.bincount(self.sequence_text // self.n_sides, weights=self.tokens.lengths, minlength=len(self))
        by_length = np.argsort(n_tokens, kind="stable")
        if size is not None:
            return [self._part(by_length[at : at + size]) for at in range(0, len(self), size)]
        middles = n_tokens[by_length].cumsum() - 0.5 * n_tokens[by_length]
        part_of = (middles * n_parts / self.n_tokens).astype(np.int64)
        return [self._part(by_length[part_of == number]) for number in np.unique(part_of)]

    def _part(self, places: Ints) -> Batch:
        new_place = np.full(len(self), -1, dtype=np.int64)
        new_place[places] = np.arange(len(places))
        place, side = np.divmod(self.sequence_text, self.n_sides)
        sequences = np.flatnonzero(new_place[place] >= 0)
        lengths = self.tokens.lengths[sequences]
        at = spans((self.tokens.lengths.cumsum() - self.tokens.lengths)[sequences], lengths)
        types, hidden = self.tokens.token_type_ids, self.tokens.hidden
        packed = PackedTokens(
            self.tokens.input_ids[at],
            lengths,
            None if types is None else types[at],
            None if hidden is None else hidden[at],
        )
        text = new_place[place[sequences]] * self.n_sides + side[sequences]
        return Batch(self.rows[places], packed, text, self.n_sides)


def pack(tokens: TokenSet, rows: Ints) -> Batch:
    """Pack some rows for one pass.

    Args:
        tokens: The token set.
        rows: Rows of it in any order, ``[B]``.

    Returns:
        The batch; equal lengths keep the order of ``rows``.
    """
    order = _shortest_first(tokens, rows)
    at = spans(order.starts, order.lengths)
    types, hidden = tokens.token_type_ids, tokens.hidden
    packed = PackedTokens(
        tokens.input_ids[at],
        order.lengths,
        None if types is None else types[at],
        None if hidden is None else hidden[at],
    )
    return Batch(rows, packed, order.text, tokens.n_sides)


def places_of(tokens: TokenSet, rows: Ints) -> Ints:
    """Find where the tokens of a batch come from.

    Args:
        tokens: The token set.
        rows: Rows of it as they were packed, ``[B]``.

    Returns:
        Place in the token set of each packed token, ``[T]``.
    """
    order = _shortest_first(tokens, rows)
    return spans(order.starts, order.lengths)


@dataclass(frozen=True, slots=True)
class _Order:
    """Sequences shortest first: where each begins, how long it is, which text it is of, all ``[S]``."""

    starts: Ints
    lengths: Ints
    text: Ints


def _shortest_first(tokens: TokenSet, rows: Ints) -> _Order:
    sequences, text = tokens.sequences_of(rows)
    if tokens.side is not None:
        text = 2 * text + tokens.side[sequences]
    starts = tokens.offsets[sequences]
    lengths = tokens.offsets[sequences + 1] - starts
    order = lengths.argsort(kind="stable")
    return _Order(starts[order], lengths[order], text[order])


def length_batches(tokens: TokenSet, *, batch_tokens: int = 4096) -> Iterator[Batch]:
    """Deal all rows out for inference, rows of like length together, shortest first.

    Args:
        tokens: The token set.
        batch_tokens: A batch ends with the row that reaches this many tokens.

    Yields:
        Batches that hold every row once.

    Raises:
        ShapeError: ``batch_tokens`` is below 1.
    """
    order = np.argsort(tokens.n_tokens, kind="stable")
    for rows in _cut(order, tokens.n_tokens, batch_tokens):
        yield pack(tokens, rows)


def random_draws(n_tokens: NDArray[np.int32] | Ints, *, batch_tokens: int, seed: int, epoch: int) -> list[Ints]:
    """Deal all rows out for one epoch of training: a random order, cut without a look at the lengths ahead.

    Args:
        n_tokens: Tokens of each row, ``[rows]``.
        batch_tokens: A draw ends with the row that reaches this many tokens.
        seed: Seed of the run.
        epoch: Number of the epoch; each has its own order.

    Returns:
        Row numbers of each draw; every row is in exactly one.

    Raises:
        ShapeError: ``batch_tokens`` is below 1.

    Example:
        >>> [len(rows) for rows in random_draws(np.array([3, 3, 3, 3, 3]), batch_tokens=6, seed=0, epoch=0)]
        [2, 2, 1]
    """
    order = np.random.Generator(np.random.PCG64([seed, epoch])).permutation(len(n_tokens))
    return list(_cut(order, n_tokens, batch_tokens))


def _cut(order: Ints, n_tokens: NDArray[np.int32] | Ints, batch_tokens: int) -> Iterator[Ints]:
    """Cut an order of rows wherever the running sum of tokens reaches ``batch_tokens``."""
    if batch_tokens < 1:
        raise ShapeError(f"batch_tokens {batch_tokens} is below 1")
    running = np.cumsum(n_tokens[order], dtype=np.int64)
    start, before = 0, 0
    while start < len(order):
        end = min(int(np.searchsorted(running, before + batch_tokens)) + 1, len(order))
        yield order[start:end]
        start, before = end, int(running[end - 1])
