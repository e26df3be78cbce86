"""The gate: what it measures, and that planted faults do not pass it."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from tunesmith.bundle.encoder_model import EncoderModel
from tunesmith.compress.gate import Judged, judge, matched_calibration, refuse_loss
from tunesmith.compress.source import Both, Parent, Rows
from tunesmith.errors import GateError
from tunesmith.tasks import Calibration, Coding, load_task

LABELS = ("a", "b", "c", "d")
N_ROWS = 400
AS_IT_IS = Calibration()


def parent_of(task: str = "single_label", coding: Coding | None = None, **options: Any) -> Parent:
    """A parent whose model is never asked."""
    return Parent(cast("EncoderModel", None), load_task(task, options), coding or Coding(LABELS))


def rows_of(targets: NDArray[Any]) -> Rows:
    """Rows of which only the targets matter."""
    return Rows("rows.csv", fitted=[], held=["text"] * len(targets), targets=targets)


@pytest.fixture
def targets() -> NDArray[np.int64]:
    """As many rows of each label."""
    return np.arange(N_ROWS) % len(LABELS)


def right(targets: NDArray[np.int64], *, wrong: list[int] | None = None) -> NDArray[np.float32]:
    """Logits that answer all rows right but some, which get the next label."""
    answers = targets.copy()
    answers[wrong or []] = (answers[wrong or []] + 1) % len(LABELS)
    return (4.0 * np.eye(len(LABELS))[answers]).astype(np.float32)


def judged(targets: NDArray[np.int64], before: NDArray[np.float32], after: NDArray[np.float32]) -> Judged:
    """What the gate makes of two models."""
    return judge(parent_of(), rows_of(targets), Both(before, after), calibrations=(AS_IT_IS, AS_IT_IS))


def test_the_loss_is_in_points_and_paired(targets: NDArray[np.int64]) -> None:
    """Three rows of 400 turned wrong and one right: half a point, with an interval that holds it."""
    found = judged(targets, right(targets, wrong=[0]), right(targets, wrong=[1, 2, 3]))
    loss = found.figures["loss"]["accuracy"]
    assert loss["value"] == pytest.approx(0.5)
    assert -0.5 <= loss["low"] < 0.5 < loss["high"] < 2.0
    assert found.figures["agreement"]["value"] == pytest.approx(1 - 4 / 400)
    assert found.figures["figures"]["accuracy"]["before"]["value"] == pytest.approx(399 / 400)
    assert found.figures["figures"]["accuracy"]["after"]["value"] == pytest.approx(397 / 400)
    refuse_loss(found, parent_of(), max_loss=0.5, where="here")
    with pytest.raises(GateError, match=r"0\.50 points of accuracy") as caught:
        refuse_loss(found, parent_of(), max_loss=0.4, where="here")
    assert caught.value.code == "compressed-loses"
    assert "0.4 points" in str(caught.value)


def test_a_label_that_is_lost_does_not_pass(targets: NDArray[np.int64]) -> None:
    """Though every other row is right and the limit is wide: a student that never answers 'c'."""
    of_c = np.flatnonzero(targets == 2).tolist()
    found = judged(targets, right(targets), right(targets, wrong=of_c))
    assert found.lost_labels == ("c",)
    assert found.figures["worst_labels"][0] == {"label": "c", "rows": 100, "before": 100, "after": 0}
    with pytest.raises(GateError, match='"c"') as caught:
        refuse_loss(found, parent_of(), max_loss=50.0, where="here")
    assert caught.value.code == "label-lost"
    assert "found in 100, now in 0" in str(caught.value)


def test_a_label_that_loses_by_chance_passes(targets: NDArray[np.int64]) -> None:
    """Six rows of a hundred lost where two are gained: more than 5 points never, and no more than chance."""
    of_c = np.flatnonzero(targets == 2).tolist()
    found = judged(targets, right(targets, wrong=of_c[:2]), right(targets, wrong=of_c[2:8]))
    assert found.lost_labels == ()
    few = np.repeat(np.arange(4), 8)
    of_c = np.flatnonzero(few == 2).tolist()
    found = judged(few, right(few), right(few, wrong=of_c[:2]))  # 25 points of 8 rows are two rows
    assert found.lost_labels == ()


def test_what_is_not_a_number_does_not_pass(targets: NDArray[np.int64]) -> None:
    """A loss that cannot be compared with the limit is above it."""
    found = judged(targets, right(targets), right(targets))
    found.figures["loss"]["accuracy"]["value"] = float("nan")
    with pytest.raises(GateError, match="nan points"):
        refuse_loss(found, parent_of(), max_loss=100.0, where="here")


def test_labels_are_lost_one_by_one_where_a_row_has_several() -> None:
    """A row keeps its other label."""
    targets = np.tile(np.array([[1, 0, 1], [0, 1, 1]], dtype=np.uint8), (50, 1))
    before = np.where(targets > 0, 3.0, -3.0).astype(np.float32)
    after = before.copy()
    after[:, 1] = -3.0
    thresholds = Calibration(1.0, (0.5, 0.5, 0.5))
    parent = parent_of("multi_label", Coding(("a", "b", "c")), separator=",")
    found = judge(parent, rows_of(targets), Both(before, after), calibrations=(thresholds, thresholds))
    assert found.lost_labels == ("b",)
    assert found.figures["loss"]["micro_f1"]["value"] > 10


def test_numbers_have_a_loss_and_no_labels() -> None:
    """Points of rank correlation; nothing is agreed on and nothing is lost."""
    random = np.random.default_rng(0)
    targets = random.normal(size=200).astype(np.float32)
    before = targets[:, None] + 0.01 * random.normal(size=(200, 1)).astype(np.float32)
    after = targets[:, None] + random.normal(size=(200, 1)).astype(np.float32)
    found = judge(
        parent_of("score", Coding()), rows_of(targets), Both(before, after), calibrations=(AS_IT_IS, AS_IT_IS)
    )
    assert found.figures["agreement"] is None
    assert found.lost_labels == ()
    assert found.figures["loss"]["spearman"]["value"] > 10
    assert matched_calibration(parent_of("score", Coding()), AS_IT_IS, Both(before, after)) is AS_IT_IS


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_the_temperature_makes_it_as_sure_as_its_parent(targets: NDArray[np.int64], factor: float) -> None:
    """Logits that are so many times larger are divided by as much more, whatever the labels say."""
    before = np.random.default_rng(0).normal(size=(N_ROWS, 4)).astype(np.float32)
    found = matched_calibration(parent_of(), Calibration(1.7), Both(before, factor * before))
    assert found.temperature == pytest.approx(1.7 * factor, rel=1e-3)
