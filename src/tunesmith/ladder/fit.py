"""One fit of an encoder classifier: what happens around the optimiser step, and what a killed run needs to go on."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count

import numpy as np
import torch
from numpy.typing import NDArray

from tunesmith.data.batch import Batch, MicroBatch, pack, random_draws
from tunesmith.data.places import Places
from tunesmith.data.tokenize import TokenSet
from tunesmith.errors import ArtifactError, ResourceError, Stopped, counted
from tunesmith.ladder.site import Site
from tunesmith.run.checkpoint import Checkpoint
from tunesmith.run.guard import Guard
from tunesmith.run.log import RunLog
from tunesmith.run.packing import pack_optimizer, pack_rng, unpack_optimizer, unpack_rng
from tunesmith.runtimes.allocator import give_back_freed_memory
from tunesmith.runtimes.torch import logits as logits_of
from tunesmith.tasks import Targets
from tunesmith.train.averaging import averaged, put_average
from tunesmith.train.loop import Step
from tunesmith.train.objectives.supervised import Supervised
from tunesmith.train.parameter_groups import scale_rates
from tunesmith.train.schedules import Schedule

_LEAST_SHARE_AHEAD = 0.1
"""Of the planned steps; less is not worth another scoring."""

_LOOKS_AT_THE_CLOCK = 24
_ON_TIME = 0.98
"""Share of the steps ahead that must fit; a pace that wavers by less is no reason to plan anew."""

_STEPS_BETWEEN_TRIMS = 8
"""After which freed memory goes back to the system: no two steps ask for blocks of the same sizes, so what lies free
between them grows to twice what a step needs. Over 1.2 passes of banking77, LoRA's peak above the loaded model is 300
MiB with it, over 3.2 passes 432 MiB without; it costs no time that could be measured."""

_SCORED_TOKENS = 1024
"""Of a pass over validation rows: no more than of a training step, so that scoring asks for no memory of its own."""


@dataclass(frozen=True)
class Rows:
    """Tokens and targets of the rows to fit on and of those to score on; rows counted from 0 in each."""

    train: TokenSet
    train_places: Places
    """Line of the file on which each row to fit on begins."""
    validation: TokenSet
    validation_targets: Targets


@dataclass(frozen=True)
class FitPlan:
    """How long a fit is: decided once, before its first step."""

    steps: int
    points: tuple[int, ...]
    """Steps after which the validation rows are scored; the last is ``steps``."""
    batch_tokens: int
    """Tokens of an optimiser step."""
    save_every: int
    """Steps between checkpoints."""
    patience: int
    """Scored points without gain after which the fit ends."""
    reserve_s: float
    """Seconds of the budget kept for what comes after the fit."""
    wanted: int
    """Steps worth taking, had the budget no end."""

    @property
    def replan_every(self) -> int:
        """Steps between two looks at the clock, once the first point is scored and the pace is known."""
        return max(1, self.steps // _LOOKS_AT_THE_CLOCK)


@dataclass
class FitState:
    """All of a fit's memory that is not tensors."""

    steps: int = 0
    """Planned; fewer than at first where the clock was faster than foreseen."""
    points: list[int] = field(default_factory=list)
    """Steps after which the validation rows are scored; the last is ``steps``."""
    from_step: int = 0
    from_progress: float = 0.0
    """Where the schedule stood when the steps were last planned: from there it runs evenly to its end."""
    number: int = 0
    best_number: int = 0
    best_objective: float = -2.0
    best_loss: float = 0.0
    """Of the best point; nothing before the first, whose objective is always higher."""
    points_without_gain: int = 0
    ended: str | None = None
    skipped: int = 0
    tokens: int = 0
    curve: list[dict[str, float]] = field(default_factory=list)
    """One entry a scored point: step, objective, loss."""


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
        objective: Supervised,
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
        self._guard = Guard(places=rows.train_places)
        self.state = FitState()
        self.best_logits: NDArray[np.float32] | None = None
        self.earlier_s = 0.0
        """Seconds of earlier lives that led to the checkpoint this one goes on from."""
        self._first = 0
        self._started = self._last_told = time.monotonic()

    def begin(self, seed: int) -> None:
        """Start from scratch, or from the newest checkpoint of an earlier life of this run.

        Args:
            seed: Of dropout.
        """
        torch.manual_seed(seed)
        newest = self._newest()
        if newest is not None:
            self._restore(newest)
            unpack_rng(torch.default_generator, newest.tensors["rng"])
            self.state = FitState(**newest.state["fit"])
            self._guard.load_state(newest.state["guard"])
            self._site.plan.seek(newest.state["n_decisions"])
            self._site.log = RunLog(self._site.workspace.log, keep_bytes=newest.state["log_bytes"])
            self.earlier_s = newest.state["seconds"]
            self._site.narrator.say(f"{self._name} goes on after step {self.state.number} of {self.state.steps}")
        else:
            self.state = FitState(steps=self._plan.steps, points=list(self._plan.points))
            self._save(self._name)  # a loss that runs away early needs something to go back to as well
        self._first = self.state.number
        self._started = time.monotonic()
        self.objective.classifier.train()
        self._set_rates()

    def batches(self, seed: int) -> Iterator[Batch]:
        """Draw the batches of the steps still to take.

        Args:
            seed: Of the draws.

        Yields:
            One batch a step: an honest random draw, each row once an epoch.
        """
        n_tokens = self._rows.train.n_tokens
        draws = (
            draw
            for epoch in count()
            for draw in random_draws(n_tokens, batch_tokens=self._plan.batch_tokens, seed=seed, epoch=epoch)
        )
        for number, draw in enumerate(draws, start=1):
            if number > self.state.steps or self.state.ended:
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
        if self.objective.allocator is not None:
            self.objective.allocator.allocate(step.number, state.steps)
        self._log(step=step.number, loss=step.loss, grad_norm=step.grad_norm, skipped=step.skipped)
        if self._guard.check(step) == "roll back":
            self._roll_back(step)
        if step.number in state.points:
            with averaged(self.optimizer):  # a mean of the weights, where one is kept, is what is scored and kept
                self._score()
        elif state.curve and step.number % self._plan.replan_every == 0:
            self._replan()  # without a budget too: one plan serves under any
        self._set_rates()  # of the plan as it is now: a life that goes on from here sets the same
        if step.number % _STEPS_BETWEEN_TRIMS == 0:
            give_back_freed_memory()
        if step.number % self._plan.save_every == 0 and not state.ended and not self._guard.suspects_spike:
            self._save(self._name)
        self._tell()
        if self._site.stop.requested and not state.ended:
            self._save(_stopped(self._name))
            raise Stopped("stopped", f"stopped after step {step.number} of {state.steps}", advice="go on with --resume")

    @property
    def cut_short(self) -> bool:
        """Whether the clock ended it, or allowed fewer steps than are worth taking and all of those were taken."""
        out_of_steps = self.state.number >= self.state.steps < self._plan.wanted
        return self.state.ended == "budget" or out_of_steps

    def take_best(self) -> NDArray[np.float32]:
        """Put the best scored weights into the classifier.

        Returns:
            Their outputs on the validation rows, ``[B, C]``.

        Raises:
            ArtifactError: ``checkpoint-lost``, none of them can be read any more.
        """
        if self.state.best_number != self.state.number or self.best_logits is None:
            best = self._site.checkpoints.newest(_best(self._name))
            if best is None:
                raise ArtifactError(
                    "checkpoint-lost",
                    f"the best weights of {self._name} cannot be read any more",
                    where=str(self._site.workspace.checkpoints),
                    found="; ".join(self._site.checkpoints.notes) or "no checkpoint of them",
                    allowed="checkpoints as they were written",
                    advice="look whether the disk is sound, then train anew with --force",
                )
            self._know_best(best.state["number"])
            self._load_weights(best.tensors)
            self.best_logits = best.tensors["validation_logits"].numpy()
        else:
            put_average(self.optimizer)
        self.objective.classifier.eval()
        return self.best_logits

    def _know_best(self, number: int) -> None:
        """Tell where the best weights are damaged and those of an earlier point take their place."""
        lost, self.state.best_number = self.state.best_number, number
        if number != lost:
            self._site.narrator.say(
                f"{self._name}: the best weights, of step {lost}, are damaged; of step {number} are kept"
            )

    def _log(self, **figures: float | bool) -> None:
        self._site.log.write(rung=self._name, seconds=round(self._site.clock.elapsed(), 3), **figures)
        self._site.trackers.figures(
            self._name, {name: value for name, value in figures.items() if name != "step"}, step=self.state.number
        )

    def _trained(self) -> dict[str, torch.nn.Parameter]:
        named = self.objective.classifier.named_parameters()
        return {name: parameter for name, parameter in named if parameter.requires_grad}

    def _set_rates(self) -> None:
        """Set the rates of the step to come."""
        scale_rates(self.optimizer, self._schedule(self._progress(self.state.number + 1)) * self._guard.rate_scale)

    def _progress(self, number: int) -> float:
        """Tell where on the schedule a step stands, 0..1."""
        state = self.state
        share = (number - state.from_step) / (state.steps + 1 - state.from_step)
        return state.from_progress + (1.0 - state.from_progress) * share

    def _score(self) -> None:
        """Score the validation rows, remember the best, and decide whether the fit goes on."""
        state, classifier = self.state, self.objective.classifier
        classifier.eval()
        logits = logits_of(classifier, self._rows.validation, batch_tokens=_SCORED_TOKENS)
        classifier.train()
        if not np.isfinite(logits).all():  # nothing to keep; the guard sees to it that training goes back
            state.points_without_gain += 1
            self._decide_end()
            if state.ended and not state.curve:
                raise self._diverged(f"the outputs after step {state.number} are not finite, nor were any before")
            return
        targets = self._rows.validation_targets
        objective = self._site.task.objective(self._site.objective, logits, targets)
        loss = self._site.task.raw_loss(logits, targets)
        state.curve.append({"step": state.number, "objective": objective, "loss": loss})
        self._log(step=state.number, objective=objective, validation_loss=loss)
        self._site.log.flush()
        self._site.journal.append("scored", rung=self._name, step=state.number, objective=objective)
        if (objective, -loss) > (state.best_objective, -state.best_loss):
            state.best_number, state.best_objective, state.best_loss = state.number, objective, loss
            state.points_without_gain = 0
            self.best_logits = logits
            weights = {f"weights.{name}": value.detach() for name, value in self._trained().items()}
            tensors = {"validation_logits": torch.from_numpy(logits), **weights}
            self._site.checkpoints.save(_best(self._name), tensors, {"number": state.number})
        else:
            state.points_without_gain += 1
        self._decide_end()

    def _decide_end(self) -> None:
        state = self.state
        if state.number >= state.steps:
            state.ended = "planned steps taken"
        elif state.points_without_gain >= self._plan.patience:
            state.ended = f"no gain at {counted(self._plan.patience, 'scored point')}"
        else:
            steps = self._planned_steps()
            if steps <= state.number:
                state.ended = "budget"
            elif steps < state.steps:
                self._shorten(steps)

    def _replan(self) -> None:
        """Shorten the fit between two scored points; where time has run out, the next step is the last."""
        steps = self._planned_steps()
        if steps < self.state.steps:
            self._shorten(max(steps, self.state.number + 1))

    def _planned_steps(self) -> int:
        """Decide at this step how many there are to be in all."""
        return int(self._site.plan.decide(f"{self._name}.steps.{self.state.number}", self._steps_that_fit))

    def _steps_that_fit(self) -> int:
        """Tell how many steps the budget allows in all; those taken, where too few more would matter."""
        state = self.state
        ahead = state.steps - state.number
        step_s = (time.monotonic() - self._started) / (state.number - self._first)
        affordable = (self._site.clock.left() - self._plan.reserve_s) / step_s
        if affordable >= _ON_TIME * ahead:
            return state.steps
        return state.number + int(affordable) if affordable >= _LEAST_SHARE_AHEAD * ahead else state.number

    def _shorten(self, steps: int) -> None:
        """Let the schedule run out in fewer steps: rates that stop high leave the weights worse than they could be."""
        state = self.state
        state.from_progress, state.from_step = self._progress(state.number), state.number
        state.points = [*(point for point in state.points if point < steps), steps]
        state.steps = steps
        fit = counted(steps, "step fits", "steps fit")
        self._site.narrator.say(f"{self._name}: the machine is slower than foreseen; {fit} the budget")

    def _save(self, name: str) -> None:
        """Write all that the steps to come depend on."""
        optimizer_tensors, optimizer_state = pack_optimizer(self.optimizer)
        tensors = {f"weights.{name}": value.detach() for name, value in self._trained().items()}
        tensors |= {f"optimizer.{name}": value for name, value in optimizer_tensors.items()}
        if self.objective.allocator is not None:
            tensors |= {f"allocator.{name}": value for name, value in self.objective.allocator.tensors().items()}
        tensors["rng"] = pack_rng(torch.default_generator)
        state = {
            "fit": asdict(self.state),
            "guard": self._guard.state_dict(),
            "optimizer": optimizer_state,
            "n_decisions": self._site.plan.n_decisions,
            "log_bytes": self._site.log.flush(),
            "seconds": self.earlier_s + time.monotonic() - self._started,
        }
        self._site.checkpoints.save(name, tensors, state)
        self._site.journal.append("saved", rung=self._name, step=self.state.number)

    def _newest(self) -> Checkpoint | None:
        """Find where to go on: the last checkpoint written by plan, or the one written when the user stopped."""
        found = [self._site.checkpoints.newest(name) for name in (self._name, _stopped(self._name))]
        return max(filter(None, found), key=lambda checkpoint: checkpoint.state["fit"]["number"], default=None)

    def _restore(self, checkpoint: Checkpoint) -> None:
        self._load_weights(checkpoint.tensors)
        unpack_optimizer(self.optimizer, _with_prefix(checkpoint.tensors, "optimizer."), checkpoint.state["optimizer"])
        if self.objective.allocator is not None:
            self.objective.allocator.load(_with_prefix(checkpoint.tensors, "allocator."))

    def _load_weights(self, tensors: dict[str, torch.Tensor]) -> None:
        with torch.no_grad():
            for name, parameter in self._trained().items():
                parameter.copy_(tensors[f"weights.{name}"])

    def _roll_back(self, step: Step) -> None:
        """Take the weights of the last checkpoint, halve the rates, and leave the batches in between behind."""
        newest = self._site.checkpoints.newest(self._name)
        if newest is None:
            raise self._diverged(f"the loss ran away at step {step.number}, before the first checkpoint")
        self._restore(newest)
        self._site.narrator.say(f"{self._name}: the loss ran away at step {step.number}; went back, rates halved")

    def _diverged(self, message: str) -> ResourceError:
        advice = f"lower the learning rate: --set rung.{self._name}.learning_rate=1e-4"
        return ResourceError("training-diverged", message, where=self._name, advice=advice)

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._last_told < 0.5 and not self.state.ended:
            return
        self._last_told = now
        done = self.state.number / self.state.steps
        taken = max(self.state.number - self._first, 1)
        left = (now - self._started) / taken * (self.state.steps - self.state.number)
        self._site.narrator.progress(self._name, 1.0 if self.state.ended else done, left)


def _with_prefix(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """Take out the tensors of one part, under their own names."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def checkpoint_names(fit: str) -> tuple[str, ...]:
    """Name all checkpoints of a fit, for whoever clears them away once it has landed.

    Args:
        fit: Its name.

    Returns:
        Those to go on from, of the best weights, and of where the user stopped.
    """
    return fit, _best(fit), _stopped(fit)


def _best(fit: str) -> str:
    return f"{fit}_best"


def _stopped(fit: str) -> str:
    """Apart from those written by plan: a run taken back must come to where it would without the stop."""
    return f"{fit}_stopped"


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


def seconds_per_token(objective: Supervised, batches: Sequence[Batch], micro_batch: MicroBatch) -> float:
    """Time forward and backward passes on real draws; weights and random state stay as they were.

    Args:
        objective: The classifier with its loss.
        batches: A few draws; the first warms up.
        micro_batch: Most that a forward pass takes.

    Returns:
        Seconds a token, the median over the draws after the first.
    """
    state = torch.get_rng_state()
    objective.classifier.train()
    rates = []
    for batch in batches:
        started = time.perf_counter()
        for part in batch.split(micro_batch):
            loss = objective.loss_sum(part) / len(batch)
            loss.backward()  # type: ignore[no-untyped-call]
        rates.append((time.perf_counter() - started) / batch.n_tokens)
    objective.classifier.zero_grad(set_to_none=True)
    torch.set_rng_state(state)
    return float(np.median(rates[1:] or rates))
