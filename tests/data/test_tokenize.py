"""Tokens: what each tokenizer family would give, in windows that lose nothing and double nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.data.tiny_tokenizers import TOKENIZERS, base_tokenizer
from tokenizers import Tokenizer

from tunesmith.data import tokenize as subject
from tunesmith.data.prepare import prepare_text
from tunesmith.data.read import read_table
from tunesmith.data.tokenize import TokenSet, tokenize
from tunesmith.errors import ConfigError, ShapeError

TEXTS = ["the cat sat on the mat", "", "where is my card? " * 6, "dog", "日本 ﬁ ñ 😀", "a" * 70, "the\u00a0 cat"]


@pytest.fixture(params=TOKENIZERS)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    """One tokenizer of each family."""
    built: Callable[[], Tokenizer] = TOKENIZERS[request.param]
    return built()


def sequences(tokens: TokenSet) -> list[list[int]]:
    """The ids of each sequence."""
    return [
        tokens.input_ids[first:last].tolist()
        for first, last in zip(tokens.offsets[:-1], tokens.offsets[1:], strict=True)
    ]


def test_texts_that_fit_are_encoded_as_the_tokenizer_does(tokenizer: Tokenizer) -> None:
    """One sequence a text, with the tokenizer's own special tokens and token types."""
    tokens = tokenize(TEXTS, tokenizer, max_seq_length=500)
    expected = [tokenizer.encode(text) for text in TEXTS]
    ids = [encoding.ids or [0] for encoding in expected]  # an empty text where there are no special tokens
    assert sequences(tokens) == ids
    types = [kind for encoding in expected for kind in encoding.type_ids or [0]]
    assert types == ([0] * len(types) if tokens.token_type_ids is None else tokens.token_type_ids.tolist())
    assert tokens.row.tolist() == list(range(len(TEXTS)))
    assert tokens.n_tokens.tolist() == list(map(len, ids))
    assert (tokens.input_ids.dtype, tokens.offsets.dtype, tokens.row.dtype) == (np.int32, np.int64, np.int64)
    assert tokens.n_tokens.dtype == np.int32


@pytest.mark.parametrize("max_seq_length", [3, 4, 7, 12])
def test_every_token_is_in_exactly_one_window(tokenizer: Tokenizer, max_seq_length: int) -> None:
    """Windows joined without their special tokens are the text; all fit; as few as can be, of nearly one length."""
    tokens = tokenize(TEXTS, tokenizer, max_seq_length=max_seq_length)
    frame = tokenizer.encode("")
    before = tokenizer.encode("a").special_tokens_mask.index(0)
    after = len(frame.ids) - before
    room = max_seq_length - len(frame.ids)
    for row, text in enumerate(TEXTS):
        windows = [ids for ids, owner in zip(sequences(tokens), tokens.row, strict=True) if owner == row]
        plain = tokenizer.encode(text, add_special_tokens=False).ids or [0] * (not frame.ids)
        inner = [ids[before : len(ids) - after] for ids in windows]
        assert [token for ids in inner for token in ids] == plain
        assert all(ids[:before] + ids[len(ids) - after :] == frame.ids for ids in windows)
        assert len(windows) == max(1, -(-len(plain) // room)) == tokens.n_windows()[row]
        lengths = [len(ids) for ids in windows]
        assert max(lengths) <= max_seq_length
        assert max(lengths) - min(lengths) <= 1
        assert tokens.n_tokens[row] == sum(lengths)
    assert np.diff(tokens.row).min() >= 0


def test_token_types_follow_the_tokens(tokenizer: Tokenizer) -> None:
    """Each window has the types of its tokens, and an all-zero array is left out."""
    tokens = tokenize(TEXTS, tokenizer, max_seq_length=6)
    kinds = tokenizer.encode("a").type_ids
    if not any(kinds):
        assert tokens.token_type_ids is None
        return
    assert tokens.token_type_ids is not None
    assert tokens.token_type_ids.dtype == np.uint8
    last_places = tokens.offsets[1:] - 1
    assert tokens.token_type_ids[last_places].tolist() == [2] * len(tokens.row)
    assert tokens.token_type_ids.sum() == 2 * len(tokens.row)


def test_the_tokenizer_is_left_as_it_was(tokenizer: Tokenizer) -> None:
    """Truncation and padding of its own play no part, and are on again after."""
    plain = tokenize(TEXTS, tokenizer, max_seq_length=9)
    untouched = tokenizer.to_str()
    tokenize(TEXTS, tokenizer, max_seq_length=9)
    assert tokenizer.to_str() == untouched
    tokenizer.enable_truncation(4, stride=1, direction="left", strategy="only_first")
    tokenizer.enable_padding(length=16, pad_id=1, direction="left", pad_token="x", pad_to_multiple_of=8)
    before = tokenizer.to_str()
    tokens = tokenize(TEXTS, tokenizer, max_seq_length=9)
    assert tokenizer.to_str() == before
    assert sequences(tokens) == sequences(plain)
    with pytest.raises(TypeError, match="TextInputSequence"):
        tokenize([b"3"], tokenizer, max_seq_length=9)  # type: ignore[list-item]
    assert tokenizer.to_str() == before


@pytest.mark.parametrize("most", [1, 30, 10_000])
def test_long_texts_are_encoded_few_at_a_time(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """What the tokenizer holds at once is bounded by characters, and no text and no token depends on it."""
    whole = tokenize(TEXTS, tokenizer, max_seq_length=9)
    monkeypatch.setattr(subject, "_SLAB_CHARACTERS", most)
    slabs = list(subject._slabs(TEXTS))
    assert [text for slab in slabs for text in slab] == list(TEXTS)
    assert all(len(slab) == 1 or sum(map(len, slab)) <= most for slab in slabs)
    assert (len(slabs) > 1) is (most < 10_000)
    assert sequences(tokenize(TEXTS, tokenizer, max_seq_length=9)) == sequences(whole)


def test_no_texts_give_an_empty_set(tokenizer: Tokenizer) -> None:
    """Zero rows are a set like any other."""
    tokens = tokenize([], tokenizer, max_seq_length=9)
    assert (tokens.n_rows, tokens.offsets.tolist(), len(tokens.input_ids)) == (0, [0], 0)


def test_a_limit_without_room_for_text_is_refused() -> None:
    """The message says how many tokens are special."""
    with pytest.raises(ConfigError, match=r"max_seq_length = 2 .*\n.*at least 3: this tokenizer adds 2 special"):
        tokenize(TEXTS, TOKENIZERS["wordpiece"](), max_seq_length=2)


def test_selected_rows_are_renumbered(tokenizer: Tokenizer) -> None:
    """Rows taken out, in any order, are the rows that tokenizing only these would give."""
    tokens = tokenize(TEXTS, tokenizer, max_seq_length=7)
    for rows in ([2, 0, 5], [], [1], [3, 3]):
        taken = tokens.select(np.array(rows, dtype=np.int64))
        direct = tokenize([TEXTS[row] for row in rows], tokenizer, max_seq_length=7)
        assert sequences(taken) == sequences(direct)
        assert taken.row.tolist() == direct.row.tolist()
        assert taken.n_tokens.tolist() == direct.n_tokens.tolist()
        assert taken.n_windows().tolist() == direct.n_windows().tolist()
        if taken.token_type_ids is not None and direct.token_type_ids is not None:
            assert taken.token_type_ids.tolist() == direct.token_type_ids.tolist()
        assert taken.lengths().tolist() == [len(ids) for ids in sequences(direct)]
    with pytest.raises(ShapeError, match="rows 0 to 7 asked of 7"):
        tokens.select(np.array([7, 0]))


def windowed(n_windows: list[int]) -> TokenSet:
    """Rows of so many windows, of lengths that differ; every token is the number of its window, its type the parity."""
    row = np.repeat(np.arange(len(n_windows)), n_windows)
    lengths = 2 + np.arange(len(row)) % 3
    ids = np.repeat(np.arange(len(row)), lengths).astype(np.int32)
    n_tokens = np.bincount(row, weights=lengths, minlength=len(n_windows)).astype(np.int32)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    return TokenSet(ids, offsets, row, (ids % 2).astype(np.uint8), n_tokens)


@pytest.mark.parametrize(
    ("most", "places"),
    [(1, [0]), (2, [0, 11]), (3, [0, 5, 11]), (4, [0, 3, 7, 11]), (11, [*range(10), 11])],
)
def test_of_too_many_windows_some_are_kept_that_lie_evenly(most: int, places: list[int]) -> None:
    """The first and the last among them, each whole and in its order; rows that have few keep all of them."""
    tokens = windowed([1, 12, 2, 5])
    kept = tokens.at_most(most)
    of_row = [[ids[0] for ids in sequences(kept.select(np.array([row])))] for row in range(4)]
    assert of_row[1] == [1 + place for place in places]
    assert [len(numbers) for numbers in of_row] == [min(n_windows, most) for n_windows in (1, 12, 2, 5)]
    assert sequences(kept) == [sequences(tokens)[number] for numbers in of_row for number in numbers]
    assert kept.row.tolist() == [row for row, numbers in enumerate(of_row) for _ in numbers]
    assert kept.n_windows().tolist() == [len(numbers) for numbers in of_row]
    assert kept.n_tokens.tolist() == [sum(2 + number % 3 for number in numbers) for numbers in of_row]
    assert kept.token_type_ids is not None
    assert kept.token_type_ids.tolist() == [token % 2 for token in kept.input_ids.tolist()]
    found = [array.dtype for array in (kept.input_ids, kept.offsets, kept.row, kept.token_type_ids, kept.n_tokens)]
    assert found == [np.int32, np.int64, np.int64, np.uint8, np.int32]


def test_where_no_row_has_too_many_windows_nothing_is_copied() -> None:
    """Most files have no long text: their tokens are not to be held twice."""
    tokens = windowed([1, 12, 2, 5])
    assert tokens.at_most(12) is tokens
    assert tokens.at_most(11) is not tokens
    nothing = tokens.select(np.zeros(0, dtype=np.int64))
    assert nothing.at_most(1) is nothing


def test_a_forked_child_neither_warns_nor_hangs() -> None:
    """The library's threads do not live on in a child; it tokenizes without them, and says nothing."""
    program = """
import os, sys
from tests.data.tiny_tokenizers import wordpiece
from tunesmith.data.tokenize import tokenize
tokenizer = wordpiece()
texts = ["the cat sat on the mat"] * 500
ours = tokenize(texts, tokenizer, max_seq_length=9).input_ids.tobytes()
child = os.fork()
if child == 0:
    same = tokenize(texts, tokenizer, max_seq_length=9).input_ids.tobytes() == ours
    os._exit(0 if same and os.environ["TOKENIZERS_PARALLELISM"] == "false" else 1)
_, status = os.waitpid(child, 0)
assert "TOKENIZERS_PARALLELISM" not in os.environ
sys.exit(os.waitstatus_to_exitcode(status))
"""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program]
    root = Path(__file__).resolve().parents[2]
    unset = {name: value for name, value in os.environ.items() if name != "TOKENIZERS_PARALLELISM"}
    done = subprocess.run(command, cwd=root, env=unset, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_real_tokenizer_is_fast_and_exact(real_data: Path) -> None:
    """10,003 messages in under a second of computing, 162,186 tokens, with the file's truncation and padding on."""
    tokenizer = base_tokenizer()
    assert tokenizer.truncation is not None
    assert tokenizer.padding is not None
    texts = [prepare_text(text) for text in read_table(real_data / "banking77" / "train.csv").columns["text"]]
    start = time.process_time()
    tokens = tokenize(texts, tokenizer, max_seq_length=256)
    assert time.process_time() - start < 1
    assert int(tokens.n_tokens.sum()) == len(tokens.input_ids) == 162_186
    assert tokens.token_type_ids is None
    assert tokenizer.truncation is not None
    assert tokenizer.padding is not None


def test_an_empty_text_has_a_token_where_the_tokenizer_adds_none() -> None:
    """An encoder answers no sequence of nothing; the texts around it keep theirs."""
    tokenizer = TOKENIZERS["bare"]()
    found = tokenize(["the cat", "", "a dog"], tokenizer, max_seq_length=8)
    assert found.lengths().tolist() == [2, 1, 2]
    alone = [tokenize([text], tokenizer, max_seq_length=8).input_ids.tolist() for text in ("the cat", "a dog")]
    assert found.input_ids.tolist() == [*alone[0], 0, *alone[1]]
