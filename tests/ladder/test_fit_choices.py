"""Means of the weights and dropout in a fit: what is scored is kept, and a stop leaves no trace."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.ladder.test_fit_course import finetuned
from tests.ladder.tiny_climb import LEARNS, Home, options

from tunesmith.config.recipe import load_recipe
from tunesmith.errors import ConfigError
from tunesmith.ladder.fit import Fit
from tunesmith.ladder.resolve import resolve
from tunesmith.run.guard import Guard
from tunesmith.runtimes.torch import logits as logits_of
from tunesmith.train.averaging import AVERAGE
from tunesmith.train.loop import Step

CHOICES: dict[str, dict[str, Any]] = {
    "ema": {"ema_decay": 0.9},
    "schedule free": {"optimiser": "schedule_free"},
}

every_choice = pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)


def weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """A copy of all weights."""
    return {name: value.detach().clone() for name, value in model.named_parameters()}


@every_choice
def test_what_was_scored_is_what_is_kept(home: Home, choice: dict[str, Any]) -> None:
    """The best weights, whether of the last point or of an earlier one, answer as they did when they were scored."""
    site, landing = finetuned(home, **options("finetune", {**LEARNS, **choice}))
    rows = site.encoded.tokens.select(site.data.split.validation)
    np.testing.assert_allclose(logits_of(landing.model.classifier, rows), landing.logits, atol=1e-6)
    best = max(point["objective"] for point in landing.facts["curve"])
    assert landing.objective == best
    assert landing.objective > site.landings["probe"].objective


@pytest.mark.parametrize("name", ["ema", "schedule free"])
def test_the_last_point_is_of_the_mean(home: Home, name: str) -> None:
    """Where the mean of the last step is the best, the model holds it, and not the weights that the step left."""
    left: list[dict[int, torch.Tensor]] = []

    def note(fit: Fit, step: Step) -> None:
        if step.number == fit.state.steps:
            means = {id(weight): state[AVERAGE].clone() for weight, state in fit.optimizer.state.items()}
            left.extend([means, {id(weight): weight.detach().clone() for weight in fit.optimizer.state}])

    home.before_after(note)
    chosen = {**LEARNS, **CHOICES[name], "patience": 100, "epochs": 1.0}
    _, landing = finetuned(home, **options("finetune", chosen))
    assert landing.facts["best_step"] == landing.facts["steps"]
    means, raw = left
    held = {id(weight): weight for weight in landing.model.classifier.parameters() if id(weight) in means}
    assert len(held) == len(means) > 10
    assert all(torch.equal(weight.detach(), means[key]) for key, weight in held.items())
    assert not all(torch.equal(weight.detach(), raw[key]) for key, weight in held.items())


@every_choice
def test_a_stopped_run_goes_on_to_the_bit(home: Home, choice: dict[str, Any]) -> None:
    """Stopped after a scored point, so that the mean has been in the place of the weights before."""
    chosen = options("finetune", choice)
    home.stopped(after=41, **chosen)
    resumed, _ = home.climbed(resume=True, **chosen)
    whole, _ = home.climbed("whole", follow=resumed.workspace.plan, **chosen)
    landings = [site.landings["finetune"] for site in (resumed, whole)]
    assert landings[0].facts == landings[1].facts
    both = [weights(landing.model.classifier) for landing in landings]
    torch.testing.assert_close(both[0], both[1], rtol=0.0, atol=0.0)


def test_the_mean_is_of_the_steps_since_going_back(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is taken back has its mean taken back too."""
    counts: list[int] = []
    monkeypatch.setattr(Guard, "check", lambda guard, step: "roll back" if step.number == 20 else "go on")
    home.before_after(lambda fit, step: counts.append(fit.optimizer.param_groups[0]["n_averaged"]))
    finetuned(home, **options("finetune", {"ema_decay": 0.9, "epochs": 1.5}))
    assert counts[:20] == list(range(1, 21))
    assert counts[20:24] == [17, 18, 19, 20]  # the checkpoint of step 16


def test_a_mean_of_weights_changes_no_step(home: Home) -> None:
    """Training goes the way it goes without; only what is scored and kept differs."""
    losses: dict[str, list[float]] = {"plain": [], "averaged": []}
    for name, more in (("plain", {}), ("averaged", {"ema_decay": 0.9})):
        home.before_after(lambda fit, step, told=losses[name]: told.append(step.loss))
        finetuned(home, name=name, **options("finetune", {"epochs": 2.0, "patience": 100, **more}))
    assert losses["plain"] == losses["averaged"]


def test_dropout_is_that_which_is_asked_for(home: Home) -> None:
    """Without any, the loss of a batch is the same twice; the base's own encoder, which rungs share, keeps its rate."""
    rates: dict[str, float] = {}
    for name, more in (("own", {}), ("none", {"dropout": 0.0}), ("much", {"dropout": 0.6})):
        site, landing = finetuned(home, name=name, **options("finetune", {"epochs": 0.2, **more}))
        rates[name] = landing.model.classifier.encoder.attention_dropout
        assert site.encoded.encoder.attention_dropout == 0.1
    assert rates == {"own": 0.1, "none": 0.0, "much": 0.6}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"optimiser": "schedule_free", "ema_decay": 0.9}, "schedule_free keeps a mean of the weights itself"),
        ({"method": "adalora", "ema_decay": 0.9}, "takes ranks away"),
        ({"method": "adalora", "optimiser": "schedule_free"}, "takes ranks away"),
        ({"ema_decay": 1.0}, "ema_decay"),
        ({"schedule_options": {"warmup": 0.1}}, "schedule_options.warmup"),
    ],
)
def test_choices_that_make_no_sense_together_are_refused(values: dict[str, Any], told: str) -> None:
    """Before any data is read."""
    settings = {f"rung.finetune.{name}": value for name, value in values.items()}
    with pytest.raises(ConfigError, match=told):
        resolve(load_recipe(None, [], settings))


@pytest.mark.parametrize(
    ("asked", "schedule"),
    [
        ({}, "linear"),
        ({"optimiser": "schedule_free"}, "constant"),
        ({"optimiser": "schedule_free", "schedule": "cosine"}, "cosine"),
    ],
)
def test_the_schedule_is_that_of_the_optimiser_unless_asked_for(asked: dict[str, str], schedule: str) -> None:
    """Written into the recipe, for both trainings."""
    resolved = resolve(load_recipe(None, [], {f"rung.finetune.{name}": value for name, value in asked.items()}))
    assert [resolved.recipe.rung[name]["schedule"] for name in ("finetune", "refine")] == [schedule] * 2
