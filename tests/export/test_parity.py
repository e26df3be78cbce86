"""Comparing answers: what is measured, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.export.tiny_models import tiny_model

from tunesmith.errors import ArtifactError
from tunesmith.evaluate.calibration import softmax
from tunesmith.export.parity import Said, differences, divergence, found_of, refuse_difference
from tunesmith.export.source import Model
from tunesmith.export.targets import Answers

LOGITS = np.array([[4.0, 0.0, 1.0], [0.0, 20.0, 1.0], [1.0, 0.0, 3.0]])
TEXTS = ["one", "two", "three"]
ROWS = np.arange(3)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """With three labels."""
    return tiny_model(tmp_path_factory.mktemp("base"))


class Fixed:
    """A peer that says what it is told to.

    Args:
        answers: What.
    """

    runtime = "none"

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def answers(self, texts: Any) -> Answers:
        """Say it."""
        del texts
        return self._answers


def said(model: Model, logits: NDArray[np.float64], /, **changes: Any) -> Said:
    """What a peer says that gives these logits."""
    answers = Answers(model.labels, logits.astype(np.float32), softmax(logits).astype(np.float32))
    peer = Fixed(replace(answers, **changes))
    return found_of(peer, model, TEXTS, labels=model.labels, where="the export")


def test_the_largest_difference_is_told(model: Model) -> None:
    """Of each kind, and the share of texts with the same label; None for what is not there."""
    spoilt = LOGITS + np.array([[0.0, 0.25, 0.0], [0.0, 0.0, 0.0], [3.0, 0.0, 0.0]])
    told = differences(model, said(model, LOGITS), said(model, spoilt), rows=ROWS)
    assert told["logits"] == pytest.approx(3.0)
    assert told["probabilities"] == pytest.approx(np.abs(softmax(spoilt) - softmax(LOGITS)).max(), abs=1e-6)
    assert told["agreement"] == pytest.approx(2 / 3)
    assert told["vectors"] is told["values"] is None
    assert differences(model, said(model, LOGITS), said(model, spoilt), rows=ROWS[1:2])["logits"] == 0.0


def test_probabilities_alone_will_do(model: Model) -> None:
    """They have their logits in them, but for a constant a row."""
    found = said(model, LOGITS, logits=None)
    told = differences(model, said(model, LOGITS), found, rows=ROWS)
    assert told["agreement"] == 1.0
    assert told["probabilities"] < 1e-6


def test_numbers_are_compared_in_their_unit(tmp_path: Path) -> None:
    """Five off is much where they spread by 12.5; there is no label to be the same."""
    model = tiny_model(tmp_path, task="score")
    values = np.array([[30.0], [55.0], [10.0]])
    ours, theirs = (
        found_of(Fixed(Answers((), logits=some.astype(np.float32))), model, TEXTS, labels=(), where="x")
        for some in (values, values + np.array([[0], [5], [0]]))
    )
    told = differences(model, ours, theirs, rows=ROWS)
    assert (told["values"], told["logits"], told["probabilities"], told["agreement"]) == (5.0, None, None, None)
    assert divergence(model, ours, theirs) == pytest.approx((5 / 12.5) ** 2 / 2 / 3)
    refuse_difference(told, {"values": 0.41}, model, expected=ours, where="x")
    with pytest.raises(ArtifactError, match="difference of values"):
        refuse_difference(told, {"values": 0.39}, model, expected=ours, where="x")


@pytest.mark.parametrize("labels", [("card", "delivery", "weather"), ("delivery", "card", "refund"), ()])
def test_other_labels_are_refused(labels: tuple[str, ...], model: Model) -> None:
    """And those in another order, whose answers are not the same."""
    with pytest.raises(ArtifactError, match="the same labels in the same order") as caught:
        said(model, LOGITS, labels=labels)
    assert caught.value.code == "export-differs"


@pytest.mark.parametrize(
    ("tolerance", "logits", "passes"),
    [
        ({"logits": 1e-4}, LOGITS + 1e-3, True),  # a share of the largest logit, 20
        ({"logits": 1e-4}, LOGITS + 3e-3 * np.eye(3), False),
        ({"probabilities": 1e-4}, LOGITS + 3e-3 * np.eye(3), False),
        ({"logits": 1e-4}, LOGITS * np.nan, False),
        ({"vectors": 1e-4}, LOGITS, False),
        ({"values": 1e-4}, LOGITS + 5.0, True),
        ({}, LOGITS + 5.0, True),
    ],
)
def test_too_large_a_difference_is_refused(
    tolerance: Mapping[str, float], logits: NDArray[np.float64], passes: bool, model: Model
) -> None:
    """Neither NaN nor an answer that is missing passes."""
    expected = said(model, LOGITS)
    told = differences(model, expected, said(model, logits), rows=ROWS)
    if passes:
        refuse_difference(told, tolerance, model, expected=expected, where="x")
        return
    with pytest.raises(ArtifactError, match="largest difference of") as caught:
        refuse_difference(told, tolerance, model, expected=expected, where="x")
    assert caught.value.code == "export-differs"


def test_divergence_is_that_of_its_formula(model: Model) -> None:
    """Worked by hand for two classes; no answer, however sure, makes it infinite."""
    ours, theirs = np.log([[0.75, 0.25, 1e-30]]), np.log([[0.5, 0.5, 1e-30]])
    wanted = 0.75 * np.log(1.5) + 0.25 * np.log(0.5)
    assert divergence(model, said(model, ours), said(model, theirs)) == pytest.approx(wanted, abs=1e-6)
    sure = said(model, np.array([[0.0, -5000.0, 0.0]]), logits=None)
    assert np.isfinite(divergence(model, said(model, np.zeros((1, 3))), sure))
