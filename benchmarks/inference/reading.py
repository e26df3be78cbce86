"""Texts as padded batches of tokens for engines that are fed by hand, sorted by length, so that little is padded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TypeAlias

import numpy as np
from benchmarks.inference.engines import Batching, Sources
from benchmarks.rows import MAX_SEQ_LENGTH, read_rows
from numpy.typing import NDArray
from tokenizers import Tokenizer

Ids: TypeAlias = NDArray[np.int64]
Forward: TypeAlias = Callable[[Ids, Ids], NDArray[np.float32]]
"""Ids and mask, ``[B, T]`` each, to logits ``[B, C]``."""


N_CALIBRATION = 300
"""Texts that a quantiser looks at."""


def reader(checkpoint: Path) -> Tokenizer:
    """Open a tokenizer; what its file says of truncation and padding is set aside.

    Args:
        checkpoint: Holds its file.

    Returns:
        The tokenizer, which cuts texts at ``MAX_SEQ_LENGTH`` tokens.
    """
    tokenizer = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_SEQ_LENGTH)
    return tokenizer


class Batched:
    """Answers with a function of padded tokens.

    Args:
        tokenizer: Of the checkpoint.
        forward: From ids and mask to logits.
        batching: How texts are put together.
    """

    def __init__(self, tokenizer: Tokenizer, forward: Forward, batching: Batching) -> None:
        self._tokenizer = tokenizer
        self._forward = forward
        self.batching = batching

    def answers(self, texts: Sequence[str]) -> list[int]:
        """Answer texts; see ``Answerer``."""
        found = np.empty(len(texts), dtype=np.int64)
        encoded = [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts))]
        for rows in batches([len(ids) for ids in encoded], self.batching):
            ids, mask = padded([encoded[row] for row in rows])
            found[rows] = self._forward(ids, mask).argmax(axis=1)
        return [int(number) for number in found]


def batches(lengths: Sequence[int], batching: Batching) -> Iterator[list[int]]:
    """Put rows together, the shortest first.

    Args:
        lengths: Tokens of each row.
        batching: How many at most, and whether only those of equal length.

    Yields:
        Rows of one batch.

    Example:
        >>> list(batches([3, 9, 3, 8], Batching(size=2)))
        [[0, 2], [3, 1]]
        >>> list(batches([3, 9, 3, 8], Batching(size=2, equal=True)))
        [[0, 2], [3], [1]]
    """
    ordered = sorted(range(len(lengths)), key=lambda row: lengths[row])
    if batching.equal:
        groups = [list(rows) for _, rows in groupby(ordered, key=lambda row: lengths[row])]
    else:
        groups = [ordered]
    for rows in groups:
        for start in range(0, len(rows), batching.size):
            yield rows[start : start + batching.size]


def padded(rows: Sequence[Sequence[int]]) -> tuple[Ids, Ids]:
    """Lay rows of tokens out side by side.

    Args:
        rows: Ids of each; the longest may be the last.

    Returns:
        Ids and mask, ``[B, T]``.
    """
    longest = max(map(len, rows))
    ids = np.zeros((len(rows), longest), dtype=np.int64)
    mask = np.zeros((len(rows), longest), dtype=np.int64)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = row
        mask[place, : len(row)] = 1
    return ids, mask


def calibration(sources: Sources) -> Iterator[dict[str, Ids]]:
    """Read evenly spaced train texts.

    Args:
        sources: The tokenizer and the texts.

    Yields:
        Inputs of the graph, one text a batch.
    """
    texts = read_rows(sources.train).texts
    chosen = texts[:: max(1, len(texts) // N_CALIBRATION)][:N_CALIBRATION]
    encoded = [encoding.ids for encoding in reader(sources.checkpoint).encode_batch_fast(chosen)]
    for rows in batches([len(ids) for ids in encoded], Batching(size=1)):
        ids, mask = padded([encoded[row] for row in rows])
        yield {"input_ids": ids, "attention_mask": mask}
