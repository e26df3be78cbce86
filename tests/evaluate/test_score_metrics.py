"""Metrics of numbers are those of scipy and scikit-learn, and their intervals hold what they should."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics as reference

from tunesmith.errors import ShapeError
from tunesmith.evaluate.score_metrics import correlation, correlation_gain, score_metrics

Floats = NDArray[np.float64]


def rows(n_rows: int = 200, *, noise: float = 0.7, seed: int = 0, decimals: int = 1) -> tuple[Floats, Floats]:
    """Numbers with many ties, and answers that are about right."""
    generator = np.random.default_rng(seed)
    targets = generator.normal(size=n_rows).round(decimals)
    return targets, (targets + noise * generator.normal(size=n_rows)).round(decimals)


def test_figures_are_those_of_scipy_and_scikit_learn() -> None:
    """With ties on both sides."""
    targets, answers = rows()
    found = score_metrics(targets, answers, seed=0, draws=20)
    expected = {
        "spearman": stats.spearmanr(targets, answers)[0],
        "pearson": stats.pearsonr(targets, answers)[0],
        "r2": reference.r2_score(targets, answers),
        "mae": reference.mean_absolute_error(targets, answers),
        "rmse": reference.root_mean_squared_error(targets, answers),
    }
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name]["value"] == pytest.approx(value, rel=1e-9), name


def test_an_interval_is_that_of_resampled_rows() -> None:
    """Counting how often each row is drawn gives what ranking the drawn rows anew would."""
    targets, answers = rows(120)
    generator = np.random.default_rng(5)
    drawn = [generator.integers(120, size=120) for _ in range(2000)]
    by_hand = np.quantile([stats.spearmanr(targets[each], answers[each])[0] for each in drawn], [0.025, 0.975])
    found = score_metrics(targets, answers, seed=0, draws=2000)["spearman"]
    assert [found["low"], found["high"]] == pytest.approx(by_hand, abs=0.02)


@pytest.mark.parametrize("name", ["spearman", "pearson", "r2"])
def test_a_gain_is_proven_only_where_there_is_one(name: str) -> None:
    """A better model is found; two models that differ by chance alone are told apart once in twenty."""
    targets, good = rows(300, noise=0.4, seed=1)
    _, other = rows(300, noise=0.4, seed=1)
    bad = targets + np.random.default_rng(2).normal(size=300)
    found = correlation_gain(name, targets, before=bad, after=good, level=0.9, seed=0, draws=200)
    assert found.interval.low > 0.0
    assert found.p_value < 0.01
    assert correlation_gain(name, targets, before=good, after=other, level=0.9, seed=0, draws=50).p_value == 1.0
    p_values = []
    for seed in range(40):
        generator = np.random.default_rng(seed)
        one, two = (targets + 0.5 * generator.normal(size=300) for _ in range(2))
        p_values.append(correlation_gain(name, targets, before=one, after=two, level=0.9, seed=0, draws=2).p_value)
    assert sum(p_value < 0.05 for p_value in p_values) <= 7
    assert 0.25 < np.mean(p_values) < 0.75


def test_what_never_changes_has_no_correlation() -> None:
    """Nothing is divided by nothing."""
    same = np.ones(5)
    assert correlation("spearman", np.arange(5.0), same) == 0.0
    assert correlation("pearson", same, np.arange(5.0)) == 0.0
    assert correlation("r2", same, same) == 0.0


def test_misfits_are_refused() -> None:
    """Axes that differ, no rows, and numbers that are none."""
    for targets, answers in (([1.0], [1.0, 2.0]), ([], []), ([1.0, np.nan], [1.0, 2.0])):
        with pytest.raises(ShapeError, match="rows"):
            score_metrics(np.array(targets), np.array(answers), seed=0)
