"""A climb read from a bundle: of this version, of an earlier one, and of none."""

from __future__ import annotations

from typing import Any

import pytest
from tests.report.made_up import costs_of, facts_of, labels, outcome

from tunesmith.errors import ArtifactError
from tunesmith.report.paradigm.climbed import ASSUMED_WATTS, Power, Versus, climbed_of
from tunesmith.types import Interval


@pytest.fixture(scope="module")
def read() -> tuple[Any, dict[str, Any]]:
    """Facts and costs."""
    found = outcome("linear", "probe", "finetune", names=labels(12))
    return facts_of(found), costs_of(found)


def test_a_climb_is_read(read: tuple[Any, dict[str, Any]]) -> None:
    """Steps in their order with their figures, what each starts from, the machine, the comparisons."""
    facts, costs = read
    climbed = climbed_of(facts, costs, name="a.model")
    assert [step.name for step in climbed.steps] == ["linear", "probe", "finetune"]
    assert [step.seconds for step in climbed.steps] == [3.2, 17.5, 141.0]
    assert [step.tflop for step in climbed.steps] == [None, 3.47, 21.3]
    assert [step.starts_from for step in climbed.steps] == [(), (), ("probe",)]
    assert [step.kept for step in climbed.steps] == [False, False, True]
    assert climbed.steps[1].score.value == costs["rungs"][1]["validation"]["accuracy"]["value"]
    assert climbed.powers == (("", Power(2 * ASSUMED_WATTS, measured=False, cores=2)),)
    assert climbed.n_rows == 1000
    assert climbed.machine == "AMD EPYC (model 1)"
    assert climbed.versus("finetune", "linear") is not None


def test_a_comparison_is_told_from_either_side() -> None:
    """Ends change their places and signs; the p-value stays."""
    versus = Versus("b", "a", Interval(1.0, -0.5, 3.0), 0.2)
    assert versus.reversed() == Versus("a", "b", Interval(-1.0, -3.0, 0.5), 0.2)
    assert versus.reversed().reversed() == versus


def test_measured_power_is_taken(read: tuple[Any, dict[str, Any]]) -> None:
    """It is that of the whole machine, whatever the number of cores."""
    facts, costs = read
    climbed = climbed_of(facts, {**costs, "power": {"watts": 31.5, "source": "RAPL"}})
    assert climbed.powers == (("", Power(31.5, measured=True, cores=2)),)
    assert {step.watts for step in climbed.steps} == {31.5}


def test_a_bundle_of_an_earlier_version_is_read(read: tuple[Any, dict[str, Any]]) -> None:
    """It recorded neither comparisons nor what a rung starts from; the latter is known of the rungs there are."""
    facts, costs = read
    earlier = {name: value for name, value in costs.items() if name not in ("comparisons", "starts_from")}
    climbed = climbed_of(facts, earlier)
    assert climbed.comparisons == ()
    assert [step.starts_from for step in climbed.steps] == [(), (), ("probe",)]
    foreign = {**earlier, "rungs": [{**rung, "name": f"new_{rung['name']}"} for rung in costs["rungs"]]}
    assert [step.starts_from for step in climbed_of(facts, foreign).steps] == [(), (), ()]


def test_no_costs_are_no_steps(read: tuple[Any, dict[str, Any]]) -> None:
    """As in a report that is written without them."""
    assert climbed_of(read[0], {}).steps == ()


def test_a_figure_without_uncertainty_is_left_out(read: tuple[Any, dict[str, Any]]) -> None:
    """It is not to be shown."""
    facts, costs = read
    bare = {**costs["rungs"][0], "validation": {"accuracy": 0.8}}
    assert [step.name for step in climbed_of(facts, {**costs, "rungs": [bare, *costs["rungs"][1:]]}).steps] == [
        "probe",
        "finetune",
    ]


@pytest.mark.parametrize(
    "damage",
    [
        {"rungs": [{"name": "linear"}]},
        {"rungs": 3},
        {"machine": {"threads": "many"}},
        {"power": {"watts": float("inf")}},
        {"power": {}},
        {"comparisons": [{"rung": "a", "over": "b", "gain": {"value": "x"}, "p_value": 1}]},
    ],
)
def test_costs_that_are_none_are_refused(read: tuple[Any, dict[str, Any]], damage: dict[str, Any]) -> None:
    """With the file's name."""
    facts, costs = read
    with pytest.raises(ArtifactError, match=r"b.model/costs.json") as caught:
        climbed_of(facts, {**costs, **damage}, name="b.model")
    assert caught.value.code == "costs-damaged"


def test_exactly_one_rung_is_kept(read: tuple[Any, dict[str, Any]]) -> None:
    """None, or two, is no climb."""
    facts, costs = read
    for kept in (True, False):
        rungs = [{**rung, "kept": kept} for rung in costs["rungs"]]
        with pytest.raises(ArtifactError, match="not one rung is kept"):
            climbed_of(facts, {**costs, "rungs": rungs})
