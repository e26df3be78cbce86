"""What a run will take: ranges of time and memory, from rows, rate and rungs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.contracts.conftest import Climbed

from tunesmith.ladder import foresight
from tunesmith.ladder.foresight import Foreseen, Range, foresee
from tunesmith.ladder.rungs import RUNGS


class Lasting:
    """A rung that takes so many seconds."""

    def __init__(self, name: str, seconds: float) -> None:
        self.name = name
        self._seconds = seconds

    def whole(self, ground: Any) -> float:
        return self._seconds


LADDER = [Lasting("linear", 10.0), Lasting("probe", 100.0), Lasting("finetune", 1000.0), Lasting("refine", 1000.0)]
START, FAST, SLOW = foresight._START_S, foresight._NO_FASTER, foresight._NO_SLOWER


@pytest.fixture
def site(climbed: Climbed, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A site whose last figures take no time."""
    monkeypatch.setattr(foresight, "reserve_s", lambda ground: 0.0)
    return climbed.site


def seconds(site: Any, rungs: Sequence[Any], **how: Any) -> Range:
    """Of a run of these rungs."""
    return foresee(site, rungs, **{"budget_s": None, **how}).seconds


def test_a_climb_may_end_after_fine_tuning(site: Any) -> None:
    """At least until then, at most to the top."""
    found = seconds(site, LADDER)
    assert found.low == pytest.approx(START + FAST * 1110.0)
    assert found.high == pytest.approx(START + SLOW * 2110.0)
    assert seconds(site, LADDER[:2]).low == pytest.approx(START + FAST * 110.0)


def test_all_rungs_are_climbed_where_all_are_asked_for(site: Any) -> None:
    """Then nothing ends it sooner."""
    whole = site.recipe.ladder.model_copy(update={"rungs": ("all",)})
    asked = replace(site, recipe=site.recipe.model_copy(update={"ladder": whole}))
    assert seconds(asked, LADDER).low == pytest.approx(START + FAST * 2110.0)


def test_a_budget_bounds_it(site: Any) -> None:
    """What does not fit is planned shorter: such a run takes most of its budget, and never much more."""
    found = seconds(site, LADDER, budget_s=600.0)
    assert found.high == pytest.approx(630.0)
    assert 300.0 < found.low < 600.0
    assert seconds(site, LADDER[:1], budget_s=600.0) == seconds(site, LADDER[:1])


def test_word_counts_alone_are_fitted_again(site: Any) -> None:
    """Six times, where nothing comes after them."""
    assert seconds(site, LADDER[:1]).high == pytest.approx(START + SLOW * (80.0 + 2.0))


def test_what_was_spent_counts(site: Any) -> None:
    """Of the whole run, not of the rest."""
    assert seconds(site, LADDER[1:2], elapsed_s=50.0).low == pytest.approx(50.0 + FAST * 100.0)


def test_memory_is_that_of_the_largest_rung(site: Any) -> None:
    """Training takes more than encoding, and that more than counting words."""
    counted, encoded, trained = (
        foresee(site, rungs, budget_s=None).peak_mib for rungs in (LADDER[:1], LADDER[:2], LADDER)
    )
    assert counted.high < encoded.high < trained.high
    assert all(part.low < part.high for part in (counted, encoded, trained))


def test_every_rung_says_what_it_takes_whole(climbed: Climbed) -> None:
    """A number of seconds, above zero, that nothing need have landed for."""
    bare = replace(climbed.site, landings={})
    for name in RUNGS.names():
        rung = RUNGS.member(name).build(RUNGS.options(name, {}))
        assert 0.0 < rung.whole(bare) < 1e6, name


def test_twice_the_rate_is_half_the_time(climbed: Climbed) -> None:
    """Of all that multiplies matrices."""
    fast = replace(climbed.site, matmul_gflops=2.0 * climbed.site.matmul_gflops)
    rung = RUNGS.member("finetune").build(RUNGS.options("finetune", {}))
    assert rung.whole(fast) == pytest.approx(0.5 * rung.whole(climbed.site))


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (5.2, 22.7, "5 to 23 s"),
        (63.0, 126.0, "1 to 2 min"),
        (10.0, 130.0, "0.5 to 2 min"),
        (140.0, 640.0, "2.5 to 11 min"),
        (4000.0, 9000.0, "1 to 2.5 h"),
    ],
)
def test_ranges_are_told_in_round_numbers(low: float, high: float, told: str) -> None:
    """In the unit of the upper end."""
    found = Foreseen(Range(low, high), Range(800.0, 1250.0))
    assert str(found) == f"{told}, 0.8 to 1.3 GB"
    assert found.as_json()["told"] == str(found)
    assert found.seconds.holds(low)
    assert not found.seconds.holds(high + 0.1)
