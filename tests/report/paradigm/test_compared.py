"""Which comparisons a climb keeps for its picture: the climb's own, the kept one with each, and along the frontier."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.report.made_up import labels, outcome

from tunesmith.ladder.climb import Outcome
from tunesmith.ladder.stop import Comparison, compare
from tunesmith.report.paradigm.compared import compared
from tunesmith.tasks import load_task
from tunesmith.types import Interval


def _made(found: Outcome) -> dict[str, Any]:
    return compared(found, load_task("single_label"), objective="accuracy", seed=0)


def _pairs(found: Outcome) -> list[tuple[str, str]]:
    return [(each["rung"], each["over"]) for each in _made(found)["comparisons"]]


def test_the_kept_one_is_held_against_each() -> None:
    """Three comparisons are the climb's own, and are taken as they are; the others are made here."""
    found = outcome("linear", "probe", "finetune", "refine", names=labels(12))
    assert found.kept.rung == "refine"
    pairs = _pairs(found)
    assert len(pairs) == len(set(pairs)) == 5
    assert {("probe", "linear"), ("finetune", "probe"), ("refine", "finetune")} <= set(pairs)
    assert {("refine", "linear"), ("refine", "probe")} <= set(pairs)
    marked = {**found.comparisons, "probe": Comparison(Interval(1.25, 0.5, 2.0), 0.125, test="by hand", over="linear")}
    told = _made(replace(found, comparisons=marked))["comparisons"]
    assert told[0] == {
        "rung": "probe",
        "over": "linear",
        "gain": {"value": 1.25, "low": 0.5, "high": 2.0},
        "p_value": 0.125,
        "test": "by hand",
    }


def test_what_is_made_here_is_what_the_ladder_would_make() -> None:
    """The same rows, the same test."""
    found = outcome("linear", "probe", "finetune", names=labels(12))
    linear, _, finetune = found.landings
    wanted = compare(finetune, linear, load_task("single_label"), objective="accuracy", seed=0)
    (told,) = [each for each in _made(found)["comparisons"] if (each["rung"], each["over"]) == ("finetune", "linear")]
    assert told["gain"] == wanted.gain.as_dict()
    assert told["p_value"] == wanted.p_value


def test_neighbours_on_the_frontier_are_compared_though_the_climb_did_not() -> None:
    """Fine-tuning that takes no time makes the probe no step of the line: it then follows on word counts."""
    found = outcome("linear", "probe", "finetune", "refine", names=labels(12))
    linear, probe, finetune, refine = found.landings
    found = replace(found, landings=(linear, probe, replace(finetune, seconds=0.0), refine))
    assert found.kept.rung == "refine"
    assert ("finetune", "linear") in _pairs(found)


def test_what_a_rung_starts_from_is_told() -> None:
    """A bundle must tell it whoever reads it: other versions may know other rungs."""
    found = outcome("linear", "probe", "finetune", "refine", names=labels(4), rows=200)
    assert _made(found)["starts_from"] == {"linear": [], "probe": [], "finetune": ["probe"], "refine": ["finetune"]}


def test_one_rung_has_nothing_to_be_held_against() -> None:
    """An empty list, not a missing one."""
    assert _made(outcome("probe", names=labels(4), rows=200))["comparisons"] == []
