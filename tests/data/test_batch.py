"""Batches: every row once, equal lengths together, honest draws, and fast enough for the training path."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.typing import NDArray

from tunesmith.data.batch import Batch, MicroBatch, length_batches, pack, random_draws
from tunesmith.data.tokenize import TokenSet
from tunesmith.errors import ShapeError


def token_set(n_rows: int, *, seed: int = 0, windows: bool = True, types: bool = True) -> TokenSet:
    """Rows of one to three sequences of one to thirty tokens; each token id is its own place."""
    lot = np.random.default_rng(seed)
    n_windows = lot.integers(1, 4 if windows else 2, n_rows)
    lengths = lot.integers(1, 31, n_windows.sum())
    row = np.repeat(np.arange(n_rows), n_windows)
    total = int(lengths.sum())
    return TokenSet(
        np.arange(total, dtype=np.int32),
        np.concatenate(([0], np.cumsum(lengths))),
        row,
        (np.arange(total) % 3).astype(np.uint8) if types else None,
        np.bincount(row, weights=lengths, minlength=n_rows).astype(np.int32),
    )


def sequences_by_row(batch: Batch) -> dict[int, list[tuple[list[int], list[int]]]]:
    """Ids and types of each row's sequences, in packed order."""
    found: dict[int, list[tuple[list[int], list[int]]]] = {row: [] for row in batch.rows.tolist()}
    start = 0
    for place, length in zip(batch.sequence_text, batch.tokens.lengths, strict=True):
        part = slice(start, start + int(length))
        kinds = [] if batch.tokens.token_type_ids is None else batch.tokens.token_type_ids[part].tolist()
        found[int(batch.rows[place])].append((batch.tokens.input_ids[part].tolist(), kinds))
        start += int(length)
    return found


def expected_by_row(tokens: TokenSet, rows: NDArray[np.int64]) -> dict[int, list[tuple[list[int], list[int]]]]:
    """The same straight from the token set, shortest first."""
    found = {}
    for row in rows.tolist():
        own = []
        for sequence in np.flatnonzero(tokens.row == row):
            part = slice(tokens.offsets[sequence], tokens.offsets[sequence + 1])
            kinds = [] if tokens.token_type_ids is None else tokens.token_type_ids[part].tolist()
            own.append((tokens.input_ids[part].tolist(), kinds))
        found[row] = sorted(own, key=lambda ids: len(ids[0]))
    return found


@pytest.mark.parametrize("windows", [True, False])
@pytest.mark.parametrize("types", [True, False])
def test_packing_keeps_every_sequence_with_its_row(windows: bool, types: bool) -> None:
    """Ids, types and rows belong together after packing, and lengths ascend."""
    tokens = token_set(50, windows=windows, types=types)
    rows = np.random.default_rng(1).permutation(50)[:20]
    batch = pack(tokens, rows)
    assert sequences_by_row(batch) == expected_by_row(tokens, rows)
    assert np.diff(batch.tokens.lengths).min() >= 0
    assert len(batch) == 20
    assert batch.n_tokens == tokens.n_tokens[rows].sum() == batch.tokens.lengths.sum()
    assert batch.tokens.lengths.dtype == batch.sequence_text.dtype == np.int64
    assert sum(count * length for _, count, length in batch.tokens.groups()) == batch.n_tokens


@pytest.mark.parametrize("micro_batch_size", [1, 3, 7, 20, 50])
def test_parts_hold_every_row_once(micro_batch_size: int) -> None:
    """Parts of a batch are batches of its rows, no larger than asked, windows included."""
    tokens = token_set(50)
    batch = pack(tokens, np.random.default_rng(1).permutation(50)[:20])
    parts = batch.split(MicroBatch(micro_batch_size))
    assert sorted(np.concatenate([part.rows for part in parts]).tolist()) == sorted(batch.rows.tolist())
    for part in parts:
        assert len(part) <= micro_batch_size
        assert np.diff(part.tokens.lengths).min(initial=0) >= 0
        assert sequences_by_row(part) == expected_by_row(tokens, part.rows)
    assert len(parts) == -(-20 // micro_batch_size)


def test_a_part_of_no_row_is_refused() -> None:
    """The size of a part is at least one."""
    with pytest.raises(ShapeError, match="micro_batch of 0 rows"):
        pack(token_set(3), np.arange(3)).split(MicroBatch(0))


@pytest.mark.parametrize("most_tokens", [1, 40, 100, 100_000])
def test_parts_by_tokens_hold_every_row_once(most_tokens: int) -> None:
    """No larger than asked but by a row, and about equal: the largest one sets the memory of a step."""
    tokens = token_set(200)
    batch = pack(tokens, np.random.default_rng(1).permutation(200)[:60])
    parts = batch.split(MicroBatch(tokens=most_tokens))
    assert sorted(np.concatenate([part.rows for part in parts]).tolist()) == sorted(batch.rows.tolist())
    longest = tokens.n_tokens[batch.rows].max()
    for part in parts:
        assert part.n_tokens <= min(most_tokens, batch.n_tokens) + longest
        assert sequences_by_row(part) == expected_by_row(tokens, part.rows)
    assert len(parts) <= -(-batch.n_tokens // most_tokens)
    assert len(parts) > 1 or most_tokens >= batch.n_tokens


def test_both_limits_of_a_part_hold() -> None:
    """The smaller of the two counts, whichever it is."""
    batch = pack(token_set(200), np.arange(60))
    for size, tokens in ((3, 100_000), (1000, 100), (3, 100)):
        parts = batch.split(MicroBatch(size, tokens))
        assert sorted(np.concatenate([part.rows for part in parts]).tolist()) == list(range(60))
        by_tokens = max(part.n_tokens for part in batch.split(MicroBatch(tokens=tokens)))
        assert max(part.n_tokens for part in parts) <= by_tokens
        assert max(len(part) for part in parts) <= size


@pytest.mark.parametrize("batch_tokens", [1, 100, 512, 10_000_000])
def test_length_batches_hold_every_row_once_near_the_size_asked_for(batch_tokens: int) -> None:
    """Shortest rows first; each batch but the last reaches the size and not a row more."""
    tokens = token_set(400)
    batches = list(length_batches(tokens, batch_tokens=batch_tokens))
    rows = np.concatenate([batch.rows for batch in batches])
    assert sorted(rows.tolist()) == list(range(400))
    assert np.diff(tokens.n_tokens[rows]).min() >= 0
    for batch in batches[:-1]:
        assert batch_tokens <= batch.n_tokens < batch_tokens + tokens.n_tokens[batch.rows[-1]]


def test_draws_hold_every_row_once_and_reach_their_size() -> None:
    """An epoch is a permutation cut where the running sum reaches the size."""
    n_tokens = np.random.default_rng(0).integers(3, 60, 1000).astype(np.int32)
    draws = random_draws(n_tokens, batch_tokens=512, seed=3, epoch=1)
    assert sorted(np.concatenate(draws).tolist()) == list(range(1000))
    for rows in draws[:-1]:
        assert n_tokens[rows].sum() >= 512 > n_tokens[rows[:-1]].sum()


def test_draws_depend_on_seed_and_epoch_and_on_nothing_else() -> None:
    """The same seed and epoch give the same order; another of either another one; it is numpy's PCG64."""
    n_tokens = np.full(100, 7, dtype=np.int32)

    def order(seed: int, epoch: int, lengths: NDArray[np.int32] = n_tokens) -> list[int]:
        return np.concatenate(random_draws(lengths, batch_tokens=50, seed=seed, epoch=epoch)).tolist()

    assert order(1, 2) == order(1, 2) == order(1, 2, np.arange(100, dtype=np.int32))
    assert len({tuple(order(seed, epoch)) for seed in range(3) for epoch in range(3)}) == 9
    expected = np.random.Generator(np.random.PCG64([1, 2])).permutation(100)
    assert order(1, 2) == expected.tolist()


def test_draws_do_not_look_at_lengths() -> None:
    """Rows of one length are spread over the epoch as chance has it: no draw is all short or all long."""
    n_tokens = np.where(np.arange(4000) % 2, 4, 28).astype(np.int32)
    draws = random_draws(n_tokens, batch_tokens=512, seed=0, epoch=0)
    short = np.array([(n_tokens[rows] == 4).mean() for rows in draws[:-1]])
    assert abs(short.mean() - 0.5) < 0.03
    assert 0.05 < short.std() < 0.12  # binomial of 32 rows: 0.088


def test_no_rows_give_no_batches() -> None:
    """An empty set is dealt out in no batch; a size below one is refused."""
    empty = np.zeros(0, dtype=np.int32)
    assert random_draws(empty, batch_tokens=5, seed=0, epoch=0) == []
    with pytest.raises(ShapeError, match="batch_tokens 0"):
        random_draws(np.ones(3, dtype=np.int32), batch_tokens=0, seed=0, epoch=0)


@pytest.mark.parametrize("windows", [False, True])
def test_packing_is_fast(windows: bool) -> None:
    """A draw of 512 tokens packs in under 150 microseconds of computing."""
    tokens = token_set(10_000, windows=windows, types=False)
    draws = random_draws(tokens.n_tokens, batch_tokens=512, seed=0, epoch=0)[:300]
    pack(tokens, draws[0])
    seconds = []
    for _ in range(3):
        start = time.process_time()
        for rows in draws:
            pack(tokens, rows)
        seconds.append((time.process_time() - start) / len(draws))
    assert min(seconds) < 150e-6
