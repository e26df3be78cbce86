"""Every strategy, enrolled by import, keeps its family's promises."""

from __future__ import annotations

import numpy as np
import pytest

from tunesmith.select.strategies import (
    DEFAULT,
    STRATEGIES,
    WITHOUT_MARGINS,
    Ints,
    Shortlist,
    Strategy,
    Vectors,
    load_strategy,
)

N_ROWS, N_CLUSTERS = 600, 6


@pytest.fixture(params=STRATEGIES.names())
def strategy(request: pytest.FixtureRequest) -> Strategy:
    """Each strategy."""
    return load_strategy(request.param)


def vectors() -> Vectors:
    """Six clusters of a hundred rows, of unit length, the first cluster's rows first."""
    random = np.random.default_rng(0)
    middles = np.repeat(np.eye(N_CLUSTERS, 8), N_ROWS // N_CLUSTERS, axis=0)
    found = middles + 0.05 * random.normal(size=middles.shape)
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


MARGINS = np.random.default_rng(1).permutation(np.linspace(0.0, 1.0, N_ROWS))


def chosen(strategy: Strategy, n: int, *, seed: int = 0, labelled: Vectors | None = None) -> Ints:
    """Rows as they are chosen of the six clusters, given no more than the strategy says it looks at."""
    margins = MARGINS if strategy.by_margins else None
    listed = strategy.shortlist(N_ROWS, margins, n, seed=seed)
    rows = Shortlist(
        margins=None if margins is None else margins[listed],
        features=vectors()[listed] if strategy.by_features else None,
        labelled=labelled if strategy.by_labelled else None,
    )
    found: Ints = listed[strategy.choose(rows, n, seed=seed)]
    return found


@pytest.mark.parametrize("n", [1, 20, N_ROWS])
def test_as_many_rows_as_are_wanted_and_none_twice(strategy: Strategy, n: int) -> None:
    """Up to all there are; the same again under the same seed."""
    found = chosen(strategy, n)
    assert len(found) == len(set(found.tolist())) == n
    assert set(found.tolist()) <= set(range(N_ROWS))
    np.testing.assert_array_equal(found, chosen(strategy, n))


def test_rows_that_are_all_alike_can_be_chosen(strategy: Strategy) -> None:
    """Of one text many times over, or of texts without a known word, and all answered with certainty."""
    rows = Shortlist(margins=np.ones(9), features=np.zeros((9, 4), np.float32), labelled=np.zeros((2, 4), np.float32))
    assert sorted(strategy.choose(rows, 9, seed=0).tolist()) == list(range(9))


def test_a_strategy_by_margins_prefers_unsure_rows(strategy: Strategy) -> None:
    """Those it takes are far below the middle; one that goes without them takes what comes."""
    mean = MARGINS[chosen(strategy, 6)].mean()
    assert mean < 0.25 if strategy.by_margins else 0.25 < mean < 0.75


def test_a_strategy_by_features_asks_every_cluster(strategy: Strategy) -> None:
    """With six rows of six clusters, though the least sure rows may lie together."""
    if strategy.by_features:
        clusters = chosen(strategy, N_CLUSTERS) // (N_ROWS // N_CLUSTERS)
        assert len(set(clusters.tolist())) == N_CLUSTERS


def test_a_strategy_by_labelled_rows_keeps_away_from_them(strategy: Strategy) -> None:
    """Where five of six clusters are labelled, it asks for the sixth."""
    if strategy.by_labelled:
        known = vectors()[: 5 * N_ROWS // N_CLUSTERS]
        first = [int(chosen(strategy, 1, seed=seed, labelled=known)[0]) for seed in range(10)]
        assert min(first) >= 5 * N_ROWS // N_CLUSTERS


def test_the_defaults_are_members() -> None:
    """One goes by margins, and the one that stands in for it without them does not."""
    assert load_strategy(DEFAULT).by_margins
    assert not load_strategy(WITHOUT_MARGINS).by_margins
