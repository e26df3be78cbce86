"""How a fit ends: whether the clock is to blame for it, and what becomes of outputs that are no numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from tests.ladder.tiny_climb import Home

from tunesmith.data.tokenize import TokenSet
from tunesmith.errors import ResourceError
from tunesmith.ladder import fit as subject
from tunesmith.ladder import fitting
from tunesmith.ladder.fit import Fit
from tunesmith.ladder.landing import Landing
from tunesmith.ladder.site import Site
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.run.checkpoint import Checkpoints

POINTS = (10, 20, 30)
"""Steps at which a fit is scored, beside its last."""
Score = Callable[[list[float]], None]


@pytest.fixture
def score(home: Home, monkeypatch: pytest.MonkeyPatch) -> Score:
    """Says what all outputs are at each scored point, whatever the weights; the last holds for all points after it."""

    def logits(classifier: EncoderClassifier, rows: TokenSet, **_: object) -> np.ndarray:
        found = np.zeros((rows.n_rows, 3), dtype=np.float32)
        found[-1, 0] = outputs.pop(0) if len(outputs) > 1 else outputs[0]
        return found

    outputs: list[float] = [0.0]
    monkeypatch.setattr(subject, "logits_of", logits)
    monkeypatch.setattr(fitting, "scoring_points", lambda steps, **_: (*POINTS, steps))
    return lambda given: outputs.__setitem__(slice(None), given)


def finetuned(home: Home, **settings: object) -> tuple[Site, Landing]:
    """The landing of ``finetune``, straight from its rung."""
    with home.site(**{f"rung__finetune__{name}": value for name, value in settings.items()}) as (site, rungs):
        site.landings["probe"] = rungs[0].climb(site)
        return site, rungs[1].climb(site)


@dataclass(frozen=True)
class Course:
    """What a fit without gain meets, and how it ends."""

    patience: int
    fits: Callable[[int], int]
    """Step to the steps that the clock allows in all, of 76."""
    ended: str
    cut_short: bool


COURSES = {
    "patience": Course(1, lambda step: 60 if step >= 12 else 76, "no gain at 1 scored point", False),
    "shortened": Course(9, lambda step: 60 if step >= 12 else 76, "planned steps taken", True),
    "out of time": Course(9, lambda step: step if step >= 20 else 76, "budget", True),
    "whole": Course(9, lambda step: 76, "planned steps taken", False),
}


@pytest.mark.parametrize("course", COURSES)
def test_the_clock_cut_a_fit_short_only_where_it_took_all_steps_that_were_left(
    home: Home, score: Score, monkeypatch: pytest.MonkeyPatch, course: str
) -> None:
    """One that patience ended would have ended so with more time too: it proves what it proves."""
    expected = COURSES[course]
    score([0.0])
    monkeypatch.setattr(Fit, "_steps_that_fit", lambda fit: min(fit.state.steps, expected.fits(fit.state.number)))
    _, landing = finetuned(home, patience=expected.patience)
    assert (landing.facts["ended"], landing.cut_short) == (expected.ended, expected.cut_short)
    assert any("60 steps fit the budget" in line for line in home.told) is (expected.fits(12) == 60)
    if course == "patience":
        assert landing.facts["steps"] == 20, "no step was left"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_outputs_that_are_no_numbers_are_no_gain_and_are_not_kept(
    home: Home, score: Score, monkeypatch: pytest.MonkeyPatch, bad: float
) -> None:
    """Nothing of them is stored, told or compared; the fit goes on, and its best is that of a sound point."""

    def save(checkpoints: Checkpoints, name: str, tensors: object, state: object) -> int:
        saved.append(name)
        return sound(checkpoints, name, tensors, state)  # type: ignore[arg-type]

    sound, saved = Checkpoints.save, []
    monkeypatch.setattr(Checkpoints, "save", save)
    score([0.0, bad, bad, 0.5])
    site, landing = finetuned(home, patience=3)
    steps = [point["step"] for point in landing.facts["curve"]]
    assert steps == [10, landing.facts["steps"]]
    assert [event["step"] for event in site.journal.events("scored")] == steps
    assert saved.count("finetune_best") == len(set(steps) & {10, landing.facts["best_step"]})
    assert landing.facts["best_step"] in steps
    assert np.isfinite(landing.logits).all()


def test_outputs_that_are_no_numbers_use_up_patience(home: Home, score: Score) -> None:
    """A fit that is beyond help ends as one without gain does, with what it had."""
    score([0.0, np.nan])
    _, landing = finetuned(home, patience=2)
    found = {name: landing.facts[name] for name in ("ended", "steps", "best_step")}
    assert found == {"ended": "no gain at 2 scored points", "steps": 30, "best_step": 10}


@pytest.mark.parametrize(("patience", "last"), [(2, 20), (9, 76)], ids=["patience", "last step"])
def test_a_fit_that_never_had_numbers_is_refused_in_words(home: Home, score: Score, patience: int, last: int) -> None:
    """Exit code 4, with the step and what to do; it is no bug of ours that the rate was too high."""
    score([np.nan])
    with pytest.raises(ResourceError, match=f"the outputs after step {last} are not finite, nor were any") as caught:
        finetuned(home, patience=patience)
    assert (caught.value.code, caught.value.exit_code) == ("training-diverged", 4)
    assert "--set rung.finetune.learning_rate=" in (caught.value.advice or "")
