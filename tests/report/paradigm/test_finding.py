"""Which step a problem needs: every case, told from paired comparisons alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.report.paradigm.climbs import climb

from tunesmith.report.paradigm.climbed import Climbed, Step, Versus
from tunesmith.report.paradigm.cost import COSTS, totals
from tunesmith.report.paradigm.finding import MATTERS_POINTS, Finding, find
from tunesmith.types import Interval

_PROVEN, _UNPROVEN = 0.001, 0.4


def _made(scores: dict[str, float], kept: str, *comparisons: tuple[str, str, float, float, float]) -> Climbed:
    """Steps of rising cost, and comparisons as step, over, gain, upper end, p."""
    steps = tuple(
        Step(name, 10.0**number, None, Interval(score, score - 0.02, score + 0.02), kept=name == kept)
        for number, (name, score) in enumerate(scores.items())
    )
    made = tuple(
        Versus(step, over, Interval(gain, 2 * gain - high, high), p) for step, over, gain, high, p in comparisons
    )
    return Climbed("a.model", "accuracy", 1000, steps, comparisons=made)


def _found(climbed: Climbed) -> Finding:
    return find(climbed, totals(climbed.steps, COSTS["seconds"]))


def test_one_step_is_alone() -> None:
    """There is nothing to hold it against."""
    found = _found(climb("linear", kept="linear"))
    assert (found.kind, found.step.name, found.rival) == ("alone", "linear", None)


def test_a_best_step_that_beats_all_cheaper_ones_is_needed() -> None:
    """It is told against the best of these, which need not be the last."""
    climbed = _made(
        {"linear": 0.80, "probe": 0.85, "cnn": 0.70, "finetune": 0.90},
        "finetune",
        ("finetune", "linear", 10.0, 12.0, _PROVEN),
        ("finetune", "probe", 5.0, 7.0, _PROVEN),
        ("cnn", "finetune", -20.0, -18.0, _PROVEN),
    )
    found = _found(climbed)
    assert (found.kind, found.step.name) == ("needed", "finetune")
    assert found.rival is not None
    assert found.rival.name == "probe"
    assert found.gain == Interval(5.0, 3.0, 7.0)


def test_one_cheaper_step_that_is_not_proven_worse_is_what_is_needed() -> None:
    """However far the best lies above it by point estimate; one proof less takes the claim away."""
    climbed = _made(
        {"linear": 0.80, "probe": 0.89, "finetune": 0.90},
        "finetune",
        ("finetune", "linear", 10.0, 12.0, _PROVEN),
        ("finetune", "probe", 1.0, MATTERS_POINTS - 0.1, _UNPROVEN),
    )
    found = _found(climbed)
    assert (found.kind, found.step.name) == ("topped", "probe")
    assert found.rival is not None
    assert found.rival.name == "finetune"
    wide = replace(climbed, comparisons=(climbed.comparisons[0], Versus("finetune", "probe", Interval(1, -1, 3), 0.4)))
    assert _found(wide).kind == "at_least"


@pytest.mark.parametrize(("high", "kind"), [(1.2, "enough"), (MATTERS_POINTS, "undecided"), (5.0, "undecided")])
def test_the_cheapest_is_enough_where_more_is_excluded(high: float, kind: str) -> None:
    """And not decided where a gain that matters is neither proven nor excluded: whichever of the two is kept."""
    kept_dear = _made({"linear": 0.90, "probe": 0.905}, "probe", ("probe", "linear", 0.5, high, _UNPROVEN))
    assert (_found(kept_dear).kind, _found(kept_dear).step.name) == (kind, "linear")
    kept_cheap = _made({"linear": 0.90, "probe": 0.895}, "linear", ("probe", "linear", -0.5, high, _UNPROVEN))
    found = _found(kept_cheap)
    assert (found.kind, found.step.name, found.rival and found.rival.name) == (kind, "linear", "probe")


def test_the_dearer_step_that_may_gain_most_is_told() -> None:
    """Not the last one, where an earlier one may gain more."""
    climbed = _made(
        {"linear": 0.90, "probe": 0.89, "finetune": 0.88},
        "linear",
        ("probe", "linear", -1.0, 1.5, _UNPROVEN),
        ("finetune", "linear", -2.0, 0.5, _UNPROVEN),
    )
    found = _found(climbed)
    assert found.rival is not None
    assert (found.kind, found.rival.name) == ("enough", "probe")


@pytest.mark.parametrize("kept", ["linear", "finetune"])
def test_without_the_comparisons_nothing_is_proven(kept: str) -> None:
    """Bundles of earlier versions have none, or not all; intervals of scores never stand in for them."""
    climbed = climb("linear", "probe", "finetune", kept=kept, compared=False)
    assert _found(climbed).kind == "unrecorded"
    one = replace(climbed, comparisons=(Versus("finetune", "linear", Interval(7.0, 5.0, 9.0), _PROVEN),))
    assert _found(one).kind == "unrecorded"


def test_a_cheaper_step_that_brings_most_for_little_is_named() -> None:
    """The frozen encoder brings 6.0 of 6.9 points after 35 s of 200 s, and fine-tuning is proven better."""
    climbed = climb("linear", "probe", "finetune", kept="finetune", n_rows=5000)
    found = _found(climbed)
    assert (found.kind, found.step.name) == ("needed", "finetune")
    assert found.most is not None
    assert (found.most.name, found.most.first) == ("probe", "linear")
    assert (found.most.points, found.most.of_points) == (pytest.approx(6.0), pytest.approx(6.9))
    assert (found.most.cost, found.most.of_cost) == (35.0, 200.0)
    slow = replace(
        climbed, steps=tuple(replace(step, seconds=60.0) if step.name == "probe" else step for step in climbed.steps)
    )
    assert _found(slow).most is None  # 60 s of 225 s are not little


def test_cost_decides_what_is_cheaper() -> None:
    """A step that landed later may cost less: it is then among those that the best must beat."""
    climbed = _made({"finetune": 0.90, "probe": 0.895}, "finetune", ("probe", "finetune", -0.5, 0.5, _UNPROVEN))
    dear = replace(climbed.steps[0], seconds=500.0)
    found = _found(replace(climbed, steps=(dear, climbed.steps[1])))
    assert (found.kind, found.step.name) == ("enough", "probe")
    assert found.gain is not None
    assert found.gain.value == 0.5
