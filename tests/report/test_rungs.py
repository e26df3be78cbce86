"""The table of rungs: whom each was compared with, what is proven, and what it cost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.report.made_up import labels, outcome

from tunesmith.ladder.stop import Comparison
from tunesmith.report.paradigm.compared import compared
from tunesmith.report.rungs import rung_lines
from tunesmith.tasks import load_task
from tunesmith.types import Interval


@pytest.mark.parametrize("kept_before", ["linear", "probe"])
def test_each_rung_is_held_against_the_one_kept_before_it(kept_before: str) -> None:
    """As the climb says, which where rows are few keeps a rung that is worse on those held out."""
    found = outcome("linear", "probe", "finetune", names=labels(12))
    linear, probe, finetune = found.landings
    worse = replace(probe, objective=linear.objective - 0.05)
    gains = {
        "probe": Comparison(Interval(-5.0, -6.0, -4.0), 1e-5, over="linear"),
        "finetune": Comparison(Interval(9.0, 8.0, 10.0), 1e-9, over=kept_before),
    }
    found = replace(found, landings=(linear, worse, finetune), comparisons=gains)
    lines = rung_lines(found, metric="accuracy", usual="accuracy")
    assert [line.gain.over if line.gain else None for line in lines] == [None, "linear", kept_before]
    assert [line.gain.verdict for line in lines if line.gain] == ["proven worse", "proven better"]
    assert [line.kept for line in lines] == [False, False, True]
    told = compared(found, load_task("single_label"), objective="accuracy", seed=0)["comparisons"]
    assert isinstance(told, list)
    assert ("finetune", kept_before, 9.0) in [(each["rung"], each["over"], each["gain"]["value"]) for each in told]


def test_what_was_not_counted_is_none() -> None:
    """No operations counted is not the same as no operations."""
    lines = rung_lines(outcome("linear", "probe", names=labels(4)), metric="accuracy", usual="accuracy")
    assert lines[0].tflop is None
    assert lines[1].tflop == 3.47


def test_decisions_are_told_and_the_curve_is_not() -> None:
    """Numbers and words that a rung decided become phrases; long lists have their own place."""
    probe, finetune = rung_lines(outcome("probe", "finetune", names=labels(4)), metric="accuracy", usual="accuracy")
    assert probe.notes == ("pooling: mean", "l2: 0.0001")
    assert "epochs: 2" in finetune.notes
    assert not [note for note in finetune.notes if "curve" in note]
    averaged = replace(outcome("probe", names=labels(4)).landings[0], facts={"averaged": True}, notes=("by hand",))
    found = replace(outcome("probe", names=labels(4)), landings=(averaged,))
    assert rung_lines(found, metric="accuracy", usual="accuracy")[0].notes == ("averaged: yes", "by hand")


def test_the_score_is_the_figure_that_chooses() -> None:
    """With another objective the score differs from the accuracy, and both are there."""
    (line,) = rung_lines(outcome("probe", names=labels(12)), metric="macro_f1", usual="accuracy")
    assert line.score is not None
    assert line.beside is not None
    assert line.score.value != line.beside.value
