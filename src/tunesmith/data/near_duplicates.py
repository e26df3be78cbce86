"""Near-duplicates: rows that belong together when rows are dealt out to train, validation and test.

Two texts are near-duplicates when they are equal once folded, or when the sets of their character 5-grams have a
Jaccard similarity of at least the threshold. Hashes of 40 bits only propose pairs; what is proposed is decided on the
exact sets. Collisions apart, no pair is missed by the way it is proposed, for either of two reasons:

* *rare grams*: sort every set by one global order. Two sets of similarity ``t`` share a gram among the first
  ``n - ceil(t n) + 1`` of each; with the rarest grams first, hardly anything else shares one.
* *equal hands*: sets that differ in at most ``d`` grams, dealt by a hash into ``d + 1`` hands, have one hand in common.

The first is chosen unless the texts are built from so few pieces that none is rare.

Source: Chaudhuri, Ganti, Kaushik 2006 (prefix filter); Arasu, Ganti, Kaushik 2006, section 4 (partitioning).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.fold import folded
from tunesmith.data.grouping import Joined
from tunesmith.data.spans import Ints, spans
from tunesmith.errors import ConfigError

_GRAM = 5
_SLAB = 1_000_000  # grams handled at once: bounds the memory, fits the cache
_SLAB_TEXTS = 1 << 14  # so that a text's place in its slab fits above the 50 bits of a ranked gram
_HASH_BITS = 40
_HASH = np.uint64((1 << _HASH_BITS) - 1)
_COUNT_BITS = 20
_MAX_COUNT = (1 << 10) - 1
_FEW_PAIRS = 50_000_000
_MAX_COMPARISONS = 500_000_000
_MIX = np.uint64(0x9E3779B97F4A7C15)
_MIX_TOO = np.uint64(0xD6E8FEB86659FD93)

Words = NDArray[np.uint64]


def exact_groups(texts: Sequence[str]) -> Ints:
    """Group rows whose texts are equal once folded.

    Args:
        texts: One text a row.

    Returns:
        The group of each row, named by the smallest row in it, ``[N]``.

    Example:
        >>> exact_groups(["Hello!", "bye", "hello"]).tolist()
        [0, 1, 0]
    """
    first: dict[str, int] = {}
    rows = [first.setdefault(text, row) for row, text in enumerate(folded(texts))]
    return np.array(rows, dtype=np.int64)


def near_duplicate_groups(texts: Sequence[str], *, threshold: float = 0.9) -> Ints:
    """Group rows that are near-duplicates of one another, directly or through others.

    Args:
        texts: One text a row.
        threshold: Least Jaccard similarity of two texts' sets of character 5-grams, at least 0.5 and below 1.
            A text of fewer than five characters, once folded, is only equal or not.

    Returns:
        The group of each row, named by the smallest row in it, ``[N]``. Complete up to half a billion comparisons,
        which the real files we know stay a thousand times below; texts next to each other in size are compared first.

    Raises:
        ConfigError: The threshold is out of range.

    Example:
        >>> texts = ["I am still waiting on my new card?", "i am still waiting on my new card", "Where is it?"]
        >>> near_duplicate_groups(texts).tolist()
        [0, 0, 2]
    """
    if not 0.5 <= threshold < 1:
        raise ConfigError("bad-setting", f"threshold = {threshold!r}: must be at least 0.5 and below 1")
    rows: dict[str, list[int]] = {}
    for row, text in enumerate(folded(texts)):
        rows.setdefault(text, []).append(row)
    named = _Groups(list(rows))
    grams = _Grams(named.texts)
    postings = _rare_postings(grams, threshold)
    if _n_pairs(postings) > _FEW_PAIRS:
        other = _hand_postings(grams, threshold)
        postings = min(postings, other, key=_n_pairs)
    _join_near(postings, grams, named, threshold=threshold)
    groups = np.empty(len(texts), dtype=np.int64)
    members = list(rows.values())
    for name, here in zip(named.names().tolist(), members, strict=True):
        groups[here] = members[name][0]
    return groups


class _Groups(Joined):
    """Distinct folded texts and which of them have been found to belong together."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__(len(texts))
        self.texts = texts

    def join_if_near(self, one: int, other: int, threshold: float) -> bool:
        """Put two texts' groups together if the texts' exact similarity reaches the threshold."""
        if self.root(one) == self.root(other):
            return False
        if _jaccard(self.texts[one], self.texts[other]) < threshold - 1e-9:
            return False
        self.join(one, other)
        return True


def _jaccard(one: str, other: str) -> float:
    first = {one[start : start + _GRAM] for start in range(len(one) - _GRAM + 1)}
    second = {other[start : start + _GRAM] for start in range(len(other) - _GRAM + 1)}
    n_shared = len(first & second)
    return n_shared / max(1, len(first) + len(second) - n_shared)


class _Slab:
    """The gram sets of some neighbouring texts, each set sorted rarest gram first."""

    def __init__(self, first_text: int, n_texts: int, keys: Words) -> None:
        keys = keys[np.concatenate(([True], keys[1:] != keys[:-1]))] if keys.size else keys
        self.first_text = first_text
        self.text = (keys >> np.uint64(50)).astype(np.int64)  # place within the slab
        self.gram = keys & np.uint64((1 << 50) - 1)  # count above, hash below
        self.sizes = np.bincount(self.text, minlength=n_texts)
        self.starts = np.cumsum(self.sizes) - self.sizes


class _Grams:
    """Character 5-grams of many texts as 40-bit hashes, made slab by slab."""

    def __init__(self, texts: list[str]) -> None:
        letters = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        self._letters = letters
        self._first_letter = np.cumsum(lengths) - lengths
        self._n_grams = np.maximum(lengths - _GRAM + 1, 0)
        self._offsets = np.concatenate(([0], np.cumsum(self._n_grams)))
        counts = np.zeros(1 << _COUNT_BITS, dtype=np.int64)
        for first, last in self._bounds():
            counts += np.bincount(_bucket(self._hashes(first, last)), minlength=counts.size)
        self._counts = np.minimum(counts, _MAX_COUNT).astype(np.uint64)
        self.sizes = np.zeros(len(texts), dtype=np.int64)
        self._parity = np.zeros((len(texts), 4), dtype=np.uint64)
        sets = []
        for slab in self.slabs():
            texts_here = slice(slab.first_text, slab.first_text + len(slab.sizes))
            self.sizes[texts_here], self._parity[texts_here] = slab.sizes, _parity(slab)
            sets.append(slab.gram & _HASH)
        self._sets = np.concatenate([np.zeros(0, dtype=np.uint64), *sets])
        self._first_gram = np.cumsum(self.sizes) - self.sizes

    def may_be_near(self, pairs: Ints, threshold: float) -> NDArray[np.bool_]:
        """Leave out most pairs at little cost: near sets differ in few grams, so their parities in few bits."""
        n_bits = np.bitwise_count(self._parity[pairs[0]] ^ self._parity[pairs[1]]).sum(axis=1)
        allowed = (1 - threshold) / (1 + threshold) * self.sizes[pairs].sum(axis=0)
        return np.asarray(n_bits <= allowed + 1e-9)

    def are_near(self, pairs: Ints, threshold: float) -> NDArray[np.bool_]:
        """Compare pairs of texts by their hashed sets."""
        sizes = self.sizes[pairs]
        number = np.tile(np.arange(pairs.shape[1], dtype=np.uint64), 2).repeat(sizes.ravel())
        grams = self._sets[spans(self._first_gram[pairs].ravel(), sizes.ravel())]
        keys = (number << np.uint64(_HASH_BITS)) | grams
        keys.sort()
        twice = keys[1:][keys[1:] == keys[:-1]] >> np.uint64(_HASH_BITS)
        n_shared = np.bincount(twice.astype(np.int64), minlength=pairs.shape[1])
        return np.asarray(n_shared >= threshold * (sizes.sum(axis=0) - n_shared) - 1e-9)

    def slabs(self) -> Iterator[_Slab]:
        """Make the gram sets of all texts, a slab at a time."""
        for first, last in self._bounds():
            hashes = self._hashes(first, last)
            place = np.repeat(np.arange(last - first, dtype=np.uint64), self._n_grams[first:last])
            keys = (place << np.uint64(50)) | (self._counts[_bucket(hashes)] << np.uint64(_HASH_BITS)) | hashes
            keys.sort()
            yield _Slab(first, last - first, keys)

    def _bounds(self) -> Iterator[tuple[int, int]]:
        first, n_texts = 0, len(self._n_grams)
        while first < n_texts:
            full = int(np.searchsorted(self._offsets, self._offsets[first] + _SLAB, side="right")) - 1
            last = min(max(full, first + 1), first + _SLAB_TEXTS, n_texts)
            yield first, last
            first = last

    def _hashes(self, first: int, last: int) -> Words:
        n_grams = self._n_grams[first:last]
        at = spans(self._first_letter[first:last], n_grams)
        value = self._letters[at].astype(np.uint64)
        for step in range(1, _GRAM):
            value = value * _MIX_TOO + self._letters[at + step]
        hashes: Words = (value * _MIX) >> np.uint64(64 - _HASH_BITS)
        return hashes


def _bucket(hashes: Words) -> Ints:
    return (hashes >> np.uint64(_HASH_BITS - _COUNT_BITS)).astype(np.int64)


def _parity(slab: _Slab) -> Words:
    """For each text 256 bits; sets that differ in ``d`` grams differ in at most ``d`` of them."""
    bit = ((slab.gram & _HASH) * _MIX_TOO) >> np.uint64(56)
    word = bit >> np.uint64(6)
    value = np.uint64(1) << (bit & np.uint64(63))
    parity = np.zeros((len(slab.sizes), 4), dtype=np.uint64)
    filled = slab.sizes > 0
    for column in range(4):
        here = np.where(word == column, value, np.uint64(0))
        if here.size:
            parity[filled, column] = np.bitwise_xor.reduceat(here, slab.starts[filled])
    return parity


@dataclass(frozen=True, slots=True)
class _Postings:
    """Texts under the keys they share, sorted by key, then by size; ``reach`` counts the later ones to compare with."""

    number: Ints
    text: Ints
    reach: Ints


def _n_pairs(postings: _Postings) -> int:
    return int(postings.reach.sum())


def _postings(keys: Words, text: Ints, sizes: Ints, *, threshold: float) -> _Postings:
    """Sort texts under their keys; under one key only sizes within the threshold of each other can be near."""
    order = np.lexsort((sizes[text], keys))
    keys, text = keys[order], text[order]
    number = np.concatenate(([0], np.cumsum(keys[1:] != keys[:-1]))) if keys.size else np.zeros(0, dtype=np.int64)
    size = sizes[text]
    span = int(size.max(initial=0)) + 1
    largest = np.minimum((size / threshold + 1e-9).astype(np.int64), span - 1)
    last = np.searchsorted(number * span + size, number * span + largest, side="right")
    return _Postings(number, text, last - np.arange(len(text)) - 1)


def _rare_postings(grams: _Grams, threshold: float) -> _Postings:
    """File each text under the rarest of its grams, just so many that similar texts must meet."""
    keys, texts = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
    for slab in grams.slabs():
        n_filed = slab.sizes - np.ceil(threshold * slab.sizes - 1e-9).astype(np.int64) + 1
        filed = np.arange(slab.text.size) - slab.starts[slab.text] < n_filed[slab.text]
        keys.append(slab.gram[filed])
        texts.append(slab.text[filed] + slab.first_text)
    return _postings(np.concatenate(keys), np.concatenate(texts), grams.sizes, threshold=threshold)


def _hand_postings(grams: _Grams, threshold: float) -> _Postings:
    """File each text under its hands: how many there are depends on the size, so sizes go by classes of ratio 1/t.

    A text is dealt once for its own class and once for the class below, where its smaller partners may be.
    """
    keys, texts = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
    for slab in grams.slabs():
        own = np.floor(np.log(np.maximum(slab.sizes, 1)) / -math.log(threshold) + 1e-9).astype(np.int64)
        for size_class in (own, own - 1):
            upper = threshold ** -(size_class + 1.0)
            n_hands = (np.floor((1 - threshold) / (1 + threshold) * (upper + upper / threshold) + 1e-9)).astype(int) + 1
            first_hand = np.cumsum(n_hands) - n_hands
            mixed = slab.gram * _MIX_TOO
            mixed ^= mixed >> np.uint64(29)
            dealt = ((mixed & np.uint64(0xFFFFFF)).astype(np.int64) * n_hands[slab.text]) >> 24
            hands = np.zeros(int(n_hands.sum()), dtype=np.uint64)
            np.add.at(hands, first_hand[slab.text] + dealt, mixed * _MIX)
            place = np.repeat(np.arange(len(n_hands)), n_hands)
            which = (size_class[place] << 20) + np.arange(hands.size) - first_hand[place]
            keys.append((hands ^ (hands >> np.uint64(31))) * _MIX + which.astype(np.uint64) * _MIX_TOO)
            texts.append(place + slab.first_text)
    return _postings(np.concatenate(keys), np.concatenate(texts), grams.sizes, threshold=threshold)


def _join_near(postings: _Postings, grams: _Grams, named: _Groups, *, threshold: float) -> None:
    """Compare the texts under each key, the nearest in size first, and put those found near together.

    Round ``step`` compares every text with the one ``step`` places later. Keys under which everything is already one
    group are left out, so a large cluster costs no more than its members.
    """
    text, reach = postings.text, postings.reach.copy()
    names, step, n_compared = named.names(), 1, 0
    active = np.flatnonzero(reach >= step)
    while active.size and n_compared < _MAX_COMPARISONS:
        n_compared += active.size
        pairs = np.stack([text[active], text[active + step]])
        names = _join_pairs(pairs, grams, named, names=names, threshold=threshold)
        if step & (step - 1) == 0:
            reach[_settled(postings, names)] = 0
        step += 1
        active = active[reach[active] >= step]


def _join_pairs(pairs: Ints, grams: _Grams, named: _Groups, *, names: Ints, threshold: float) -> Ints:
    """Put the near ones of some pairs together, a part at a time, without those that have met meanwhile."""
    pairs = _of_two_groups(pairs, names)
    pairs = pairs[:, np.flatnonzero(grams.may_be_near(pairs, threshold))]
    while pairs.size:
        n_now = max(1, int(np.searchsorted(grams.sizes[pairs].sum(axis=0).cumsum(), _SLAB)))
        now, pairs = pairs[:, :n_now], pairs[:, n_now:]
        near = now.T[grams.are_near(now, threshold)].tolist()
        if any([named.join_if_near(one, other, threshold) for one, other in near]):
            names = named.names()
            pairs = _of_two_groups(pairs, names)
    return names


def _of_two_groups(pairs: Ints, names: Ints) -> Ints:
    return pairs[:, np.flatnonzero(names[pairs[0]] != names[pairs[1]])]


def _settled(postings: _Postings, names: Ints) -> NDArray[np.bool_]:
    """Which postings lie under a key whose texts are all of one group."""
    starts = np.flatnonzero(np.diff(postings.number, prepend=-1))
    here = names[postings.text]
    same = np.minimum.reduceat(here, starts) == np.maximum.reduceat(here, starts)
    return np.asarray(same[postings.number])
