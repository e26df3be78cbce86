"""``finetune``: the encoder trained from the probe's head, every layer at a rate of its own."""

from __future__ import annotations

import time

from tunesmith.ladder.fitting import (
    FitOptions,
    SetUp,
    least_seconds,
    set_up,
    whole_fit_s,
)
from tunesmith.ladder.keeping import KeepsEncoder
from tunesmith.ladder.landing import Landing
from tunesmith.ladder.site import Ground, Site
from tunesmith.train.loop import fit_steps

Options = FitOptions

NEEDS = ("probe",)
"""Rungs whose landing it starts from."""

USES_BASE = True
"""Whether it needs the pretrained encoder."""


class Finetune(KeepsEncoder):
    """The encoder trained whole.

    Args:
        options: How.
    """

    name = "finetune"

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._options = options

    def forecast(self, ground: Ground) -> float:
        """Foresee the least seconds worth starting for: see ``least_seconds``.

        Args:
            ground: Rows, base model and rate.

        Returns:
            Seconds.
        """
        return least_seconds(ground)

    def whole(self, ground: Ground) -> float:
        """Foresee the seconds of this rung where nothing cuts it short: see ``Rung``."""
        return whole_fit_s(ground, self._options)

    def climb(self, site: Site) -> Landing:
        """Train from the probe's head, score as planned, keep the best.

        Args:
            site: The climb.

        Returns:
            The landing.
        """
        started = time.monotonic()
        setup = set_up(site, self._options, name=self.name, seed=site.seed)
        fit = setup.fit
        fit.begin(site.seed)
        started -= fit.earlier_s  # what the checkpoint cost counts, what a kill undid does not
        for step in fit_steps(
            fit.objective,
            fit.batches(site.seed),
            fit.optimizer,
            max_grad_norm=self._options.max_grad_norm,
            micro_batch=self._options.micro_batch(),
            first_number=fit.state.number + 1,
            observe=fit.objective.observe,
        ):
            fit.after(step)
        fit.take_best()
        return landing_of(site, self.name, setup, seconds=time.monotonic() - started)


def build(options: Options) -> Finetune:
    """Build the rung.

    Args:
        options: How the encoder is trained.

    Returns:
        The rung.
    """
    return Finetune(options)


def landing_of(site: Site, name: str, setup: SetUp, *, seconds: float) -> Landing:
    """Describe what a fit brought.

    Args:
        site: The climb.
        name: The rung.
        setup: The fit, ended, its best weights in the model.
        seconds: What it took.

    Returns:
        The landing, scored on the validation rows.
    """
    fit, rows = setup.fit, setup.rows
    logits, targets = fit.take_best(), rows.validation_targets
    n_train_tokens = int(rows.train.n_tokens.sum())
    forward_flops = setup.model.classifier.encoder.forward_flops
    n_passes = setup.cost.each * fit.state.tokens / n_train_tokens + setup.cost.once
    trained = n_passes * forward_flops(rows.train.lengths())
    scored = forward_flops(rows.validation.lengths()) * len(fit.state.curve)
    return Landing(
        rung=name,
        kind="encoder" if setup.model.method is None else "adapter",
        model=setup.model,
        logits=logits,
        targets=targets,
        objective=site.task.objective(site.objective, logits, targets),
        loss=site.task.held_out_loss(logits, targets),
        measured_on="validation rows",
        seconds=seconds,
        tflop=(trained + scored) / 1e12,
        cut_short=fit.cut_short,
        facts={
            "steps": fit.state.number,
            "best_step": fit.state.best_number,
            "epochs": round(fit.state.tokens / n_train_tokens, 2),
            "ended": fit.state.ended,
            "curve": fit.state.curve,
            "pooling": setup.model.pooling,
            **setup.told,
            **({} if setup.model.pairing is None else {"pairing": setup.model.pairing}),
        },
    )
