"""Two models on the same rows."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest

from tunesmith.errors import ShapeError
from tunesmith.evaluate.metrics import macro_f1
from tunesmith.evaluate.paired import (
    holm,
    mcnemar,
    paired_gain,
    paired_macro_f1_gain,
    paired_macro_f1_p,
    paired_score_gain,
)


def two_models(n_rows: int, *, only_a: int, only_b: int, both: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Rows that A alone, B alone, or both answer right."""
    right_a, right_b = np.zeros(n_rows, bool), np.zeros(n_rows, bool)
    right_a[: only_a + both] = True
    right_b[only_a : only_a + both + only_b] = True
    return right_a, right_b


def test_a_model_gains_nothing_over_itself() -> None:
    """The same answers: no gain, and no doubt about it."""
    right, _ = two_models(100, only_a=0, only_b=0, both=70)
    gain = paired_gain(right, right, seed=0)
    assert (gain.value, gain.low, gain.high) == (0.0, 0.0, 0.0)
    assert mcnemar(right, right) == 1.0


def test_the_gain_is_of_b_over_a() -> None:
    """30 rows of 1,000 gained and 10 lost: 2 points, with the interval of normal theory at 90 %."""
    right_a, right_b = two_models(1000, only_a=10, only_b=30, both=800)
    gain = paired_gain(right_a, right_b, seed=0, draws=4000)
    assert gain.value == pytest.approx(0.02)
    half = 1.645 * np.std(right_b.astype(float) - right_a) / np.sqrt(1000)
    np.testing.assert_allclose([gain.low, gain.high], [0.02 - half, 0.02 + half], atol=0.1 * half)
    back = paired_gain(right_b, right_a, seed=0, draws=4000)
    assert (back.value, back.low, back.high) == pytest.approx((-gain.value, -gain.high, -gain.low), abs=2e-3)


def test_pairing_is_what_makes_small_gains_visible() -> None:
    """Models that agree on most rows must have a far narrower interval than the same scores on other rows."""
    right_a, right_b = two_models(1000, only_a=0, only_b=10, both=500)
    paired = paired_gain(right_a, right_b, seed=0)
    unpaired = paired_gain(right_a, np.random.default_rng(0).permutation(right_b), seed=0)
    assert paired.high - paired.low < 0.3 * (unpaired.high - unpaired.low)


def test_any_score_of_a_row_can_be_compared() -> None:
    """Log losses, negated, gain where B's are lower."""
    losses = np.random.default_rng(0).exponential(size=500)
    gain = paired_score_gain(-losses, -losses + 0.1, seed=0)
    assert (gain.value, gain.low, gain.high) == pytest.approx((0.1, 0.1, 0.1))


def test_the_gain_in_macro_f1_is_the_difference_of_both() -> None:
    """Its interval must be that of drawing rows one by one."""
    generator = np.random.default_rng(0)
    targets = generator.choice(3, size=300, p=[0.8, 0.15, 0.05])
    predicted_a = np.where(generator.random(300) < 0.7, targets, 0)
    predicted_b = np.where(generator.random(300) < 0.2, targets, predicted_a)
    gain = paired_macro_f1_gain(targets, predicted_a, predicted_b, n_classes=3, seed=0, draws=3000)
    assert gain.value == pytest.approx(macro_f1(targets, predicted_b, 3) - macro_f1(targets, predicted_a, 3))
    slow = []
    for _ in range(3000):
        rows = generator.integers(300, size=300)
        drawn = targets[rows]
        slow.append(macro_f1(drawn, predicted_b[rows], 3) - macro_f1(drawn, predicted_a[rows], 3))
    ends = np.quantile(slow, [0.05, 0.95])
    np.testing.assert_allclose([gain.low, gain.high], ends, atol=0.1 * (ends[1] - ends[0]))


def test_the_gain_in_macro_f1_does_not_fade_where_rows_a_class_are_few() -> None:
    """Classes that a resample lacks must not pull both models' figures down, and their difference with them."""
    targets = np.arange(200) % 100
    predicted_a = np.where(np.arange(200) % 10, targets, (targets + 1) % 100)
    gain = paired_macro_f1_gain(targets, predicted_a, targets, n_classes=100, seed=0)
    assert gain.value == pytest.approx(1 - macro_f1(targets, predicted_a, 100))
    assert gain.low < 0.85 * gain.value
    assert gain.high > 1.15 * gain.value
    more = paired_macro_f1_gain(targets, predicted_a, targets, n_classes=150, seed=0)
    assert (more.value, more.low, more.high) == pytest.approx((gain.value, gain.low, gain.high), abs=1e-12)
    args = {"seed": 0, "draws": 200}
    p_value = paired_macro_f1_p(targets, predicted_a, targets, n_classes=100, **args)
    assert paired_macro_f1_p(targets, predicted_a, targets, n_classes=150, **args) == p_value


@pytest.mark.parametrize(
    ("only_a", "only_b"), [(0, 0), (0, 1), (1, 1), (0, 5), (3, 12), (12, 3), (40, 60), (400, 500), (9000, 9400)]
)
def test_mcnemar_is_the_exact_binomial_test(only_a: int, only_b: int) -> None:
    """Equal to scipy's two-sided test of a fair coin, however many rows."""
    right_a, right_b = two_models(20000, only_a=only_a, only_b=only_b, both=100)
    expected = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert mcnemar(right_a, right_b) == pytest.approx(expected, rel=1e-9)
    assert mcnemar(right_a, right_b) == mcnemar(right_b, right_a)


def test_other_rows_are_refused() -> None:
    """Different numbers of rows cannot be the same rows; none prove nothing."""
    with pytest.raises(ShapeError, match=r"\(3,\) and \(2,\)"):
        paired_gain(np.ones(3, bool), np.ones(2, bool), seed=0)
    with pytest.raises(ShapeError, match=r"\(0,\) and \(0,\)"):
        mcnemar(np.ones(0, bool), np.ones(0, bool))
    with pytest.raises(ShapeError, match=r"targets \(3,\), predicted \(2,\)"):
        paired_macro_f1_gain(np.zeros(3, int), np.zeros(3, int), np.zeros(2, int), n_classes=2, seed=0)


def test_the_p_of_macro_f1_is_that_of_exchanging_answers_row_by_row() -> None:
    """Counted by kinds of rows, it must agree with doing it the long way; in either order of the models."""
    generator = np.random.default_rng(1)
    targets = generator.choice(3, size=200, p=[0.8, 0.15, 0.05])
    predicted_a = np.where(generator.random(200) < 0.7, targets, 0)
    predicted_b = np.where(generator.random(200) < 0.6, targets, predicted_a)
    p = paired_macro_f1_p(targets, predicted_a, predicted_b, n_classes=3, seed=0, draws=4000)
    apart = abs(macro_f1(targets, predicted_b, 3) - macro_f1(targets, predicted_a, 3))
    n_as_far = 0
    for _ in range(1000):
        exchange = generator.random(200) < 0.5
        one = macro_f1(targets, np.where(exchange, predicted_b, predicted_a), 3)
        other = macro_f1(targets, np.where(exchange, predicted_a, predicted_b), 3)
        n_as_far += abs(one - other) >= apart - 1e-12
    assert 0.002 < p < 0.5, "too plain a case shows nothing"
    assert p == pytest.approx(n_as_far / 1000, abs=0.04)
    assert p == pytest.approx(paired_macro_f1_p(targets, predicted_b, predicted_a, n_classes=3, seed=1), abs=0.03)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([0.01, 0.02, 0.03, 0.04, 0.05], [0.05, 0.08, 0.09, 0.09, 0.09]),
        ([0.6, 0.001, 0.6], [1.0, 0.003, 1.0]),
        ([0.04], [0.04]),
        ([], []),
    ],
)
def test_several_p_values_are_adjusted(given: list[float], expected: list[float]) -> None:
    """As R's ``p.adjust(p, "holm")`` does; in whatever order they come."""
    assert holm(given) == pytest.approx(expected)
    assert holm(given[::-1]) == pytest.approx(expected[::-1])
