"""Terms that occur in texts, weighted by how rare they are among the texts.

A term's weight is ``(1 + ln count) * (1 + ln((1 + rows) / (1 + rows with the term)))``, and each text has unit length:
scikit-learn's ``TfidfVectorizer(sublinear_tf=True)``, in a third of its time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tunesmith.models.ngrams import KINDS, Occurrences, term_numbers
from tunesmith.models.sparse_rows import SparseRows, stacked
from tunesmith.types import Text, as_one

_SLAB_CHARACTERS = 1 << 18  # bounds the memory of one pass, and keeps it in the caches
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Terms:
    """The known terms of one kind.

    Args:
        kind: ``words`` or ``characters``.
        sizes: Words or characters in a term.
        terms: F of them, as they stand in a line of their kind.
        idf: Weight of each term by its rarity, ``[F]``.
    """

    def __init__(self, kind: str, sizes: Sequence[int], terms: Sequence[str], *, idf: NDArray[np.float32]) -> None:
        self.kind = kind
        self.sizes = tuple(sizes)
        self.terms = tuple(terms)
        self.idf = idf
        self._places = _Places(term_numbers(self.terms))

    def __len__(self) -> int:
        return len(self.terms)

    def weigh(self, texts: Sequence[str]) -> SparseRows:
        """Count and weigh the known terms of each text.

        Args:
            texts: B of them.

        Returns:
            B rows of unit length, or empty where no term is known; columns ascend.
        """
        return stacked([_NO_ROWS, *(self._weigh_slab(slab) for slab in slabs(texts))])

    def _weigh_slab(self, texts: Sequence[str]) -> SparseRows:
        found = KINDS[self.kind].occurrences(texts, self.sizes)
        places, known = self._places.find(found.numbers)
        rows, columns, counts = _counted(found.rows[known], places[known], len(self))
        weights = (1 + np.log(counts)) * self.idf[columns]
        norms = np.sqrt(np.bincount(rows, weights**2, minlength=len(texts)))
        starts = np.searchsorted(rows, np.arange(len(texts))).astype(np.int32)
        return SparseRows(columns.astype(np.int32), (weights / norms[rows]).astype(np.float32), starts)


def fit_terms(kind: str, sizes: Sequence[int], texts: Sequence[str], *, min_rows: int, max_terms: int) -> Terms:
    """Collect the terms of texts.

    Args:
        kind: ``words`` or ``characters``.
        sizes: Words or characters in a term.
        texts: B of them.
        min_rows: Texts a term must occur in.
        max_terms: Where there are more, the most frequent are kept.

    Returns:
        The terms in alphabetical order.

    Example:
        >>> fit_terms("words", (1, 2), ["my card", "my pin", "card lost"], min_rows=2, max_terms=9).terms
        ('card', 'my')
    """
    seen = [_seen_in(KINDS[kind].occurrences(slab, sizes), first) for first, slab in _numbered(slabs(texts))]
    numbers, n_rows, at_row, offsets, lengths = (np.concatenate(column) for column in zip(_NOTHING, *seen, strict=True))
    _, firsts, which = np.unique(numbers, return_index=True, return_inverse=True)
    n_rows = np.bincount(which, n_rows, minlength=len(firsts)).astype(np.int64)
    kept = np.flatnonzero(n_rows >= min_rows)
    kept = kept[np.argsort(-n_rows[kept], kind="stable")[:max_terms]]
    places = (column[firsts[kept]].tolist() for column in (at_row, offsets, lengths))
    line = KINDS[kind].line
    named = sorted(
        ((line(texts[row]) + " ")[offset : offset + length], rarity)
        for row, offset, length, rarity in zip(*places, _rarity(n_rows[kept], len(texts)), strict=True)
    )
    named = [(term, rarity) for term, rarity in named if not _LONE_SURROGATE.search(term)]  # no UTF-8 file can hold one
    return Terms(
        kind, sizes, [term for term, _ in named], idf=np.array([rarity for _, rarity in named], dtype=np.float32)
    )


T = TypeVar("T", str, Text)


def slabs(texts: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut texts into runs of about as many characters.

    Args:
        texts: Of any length, or pairs.

    Yields:
        One text at least, in order.
    """
    start = n_characters = 0
    for place, text in enumerate(texts):
        n_characters += len(as_one(text))
        if n_characters >= _SLAB_CHARACTERS:
            yield texts[start : place + 1]
            start, n_characters = place + 1, 0
    if start < len(texts):
        yield texts[start:]


class _Places:
    """Finds numbers among known ones. They are spread evenly, so their leading bits say where in order they stand."""

    def __init__(self, numbers: NDArray[np.uint64]) -> None:
        order = np.argsort(numbers)
        bits = len(numbers).bit_length() + 2
        self._shift = np.uint64(64 - bits)
        in_bucket = np.bincount((numbers >> self._shift).astype(np.int64), minlength=1 << bits)
        self._bucket_starts = np.cumsum(in_bucket) - in_bucket
        self._deepest = max(int(in_bucket.max()), 1)
        self._numbers = np.append(numbers[order], np.zeros(self._deepest, dtype=np.uint64))
        self._places = np.append(order, np.zeros(self._deepest, dtype=np.int64))

    def find(self, numbers: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Places of numbers among the known ones, and which of them are known at all; others have no place."""
        at = self._bucket_starts[numbers >> self._shift]
        for _ in range(1, self._deepest):
            other = np.flatnonzero(self._numbers[at] != numbers)
            at[other] += 1
        return self._places[at], self._numbers[at] == numbers


_NO_ROWS = SparseRows(np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, np.int32))
_NOTHING = (np.zeros(0, np.uint64), *(np.zeros(0, np.int64) for _ in range(4)))


def _numbered(parts: Iterator[Sequence[str]]) -> Iterator[tuple[int, Sequence[str]]]:
    """Give each part the number of the items before it."""
    first = 0
    for part in parts:
        yield first, part
        first += len(part)


def _seen_in(found: Occurrences, first_row: int) -> tuple[NDArray[np.generic], ...]:
    """Distinct n-grams: number, rows with it, and row, offset and length of one occurrence."""
    numbers, at, which = np.unique(found.numbers, return_index=True, return_inverse=True)
    _, columns, _ = _counted(found.rows, which, len(numbers))
    n_rows = np.bincount(columns, minlength=len(numbers))
    return numbers, n_rows, found.rows[at] + first_row, found.offsets[at], found.lengths[at]


def _counted(
    rows: NDArray[np.int64], columns: NDArray[np.int64], n_columns: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Merge equal pairs of row and column: rows ascending, then columns, and how often each pair occurred."""
    cells = rows * n_columns + columns
    cells.sort()
    firsts = np.flatnonzero(np.diff(cells, prepend=-1))
    rows, columns = np.divmod(cells[firsts], max(n_columns, 1))
    return rows, columns, np.diff(firsts, append=len(cells))


def _rarity(n_rows: NDArray[np.int64], n_texts: int) -> list[float]:
    """Inverse document frequency, smoothed as if one more text held every term."""
    rarity: list[float] = (1 + np.log((1 + n_texts) / (1 + n_rows))).tolist()
    return rarity
