"""What the clock decides: how long a fit is, whether a rung is fitted again, and what is said of it."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from tests.ladder.tiny_climb import LEARNS, SAVE_EVERY, Home, options

from tunesmith.ladder.fit import Fit
from tunesmith.ladder.rungs import linear
from tunesmith.run.guard import Guard


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


def test_without_a_budget_the_clock_is_asked_at_scored_points_only(home: Home) -> None:
    """A plan should not grow by lines that decide nothing."""
    site, outcome = home.climbed()
    decided = [line for line in site.workspace.plan.read_text("utf-8").splitlines() if '"finetune.steps.' in line]
    assert len(decided) < len(site.landings["finetune"].facts["curve"]) < 9
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
