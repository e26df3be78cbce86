"""Pairs as one sequence, the way BERT was made to read them: both texts between the tokenizer's own special tokens.

A pair that does not fit becomes windows, and every token of both texts is in at least one of them. Where one text takes
at most half of the room it stands whole in every window, as a question beside each part of a long answer; else both are
cut into as many parts, and the parts meet in their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from tokenizers import Tokenizer

from tunesmith.data.spans import Ints, spans
from tunesmith.data.tokenize import TokenSet, filled_up, plain_pieces, probe_encoding, tokenize
from tunesmith.errors import ConfigError
from tunesmith.types import Text

JOINED = "joined"

_LEAST_ROOM = 4


@dataclass(frozen=True, slots=True)
class PairFrame:
    """The special tokens around and between two texts, and the token types of the five parts."""

    before: tuple[int, ...]
    between: tuple[int, ...]
    after: tuple[int, ...]
    types_before: tuple[int, ...]
    type_one: int
    types_between: tuple[int, ...]
    type_other: int
    types_after: tuple[int, ...]

    @property
    def n_special(self) -> int:
        """Tokens that are of neither text."""
        return len(self.before) + len(self.between) + len(self.after)


@dataclass(frozen=True, slots=True)
class Parts:
    """What each window has of one text of its row: first piece, counted from the text's own, and pieces, ``[S]``."""

    first: Ints
    length: Ints


def pair_frame(tokenizer: Tokenizer) -> PairFrame:
    """Learn what a tokenizer puts around two texts.

    Args:
        tokenizer: Left as it was.

    Returns:
        The frame.

    Raises:
        ConfigError: ``tokenizer-unusable``, no short text has a token.
    """
    encoding = probe_encoding(tokenizer, pair=True)
    sides = encoding.sequence_ids
    one = [place for place, side in enumerate(sides) if side == 0]
    other = [place for place, side in enumerate(sides) if side == 1]
    parts = slice(one[0]), slice(one[-1] + 1, other[0]), slice(other[-1] + 1, None)
    before, between, after = (tuple(encoding.ids[part]) for part in parts)
    types_before, types_between, types_after = (tuple(encoding.type_ids[part]) for part in parts)
    return PairFrame(
        before=before,
        between=between,
        after=after,
        types_before=types_before,
        type_one=encoding.type_ids[one[0]],
        types_between=types_between,
        type_other=encoding.type_ids[other[0]],
        types_after=types_after,
    )


def tokenize_joined(pairs: Sequence[tuple[str, str]], tokenizer: Tokenizer, *, max_seq_length: int) -> TokenSet:
    """Turn pairs into token ids, both texts in one sequence.

    Args:
        pairs: Prepared.
        tokenizer: Its truncation and padding play no part and are left as they are.
        max_seq_length: Most tokens of a sequence, special tokens included.

    Returns:
        One row a pair.

    Raises:
        ConfigError: ``max_seq_length`` leaves no room beside the special tokens.
    """
    frame = pair_frame(tokenizer)
    room = max_seq_length - frame.n_special
    if room < _LEAST_ROOM:
        raise ConfigError(
            "bad-setting",
            f"max_seq_length = {max_seq_length} leaves no room for two texts",
            allowed=f"at least {_LEAST_ROOM + frame.n_special}: this tokenizer adds {frame.n_special} special tokens",
        )
    (ones, n_ones), (others, n_others) = (plain_pieces([pair[side] for pair in pairs], tokenizer) for side in (0, 1))
    if not frame.n_special:
        ones, n_ones = filled_up(ones, n_ones, n_ones + n_others == 0)
    n_windows, one, other = windows_of(n_ones, n_others, room)
    row = np.repeat(np.arange(len(pairs)), n_windows)
    lengths = one.length + other.length + frame.n_special
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    at_one = offsets[:-1] + len(frame.before)
    at_between = at_one + one.length
    at_other = at_between + len(frame.between)
    at_after = at_other + other.length
    ids, types = np.empty(offsets[-1], dtype=np.int32), np.empty(offsets[-1], dtype=np.uint8)
    for pieces, n_pieces, part, at, kind in (
        (ones, n_ones, one, at_one, frame.type_one),
        (others, n_others, other, at_other, frame.type_other),
    ):
        places = spans(at, part.length)
        ids[places] = pieces[spans((np.cumsum(n_pieces) - n_pieces)[row] + part.first, part.length)]
        types[places] = kind
    for special, kinds, at in (
        (frame.before, frame.types_before, offsets[:-1]),
        (frame.between, frame.types_between, at_between),
        (frame.after, frame.types_after, at_after),
    ):
        for place, (token, kind) in enumerate(zip(special, kinds, strict=True)):
            ids[at + place], types[at + place] = token, kind
    n_tokens = np.bincount(row, weights=lengths, minlength=len(pairs)).astype(np.int32)
    return TokenSet(ids, offsets, row, types if types.any() else None, n_tokens)


def tokens_of(texts: Sequence[Text], tokenizer: Tokenizer, *, max_seq_length: int, joins: bool) -> TokenSet:
    """Turn texts or pairs into token ids.

    Args:
        texts: Prepared, all of one kind.
        tokenizer: Its truncation and padding play no part and are left as they are.
        max_seq_length: Most tokens of a sequence, special tokens included.
        joins: Both texts of a pair are one sequence; else each is read by itself.

    Returns:
        One row a text or pair.

    Raises:
        ConfigError: ``max_seq_length`` leaves no room beside the special tokens.
    """
    if joins:
        return tokenize_joined(cast("Sequence[tuple[str, str]]", texts), tokenizer, max_seq_length=max_seq_length)
    return tokenize(texts, tokenizer, max_seq_length=max_seq_length)


def windows_of(n_ones: Ints, n_others: Ints, room: int) -> tuple[Ints, Parts, Parts]:
    """Deal the pieces of pairs out to windows.

    Args:
        n_ones: Pieces of each first text, ``[rows]``.
        n_others: Of each second, ``[rows]``.
        room: Pieces of a window, at least 4.

    Returns:
        Windows of each row ``[rows]``, and what each has of the first and of the second texts.

    Example:
        >>> windows_of(np.array([2]), np.array([9]), 6)[0].tolist()
        [3]
    """
    total, short = n_ones + n_others, np.minimum(n_ones, n_others)
    repeats = short <= room // 2
    of_long = -(-(total - short) // np.maximum(room - short, 1))
    of_both = -(-total // (room - 2))  # each of two parts may be one piece longer than the average
    n_windows = np.where(total <= room, 1, np.where(repeats, of_long, of_both))
    row = np.repeat(np.arange(len(total)), n_windows)
    window = spans(np.zeros(len(total), dtype=np.int64), n_windows)
    one_whole = repeats & (n_ones <= n_others)
    other_whole = repeats & ~one_whole
    one, other = (
        _parts(n_pieces[row], np.where(is_whole, 1, n_windows)[row], window)
        for n_pieces, is_whole in ((n_ones, one_whole), (n_others, other_whole))
    )
    return n_windows, one, other


def _parts(n_pieces: Ints, n_parts: Ints, window: Ints) -> Parts:
    """Cut texts into parts of nearly one length, the longer ones first; a text of one part stands in every window."""
    number = np.where(n_parts == 1, 0, window)
    length, longer = np.divmod(n_pieces, n_parts)
    return Parts(first=number * length + np.minimum(number, longer), length=length + (number < longer))
