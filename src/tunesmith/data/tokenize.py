"""Texts to token ids: one flat array, no padding; a text too long for the model becomes several windows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, repeat
from typing import cast

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from tunesmith.data.spans import Ints, spans
from tunesmith.errors import ConfigError, ShapeError, counted
from tunesmith.types import Text

_SLAB, _SLAB_CHARACTERS = 4096, 1 << 20
"""Most texts and characters encoded at once; what the tokenizer says of a character takes about 20 bytes."""
_PROBES = ("a", "1", "a b", "。")  # texts of which any tokenizer makes at least one token
_PARALLELISM = "TOKENIZERS_PARALLELISM"


@dataclass(frozen=True, eq=False)
class TokenSet:
    """Token ids of many rows, end to end. A row has one sequence, or several windows that are neighbours.

    ``input_ids`` int32 ``[total]``; ``offsets`` int64 ``[S+1]``, where each sequence begins; ``row`` int64 ``[S]``,
    ascending, the row of each sequence; ``token_type_ids`` uint8 ``[total]``, or None where all are 0; ``n_tokens``
    int32 ``[rows]``, what a row costs: the tokens of all its windows, special tokens included.
    """

    input_ids: NDArray[np.int32]
    offsets: Ints
    row: Ints
    token_type_ids: NDArray[np.uint8] | None
    n_tokens: NDArray[np.int32]
    side: NDArray[np.uint8] | None = None
    """Of pairs: whether each sequence is of the first text, 0, or of the second, 1, ``[S]``; None where a row is one
    text. Every row has sequences of both."""

    hidden: NDArray[np.float32] | None = None
    """What an encoder's lower layers make of each token, ``[total, H]``, where it was kept; it may lie on the disk."""

    @property
    def n_sides(self) -> int:
        """Texts of a row: 1, or 2 of pairs."""
        return 1 if self.side is None else 2

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.n_tokens)

    @cached_property
    def first_sequence(self) -> Ints:
        """The first sequence of each row and, behind, the number of sequences, ``[rows+1]``."""
        return np.searchsorted(self.row, np.arange(self.n_rows + 1))

    def n_windows(self) -> Ints:
        """Count the sequences of each row.

        Returns:
            At least 1 each, ``[rows]``.
        """
        return np.diff(self.first_sequence)

    def lengths(self) -> Ints:
        """Count the tokens of each sequence.

        Returns:
            Special tokens included, ``[S]``.
        """
        return np.diff(self.offsets)

    def sequences_of(self, rows: Ints) -> tuple[Ints, Ints]:
        """Find the sequences of some rows.

        Args:
            rows: Rows in any order, ``[B]``.

        Returns:
            The sequences, row by row, and for each its row's place in ``rows``, both ``[S]``.
        """
        first = self.first_sequence[rows]
        n_windows = self.first_sequence[rows + 1] - first
        if len(self.row) == self.n_rows:
            return first, np.arange(len(rows))
        return spans(first, n_windows), np.repeat(np.arange(len(rows)), n_windows)

    def select(self, rows: Ints) -> TokenSet:
        """Take some rows, renumbered from 0 in the order given.

        Args:
            rows: Rows of this set in any order, a row at most as often as it is wanted, ``[B]``.

        Returns:
            A set of ``B`` rows of its own memory.

        Raises:
            ShapeError: Some row is not in this set.
        """
        rows = np.asarray(rows, dtype=np.int64)
        if rows.size and not 0 <= rows.min() <= rows.max() < self.n_rows:
            raise ShapeError(f"rows {rows.min()} to {rows.max()} asked of {self.n_rows}")
        return self._of(*self.sequences_of(rows), n_rows=len(rows))

    def at_most(self, n_windows: int) -> TokenSet:
        """Leave out windows of the rows that have too many; those kept lie evenly, the first and the last among them.

        Args:
            n_windows: Most windows of a row, at least 1, or 2 of pairs.

        Returns:
            A set of the same rows; the set itself where none has too many.
        """
        there = self.n_windows()
        if int(there.max(initial=0)) <= n_windows:
            return self
        kept = np.minimum(there, n_windows)
        row = np.repeat(np.arange(self.n_rows), kept)
        window = spans(np.zeros(self.n_rows, dtype=np.int64), kept)
        sequences = self.first_sequence[row] + window * (there[row] - 1) // np.maximum(kept[row] - 1, 1)
        return self._of(sequences, row, n_rows=self.n_rows)

    def _of(self, sequences: Ints, row: Ints, *, n_rows: int) -> TokenSet:
        """Make a set of some sequences, each of the row given beside it."""
        lengths = self.offsets[sequences + 1] - self.offsets[sequences]
        at = spans(self.offsets[sequences], lengths)
        types = self.token_type_ids
        return TokenSet(
            self.input_ids[at],
            np.concatenate(([0], np.cumsum(lengths))),
            row,
            None if types is None else types[at],
            np.bincount(row, weights=lengths, minlength=n_rows).astype(np.int32),
            None if self.side is None else self.side[sequences],
            None if self.hidden is None else self.hidden[at],
        )


def tokenize(texts: Sequence[Text], tokenizer: Tokenizer, *, max_seq_length: int) -> TokenSet:
    """Turn texts or pairs into token ids; every token of a text is in exactly one of its windows.

    The two texts of a pair are sequences of their own.

    A text that does not fit is cut into as few windows as possible, all of (nearly) one length: features are averaged
    over windows, so a short last one must not weigh as much as a full one. Each window has its special tokens.

    Args:
        texts: Prepared, all of one kind; of an empty text only the special tokens remain.
        tokenizer: Its truncation and padding play no part and are left as they are.
        max_seq_length: Most tokens of a sequence, special tokens included.

    Returns:
        One row a text or pair.

    Raises:
        ConfigError: ``max_seq_length`` leaves no room beside the special tokens.
    """
    if texts and isinstance(texts[0], tuple):
        sides = tokenize(list(chain.from_iterable(texts)), tokenizer, max_seq_length=max_seq_length)
        return TokenSet(
            sides.input_ids,
            sides.offsets,
            sides.row // 2,
            sides.token_type_ids,
            sides.n_tokens.reshape(-1, 2).sum(axis=1, dtype=np.int32),
            (sides.row % 2).astype(np.uint8),
        )
    return _tokenized(cast("Sequence[str]", texts), tokenizer, max_seq_length)


def _tokenized(texts: Sequence[str], tokenizer: Tokenizer, max_seq_length: int) -> TokenSet:
    """Tokenize texts, one a row."""
    frame = frame_of(tokenizer)
    n_special = len(frame.before) + len(frame.after)
    room = max_seq_length - n_special
    if room < 1:
        raise ConfigError(
            "bad-setting",
            f"max_seq_length = {max_seq_length} leaves no room for text",
            allowed=f"at least {n_special + 1}: this tokenizer adds {counted(n_special, 'special token')}",
        )
    pieces, n_pieces = plain_pieces(texts, tokenizer)
    if not (frame.before or frame.after):
        pieces, n_pieces = filled_up(pieces, n_pieces, n_pieces == 0)
    return _framed(pieces, n_pieces, frame, room=room)


def lone_tokens(tokens: NDArray[np.int32], tokenizer: Tokenizer) -> TokenSet:
    """Put each token into a sequence of its own, as if it were a text.

    Args:
        tokens: Their ids, ``[N]``.
        tokenizer: Says which special tokens stand around a text.

    Returns:
        One row a token.

    Example:
        >>> from tokenizers.models import WordLevel
        >>> plain = Tokenizer(WordLevel({"a": 0, "b": 1}, unk_token="a"))
        >>> lone_tokens(np.array([1, 0], np.int32), plain).input_ids.tolist()
        [1, 0]
    """
    return _framed(tokens, np.ones(len(tokens), dtype=np.int64), frame_of(tokenizer), room=1)


def _framed(pieces: NDArray[np.int32], n_pieces: Ints, frame: Frame, *, room: int) -> TokenSet:
    """Cut texts that do not fit into windows, and put the special tokens around each."""
    n_windows = np.maximum(1, -(-n_pieces // room))
    row = np.repeat(np.arange(len(n_pieces)), n_windows)
    window = spans(np.zeros(len(n_pieces), dtype=np.int64), n_windows)
    n_inner = n_pieces[row] // n_windows[row] + (window < n_pieces[row] % n_windows[row])
    lengths = n_inner + len(frame.before) + len(frame.after)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    input_ids = np.empty(offsets[-1], dtype=np.int32)
    input_ids[spans(offsets[:-1] + len(frame.before), n_inner)] = pieces
    for place, token in enumerate(frame.before):
        input_ids[offsets[:-1] + place] = token
    for place, token in enumerate(frame.after[::-1], start=1):
        input_ids[offsets[1:] - place] = token
    n_tokens = n_pieces + n_windows * (len(frame.before) + len(frame.after))
    return TokenSet(input_ids, offsets, row, _types(frame, offsets), n_tokens.astype(np.int32))


def plain_pieces(texts: Sequence[str], tokenizer: Tokenizer) -> tuple[NDArray[np.int32], Ints]:
    """Encode texts without special tokens, truncation or padding, on the tokenizer's own threads.

    Args:
        texts: Prepared texts.
        tokenizer: Left as it was.

    Returns:
        All ids end to end, ``[total]``, and how many each text has, ``[rows]``.
    """
    ids, lengths = [np.zeros(0, dtype=np.int32)], [np.zeros(0, dtype=np.int64)]
    with _uncut(tokenizer):
        for slab in _slabs(texts):
            found = [encoding.ids for encoding in tokenizer.encode_batch_fast(slab, add_special_tokens=False)]
            lengths.append(np.fromiter(map(len, found), np.int64, len(found)))
            ids.append(np.fromiter(chain.from_iterable(found), np.int32, int(lengths[-1].sum())))
    return np.concatenate(ids), np.concatenate(lengths)


def _slabs(texts: Sequence[str]) -> Iterator[list[str]]:
    """Cut the texts into parts that bound the memory of a call, however long each of them is."""
    ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))
    first = 0
    while first < len(texts):
        done = int(ends[first - 1]) if first else 0
        full = int(np.searchsorted(ends, done + _SLAB_CHARACTERS, side="right"))
        last = min(max(full, first + 1), first + _SLAB)
        yield list(texts[first:last])
        first = last


def filled_up(pieces: NDArray[np.int32], n_pieces: Ints, empty: NDArray[np.bool_]) -> tuple[NDArray[np.int32], Ints]:
    """Give texts without a token one, where the tokenizer adds none: an encoder answers no sequence of nothing.

    Args:
        pieces: All ids end to end, ``[total]``.
        n_pieces: How many each text has, ``[rows]``.
        empty: Which texts get one, ``[rows]``.

    Returns:
        Both again, with token 0 in those texts.

    Example:
        >>> filled_up(np.array([7, 8], np.int32), np.array([1, 0, 1]), np.array([False, True, False]))[0].tolist()
        [7, 0, 8]
    """
    starts = np.cumsum(n_pieces) - n_pieces
    return np.insert(pieces, starts[empty], 0), n_pieces + empty


@dataclass(frozen=True, slots=True)
class Frame:
    """The special tokens around a single text, and the token types of the three parts."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    types_before: tuple[int, ...]
    type_inside: int
    types_after: tuple[int, ...]


def frame_of(tokenizer: Tokenizer) -> Frame:
    """Learn what a tokenizer puts around a text.

    Args:
        tokenizer: Left as it was.

    Returns:
        The frame.

    Raises:
        ConfigError: ``tokenizer-unusable``, no short text has a token.
    """
    encoding = probe_encoding(tokenizer)
    inside = [place for place, special in enumerate(encoding.special_tokens_mask) if not special]
    first, last = inside[0], inside[-1] + 1
    ids, types = encoding.ids, encoding.type_ids
    return Frame(tuple(ids[:first]), tuple(ids[last:]), tuple(types[:first]), types[first], tuple(types[last:]))


def probe_encoding(tokenizer: Tokenizer, *, pair: bool = False) -> Encoding:
    """Encode a short text that has a token of its own, with the special tokens around it.

    Args:
        tokenizer: Left as it was.
        pair: Encode the text twice, as a pair.

    Returns:
        The encoding.

    Raises:
        ConfigError: ``tokenizer-unusable``, no short text has a token.
    """
    with _uncut(tokenizer):
        encoding = next(filter(_has_token, map(tokenizer.encode, _PROBES, _PROBES if pair else repeat(None))), None)
    if encoding is None:
        raise ConfigError("tokenizer-unusable", "the tokenizer makes no token of plain letters or digits")
    return encoding


def _has_token(encoding: Encoding) -> bool:
    return not all(encoding.special_tokens_mask)


def _types(frame: Frame, offsets: Ints) -> NDArray[np.uint8] | None:
    if not any((*frame.types_before, frame.type_inside, *frame.types_after)):
        return None
    types = np.full(offsets[-1], frame.type_inside, dtype=np.uint8)
    for place, kind in enumerate(frame.types_before):
        types[offsets[:-1] + place] = kind
    for place, kind in enumerate(frame.types_after[::-1], start=1):
        types[offsets[1:] - place] = kind
    return types


@contextmanager
def _uncut(tokenizer: Tokenizer) -> Iterator[None]:
    """Switch a tokenizer's truncation and padding off and, after, on again as they were; else do not touch it."""
    truncation, padding = tokenizer.truncation, tokenizer.padding
    if truncation is not None:
        tokenizer.no_truncation()
    if padding is not None:
        tokenizer.no_padding()
    try:
        yield
    finally:
        if truncation is not None:
            tokenizer.enable_truncation(**truncation)
        if padding is not None:
            tokenizer.enable_padding(**padding)


_set_by_fork: list[bool] = []


def _before_fork() -> None:
    """Tell the tokenizers library to use no threads in the child, which has none; untold, 0.22 warns at every fork."""
    if _PARALLELISM not in os.environ:
        os.environ[_PARALLELISM] = "false"
        _set_by_fork.append(True)


def _after_fork_in_parent() -> None:
    if _set_by_fork:
        _set_by_fork.clear()
        del os.environ[_PARALLELISM]


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent)
