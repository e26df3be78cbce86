"""Comparing answers: what is measured, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from tunesmith.errors import ArtifactError
from tunesmith.evaluate.calibration import softmax
from tunesmith.export.parity import Expected, differences, divergence, in_our_order, refuse_difference
from tunesmith.export.targets import Answers

LABELS = ("a", "b", "c")
LOGITS = np.array([[4.0, 0.0, 1.0], [0.0, 20.0, 1.0], [1.0, 0.0, 3.0]])
ROWS = np.arange(3)


@pytest.fixture
def expected() -> Expected:
    """Three texts."""
    return Expected(LOGITS, np.ones(3, dtype=np.int64), None)


def found(logits: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> Answers:
    """A peer's answers."""
    return Answers(LABELS, logits.astype(np.float32), softmax(logits).astype(np.float32))


def test_the_largest_difference_is_told(expected: Expected) -> None:
    """Of each kind, and the share of texts with the same label; None for what is not there."""
    spoilt = LOGITS + np.array([[0.0, 0.25, 0.0], [0.0, 0.0, 0.0], [3.0, 0.0, 0.0]])
    told = differences(expected, found(spoilt), ROWS)
    assert told["logits"] == pytest.approx(3.0)
    assert told["probabilities"] == pytest.approx(np.abs(softmax(spoilt) - softmax(LOGITS)).max(), abs=1e-6)
    assert told["agreement"] == pytest.approx(2 / 3)
    assert told["vectors"] is None
    assert differences(expected, found(spoilt), ROWS[1:2])["logits"] == 0.0


def test_columns_are_brought_into_order(expected: Expected) -> None:
    """By the peer's own names of them; swapped names are another answer."""
    turned = Answers(LABELS[::-1], LOGITS[:, ::-1].astype(np.float32), softmax(LOGITS)[:, ::-1].astype(np.float32))
    told = differences(expected, in_our_order(turned, LABELS, where="x"), ROWS)
    assert told["logits"] == 0.0
    swapped = Answers(("b", "a", "c"), LOGITS.astype(np.float32), softmax(LOGITS).astype(np.float32))
    assert differences(expected, in_our_order(swapped, LABELS, where="x"), ROWS)["logits"] == 20.0


def test_other_labels_are_refused() -> None:
    """With those that are not in both."""
    with pytest.raises(ArtifactError, match="c, d") as caught:
        in_our_order(Answers(("a", "b", "d")), LABELS, where="the export")
    assert caught.value.code == "export-differs"


@pytest.mark.parametrize(
    ("tolerance", "logits", "passes"),
    [
        ({"logits": 1e-4}, LOGITS + 1e-3, True),  # a share of the largest logit, 20
        ({"logits": 1e-4}, LOGITS + 3e-3 * np.eye(3), False),
        ({"probabilities": 1e-4}, LOGITS + 3e-3 * np.eye(3), False),
        ({"logits": 1e-4}, LOGITS * np.nan, False),
        ({"vectors": 1e-4}, LOGITS, False),
        ({}, LOGITS + 5.0, True),
    ],
)
def test_too_large_a_difference_is_refused(
    tolerance: Mapping[str, float],
    logits: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    passes: bool,
    expected: Expected,
) -> None:
    """Neither NaN nor an answer that is missing passes."""
    told = differences(expected, found(logits), ROWS)
    if passes:
        refuse_difference(told, tolerance, expected, where="x")
        return
    with pytest.raises(ArtifactError, match="largest difference of") as caught:
        refuse_difference(told, tolerance, expected, where="x")
    assert caught.value.code == "export-differs"


def test_divergence_is_that_of_its_formula() -> None:
    """Worked by hand for two classes; no answer, however sure, makes it infinite."""
    ours, theirs = np.log([[0.75, 0.25]]), np.log([[0.5, 0.5]])
    assert divergence(ours, theirs) == pytest.approx(0.75 * np.log(1.5) + 0.25 * np.log(0.5))
    assert np.isfinite(divergence(np.zeros((1, 2)), np.array([[0.0, -5000.0]])))
