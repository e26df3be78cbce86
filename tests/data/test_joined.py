"""Both texts of a pair in one sequence: as the tokenizer itself puts them together, in windows where they are long."""

from __future__ import annotations

import numpy as np
import pytest
from tests.data.tiny_tokenizers import TOKENIZERS, base_tokenizer

from tunesmith.data.joined import tokenize_joined, windows_of
from tunesmith.errors import ConfigError

PAIRS = [("the cat", "sat on the mat"), ("", "the dog"), ("a dog?", ""), ("", "")]


@pytest.mark.parametrize("kind", ["wordpiece", "byte_pairs", "base"])
def test_a_short_pair_is_what_the_tokenizer_makes_of_it(kind: str) -> None:
    """Special tokens around and between, and the kinds of all tokens."""
    tokenizer = base_tokenizer() if kind == "base" else TOKENIZERS[kind]()
    found = tokenize_joined(PAIRS, tokenizer, max_seq_length=64)
    tokenizer.no_padding()
    expected = [tokenizer.encode(*pair) for pair in PAIRS]
    assert found.input_ids.tolist() == [token for each in expected for token in each.ids]
    types = [kind for each in expected for kind in each.type_ids]
    assert types == (found.token_type_ids.tolist() if found.token_type_ids is not None else [0] * len(types))
    assert found.lengths().tolist() == [len(each.ids) for each in expected]
    assert (found.side, found.n_sides, found.n_rows) == (None, 1, len(PAIRS))


def test_two_empty_texts_have_a_token_where_the_tokenizer_adds_none() -> None:
    """An encoder answers no sequence of nothing."""
    found = tokenize_joined(PAIRS, TOKENIZERS["bare"](), max_seq_length=64)
    assert found.lengths().tolist() == [6, 2, 3, 1]


def test_every_piece_of_both_texts_is_in_some_window() -> None:
    """Whatever the lengths; no window is too long, and a text of at most half the room stands whole in each."""
    random = np.random.default_rng(0)
    for _ in range(500):
        n_one, n_other, room = random.integers(0, 60), random.integers(0, 60), int(random.integers(4, 20))
        (n_windows,), one, other = windows_of(np.array([n_one]), np.array([n_other]), room)
        assert (one.length + other.length).max() <= room
        for part, n_pieces in ((one, n_one), (other, n_other)):
            pieces = [piece for at, n in zip(part.first, part.length, strict=True) for piece in range(at, at + n)]
            assert set(pieces) == set(range(n_pieces))
            whole = n_pieces == min(n_one, n_other) <= room // 2
            repeated = (n_windows == 1) or (whole and len(pieces) == n_windows * n_pieces)
            assert repeated or len(pieces) == n_pieces
        if n_one + n_other <= room:
            assert n_windows == 1


def test_windows_have_their_marks_and_their_parts() -> None:
    """A short question beside each part of a long answer."""
    tokenizer = TOKENIZERS["wordpiece"]()
    question, answer = "the cat", "the dog sat on the mat " * 4
    found = tokenize_joined([(question, answer)], tokenizer, max_seq_length=14)
    asked = tokenizer.encode(question, add_special_tokens=False).ids
    pieces = []
    for first, last in zip(found.offsets[:-1], found.offsets[1:], strict=True):
        window = found.input_ids[first:last].tolist()
        start = tokenizer.encode(question).ids
        assert window[: len(start)] == start
        pieces += window[len(start) : -1]
        assert found.token_type_ids[first:last].tolist() == [0] * len(start) + [1] * (len(window) - len(start))
    assert len(asked) > 0
    assert pieces == tokenizer.encode(answer, add_special_tokens=False).ids
    assert int(found.n_tokens[0]) == len(found.input_ids)


def test_a_window_without_room_is_refused() -> None:
    """Two texts need more of it than one."""
    with pytest.raises(ConfigError, match="no room for two texts"):
        tokenize_joined(PAIRS, TOKENIZERS["wordpiece"](), max_seq_length=6)
