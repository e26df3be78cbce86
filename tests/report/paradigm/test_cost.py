"""What a step takes to have, and what is the best so far."""

from __future__ import annotations

import numpy as np
import pytest
from tests.report.paradigm.climbs import climb

from tunesmith.report.paradigm.climbed import Step
from tunesmith.report.paradigm.cost import COSTS, frontier, totals
from tunesmith.types import Interval


def test_a_step_costs_what_it_starts_from_too() -> None:
    """The second training starts from the first, and that from the frozen encoder; word counts are no part of it."""
    steps = climb("linear", "probe", "finetune", "refine", kept="refine").steps
    found = totals(steps, COSTS["seconds"])
    assert found == {"linear": 4.0, "probe": 35.0, "finetune": 200.0, "refine": 490.0}


def test_a_start_that_two_ways_lead_to_is_counted_once() -> None:
    """And one that is not there, or leads in a circle, does no harm."""
    score = Interval(0.5, 0.4, 0.6)
    steps = [
        Step("a", 1.0, None, score, kept=True, starts_from=("d",)),
        Step("b", 2.0, None, score, kept=False, starts_from=("a",)),
        Step("c", 4.0, None, score, kept=False, starts_from=("a", "gone")),
        Step("d", 8.0, None, score, kept=False, starts_from=("b", "c")),
    ]
    assert totals(steps, COSTS["seconds"])["d"] == 15.0


def test_what_was_not_counted_is_unknown_in_the_sum() -> None:
    """No operations counted is not none at all."""
    steps = climb("linear", "probe", "finetune", kept="finetune").steps
    assert totals(steps, COSTS["flops"]) == {"linear": None, "probe": 3.5, "finetune": 24.5}
    half_known = [
        Step("a", 1.0, None, steps[0].score, kept=False),
        Step("b", 1.0, 2.0, steps[0].score, kept=True, starts_from=("a",)),
    ]
    assert totals(half_known, COSTS["flops"])["b"] is None


def test_energy_is_power_times_time() -> None:
    """20 W for 180 s are 1 Wh."""
    step = Step("a", 180.0, None, Interval(0.5, 0.4, 0.6), kept=True, watts=20.0)
    assert totals([step], COSTS["energy"])["a"] == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(20))
def test_the_frontier_is_what_nothing_cheaper_reaches(seed: int) -> None:
    """Held to the definition, one by one; equal costs and scores among them."""
    random = np.random.default_rng(seed)
    scores = random.integers(0, 6, 9).astype(float).tolist()
    costs: list[float | None] = random.integers(1, 6, 9).astype(float).tolist()
    costs[seed % 9] = None
    spent = [-1.0 if cost is None else cost for cost in costs]
    found = frontier(scores, costs)
    assert [spent[place] for place in found] == sorted(spent[place] for place in found)
    for place in range(9):
        at_most = [scores[other] for other in range(9) if spent[other] <= spent[place] and other != place]
        cheaper = [scores[other] for other in range(9) if spent[other] < spent[place]]
        if place in found:
            assert all(score < scores[place] for score in cheaper)
            assert all(score <= scores[place] for score in at_most)
        else:
            assert any(score >= scores[place] for score in at_most)
