"""The course of a fit: the rates of its steps, when it ends by itself, and what the clock may change of it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from tests.ladder.tiny_climb import LEARNS, Home, options

from tunesmith.data.tokenize import TokenSet
from tunesmith.ladder import fit as subject
from tunesmith.ladder import fitting
from tunesmith.ladder.fit import Fit
from tunesmith.ladder.landing import Landing
from tunesmith.ladder.site import Site
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.train.loop import Step

SHARES = (0.5, 0.4, 0.4, 0.7, 0.6, 0.7, 0.5, 0.9)
"""Of the validation rows that are answered right at each scored point, in the order of the points."""


def finetuned(home: Home, **settings: Any) -> tuple[Site, Landing]:
    """The landing of ``finetune``, straight from its rung, and the site with the probe it started from."""
    with home.site(**settings) as (site, (probe, finetune)):
        site.landings["probe"] = probe.climb(site)
        return site, finetune.climb(site)


def share_of_peak(fit: Fit) -> float:
    """The rates of the step just taken, one share of their peaks for all groups."""
    share: float
    (share,) = {round(group["lr"] / group["peak_lr"], 12) for group in fit.optimizer.param_groups}
    return share


@pytest.fixture
def factors(home: Home) -> list[float]:
    """Rates of each step as the optimiser took it, as shares of the peak."""

    def note(fit: Fit, step: Step) -> None:
        assert len(found) == step.number - 1
        found.append(share_of_peak(fit))

    found: list[float] = []
    home.before_after(note)
    return found


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, torch.Tensor]]:
    """Weights at each scored point; whatever they answer, the rows of ``SHARES`` count as answered right."""

    def logits(classifier: EncoderClassifier, rows: TokenSet, **_: object) -> np.ndarray:
        answers = np.zeros((rows.n_rows, 3), dtype=np.float32)
        n_right = round(SHARES[len(weights)] * rows.n_rows)
        weights.append({name: value.detach().clone() for name, value in classifier.named_parameters()})
        answers[np.arange(rows.n_rows), (targets[0] + (np.arange(rows.n_rows) >= n_right)) % 3] = 1.0
        return answers

    def score(fit: Fit) -> None:
        targets[:] = [fit._rows.validation_targets]
        sound(fit)

    weights: list[dict[str, torch.Tensor]] = []
    targets: list[np.ndarray] = []
    sound = Fit._score
    monkeypatch.setattr(Fit, "_score", score)
    monkeypatch.setattr(subject, "logits_of", logits)
    monkeypatch.setattr(fitting, "scoring_points", lambda steps, **_: (*range(10, 80, 10), steps))
    return weights


@pytest.mark.parametrize(
    ("patience", "facts"),
    [
        (1, {"ended": "no gain at 1 scored point", "best_step": 10, "steps": 20}),
        (2, {"ended": "no gain at 2 scored points", "best_step": 10, "steps": 30}),
        (3, {"ended": "no gain at 3 scored points", "best_step": 40, "steps": 70}),
        (4, {"ended": "planned steps taken", "best_step": 76, "steps": 76}),
    ],
)
def test_a_fit_ends_where_patience_does_and_its_best_weights_are_kept(
    home: Home, seen: list[dict[str, torch.Tensor]], patience: int, facts: dict[str, object]
) -> None:
    """A gain starts the count again, an equal score does not; no step is taken after the end."""
    taken: list[int] = []
    home.before_after(lambda fit, step: taken.append(step.number))
    _, landing = finetuned(home, rung__finetune__patience=patience)
    assert {name: landing.facts[name] for name in facts} == facts
    assert taken == list(range(1, landing.facts["steps"] + 1))
    curve = landing.facts["curve"]
    assert [round(point["objective"], 1) for point in curve] == list(SHARES[: len(curve)])
    assert landing.objective == max(point["objective"] for point in curve)
    assert not landing.cut_short
    best = seen[[point["step"] for point in curve].index(facts["best_step"])]
    kept = dict(landing.model.classifier.named_parameters())
    torch.testing.assert_close(kept, best, rtol=0.0, atol=0.0)
    moved = max(float((value - seen[0][name]).abs().max()) for name, value in seen[-1].items())
    assert moved > 1e-4, "weights that stand still are kept by any fit"


@pytest.mark.parametrize(
    ("schedule", "warmup_ratio", "quarter"), [(None, 0.1, 0.75), ("linear", 0.4, 0.75), ("cosine", 0.2, 0.854)]
)
def test_the_rates_rise_over_the_warm_up_and_fall_to_the_end(
    home: Home, factors: list[float], schedule: str | None, *, warmup_ratio: float, quarter: float
) -> None:
    """The schedule that was asked for, with its options, or the usual one, reaches every step of the optimiser."""
    asked = {"schedule": schedule, "schedule_options": {"warmup_ratio": warmup_ratio}} if schedule else {}
    _, landing = finetuned(home, **{f"rung__finetune__{name}": value for name, value in asked.items()})
    steps = landing.facts["steps"]
    assert len(factors) == steps > 60
    top = factors.index(max(factors))
    assert top + 1 == pytest.approx(warmup_ratio * steps, abs=1.5)
    assert factors[0] == pytest.approx(1.0 / (warmup_ratio * (steps + 1)))
    assert max(factors) > 1.0 - 2.0 / (warmup_ratio * steps)
    assert all(later > earlier for earlier, later in pairwise(factors[: top + 1]))
    assert all(later < earlier for earlier, later in pairwise(factors[top:]))
    assert 0.0 < factors[-1] < 2.0 / steps
    assert factors[round(top + 0.25 * (steps - top))] == pytest.approx(quarter, abs=0.025), "a quarter of the fall"


def test_a_schedule_that_stays_is_not_taken_for_another(home: Home, factors: list[float]) -> None:
    """Who asks for constant rates has them to the last step."""
    _, landing = finetuned(home, rung__finetune__schedule="constant")
    assert factors[: landing.facts["steps"] // 10 + 1] == sorted(set(factors))
    assert set(factors[landing.facts["steps"] // 10 :]) == {1.0}


@pytest.mark.parametrize("cut", [{20: 50}, {45: 50}, {20: 60, 45: 50}], ids=["scored", "between", "twice"])
def test_a_fit_that_was_shortened_lets_its_rates_run_out_all_the_same(
    home: Home, factors: list[float], monkeypatch: pytest.MonkeyPatch, cut: dict[int, int]
) -> None:
    """Without a jump, from where they stood evenly down, so that the step after the last would have a rate of zero."""

    def steps_that_fit(fit: Fit) -> int:
        return min([fit.state.steps, *(steps for at, steps in cut.items() if fit.state.number >= at)])

    monkeypatch.setattr(fitting, "scoring_points", lambda steps, **_: (20, 38, steps))
    monkeypatch.setattr(Fit, "_steps_that_fit", steps_that_fit)
    _, landing = finetuned(home)
    assert landing.facts["steps"] == len(factors) == 50
    assert landing.cut_short
    falls = [earlier - later for earlier, later in pairwise([*factors, 0.0])][10:]
    ends = [*sorted(cut), 51]
    for start, end in pairwise([11, *ends]):
        even = falls[start - 11 : end - 11]
        assert even == pytest.approx([even[0]] * len(even), rel=1e-6), f"from step {start} to {end}"
    slopes = [falls[start - 11] for start in [11, *sorted(cut)]]
    assert slopes == sorted(set(slopes)), "fewer steps to the end: each must fall by more"


@pytest.mark.parametrize("at", [20, 45])
def test_a_fit_that_is_stopped_where_it_was_shortened_goes_on_as_if_it_had_not_been(
    home: Home, factors: list[float], monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """The step after the stop is taken at the rate that it would have had: the same rates and weights to the bit."""
    monkeypatch.setattr(fitting, "scoring_points", lambda steps, **_: (20, 38, steps))
    monkeypatch.setattr(Fit, "_steps_that_fit", lambda fit: 50 if fit.state.number >= at else fit.state.steps)
    whole, _ = home.climbed("whole")
    expected = list(factors)
    home.stopped(after=at)
    factors[at:] = []
    home.before_after(lambda fit, step: factors.append(share_of_peak(fit)))
    resumed, _ = home.climbed(resume=True)
    assert factors == expected
    both = [dict(site.landings["finetune"].model.classifier.named_parameters()) for site in (whole, resumed)]
    torch.testing.assert_close(both[0], both[1], rtol=0.0, atol=0.0)


@pytest.mark.parametrize(("made", "followed"), [("10m", "none"), ("none", "1s")])
def test_a_plan_of_a_fit_that_was_shortened_serves_under_any_budget(
    home: Home, monkeypatch: pytest.MonkeyPatch, made: str, followed: str
) -> None:
    """It stands for the clock: the same steps and the same weights without asking it, whatever the budget is now."""
    settings: dict[str, Any] = {**options("finetune", LEARNS)}
    with monkeypatch.context() as patched:
        patched.setattr("tunesmith.run.clock.process_age_s", lambda: 0.0)
        patched.setattr(Fit, "_steps_that_fit", lambda fit: 70 if fit.state.number > 60 else fit.state.steps)
        site, outcome = home.climbed(ladder__budget=made, **settings)
    monkeypatch.setattr(Fit, "_steps_that_fit", lambda fit: pytest.fail("a decision of the plan was taken again"))
    again, outcome_again = home.climbed("again", ladder__budget=followed, follow=site.workspace.plan, **settings)
    assert again.landings["finetune"].facts == site.landings["finetune"].facts
    assert site.landings["finetune"].facts["steps"] == 70
    assert outcome_again.stopped_because == outcome.stopped_because == "budget"
    assert again.workspace.plan.read_bytes() == site.workspace.plan.read_bytes()
    both = [dict(each.landings["finetune"].model.classifier.named_parameters()) for each in (site, again)]
    torch.testing.assert_close(both[0], both[1], rtol=0.0, atol=0.0)
