"""What the clock decides: how long a fit is, whether a rung is fitted again, and what is said of it."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from tests.ladder.tiny_climb import LEARNS, SAVE_EVERY, Home, options

from tunesmith.bundle.schema import Kind
from tunesmith.ladder import fitting
from tunesmith.ladder.climb import _refits
from tunesmith.ladder.fit import Fit
from tunesmith.ladder.landing import Landing
from tunesmith.ladder.rungs import linear
from tunesmith.models.flops import forward_flops
from tunesmith.run.clock import Clock
from tunesmith.run.guard import Guard
from tunesmith.run.lines import read_lines


@pytest.fixture
def in_time(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A climb whose process has just begun, however long the tests have run; a step is taken to last a second."""
    monkeypatch.setattr("tunesmith.run.clock.process_age_s", lambda: 0.0)
    return home


@pytest.mark.parametrize(("fits", "ends"), [(50, 50), (0, 46)])
def test_a_fit_is_shortened_between_two_scored_points(
    in_time: Home, monkeypatch: pytest.MonkeyPatch, fits: int, ends: int
) -> None:
    """Its last step is scored; where no time is left, the next step is the last. The plan brings back the same."""

    def steps_that_fit(fit: Fit) -> int:
        asked.append(fit.state.number)
        return fit.state.steps if fit.state.number < 45 else max(fits, fit.state.number)

    asked: list[int] = []
    monkeypatch.setattr(Fit, "_steps_that_fit", steps_that_fit)
    settings = {"ladder__budget": "10m", **options("finetune", {"learning_rate": 1e-3})}
    site, outcome = in_time.climbed(**settings)
    facts = site.landings["finetune"].facts
    assert facts["steps"] == facts["curve"][-1]["step"] == ends
    assert max(later - earlier for earlier, later in pairwise(asked)) <= 4
    assert asked[0] == facts["curve"][0]["step"], "the pace is not known before"
    assert site.landings["finetune"].cut_short
    assert outcome.stopped_because == "budget"
    monkeypatch.setattr(Fit, "_steps_that_fit", lambda fit: pytest.fail("a decision of the plan was taken again"))
    again, _ = in_time.climbed("again", follow=site.workspace.plan, **settings)
    both = [dict(each.landings["finetune"].model.classifier.named_parameters()) for each in (site, again)]
    torch.testing.assert_close(both[0], both[1], rtol=0.0, atol=0.0)


def test_without_a_budget_the_clock_is_asked_as_often_as_with_one(home: Home) -> None:
    """A plan that was made without one serves under any; nothing is shortened for being asked."""
    site, outcome = home.climbed()
    keys = [line["key"] for line in read_lines(site.workspace.plan).records[1:]]
    asked = [int(key.rpartition(".")[2]) for key in keys if key.startswith("finetune.steps.")]
    facts = site.landings["finetune"].facts
    assert asked[0] == facts["curve"][0]["step"]
    assert max(later - earlier for earlier, later in pairwise([*asked, facts["steps"]])) <= 4
    assert not site.landings["finetune"].cut_short
    assert outcome.stopped_because == "top"


def test_a_fit_that_the_budget_cut_short_proves_nothing(in_time: Home) -> None:
    """A few steps change no answer; that must not pass for proof that more would not either."""
    rungs = ("probe", "finetune", "refine")
    stays = {**options("finetune", {"learning_rate": 1e-12}), "ladder__min_gain": 50.0, "ladder__rungs": rungs}
    site, outcome = in_time.climbed(ladder__budget="40s", **stays)
    assert site.landings["finetune"].cut_short
    assert 0 < site.landings["finetune"].facts["steps"] < 40
    assert outcome.stopped_because == "budget"
    _, whole = in_time.climbed("whole", **stays)
    assert whole.stopped_because == "gain excluded"


@pytest.mark.parametrize("fits", [True, False])
def test_the_kept_rung_is_fitted_again_where_that_fits_the_budget(
    in_time: Home, monkeypatch: pytest.MonkeyPatch, fits: bool
) -> None:
    """Six more fits are not free; without them the model stays the one that was measured, and it is said."""
    monkeypatch.setattr(linear, "_REFIT_FITS", 7.2 if fits else 1e9)
    site, outcome = in_time.climbed(ladder__budget="10m", ladder__rungs=("linear",))
    assert outcome.kept.measured_on.startswith("validation rows") is not fits
    assert (outcome.kept.model is site.landings["linear"].model) is not fits
    assert any("stays as it landed" in line for line in in_time.told) is not fits
    _, again = in_time.climbed("again", ladder__budget="10m", ladder__rungs=("linear",), follow=site.workspace.plan)
    assert again.kept.measured_on == outcome.kept.measured_on


def test_no_checkpoint_is_written_while_the_loss_may_be_running_away(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever went back to it would have gone nowhere."""
    suspects: list[int] = []
    home.before_after(lambda fit, step: suspects.append(step.number))
    monkeypatch.setattr(Guard, "suspects_spike", property(lambda _: suspects[-1] == 2 * SAVE_EVERY))
    site, _ = home.climbed(**options("finetune", LEARNS))
    saved = [event["step"] for event in site.journal.events("saved")]
    assert saved[:4] == [0, SAVE_EVERY, 3 * SAVE_EVERY, 4 * SAVE_EVERY]


def test_an_overrun_is_admitted(in_time: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first rung is always climbed, whatever it takes."""
    in_time.climbed(ladder__budget="10m", ladder__rungs=("linear",))
    assert not any("overrun" in line for line in in_time.told)
    monkeypatch.setattr("tunesmith.run.clock.process_age_s", lambda: 620.0)
    in_time.climbed("late", ladder__budget="10m", ladder__rungs=("linear",))
    assert any(line.startswith("the budget is overrun by 2") for line in in_time.told)


@pytest.mark.parametrize(
    ("kind", "left_s", "refits"),
    [
        ("encoder", 65.0, False),
        ("encoder", 67.0, True),
        ("bag_of_words", 12.0, False),
        ("bag_of_words", 14.0, True),
        ("encoder", math.inf, True),
    ],
)
def test_the_test_rows_are_still_to_be_answered_after_a_refit(
    home: Home, kind: Kind, left_s: float, refits: bool
) -> None:
    """Of a refit of 10 s: an encoder takes 50 s for these rows and 6 s to be written, counts of words take 3 s."""
    with home.site(data__test_share=0.3, ladder__rungs=("probe",)) as (site, _):
        lengths = site.encoded.tokens.select(site.data.split.test).lengths()
        rate = fitting.EXPECTED_SHARE_OF_MATMUL_RATE * 1e9
        site.matmul_gflops = forward_flops(site.encoded.config, lengths) / 50.0 / rate
        site.clock = Clock(left_s, started_s=0.0, now=lambda: 0.0)
        nothing = np.zeros((1, 3), dtype=np.float32), np.zeros(1, dtype=np.int64)
        landing = Landing(
            rung="probe",
            kind=kind,
            model=None,
            logits=nothing[0],
            targets=nothing[1],
            objective=0.5,
            loss=1.0,
            measured_on="validation rows",
            seconds=1.0,
            tflop=0.0,
            refit_s=10.0,
        )
        assert _refits(site, landing) is refits
        (decided,) = [line["value"] for line in read_lines(site.workspace.plan).records if "refit" in str(line)]
        assert decided == {"refit": refits, "forecast_s": 10.0}
    assert any("does not fit the budget" in line for line in home.told) is not refits
