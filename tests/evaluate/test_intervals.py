"""Bootstrap helpers."""

from __future__ import annotations

import numpy as np
import pytest

from tunesmith.errors import ShapeError
from tunesmith.evaluate.intervals import (
    mean_interval,
    percentile_interval,
    reflected_interval,
    resampled_blocks,
    resampled_counts,
    resampled_rows,
)


def test_the_mean_has_the_interval_of_normal_theory() -> None:
    """With many rows the ends lie 1.96 standard errors away."""
    values = np.random.default_rng(0).normal(3.0, 2.0, size=2000)
    interval = mean_interval(values, seed=0, draws=4000)
    half = 1.96 * values.std() / np.sqrt(2000)
    assert interval.value == pytest.approx(values.mean(), abs=1e-12)
    assert interval.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_a_narrower_level_is_narrower() -> None:
    """90 % lies inside 95 %."""
    values = np.random.default_rng(0).normal(size=100)
    wide, narrow = (mean_interval(values, seed=0, level=level) for level in (0.95, 0.90))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_draws_that_miss_the_figure_do_not_make_an_interval_without_it() -> None:
    """Biased draws must widen the interval, not move it off its figure."""
    draws = np.linspace(1.0, 2.0, 101)
    assert percentile_interval(0.5, draws).low == 0.5
    assert percentile_interval(2.5, draws).high == 2.5
    assert reflected_interval(0.5, draws).high == 0.5
    assert reflected_interval(2.5, draws).low == 2.5


def test_resamples_hold_as_many_rows() -> None:
    """Each draw has B rows, whether told by row or by kind, and kinds without rows stay empty."""
    assert all(weights.sum() == 9 for weights in resampled_rows(9, draws=20, seed=0))
    counts = resampled_counts(np.array([5, 0, 4]), draws=200, seed=0)
    assert counts.shape == (200, 3)
    assert (counts.sum(axis=1) == 9).all()
    assert not counts[:, 1].any()
    assert counts[:, 0].mean() == pytest.approx(5, abs=0.4)


def test_resamples_of_a_block_are_those_drawn_one_by_one() -> None:
    """How many are drawn at once is a matter of speed: figures that were told before stay what they are."""
    for n_rows in (7, 40_000):
        generator = np.random.default_rng(3)
        one_by_one = [np.bincount(generator.integers(n_rows, size=n_rows), minlength=n_rows) for _ in range(5)]
        blocks = list(resampled_blocks(n_rows, draws=5, seed=3))
        assert [len(block) for block in blocks] == ([5] if n_rows == 7 else [1] * 5)
        assert np.array_equal(np.concatenate(blocks), one_by_one)
        assert np.array_equal(list(resampled_rows(n_rows, draws=5, seed=3)), one_by_one)


def test_no_rows_have_no_mean() -> None:
    """An empty array must be told, not become not-a-number."""
    with pytest.raises(ShapeError, match=r"values \(0,\)"):
        mean_interval(np.zeros(0), seed=0)
