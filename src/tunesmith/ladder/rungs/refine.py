"""``refine``: a second training from the same start in the time that is left, and the average of both.

Fits from one start that differ only in their draws end in the same valley; the mean of their weights is often better
than each. Source: Wortsman et al. 2022, "Model soups".
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from tunesmith.bundle.encoder_model import EncoderModel
from tunesmith.ladder.fitting import FitOptions, least_seconds, set_up, whole_fit_s
from tunesmith.ladder.keeping import KeepsEncoder
from tunesmith.ladder.landing import Landing
from tunesmith.ladder.rungs.finetune import landing_of
from tunesmith.ladder.site import Ground, Site
from tunesmith.runtimes.torch import logits as logits_of
from tunesmith.train.loop import fit_steps

Options = FitOptions

NEEDS = ("finetune",)
"""Rungs whose landing it starts from."""

USES_BASE = True
"""Whether it needs the pretrained encoder."""


class Refine(KeepsEncoder):
    """A second fit, averaged with the first.

    Args:
        options: How the encoder is trained.
    """

    name = "refine"

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._options = options

    def forecast(self, ground: Ground) -> float:
        """Foresee the least seconds worth starting for: half of what the first fit took.

        Args:
            ground: Rows, base model and rate.

        Returns:
            Seconds.
        """
        first = ground.landings.get("finetune")
        return max(least_seconds(ground), 0.5 * (first.seconds if first else 0.0))

    def whole(self, ground: Ground) -> float:
        """Foresee the seconds of this rung where nothing cuts it short: see ``Rung``."""
        return whole_fit_s(ground, self._options)

    def climb(self, site: Site) -> Landing:
        """Train again with other draws, average with the first fit, keep the better of the average and the second.

        Args:
            site: The climb.

        Returns:
            The landing.
        """
        started = time.monotonic()
        seed = site.seed + 1
        setup = set_up(site, self._options, name=self.name, seed=seed)
        fit = setup.fit
        fit.begin(seed)
        started -= fit.earlier_s  # what the checkpoint cost counts, what a kill undid does not
        for step in fit_steps(
            fit.objective,
            fit.batches(seed),
            fit.optimizer,
            max_grad_norm=self._options.max_grad_norm,
            micro_batch=self._options.micro_batch(),
            first_number=fit.state.number + 1,
            observe=fit.objective.observe,
        ):
            fit.after(step)
        fit.take_best()
        alone = landing_of(site, self.name, setup, seconds=time.monotonic() - started)
        if fit.objective.allocator is not None:  # a mean of two fits would have the ranks that either has kept
            return replace(alone, facts={**alone.facts, "averaged": False})
        first: EncoderModel = site.landings["finetune"].model
        second = {name: value.detach().clone() for name, value in _trained(setup.model).items()}
        _average(setup.model, first)
        logits = logits_of(setup.model.classifier, setup.rows.validation)
        objective = site.task.objective(site.objective, logits, alone.targets)
        loss = site.task.held_out_loss(logits, alone.targets)
        if (objective, -loss) < (alone.objective, -alone.loss):
            _put(setup.model, second)
            return replace(alone, facts={**alone.facts, "averaged": False}, seconds=time.monotonic() - started)
        return replace(
            alone,
            logits=logits,
            objective=objective,
            loss=loss,
            seconds=time.monotonic() - started,
            facts={**alone.facts, "averaged": True},
        )


def build(options: Options) -> Refine:
    """Build the rung.

    Args:
        options: How the encoder is trained.

    Returns:
        The rung.
    """
    return Refine(options)


def _trained(model: EncoderModel) -> dict[str, nn.Parameter]:
    """Parameters that are the model's own; frozen embeddings are shared with the base."""
    return {name: parameter for name, parameter in model.classifier.named_parameters() if parameter.requires_grad}


def _average(model: EncoderModel, other: EncoderModel) -> None:
    """Replace the model's trained weights by the mean of both models' weights."""
    theirs = dict(other.classifier.named_parameters())
    with torch.no_grad():
        for name, mine in _trained(model).items():
            mine.lerp_(theirs[name], 0.5)


def _put(model: EncoderModel, weights: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, parameter in _trained(model).items():
            parameter.copy_(weights[name])
