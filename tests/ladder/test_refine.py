"""``refine``: the average is the average, and the better of the two candidates is kept as it is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from tests.ladder.tiny_climb import LEARNS, STAYS, Home, options
from torch import nn

from tunesmith.evaluate.calibration import calibrated_log_loss
from tunesmith.ladder.landing import Landing
from tunesmith.runtimes.torch import logits as logits_of


def weights(landing: Landing) -> dict[str, torch.Tensor]:
    """A copy of all weights."""
    return {name: value.detach().clone() for name, value in landing.model.classifier.named_parameters()}


RUNGS = ("probe", "finetune", "refine")


def make_average_good(first: nn.Module, start: nn.Module) -> None:
    """Move weights that learnt much as far again from the start: half way back from there they are what they were."""
    for mine, origin in zip(first.parameters(), start.parameters(), strict=True):
        mine.lerp_(origin, -1.0)


def make_average_bad(first: nn.Module, start: nn.Module) -> None:
    """Spoil all weights that are trained: half of it spoils the average."""
    generator = torch.Generator().manual_seed(0)
    for mine in first.parameters():
        if mine.requires_grad:
            mine.add_(2.0 * torch.randn(mine.shape, generator=generator))


@pytest.mark.parametrize(
    ("prepare", "first_does", "second_does", "averaged"),
    [(make_average_good, LEARNS, STAYS, True), (make_average_bad, STAYS, LEARNS, False)],
    ids=["average", "second"],
)
def test_the_better_of_the_average_and_the_second_fit_is_kept(
    home: Home,
    prepare: Callable[[nn.Module, nn.Module], None],
    first_does: dict[str, float],
    second_does: dict[str, float],
    averaged: bool,
) -> None:
    """Whichever it is, with its own outputs and figures; what the first fit brought stays as it was."""
    settings = {**options("finetune", first_does), **options("refine", second_does)}
    with home.site(ladder__rungs=RUNGS, **settings) as (site, (probe, finetune, refine)):
        site.landings["probe"] = probe.climb(site)
        site.landings["finetune"] = finetune.climb(site)
        with torch.no_grad():
            prepare(*(site.landings[rung].model.classifier for rung in ("finetune", "probe")))
        first = weights(site.landings["finetune"])
        landing = refine.climb(site)
        best = site.checkpoints.newest("refine_best")
        assert best is not None
        second = {name: best.tensors.get(f"weights.{name}", value) for name, value in first.items()}  # or frozen
        average = {name: (first[name].double() + second[name].double()) / 2.0 for name in first}
        torch.testing.assert_close(weights(site.landings["finetune"]), first, rtol=0.0, atol=0.0)
        validation = site.encoded.tokens.select(site.data.split.validation)
        targets = site.data.targets[site.data.split.validation]

        kept = weights(landing)
        in_between = {name: value.float() for name, value in average.items()}
        landing.model.classifier.load_state_dict(in_between)
        candidates = {
            True: logits_of(landing.model.classifier, validation),
            False: best.tensors["validation_logits"].numpy(),
        }
        scores = {
            key: (site.task.objective("accuracy", logits, targets), -calibrated_log_loss(logits, targets))
            for key, logits in candidates.items()
        }
        accuracies = {key: score[0] for key, score in scores.items()}
        assert accuracies[averaged] > accuracies[not averaged] + 0.1, "these fits do not decide anything"

    assert landing.facts["averaged"] is averaged
    expected = in_between if averaged else second
    torch.testing.assert_close(kept, expected, rtol=1e-6 if averaged else 0.0, atol=1e-8 * averaged)
    np.testing.assert_allclose(landing.logits, candidates[averaged], rtol=1e-4, atol=1e-5)
    assert landing.objective == scores[averaged][0]
    assert landing.loss == pytest.approx(-scores[averaged][1], rel=1e-5)
    moved = torch.cat([(first[name] - second[name]).flatten() for name in first])
    assert float(moved.abs().max()) > 1e-3, "two equal fits would prove nothing"
