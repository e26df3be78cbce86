"""Words and pieces of words as 64-bit numbers, for all texts at once without a loop over their characters.

The texts are laid end to end; a running sum of the characters' numbers, each times a power of an odd base, gives the
number of any stretch by one subtraction and one product modulo 2^64. That two of a million different stretches share a
number has probability 3e-8.

Source: Karp and Rabin 1987; the characters' own numbers are the finaliser of splitmix64 (Steele et al. 2014).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"\w+")
_SPACE = 32
_BASE = 0x9E3779B97F4A7C15
_SHIFTS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of n-gram: how a text becomes words after single spaces, and which stretches of these count."""

    line: Callable[[str], str]
    stretches: Callable[[Lines, int], Stretches]

    def occurrences(self, texts: Sequence[str], sizes: Sequence[int]) -> Occurrences:
        """Find all n-grams of texts.

        Args:
            texts: B of them.
            sizes: Words or characters in an n-gram.

        Returns:
            All of the first size in the order of the texts, then all of the next.
        """
        lines = Lines([self.line(text) for text in texts])
        parts = [self.stretches(lines, size) for size in sizes]
        starts = np.concatenate([part.starts for part in parts])
        ends = np.concatenate([part.ends for part in parts])
        rows = lines.rows[starts]
        return Occurrences(rows, lines.numbers(starts, ends), starts - lines.starts[rows], ends - starts)


@dataclass(frozen=True, slots=True)
class Stretches:
    """Where n-grams begin and end among the characters of all lines, each ``[M]``."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Occurrences:
    """N-grams in texts: which text, the n-gram's number, and its place in the text's line, each ``[M]``.

    A place may end one past the line, on the space that ends its last word.
    """

    rows: NDArray[np.int64]
    numbers: NDArray[np.uint64]
    offsets: NDArray[np.int64]
    lengths: NDArray[np.int64]


class Lines:
    """Lines laid end to end, ready to number stretches of them.

    ``starts`` int64 ``[B]`` is where each line begins; ``rows`` int64 and ``is_space`` have an entry a character.

    Args:
        lines: Words, each after one space; any text, where only whole lines are numbered.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        lengths = np.array([len(line) for line in lines], dtype=np.int64)
        # A last space ends the last word. Lone surrogates, which a user's text may hold, are characters like others.
        codes = np.frombuffer(("".join(lines) + " ").encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        self.starts = np.cumsum(lengths) - lengths
        self.rows = np.repeat(np.arange(len(lines)), lengths)
        self.is_space = codes == _SPACE
        self._shrink = _powers(pow(_BASE, -1, 1 << 64), len(codes))
        self._sums = np.zeros(len(codes) + 1, dtype=np.uint64)
        np.cumsum(_mixed(codes) * _powers(_BASE, len(codes)), out=self._sums[1:])

    def numbers(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Number stretches; the same text has the same number wherever it stands.

        Args:
            starts: First characters ``[M]``.
            ends: One past the last characters ``[M]``.

        Returns:
            ``[M]``.
        """
        return (self._sums[ends] - self._sums[starts]) * self._shrink[starts]


def term_numbers(terms: Sequence[str]) -> NDArray[np.uint64]:
    """Number n-grams that are given as text.

    Args:
        terms: K of them, as they stand in a line.

    Returns:
        The numbers they have among occurrences, ``[K]``.

    Example:
        >>> found = CHARACTERS.occurrences(["a cab"], sizes=[3])
        >>> found.numbers.tolist() == term_numbers([" a ", " ca", "cab", "ab "]).tolist()
        True
    """
    lines = Lines(terms)
    return lines.numbers(lines.starts, lines.starts + np.array([len(term) for term in terms], dtype=np.int64))


def word_line(text: str) -> str:
    """Keep the words of a text, in lower case; a word is a run of letters, digits and underscores.

    Returns:
        Each word after one space.

    Example:
        >>> word_line("Where's my  CARD?")
        ' where s my card'
    """
    return " " + " ".join(_WORD.findall(text.lower()))


def character_line(text: str) -> str:
    """Keep all characters of a text, in lower case.

    Returns:
        What stood between white space, each after one space.

    Example:
        >>> character_line("Where's my  CARD?")
        " where's my card?"
    """
    return " " + " ".join(text.lower().split())


def word_stretches(lines: Lines, size: int) -> Stretches:
    """Find runs of words that do not leave their line.

    Args:
        lines: Of ``word_line``.
        size: Words in a run.

    Returns:
        From the first character of the first word to the last of the last.
    """
    starts = np.flatnonzero(lines.is_space[:-1] & ~lines.is_space[1:]) + 1
    ends = np.flatnonzero(~lines.is_space[:-1] & lines.is_space[1:]) + 1
    starts, ends = starts[: max(len(starts) - size + 1, 0)], ends[size - 1 :]
    in_one_line = lines.rows[starts] == lines.rows[ends - 1]
    return Stretches(starts[in_one_line], ends[in_one_line])


def character_stretches(lines: Lines, size: int) -> Stretches:
    """Find runs of characters of one word and the spaces around it.

    Args:
        lines: Of ``character_line``.
        size: Characters in a run, at least 2.

    Returns:
        The runs that hold no space but at their ends, and not spaces alone.
    """
    n_spaces = np.zeros(len(lines.is_space) + 1, dtype=np.int64)
    np.cumsum(lines.is_space, out=n_spaces[1:])
    n_runs = max(len(lines.is_space) - size + 1, 0)
    inside = n_spaces[size - 1 : size - 1 + n_runs] - n_spaces[1 : 1 + n_runs]
    in_all = n_spaces[size : size + n_runs] - n_spaces[:n_runs]
    starts = np.flatnonzero((inside == 0) & (in_all < size))
    return Stretches(starts, starts + size)


WORDS = Kind(word_line, word_stretches)
CHARACTERS = Kind(character_line, character_stretches)
KINDS: Mapping[str, Kind] = {"words": WORDS, "characters": CHARACTERS}
"""Both kinds by the name they have in a bundle."""


def _powers(base: int, count: int) -> NDArray[np.uint64]:
    """Powers of a base modulo 2^64, from the zeroth."""
    powers = np.full(count, base, dtype=np.uint64)
    powers[:1] = 1
    return np.multiply.accumulate(powers)


def _mixed(codes: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Spread the numbers of characters over all 64 bits."""
    mixed = codes.astype(np.uint64) + np.uint64(_BASE)
    for shift, factor in _SHIFTS:
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))
