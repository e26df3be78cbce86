"""Calibration: one temperature, and the error that is left."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tunesmith.errors import ShapeError
from tunesmith.evaluate.calibration import (
    HIGHEST_TEMPERATURE,
    LOWEST_TEMPERATURE,
    apply_temperature,
    cross_fitted_ece,
    cross_fitted_probabilities,
    ece,
    fit_temperature,
    mean_gap,
    mean_gaps,
    softmax,
)


def rows(n_rows: int, n_classes: int, *, temperature: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits, and targets drawn with the probabilities they mean at a temperature."""
    generator = np.random.default_rng(0)
    logits = generator.normal(scale=4.0, size=(n_rows, n_classes))
    noise = generator.gumbel(size=logits.shape)
    return logits, (logits / temperature + noise).argmax(axis=1)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5, 8.0])
@pytest.mark.parametrize("n_classes", [2, 20])
def test_the_temperature_that_made_the_rows_is_found(temperature: float, n_classes: int) -> None:
    """Fitting must find within 10 % what the targets were drawn with."""
    logits, targets = rows(4000, n_classes, temperature=temperature)
    assert fit_temperature(logits, targets) == pytest.approx(temperature, rel=0.1)


def test_no_other_temperature_has_a_lower_loss() -> None:
    """The fitted one is the minimum of the log loss with one row's evidence spread over all classes."""
    logits, targets = rows(300, 5, temperature=1.7)
    fitted = fit_temperature(logits, targets)

    def loss(temperature: float) -> float:
        log_probabilities = np.log(apply_temperature(logits, temperature))
        return float(-log_probabilities[np.arange(300), targets].sum() - log_probabilities.mean())

    assert loss(fitted) < min(loss(fitted * 1.001), loss(fitted / 1.001))


def test_the_unit_of_the_logits_does_not_matter() -> None:
    """Logits ten times as large want a temperature ten times as high, and mean the same."""
    logits, targets = rows(200, 3, temperature=0.6)
    once, tenfold = fit_temperature(logits, targets), fit_temperature(10 * logits, targets)
    assert tenfold == pytest.approx(10 * once, rel=1e-6)
    assert fit_temperature(logits + 1000.0, targets) == pytest.approx(once, rel=1e-6)


def test_rows_that_are_all_right_do_not_ask_for_certainty() -> None:
    """Fifty right answers are no proof of infallibility: the fitted probability must stay below 99.9 %."""
    logits = np.tile([2.0, 0.0, 0.0], (50, 1))
    fitted = fit_temperature(logits, np.zeros(50, int))
    assert 0.97 < apply_temperature(logits, fitted)[0, 0] < 0.999


def test_temperatures_stay_in_bounds() -> None:
    """Answers worse than chance end at the upper bound, tiny logits that are right at the lower."""
    logits, _ = rows(100, 3, temperature=1.0)
    assert fit_temperature(logits, logits.argmin(axis=1)) == HIGHEST_TEMPERATURE
    assert fit_temperature(logits * 1e-6, logits.argmax(axis=1)) == LOWEST_TEMPERATURE
    assert fit_temperature(np.full((4, 3), 7.0), np.array([0, 1, 2, 0])) == 1.0  # nothing to scale


def test_the_answer_stays() -> None:
    """Calibration changes how sure an answer is, never which it is."""
    logits, _ = rows(2000, 10, temperature=1.0)
    for temperature in (0.05, 0.7, 20.0):
        assert (apply_temperature(logits, temperature).argmax(axis=1) == logits.argmax(axis=1)).all()


def test_softmax_is_safe_and_leaves_its_input() -> None:
    """Logits of any size give numbers that sum to one."""
    logits = np.array([[1e4, -1e4, 0.0], [-1e30, -1e30, -1e30]], dtype=np.float32)
    before = logits.copy()
    probabilities = softmax(logits)
    assert probabilities.dtype == np.float64
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-15)
    np.testing.assert_array_equal(logits, before)


def test_the_error_is_that_of_equal_bins() -> None:
    """Bins of equally many rows, cut in the order of confidence, weighed by their rows."""
    logits, _ = rows(1000, 4, temperature=1.0)
    probabilities = softmax(logits)
    targets = probabilities.argmax(axis=1) + (np.random.default_rng(1).random(1000) < 0.3)  # however sure it was
    targets %= 4
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == targets
    order = np.argsort(confidence)
    by_hand = sum(len(part) * abs(confidence[part].mean() - right[part].mean()) for part in np.array_split(order, 10))
    assert ece(targets, probabilities, bins=10) == pytest.approx(by_hand / 1000, abs=1e-12)


def test_the_error_of_fewer_rows_than_bins() -> None:
    """Each row is its own bin: 0.2 off when right, 0.6 when wrong."""
    probabilities = np.array([[0.8, 0.2], [0.4, 0.6]])
    assert ece(np.array([0, 0]), probabilities) == pytest.approx((0.2 + 0.6) / 2)


def test_calibration_lowers_the_error_of_unseen_rows() -> None:
    """Overconfident logits must come out close to calibrated, measured on rows the temperature was not fitted on."""
    logits, targets = rows(3000, 10, temperature=3.0)
    assert ece(targets, softmax(logits)) > 0.1
    assert cross_fitted_ece(logits, targets, folds=5, seed=0) < 0.03


def test_no_row_sees_its_own_target() -> None:
    """Changing a row's target must leave its own calibrated probabilities alone and change those of others."""
    logits, targets = rows(60, 3, temperature=1.0)
    changed = targets.copy()
    changed[7] = (changed[7] + 1) % 3
    before, after = (cross_fitted_probabilities(logits, each, folds=4, seed=0) for each in (targets, changed))
    same = (before == after).all(axis=1)
    assert same[7]
    assert same.sum() == 15


def test_a_lone_row_can_be_calibrated() -> None:
    """With nothing to fit on the temperature is 1."""
    logits = np.array([[1.0, 0.0]])
    np.testing.assert_array_equal(cross_fitted_probabilities(logits, np.array([0]), seed=0), softmax(logits))


def test_misfits_are_refused() -> None:
    """Shapes, classes and numbers that cannot be must be told."""
    with pytest.raises(ShapeError, match=r"targets \(2,\), outputs \(3, 2\)"):
        fit_temperature(np.zeros((3, 2)), np.array([0, 1]))
    with pytest.raises(ShapeError, match=r"targets \(0,\), outputs \(0, 2\)"):
        fit_temperature(np.zeros((0, 2)), np.zeros(0, int))
    with pytest.raises(ShapeError, match="2 classes: targets lie in 0 to 2"):
        ece(np.array([0, 2]), np.full((2, 2), 0.5))
    with pytest.raises(ShapeError, match="1 rows hold a number that is not finite"):
        fit_temperature(np.array([[0.0, np.inf], [0.0, 1.0]]), np.array([0, 1]))


def test_many_rows_of_gaps_have_the_error_of_each() -> None:
    """With more rows than bins, and with fewer."""
    for n_rows in (40, 7):
        gaps = np.random.default_rng(n_rows).normal(size=(5, n_rows))
        assert mean_gaps(gaps).tolist() == pytest.approx([mean_gap(each) for each in gaps], rel=1e-12)
        assert mean_gap(gaps[0], bins=1) == pytest.approx(abs(gaps[0].mean()))
