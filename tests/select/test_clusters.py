"""Rows spread over a space: far apart by their chances, and the middles of clusters."""

from __future__ import annotations

import numpy as np
import pytest

from tunesmith.select.strategies import Shortlist, _clusters, both
from tunesmith.select.strategies._clusters import far_apart, middles


def test_rows_are_drawn_by_their_squared_distance() -> None:
    """Of two rows, one twice as far from what is known is drawn four times as often; weights are factors on that."""
    known = np.zeros((1, 2), np.float32)
    rows = np.array([[1.0, 0.0], [0.0, 2.0]], np.float32)
    for weights, expected in (([1.0, 1.0], 0.8), ([4.0, 1.0], 0.5)):
        drawn = [far_apart(rows, 1, weights=np.array(weights), others=known, seed=seed)[0] for seed in range(2000)]
        assert abs(np.mean(drawn) - expected) < 0.04


def test_distances_are_the_same_slab_by_slab(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows and labelled rows beyond the first slab count as well."""
    random = np.random.default_rng(0)
    rows, known = random.normal(size=(50, 3)).astype(np.float32), random.normal(size=(40, 3)).astype(np.float32)
    exact = ((rows[:, None] - known[None]) ** 2).sum(axis=2).min(axis=1)
    monkeypatch.setattr(_clusters, "_SLAB", 7)
    nearest, distances = _clusters._nearest(rows, known)
    np.testing.assert_allclose(distances, exact, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(nearest, ((rows[:, None] - known[None]) ** 2).sum(axis=2).argmin(axis=1))


def test_middles_are_the_same_slab_by_slab(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few distances are held at once; no row stands for two clusters."""
    rows = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    whole = middles(rows, 20, weights=np.ones(50), seed=0)
    monkeypatch.setattr(_clusters, "_SLAB", 7)
    monkeypatch.setattr(_clusters, "_FEW_CENTRES", 3)
    np.testing.assert_array_equal(middles(rows, 20, weights=np.ones(50), seed=0), whole)
    assert len(set(whole)) == 20


def test_no_row_stands_for_two_centres_of_different_slabs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Centres that coincide take the rows around them, the nearest first."""
    rows = np.arange(8, dtype=np.float32)[:, None]
    monkeypatch.setattr(_clusters, "_FEW_CENTRES", 3)
    assert _clusters._nearest_rows(rows, np.zeros((6, 1), np.float32)).tolist() == [0, 1, 2, 3, 4, 5]


def test_where_all_rows_are_wanted_the_least_sure_come_first() -> None:
    """Nothing is clustered: that would take the square of their number."""
    margins = np.array([0.3, 0.1, 0.2])
    found = both.build(both.Options()).choose(Shortlist(margins, np.eye(3, dtype=np.float32), None), 3, seed=0)
    assert found.tolist() == [1, 2, 0]


def test_a_heavy_row_pulls_the_middle() -> None:
    """The centre lies where the weight does, so another row is nearest to it; heavy clusters come first."""
    rows = np.array([[0.0, 0.0], [0.4, 0.0], [1.0, 0.0], [9.0, 9.0]], np.float32)
    assert middles(rows, 2, weights=np.ones(4), seed=0).tolist() == [1, 3]
    assert middles(rows, 2, weights=np.array([1.0, 1.0, 50.0, 1.0]), seed=0).tolist() == [2, 3]
    assert middles(rows, 2, weights=np.array([1.0, 1.0, 1.0, 50.0]), seed=0).tolist() == [3, 1]
