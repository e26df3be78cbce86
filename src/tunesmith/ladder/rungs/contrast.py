"""``contrast``: the encoder tuned by pairs of rows, alike in their label or not; then the head solved anew.

From few rows a head learns next to nothing of how texts relate that does not lie in the features already. Every pair
of rows tells something of it: 128 rows are 8,128 pairs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count, islice

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from tunesmith.bundle.encoder_model import EncoderModel
from tunesmith.config import Settings
from tunesmith.data.batch import Batch, pack, random_draws
from tunesmith.data.tokenize import TokenSet
from tunesmith.ladder.coverage import most_windows
from tunesmith.ladder.fitting import (
    EXPECTED_SHARE_OF_MATMUL_RATE,
    FitOptions,
    fresh_model,
    pack_trained,
    reserve_s,
    unpack_trained,
)
from tunesmith.ladder.landing import Landing
from tunesmith.ladder.site import Ground, Site
from tunesmith.models.flops import forward_flops, training_flops
from tunesmith.models.supervision import Supervision
from tunesmith.runtimes.torch import logits as logits_of
from tunesmith.runtimes.torch import pooled
from tunesmith.train.loop import Step, fit_steps
from tunesmith.train.objectives.pairs import Pairs
from tunesmith.train.optimisers import OPTIMISERS
from tunesmith.train.parameter_groups import parameter_groups, scale_rates
from tunesmith.train.schedules import SCHEDULES
from tunesmith.train.solvers.quasi_newton import solve_head
from tunesmith.types import JSON

NEEDS = ("probe",)
"""Rungs whose landing it starts from."""

USES_BASE = True
"""Whether it needs the pretrained encoder."""

_WHOLE = FitOptions()
"""Of a fit in which every layer learns."""

_OPTIMISER, _SCHEDULE = "adamw", "linear"


class Options(Settings):
    """How the encoder is tuned."""

    epochs: float = Field(20.0, gt=0.0, le=1000.0)
    """Passes over the rows; with each the pairs of a step are others."""

    batch_tokens: int = Field(512, ge=16, le=1_000_000)
    """Real tokens of an optimiser step."""

    learning_rate: float = Field(2e-4, gt=0.0, le=1.0)
    """Peak rate of the top layer."""

    layer_decay: float = Field(0.9, gt=0.0, le=1.0)
    """Factor on the rate for each layer further down."""

    weight_decay: float = Field(0.01, ge=0.0, le=1.0)
    """Decoupled decay of matrices."""

    max_grad_norm: float = Field(1.0, gt=0.0)
    """L2 bound of the whole gradient."""


class Contrast:
    """An encoder whose features were tuned by pairs.

    Args:
        options: How.
    """

    name = "contrast"

    def __init__(self, options: Options) -> None:
        self._options = options

    def forecast(self, ground: Ground) -> float:
        """Foresee seconds from the tokens of all passes.

        Args:
            ground: Rows, base model and rate.

        Returns:
            Seconds, with those of what comes after.
        """
        encoded = ground.encoded
        lengths = encoded.tokens.select(ground.data.split.train).lengths()
        rate = (encoded.encode_gflops or EXPECTED_SHARE_OF_MATMUL_RATE * ground.matmul_gflops) * 1e9
        return 3.0 + self._options.epochs * training_flops(encoded.config, lengths) / rate + reserve_s(ground)

    def climb(self, site: Site) -> Landing:
        """Tune the encoder on the train rows and solve the head on them.

        Args:
            site: The climb.

        Returns:
            The landing.
        """
        started = time.monotonic()
        fit = self._begun(site, site.data.split.train)
        for step in fit_steps(fit.objective, fit.batches, fit.optimizer, max_grad_norm=self._options.max_grad_norm):
            site.heed_budget(self.name)
            fit.after(step)
        fit.solve()
        validation = site.encoded.tokens.select(site.data.split.validation)
        logits, targets = logits_of(fit.model.classifier, validation), site.data.targets[site.data.split.validation]
        seconds = time.monotonic() - started
        lengths = fit.tokens.lengths()
        flop = self._options.epochs * training_flops(site.encoded.config, lengths)
        return Landing(
            rung=self.name,
            kind="encoder",
            model=fit.model,
            logits=logits,
            targets=targets,
            objective=site.task.objective(site.objective, logits, targets),
            loss=site.task.held_out_loss(logits, targets),
            measured_on="validation rows",
            seconds=seconds,
            tflop=(flop + forward_flops(site.encoded.config, lengths)) / 1e12,
            refit_s=seconds * len(site.data.rows_to_choose()) / len(site.data.split.train),
            facts={"steps": fit.n_steps, "epochs": self._options.epochs, "pooling": fit.model.pooling, "l2": fit.l2},
        )

    def finish(self, site: Site, landing: Landing) -> Landing:
        """Tune once more on all rows; the figures stay those of the model before, and so does the temperature.

        Args:
            site: The climb.
            landing: As it landed.

        Returns:
            The landing with the final model.
        """
        fit = self._begun(site, site.data.rows_to_choose())
        for step in fit_steps(fit.objective, fit.batches, fit.optimizer, max_grad_norm=self._options.max_grad_norm):
            fit.after(step)
        fit.solve()
        return replace(
            landing, model=fit.model, measured_on="validation rows, by the model before it was tuned on them too"
        )

    def pack(self, landing: Landing) -> tuple[Mapping[str, Tensor], JSON]:
        """Keep head and encoder; frozen embeddings are the base's.

        Args:
            landing: As it landed.

        Returns:
            Tensors and JSON.
        """
        return pack_trained(landing.model), {}

    def unpack(self, site: Site, tensors: Mapping[str, Tensor], state: JSON) -> EncoderModel:
        """Build the model back.

        Args:
            site: The climb.
            tensors: As packed.
            state: As packed.

        Returns:
            The model.
        """
        del state
        return unpack_trained(site, _WHOLE, tensors)

    def _begun(self, site: Site, rows: NDArray[np.int64]) -> _Fit:
        """Put a fit together that starts from the base."""
        options = self._options
        model, _ = fresh_model(site, _WHOLE)
        whole = site.encoded.tokens.select(rows)
        tokens = whole.at_most(most_windows(site, whole))
        groups = parameter_groups(
            model.classifier.encoder.layer_groups(),
            (),
            learning_rate=options.learning_rate,
            head_learning_rate=0.0,
            layer_decay=options.layer_decay,
            weight_decay=options.weight_decay,
        )
        torch.manual_seed(site.seed)
        model.classifier.train()
        draws = random_draws(tokens.n_tokens, batch_tokens=options.batch_tokens, seed=site.seed, epoch=0)
        fit = _Fit(
            site=site,
            model=model,
            tokens=tokens,
            wanted=site.wanted(rows),
            objective=Pairs(model.classifier, torch.from_numpy(site.data.targets[rows])),
            optimizer=OPTIMISERS.member(_OPTIMISER).build(groups, OPTIMISERS.options(_OPTIMISER)),
            batch_tokens=options.batch_tokens,
            n_steps=max(1, math.ceil(options.epochs * len(draws))),
        )
        fit.set_rates(1)
        return fit


@dataclass(frozen=True)
class _Fit:
    """One tuning: its rows, what learns, and what follows a step."""

    site: Site
    model: EncoderModel
    tokens: TokenSet
    wanted: Supervision
    objective: Pairs
    optimizer: torch.optim.Optimizer
    batch_tokens: int
    n_steps: int

    @property
    def l2(self) -> float:
        """The probe's: on features that lie together by label, any gives the same answers."""
        return float(self.site.landings["probe"].facts["l2"])

    @property
    def batches(self) -> Iterator[Batch]:
        """Honest random draws of rows, as many as there are steps."""
        draws = (
            draw
            for epoch in count()
            for draw in random_draws(
                self.tokens.n_tokens, batch_tokens=self.batch_tokens, seed=self.site.seed, epoch=epoch
            )
        )
        return (pack(self.tokens, draw) for draw in islice(draws, self.n_steps))

    def set_rates(self, number: int) -> None:
        """Set the rates of a step."""
        schedule = SCHEDULES.member(_SCHEDULE).build(SCHEDULES.options(_SCHEDULE))
        scale_rates(self.optimizer, schedule(number / (self.n_steps + 1)))

    def after(self, step: Step) -> None:
        """Heed the user, go on with the schedule, tell how far it is."""
        self.site.heed_stop("while the encoder was tuned by pairs")
        self.set_rates(step.number + 1)
        self.site.log.write(rung="contrast", step=step.number, loss=step.loss, grad_norm=step.grad_norm)
        self.site.narrator.progress("contrast", step.number / self.n_steps)

    def solve(self) -> None:
        """Solve the head on the features as they are now."""
        classifier = self.model.classifier.eval()
        with torch.inference_mode():
            features = classifier.combined(torch.from_numpy(pooled(classifier, self.tokens))).numpy()
        solution = solve_head(features, self.wanted, l2=self.l2)
        with torch.no_grad():
            classifier.head.weight.copy_(torch.from_numpy(solution.weight))
            classifier.head.bias.copy_(torch.from_numpy(solution.bias))


def build(options: Options) -> Contrast:
    """Build the rung.

    Args:
        options: How the encoder is tuned.

    Returns:
        The rung.
    """
    return Contrast(options)
