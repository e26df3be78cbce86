"""Texts that are part of another one: a reply quoted in the next, a phrase cut from its sentence.

Held out while the other is trained on, such a text tells how well a model remembers and not what it has learnt; so
rows are kept together by it, as near-duplicates are. Hashes only propose pairs, and each is decided on the texts:

* A text is known by the rarest of its character 16-grams; what holds the text holds this gram, too.
* A text whose rarest gram is in more than 64 others is a common phrase and ties nothing together.

Texts are gone through three times and a slab at a time: to count grams, to find each text's rarest, to find who has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.fold import folded
from tunesmith.data.grouping import Joined, is_giant, joined_groups
from tunesmith.data.spans import Ints, spans

_GRAM = 16
_MOST_OTHERS = 64
_SLAB = 1_000_000  # grams handled at once
_COUNT_BITS = 22
_DOUBLINGS = (1, 2, 4, 8)
_MIX = np.uint64(0x9E3779B97F4A7C15)

Words = NDArray[np.uint64]


class Parts(NamedTuple):
    """Which texts are part of another one."""

    groups: Ints
    """Group of each row, named by its first row, ``[N]``: a text and those that hold it, and what hangs together."""
    is_part: NDArray[np.bool_]
    """Whether the row's text is part of a longer one, ``[N]``."""


def parts_of_others(texts: Sequence[str]) -> Parts:
    """Find texts that others hold, once case, spaces and punctuation are left out.

    Args:
        texts: One text a row; those of fewer than sixteen characters, once folded, are part of nothing.

    Returns:
        Groups, and who is part of another.

    Example:
        >>> texts = ["A gripping film from start to end.", "gripping film from start", "a film", "Not seen it yet."]
        >>> found = parts_of_others(texts)
        >>> found.groups.tolist(), found.is_part.tolist()
        ([0, 0, 2, 3], [False, True, False, False])
    """
    rows: dict[str, list[int]] = {}
    for row, text in enumerate(folded(texts)):
        rows.setdefault(text, []).append(row)
    distinct = list(rows)
    joined = Joined(len(distinct))
    is_part = np.zeros(len(distinct), dtype=np.bool_)
    for part, whole in _held_texts(distinct):
        is_part[part] = True
        joined.join(part, whole)
    groups, found = np.empty(len(texts), dtype=np.int64), np.zeros(len(texts), dtype=np.bool_)
    members = list(rows.values())
    for name, here, part in zip(joined.names().tolist(), members, is_part.tolist(), strict=True):
        groups[here] = members[name][0]
        found[here] = part
    return Parts(groups, found)


def with_near_duplicates(near: Ints, texts: Sequence[str]) -> Parts:
    """Say which rows stay together: near-duplicates, and parts of others unless too many rows hang together by them.

    Args:
        near: Near-duplicate group of each row, ``[N]``.
        texts: One a row.

    Returns:
        Groups of both, and who is part of another; where one group would have more than a fifth of all rows, those of
        near-duplicates alone, and nobody.
    """
    found = parts_of_others(texts)
    groups = joined_groups(near, found.groups)
    return Parts(near, np.zeros_like(found.is_part)) if is_giant(groups) else Parts(groups, found.is_part)


def _held_texts(texts: list[str]) -> Iterator[tuple[int, int]]:
    """Give each text that another one holds, with that one."""
    grams = _Grams(texts)
    rarest, place, count = grams.rarest()
    known = np.flatnonzero((count > 0) & (count <= _MOST_OTHERS))
    known = known[np.argsort(rarest[known], kind="stable")]
    sought, lengths = rarest[known], grams.lengths
    for gram, holder, at in grams.found(np.unique(sought)):
        first = np.searchsorted(sought, gram, side="left")
        n_parts = np.searchsorted(sought, gram, side="right") - first
        parts = known[spans(first, n_parts)]
        wholes, starts = np.repeat(holder, n_parts), np.repeat(at, n_parts) - place[parts]
        may = lengths[parts] < lengths[wholes]
        for part, whole, start in zip(parts[may].tolist(), wholes[may].tolist(), starts[may].tolist(), strict=True):
            if texts[whole].startswith(texts[part], start):
                yield part, whole


class _Grams:
    """Hashed 16-grams of many texts, made a slab at a time.

    Args:
        texts: Folded and distinct.
    """

    def __init__(self, texts: list[str]) -> None:
        self._letters = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        self.lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        self._first_letter = np.cumsum(self.lengths) - self.lengths
        self._n_grams = np.maximum(self.lengths - _GRAM + 1, 0)
        self._offsets = np.concatenate(([0], np.cumsum(self._n_grams)))

    def rarest(self) -> tuple[Words, Ints, Ints]:
        """Find the rarest gram of each text: its hash, its place in the text, and how often it occurs at most."""
        counts = np.zeros(1 << _COUNT_BITS, dtype=np.int64)
        for _, _, hashes in self._slabs():
            counts += np.bincount(_bucket(hashes), minlength=counts.size)
        n_texts = len(self.lengths)
        found = np.zeros(n_texts, np.uint64), np.zeros(n_texts, np.int64), np.zeros(n_texts, np.int64)
        for first, last, hashes in self._slabs():
            sizes = self._n_grams[first:last]
            filled = np.flatnonzero(sizes)
            starts = (np.cumsum(sizes) - sizes)[filled]
            often = counts[_bucket(hashes)]
            least = np.minimum.reduceat(often, starts)
            is_least = np.flatnonzero(often == np.repeat(least, sizes[filled]))
            chosen = is_least[np.searchsorted(is_least, starts)]
            for values, new in zip(found, (hashes[chosen], chosen - starts, least), strict=True):
                values[first + filled] = new
        return found

    def found(self, wanted: Words) -> Iterator[tuple[Words, Ints, Ints]]:
        """Find grams wherever they occur: for each place the gram, the text and the place in it.

        Args:
            wanted: Hashes, ascending.
        """
        if not len(wanted):
            return
        for first, last, hashes in self._slabs():
            sizes = self._n_grams[first:last]
            here = np.minimum(np.searchsorted(wanted, hashes), len(wanted) - 1)
            hits = np.flatnonzero(wanted[here] == hashes)
            text = np.repeat(np.arange(last - first), sizes)[hits]
            yield hashes[hits], first + text, hits - (np.cumsum(sizes) - sizes)[text]

    def _slabs(self) -> Iterator[tuple[int, int, Words]]:
        """Hash all grams: first text, the one after the last, and the grams of those between, end to end."""
        first, n_texts = 0, len(self.lengths)
        while first < n_texts:
            full = int(np.searchsorted(self._offsets, self._offsets[first] + _SLAB, side="right")) - 1
            last = min(max(full, first + 1), n_texts)
            if self._offsets[last] > self._offsets[first]:
                yield first, last, self._hashes(first, last)
            first = last

    def _hashes(self, first: int, last: int) -> Words:
        start, end = self._first_letter[first], self._first_letter[last - 1] + self.lengths[last - 1]
        value = self._letters[start:end].astype(np.uint64)
        for step in _DOUBLINGS:
            value = value[:-step] * (_MIX + np.uint64(2 * step)) + value[step:]
        at = spans(self._first_letter[first:last] - start, self._n_grams[first:last])
        mixed: Words = value[at]
        return (mixed ^ (mixed >> np.uint64(29))) * _MIX


def _bucket(hashes: Words) -> Ints:
    return (hashes >> np.uint64(64 - _COUNT_BITS)).astype(np.int64)
