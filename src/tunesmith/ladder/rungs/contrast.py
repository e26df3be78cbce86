"""``contrast``: the encoder tuned by pairs of rows, alike in their label or not; then the head solved anew.

From few rows a head learns next to nothing of how texts relate that does not lie in the features already. Every pair
of rows tells something of it: 128 rows are 8,128 pairs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count, islice

import numpy as np
import torch
from pydantic import Field

from tunesmith.bundle.encoder_model import EncoderModel
from tunesmith.config import Settings
from tunesmith.data.batch import Batch, pack, random_draws
from tunesmith.data.tokenize import TokenSet
from tunesmith.errors import counted
from tunesmith.ladder.coverage import most_windows
from tunesmith.ladder.fitting import (
    EXPECTED_SHARE_OF_MATMUL_RATE,
    FitOptions,
    fresh_model,
    reserve_s,
)
from tunesmith.ladder.keeping import KeepsEncoder
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

NEEDS = ("probe",)
"""Rungs whose landing it starts from."""

USES_BASE = True
"""Whether it needs the pretrained encoder."""

_WHOLE = FitOptions()
"""Of a fit in which every layer learns."""

_OPTIMISER, _SCHEDULE = "adamw", "linear"


class Options(Settings):
    """How the encoder is tuned."""

    epochs: float = Field(5.0, gt=0.0, le=1000.0)
    """Passes over the rows; with each the pairs of a step are others."""

    max_steps: int = Field(500, ge=1, le=1_000_000)
    """Optimiser steps at most: five passes over 1,000 rows. Of more, ``finetune`` learns faster."""

    batch_size: int = Field(10, ge=2, le=1000)
    """Rows of an optimiser step, all pairs of which count."""

    learning_rate: float = Field(2e-4, gt=0.0, le=1.0)
    """Peak rate of the top layer."""

    layer_decay: float = Field(0.9, gt=0.0, le=1.0)
    """Factor on the rate for each layer further down."""

    weight_decay: float = Field(0.01, ge=0.0, le=1.0)
    """Decoupled decay of matrices."""

    max_grad_norm: float = Field(1.0, gt=0.0)
    """L2 bound of the whole gradient."""

    tuned_share: float = Field(0.5, gt=0.0, le=1.0)
    """Share of the tuned weights in their mean with the base model's, which is kept; 1 keeps the tuned ones."""


class Contrast(KeepsEncoder):
    """An encoder whose features were tuned by pairs.

    Args:
        options: How.
    """

    name = "contrast"

    def __init__(self, options: Options) -> None:
        super().__init__(_WHOLE)
        self._options = options

    def forecast(self, ground: Ground) -> float:
        """Foresee seconds from the tokens of all passes.

        Args:
            ground: Rows, base model and rate.

        Returns:
            Seconds, with those of what comes after.
        """
        encoded = ground.encoded
        lengths = self._read(ground).lengths()
        rate = (encoded.encode_gflops or EXPECTED_SHARE_OF_MATMUL_RATE * ground.matmul_gflops) * 1e9
        return 3.0 + self._passes(ground) * training_flops(encoded.config, lengths) / rate + reserve_s(ground)

    def whole(self, ground: Ground) -> float:
        """Foresee the seconds of this rung where nothing cuts it short: see ``Rung``."""
        return self.forecast(ground) - reserve_s(ground)

    def climb(self, site: Site) -> Landing:
        """Tune the encoder on the train rows and solve the head on them.

        Args:
            site: The climb.

        Returns:
            The landing.
        """
        started = time.monotonic()
        fit = self._begun(site)
        steps = []
        for step in fit_steps(fit.objective, fit.batches, fit.optimizer, max_grad_norm=self._options.max_grad_norm):
            site.heed_budget(self.name)
            fit.after(step)
            steps.append(step)
        for step in steps:  # now, since a life that is stopped begins anew, and no step may stand in the log twice
            site.log.write(rung=self.name, step=step.number, loss=step.loss, grad_norm=step.grad_norm)
        fit.mix(self._options.tuned_share)
        solving = time.monotonic()
        l2 = float(site.landings["probe"].facts["l2"])  # on features that lie together by label, any answers alike
        train, validation = site.data.split.train, site.data.split.validation
        _solve_head(fit.model, site.encoded.tokens.select(train), site.wanted(train), l2=l2)
        solve_s = time.monotonic() - solving
        logits = logits_of(fit.model.classifier, site.encoded.tokens.select(validation))
        targets = site.data.targets[validation]
        seconds = time.monotonic() - started
        flop = self._passes(site) * training_flops(site.encoded.config, fit.tokens.lengths())
        flop += forward_flops(site.encoded.config, site.encoded.tokens.select(train).lengths())
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
            tflop=flop / 1e12,
            refit_s=solve_s * len(site.data.rows_to_choose()) / len(train),
            facts={"steps": fit.n_steps, "epochs": self._passes(site), "pooling": fit.model.pooling, "l2": l2},
        )

    def finish(self, site: Site, landing: Landing) -> Landing:
        """Solve the head on all rows; the figures stay those of the model before, and so does the temperature.

        The encoder stays as it is: to tune it on all rows costs as much again, and gained nothing that could be told
        from luck, see ``benchmarks/few_labels``.

        Args:
            site: The climb.
            landing: As it landed.

        Returns:
            The landing with the final model.
        """
        rows = site.data.rows_to_choose()
        model = self.unpack(site, *self.pack(landing))
        _solve_head(model, site.encoded.tokens.select(rows), site.wanted(rows), l2=float(landing.facts["l2"]))
        measured_on = "validation rows, by the model before its head was solved on them too"
        return replace(landing, model=model, measured_on=measured_on)

    def _n_steps(self, n_rows: int) -> int:
        """Count optimiser steps."""
        options = self._options
        return min(options.max_steps, math.ceil(options.epochs * math.ceil(n_rows / options.batch_size)))

    def _passes(self, ground: Ground) -> float:
        """Tell how often the train rows are read: as often as is asked for, or as the steps at most allow."""
        n_rows = len(ground.data.split.train)
        return min(self._options.epochs, self._n_steps(n_rows) * self._options.batch_size / n_rows)

    def _read(self, ground: Ground) -> TokenSet:
        """Take the tokens of the train rows that tuning reads: of long texts few windows, or a step had no pairs."""
        whole = ground.encoded.tokens.select(ground.data.split.train)
        return whole.at_most(max(whole.n_sides, most_windows(ground, whole) // self._options.batch_size))

    def _begun(self, site: Site) -> _Fit:
        """Put a fit on the train rows together that starts from the base."""
        options, rows = self._options, site.data.split.train
        model, _ = fresh_model(site, _WHOLE)
        tokens = self._read(site)
        n_long = int((site.encoded.tokens.select(rows).n_windows() > tokens.n_windows()).sum())
        if n_long:
            long = counted(n_long, "long text")
            site.narrator.say(f"{self.name}: of {long} tuning reads the beginning; the head and scores read all")
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
        model.classifier.trained_in = site.precision
        fit = _Fit(
            site=site,
            model=model,
            tokens=tokens,
            objective=Pairs(model.classifier, torch.from_numpy(site.data.targets[rows])),
            optimizer=OPTIMISERS.member(_OPTIMISER).build(groups, OPTIMISERS.options(_OPTIMISER)),
            batch_size=options.batch_size,
            n_steps=self._n_steps(len(rows)),
        )
        fit.set_rates(1)
        return fit


@dataclass(frozen=True)
class _Fit:
    """One tuning: its rows, what learns, and what follows a step."""

    site: Site
    model: EncoderModel
    tokens: TokenSet
    objective: Pairs
    optimizer: torch.optim.Optimizer
    batch_size: int
    n_steps: int

    @property
    def batches(self) -> Iterator[Batch]:
        """Honest random draws of rows, as many as there are steps."""
        each = np.ones(self.tokens.n_rows, dtype=np.int32)
        draws = (
            draw
            for epoch in count()
            for draw in random_draws(each, batch_tokens=self.batch_size, seed=self.site.seed, epoch=epoch)
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
        self.site.narrator.progress("contrast", step.number / self.n_steps)

    def mix(self, share: float) -> None:
        """Go back part of the way to the base's weights, from which pairs of few rows lead too far.

        Source: Wortsman et al. 2022, "Robust fine-tuning of zero-shot models".
        """
        tuned, base = (encoder.parameters() for encoder in (self.model.classifier.encoder, self.site.encoded.encoder))
        with torch.no_grad():
            for weight, before in zip(tuned, base, strict=True):
                if weight.requires_grad:
                    weight.lerp_(before, 1.0 - share)


def _solve_head(model: EncoderModel, tokens: TokenSet, wanted: Supervision, *, l2: float) -> None:
    """Solve a model's head on the features that its encoder gives now."""
    classifier = model.classifier.eval()
    with torch.inference_mode():
        features = classifier.combined(torch.from_numpy(pooled(classifier, tokens))).numpy()
    solution = solve_head(features, wanted, l2=l2)
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
