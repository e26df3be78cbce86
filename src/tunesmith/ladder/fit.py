"""One fit of an encoder classifier: what happens around the optimiser step, and what a killed run needs to go on."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count

import numpy as np
import torch
from numpy.typing import NDArray

from tunesmith.data.batch import Batch, pack, random_draws
from tunesmith.data.tokenize import TokenSet
from tunesmith.errors import ResourceError, Stopped
from tunesmith.ladder.landing import log_loss_of
from tunesmith.ladder.site import Site
from tunesmith.run.checkpoint import Checkpoint
from tunesmith.run.guard import Guard
from tunesmith.run.log import RunLog
from tunesmith.run.packing import pack_optimizer, unpack_optimizer
from tunesmith.runtimes.torch import logits as logits_of
from tunesmith.train.loop import Step
from tunesmith.train.objectives.classification import Classification
from tunesmith.train.parameter_groups import scale_rates
from tunesmith.train.schedules import Schedule


@dataclass(frozen=True)
class Rows:
    """Tokens and classes of the rows to fit on and of those to score on; rows counted from 0 in each."""

    train: TokenSet
    validation: TokenSet
    validation_targets: NDArray[np.int64]


@dataclass(frozen=True)
class FitPlan:
    """How long a fit is: decided once, before its first step."""

    steps: int
    points: tuple[int, ...]
    """Steps after which the validation rows are scored; the last is ``steps``."""
    save_every: int
    """Steps between checkpoints."""
    patience: int
    """Scored points without gain after which the fit ends."""
    reserve_s: float
    """Seconds of the budget kept for what comes after the fit."""


@dataclass
class FitState:
    """All of a fit's memory that is not tensors."""

    number: int = 0
    best_number: int = 0
    best_objective: float = -1.0
    best_log_loss: float = 0.0
    """Of the best point; nothing before the first, whose objective is always higher."""
    points_without_gain: int = 0
    ended: str | None = None
    skipped: int = 0
    tokens: int = 0
    curve: list[dict[str, float]] = field(default_factory=list)
    """One entry a scored point: step, objective, log_loss."""


class Fit:
    """Schedules, scores, logs, saves and stops around ``train.loop.fit_steps``.

    Args:
        site: The climb.
        name: Name of the fit in plan, log and checkpoints.
        objective: The classifier with its loss.
        optimizer: Over the classifier's trained parameters.
        schedule: Progress to factor on the learning rates.
        rows: To fit and to score on.
        fit_plan: How long.
    """

    def __init__(
        self,
        site: Site,
        name: str,
        objective: Classification,
        *,
        optimizer: torch.optim.Optimizer,
        schedule: Schedule,
        rows: Rows,
        fit_plan: FitPlan,
    ) -> None:
        self._site = site
        self._name = name
        self.objective = objective
        self.optimizer = optimizer
        self._schedule = schedule
        self._rows = rows
        self._plan = fit_plan
        self._guard = Guard()
        self.state = FitState()
        self.best_logits: NDArray[np.float32] | None = None
        self._first = 0
        self._started = self._last_told = time.monotonic()

    def begin(self, seed: int) -> None:
        """Start from scratch, or from the newest checkpoint of an earlier life of this run.

        Args:
            seed: Of dropout.
        """
        torch.manual_seed(seed)
        newest = self._site.checkpoints.newest(self._name)
        if newest is not None:
            self._restore(newest)
            torch.set_rng_state(newest.tensors["rng"])
            self.state = FitState(**newest.state["fit"])
            self._guard.load_state(newest.state["guard"])
            self._site.plan.seek(newest.state["n_decisions"])
            self._site.log = RunLog(self._site.workspace.log, keep_bytes=newest.state["log_bytes"])
            self._site.narrator.say(f"{self._name} goes on after step {self.state.number} of {self._plan.steps}")
        self._first = self.state.number
        self._started = time.monotonic()
        self.objective.classifier.train()
        self._set_rates()

    def batches(self, *, batch_tokens: int, seed: int) -> Iterator[Batch]:
        """Draw the batches of the steps still to take.

        Args:
            batch_tokens: Tokens of an optimiser step.
            seed: Of the draws.

        Yields:
            One batch a step: an honest random draw, each row once an epoch.
        """
        draws = (
            draw
            for epoch in count()
            for draw in random_draws(self._rows.train.n_tokens, batch_tokens=batch_tokens, seed=seed, epoch=epoch)
        )
        for number, draw in enumerate(draws, start=1):
            if number > self._plan.steps or self.state.ended:
                return
            if number > self.state.number:
                yield pack(self._rows.train, draw)

    def after(self, step: Step) -> None:
        """Do all that follows an optimiser step: guard, schedule, score, save, tell, stop.

        Args:
            step: The step just taken.

        Raises:
            Stopped: The user asked to stop; the fit can go on from where it is.
            ResourceError: Training diverges in spite of going back.
        """
        state = self.state
        state.number = step.number
        state.tokens += step.n_tokens
        state.skipped += int(step.skipped)
        self._log(step=step.number, loss=step.loss, grad_norm=step.grad_norm, skipped=step.skipped)
        if self._guard.check(step) == "roll back":
            self._roll_back(step)
        self._set_rates()
        if step.number in self._plan.points:
            self._score()
        if step.number % self._plan.save_every == 0 and not state.ended:
            self._save()
        self._tell()
        if self._site.stop.requested and not state.ended:
            self._save()
            raise Stopped(
                "stopped", f"stopped after step {step.number} of {self._plan.steps}", advice="go on with --resume"
            )

    def take_best(self) -> NDArray[np.float32]:
        """Put the best scored weights into the classifier.

        Returns:
            Their outputs on the validation rows, ``[B, C]``.
        """
        if self.state.best_number != self.state.number or self.best_logits is None:
            best = self._site.checkpoints.newest(f"{self._name}_best")
            assert best is not None, "a fit ends at a scored point"
            self._load_weights(best.tensors)
            self.best_logits = best.tensors["validation_logits"].numpy()
        self.objective.classifier.eval()
        return self.best_logits

    def _log(self, **figures: float | bool) -> None:
        self._site.log.write(rung=self._name, seconds=round(self._site.clock.elapsed(), 3), **figures)

    def _trained(self) -> dict[str, torch.nn.Parameter]:
        named = self.objective.classifier.named_parameters()
        return {name: parameter for name, parameter in named if parameter.requires_grad}

    def _set_rates(self) -> None:
        """Set the rates of the step to come."""
        progress = (self.state.number + 1) / (self._plan.steps + 1)
        scale_rates(self.optimizer, self._schedule(progress) * self._guard.rate_scale)

    def _score(self) -> None:
        """Score the validation rows, remember the best, and decide whether the fit goes on."""
        state, classifier = self.state, self.objective.classifier
        classifier.eval()
        logits = logits_of(classifier, self._rows.validation)
        classifier.train()
        targets = self._rows.validation_targets
        objective = self._site.task.objective(self._site.objective, logits, targets)
        log_loss = log_loss_of(logits, targets)
        state.curve.append({"step": state.number, "objective": objective, "log_loss": log_loss})
        self._log(step=state.number, objective=objective, log_loss=log_loss)
        self._site.log.flush()
        if (objective, -log_loss) > (state.best_objective, -state.best_log_loss):
            state.best_number, state.best_objective, state.best_log_loss = state.number, objective, log_loss
            state.points_without_gain = 0
            self.best_logits = logits
            weights = {f"weights.{name}": value.detach() for name, value in self._trained().items()}
            tensors = {"validation_logits": torch.from_numpy(logits), **weights}
            self._site.checkpoints.save(f"{self._name}_best", tensors, {"number": state.number})
        else:
            state.points_without_gain += 1
        self._decide_end()

    def _decide_end(self) -> None:
        state, site = self.state, self._site
        if state.number >= self._plan.steps:
            state.ended = "planned steps taken"
        elif state.points_without_gain >= self._plan.patience:
            state.ended = f"no gain at {self._plan.patience} scored points"
        elif site.plan.decide(f"{self._name}.stop.{state.number}", self._late):
            state.ended = "budget"

    def _late(self) -> bool:
        """Say whether the steps still planned do not fit the budget any more."""
        spent = time.monotonic() - self._started
        ahead = self._plan.steps - self.state.number
        return spent / (self.state.number - self._first) * ahead > self._site.clock.left() - self._plan.reserve_s

    def _save(self) -> None:
        optimizer_tensors, optimizer_state = pack_optimizer(self.optimizer)
        tensors = {f"weights.{name}": value.detach() for name, value in self._trained().items()}
        tensors |= {f"optimizer.{name}": value for name, value in optimizer_tensors.items()}
        tensors["rng"] = torch.get_rng_state()
        state = {
            "fit": asdict(self.state),
            "guard": self._guard.state_dict(),
            "optimizer": optimizer_state,
            "n_decisions": self._site.plan.n_decisions,
            "log_bytes": self._site.log.flush(),
        }
        self._site.checkpoints.save(self._name, tensors, state)

    def _restore(self, checkpoint: Checkpoint) -> None:
        self._load_weights(checkpoint.tensors)
        prefix = "optimizer."
        tensors = {n.removeprefix(prefix): value for n, value in checkpoint.tensors.items() if n.startswith(prefix)}
        unpack_optimizer(self.optimizer, tensors, checkpoint.state["optimizer"])

    def _load_weights(self, tensors: dict[str, torch.Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in self._trained().items():
                parameter.copy_(tensors[f"weights.{name}"])

    def _roll_back(self, step: Step) -> None:
        """Take the weights of the last checkpoint, halve the rates, and leave the batches in between behind."""
        newest = self._site.checkpoints.newest(self._name)
        if newest is None:
            raise ResourceError(
                "training-diverged",
                f"the loss ran away at step {step.number}, before the first checkpoint",
                where=self._name,
                advice=f"lower the learning rate: --set rung.{self._name}.learning_rate=1e-4",
            )
        self._restore(newest)
        self._site.narrator.say(f"{self._name}: the loss ran away at step {step.number}; went back, rates halved")

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._last_told < 0.5 and not self.state.ended:
            return
        self._last_told = now
        done = self.state.number / self._plan.steps
        taken = max(self.state.number - self._first, 1)
        left = (now - self._started) / taken * (self._plan.steps - self.state.number)
        self._site.narrator.progress(self._name, 1.0 if self.state.ended else done, left)


def scoring_points(steps: int, *, steps_per_epoch: float, training_tokens: int, scored_tokens: int) -> tuple[int, ...]:
    """Choose after which steps to score the validation rows.

    Scoring a token costs a third of training on it; all scoring together may cost at most a twentieth of the training,
    and happens at most twice an epoch and eight times.

    Args:
        steps: Planned optimiser steps.
        steps_per_epoch: Steps in one pass over the rows.
        training_tokens: Tokens of all planned steps.
        scored_tokens: Tokens of the validation rows.

    Returns:
        Ascending step numbers, the last is ``steps``.

    Example:
        >>> scoring_points(100, steps_per_epoch=50, training_tokens=60_000, scored_tokens=1_000)
        (25, 50, 75, 100)
    """
    affordable = int(0.05 * training_tokens / max(scored_tokens / 3.0, 1.0))
    wanted = min(8, math.ceil(2.0 * steps / max(steps_per_epoch, 1.0)))
    n_points = max(1, min(affordable, wanted, steps))
    return tuple(sorted({round(steps * (number + 1) / n_points) for number in range(n_points)}))


def seconds_per_token(objective: Classification, batches: Sequence[Batch]) -> float:
    """Time forward and backward passes on real draws; weights and random state stay as they were.

    Args:
        objective: The classifier with its loss.
        batches: A few draws; the first warms up.

    Returns:
        Seconds a token, the median over the draws after the first.
    """
    state = torch.get_rng_state()
    objective.classifier.train()
    rates = []
    for batch in batches:
        started = time.perf_counter()
        loss = objective.loss_sum(batch) / len(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        rates.append((time.perf_counter() - started) / batch.n_tokens)
    objective.classifier.zero_grad(set_to_none=True)
    torch.set_rng_state(state)
    return float(np.median(rates[1:]))
