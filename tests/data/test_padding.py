"""Padding: every sequence once, with its own tokens, and little besides."""

from __future__ import annotations

import numpy as np
import pytest
from tests.data.test_batch import token_set

from tunesmith.data.padding import padded_batches, window_means
from tunesmith.errors import ShapeError

NAMES = ("input_ids", "attention_mask", "token_type_ids")


@pytest.mark.parametrize("types", [True, False])
@pytest.mark.parametrize(("batch_tokens", "most_padding"), [(1, None), (60, None), (2048, 0.0), (2048, 1.0)])
def test_every_sequence_is_there_once_with_its_tokens(
    batch_tokens: int, most_padding: float | None, types: bool
) -> None:
    """The mask covers its own tokens, and what is behind is padding."""
    tokens, met = token_set(40, types=types), []
    for batch in padded_batches(tokens, NAMES, pad_token_id=7, batch_tokens=batch_tokens, most_padding=most_padding):
        assert len({values.shape for values in batch.inputs.values()}) == 1
        for place, sequence in enumerate(batch.sequences.tolist()):
            own = slice(tokens.offsets[sequence], tokens.offsets[sequence + 1])
            length = own.stop - own.start
            ids, mask, kinds = (batch.inputs[name][place] for name in NAMES)
            np.testing.assert_array_equal(ids[:length], tokens.input_ids[own])
            assert (ids[length:] == 7).all()
            assert mask.tolist() == [1] * length + [0] * (len(mask) - length)
            expected = 0 if tokens.token_type_ids is None else tokens.token_type_ids[own]
            assert (kinds[:length] == expected).all()
            assert not kinds[length:].any()
            met.append(sequence)
    assert sorted(met) == list(range(len(tokens.offsets) - 1))


def test_little_is_padded_and_a_batch_ends_with_its_budget() -> None:
    """A few per cent of many sequences; of few, no more than a pass of its own costs; none where none may be."""
    tokens = token_set(3000)
    masks = [batch.inputs["attention_mask"] for batch in padded_batches(tokens, NAMES, pad_token_id=0)]
    assert max(mask.size for mask in masks) <= 2048
    assert 1.0 - sum(mask.sum() for mask in masks) / sum(mask.size for mask in masks) < 0.04
    assert len(masks) < 1.2 * len(tokens.input_ids) / 2048 + 30
    few = [batch.inputs["attention_mask"] for batch in padded_batches(token_set(6), NAMES, pad_token_id=0)]
    assert all(mask.size - mask.sum() <= 32 for mask in few)
    assert 1 < len(few) < 12
    exact = padded_batches(tokens, NAMES, pad_token_id=0, most_padding=0.0)
    assert all(batch.inputs["attention_mask"].all() for batch in exact)


def test_no_rows_are_no_batches() -> None:
    """And a budget of nothing is refused."""
    assert list(padded_batches(token_set(3).select(np.array([], dtype=np.int64)), NAMES, pad_token_id=0)) == []
    with pytest.raises(ShapeError, match="batch_tokens 0"):
        next(padded_batches(token_set(3), NAMES, pad_token_id=0, batch_tokens=0))


@pytest.mark.parametrize("windows", [True, False])
def test_windows_are_averaged_by_text(windows: bool) -> None:
    """As one by one, whether any text has several or none."""
    tokens = token_set(50, windows=windows)
    vectors = np.random.default_rng(0).normal(size=(len(tokens.row), 5)).astype(np.float32)
    means, n_windows = window_means(vectors, tokens)
    np.testing.assert_array_equal(n_windows, tokens.n_windows())
    for row in range(50):
        np.testing.assert_allclose(means[row], vectors[tokens.row == row].mean(axis=0), rtol=1e-5, atol=1e-6)
