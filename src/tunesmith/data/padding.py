"""Sequences with padding, for runtimes that read rectangles: of like length together, so that little is padded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.spans import Ints, spans
from tunesmith.data.tokenize import TokenSet
from tunesmith.errors import ShapeError

_MOST_PADDING, _PADDING_OF_A_PASS = 0.04, 8
"""Share of a batch that may be padding, and places that always may be: a pass of its own costs as much."""


@dataclass(frozen=True)
class PaddedBatch:
    """Some sequences with padding: their numbers in the token set ``[B]``, and an array ``[B, T]`` for each input."""

    sequences: Ints
    inputs: dict[str, Ints]


def padded_batches(
    tokens: TokenSet,
    names: Sequence[str],
    *,
    pad_token_id: int,
    batch_tokens: int = 2048,
    most_padding: float | None = None,
) -> Iterator[PaddedBatch]:
    """Deal sequences out with padding, those of like length together.

    Args:
        tokens: The rows.
        names: The inputs that are wanted, of ``input_ids``, ``attention_mask``, ``token_type_ids``.
        pad_token_id: Fills the places behind a sequence.
        batch_tokens: Most places of a batch, but for one sequence that is longer.
        most_padding: Share of a batch that may be padding; None for a few per cent, or what a pass of its own costs.

    Yields:
        Batches that hold every sequence once, shortest first.

    Raises:
        ShapeError: ``batch_tokens`` is below 1.
    """
    if batch_tokens < 1:
        raise ShapeError(f"batch_tokens {batch_tokens} is below 1")
    lengths = tokens.lengths()
    order = np.argsort(lengths, kind="stable")
    share, places = (_MOST_PADDING, _PADDING_OF_A_PASS) if most_padding is None else (most_padding, 0)
    first = 0
    while first < len(order):
        fitting = lengths[order[first : first + batch_tokens // max(1, int(lengths[order[first]])) + 1]]
        filled = fitting.cumsum()
        there = fitting * np.arange(1, len(fitting) + 1)
        too_much = (there > batch_tokens) | (there - filled > np.maximum(places, share * there))
        too_much[0] = False
        last = first + (int(too_much.argmax()) if too_much.any() else len(fitting))
        yield _padded(tokens, order[first:last], names, pad_token_id=pad_token_id)
        first = last


def _padded(tokens: TokenSet, sequences: Ints, names: Sequence[str], *, pad_token_id: int) -> PaddedBatch:
    starts = tokens.offsets[sequences]
    lengths = tokens.offsets[sequences + 1] - starts
    holds: NDArray[np.bool_] = np.arange(int(lengths.max())) < lengths[:, None]
    at = spans(starts, lengths)
    found: dict[str, Ints] = {}
    for name in names:
        if name == "attention_mask":
            found[name] = holds.astype(np.int64)
            continue
        found[name] = np.full(holds.shape, pad_token_id if name == "input_ids" else 0, dtype=np.int64)
        values = tokens.input_ids if name == "input_ids" else tokens.token_type_ids
        if values is not None:
            found[name][holds] = values[at]
    return PaddedBatch(sequences, found)


def window_means(vectors: NDArray[np.float32], tokens: TokenSet) -> tuple[NDArray[np.float32], Ints]:
    """Average the vectors of each text's windows.

    Args:
        vectors: One a sequence, ``[S, H]``.
        tokens: The rows; each text has a sequence.

    Returns:
        One vector a text, ``[texts, H]``, the two of a pair as neighbours; and how many windows each has, ``[texts]``.

    Example:
        >>> rows, n_tokens = np.array([0, 1, 1]), np.array([1, 2], np.int32)
        >>> tokens = TokenSet(np.zeros(3, np.int32), np.arange(4), rows, None, n_tokens)
        >>> window_means(np.array([[2.0], [4.0], [5.0]], np.float32), tokens)[0].tolist()
        [[2.0], [4.5]]
    """
    text = tokens.row if tokens.side is None else 2 * tokens.row + tokens.side
    n_windows = np.bincount(text, minlength=tokens.n_rows * tokens.n_sides)
    if len(text) == len(n_windows):
        return vectors[np.argsort(text, kind="stable")], n_windows
    sums = np.zeros((len(n_windows), vectors.shape[1]), dtype=np.float32)
    np.add.at(sums, text, vectors)
    sums /= n_windows[:, None]
    return sums, n_windows
