"""Watching the loss: a step that goes wrong is skipped, a run that goes wrong is taken back."""

from __future__ import annotations

import math
import statistics
from collections import deque
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from tunesmith.data.places import Places
from tunesmith.errors import ResourceError, counted
from tunesmith.types import JSON

if TYPE_CHECKING:
    from tunesmith.train.loop import Step

Verdict: TypeAlias = Literal["go on", "skipped", "roll back"]

_WINDOW = 64
_MIN_WINDOW = 32
_N_DEVIATIONS = 8.0
_MIN_RISE = 0.5
_N_IN_A_ROW = 3
_MAX_ROLLBACKS = 3
_MAX_NAMED = 20


class Guard:
    """Judges each step by its loss and those of the last 64 good steps.

    A step is bad when the loop skipped it (loss or gradient not finite) or when its loss is a spike: above the median
    by 8 median absolute deviations, by half a nat, and by twice the distance from the median to the highest of those
    losses. That floor is for small batches with a few wrong labels, whose losses have a long tail that the deviation
    does not see. Three bad steps in a row are a run gone wrong.

    After ``"roll back"`` the caller puts weights and optimiser back to the last checkpoint, keeps this guard as it is,
    goes on with the next batches and multiplies its learning rate by ``rate_scale``.

    Args:
        places: Where each training row is, to name rows as the user knows them; left out, row numbers.
    """

    def __init__(self, *, places: Places | None = None) -> None:
        self._places = places
        self._losses: deque[float] = deque(maxlen=_WINDOW)
        self._suspects: list[dict[str, Any]] = []
        self.n_rollbacks = 0
        """How often the run was taken back."""

    @property
    def suspects_spike(self) -> bool:
        """Whether the last steps were bad: weights of now are none to go back to."""
        return bool(self._suspects)

    @property
    def rate_scale(self) -> float:
        """Factor on the learning rate: halved by each roll back."""
        return 0.5**self.n_rollbacks

    def check(self, step: Step) -> Verdict:
        """Judge one step, in the order in which they are taken.

        Args:
            step: The step as the loop yields it.

        Returns:
            ``"go on"``; ``"skipped"`` for a step that was not taken; ``"roll back"`` at the third bad step in a row.

        Raises:
            ResourceError: ``training-diverged``, it went wrong once more after three roll backs; the rows are named.
        """
        not_finite = step.skipped or not math.isfinite(step.loss)
        if not not_finite and not self._is_spike(step.loss):
            self._clear_suspects()
            self._losses.append(step.loss)
            return "go on"
        rows = [int(row) for row in step.rows[:_MAX_NAMED]]
        self._suspects.append({"number": step.number, "loss": None if not_finite else step.loss, "rows": rows})
        if len(self._suspects) < _N_IN_A_ROW:
            return "skipped" if not_finite else "go on"
        if self.n_rollbacks == _MAX_ROLLBACKS:
            raise self._diverged()
        self.n_rollbacks += 1
        self._suspects.clear()
        return "roll back"

    def state_dict(self) -> JSON:
        """Give all that later verdicts depend on.

        Returns:
            A value for ``load_state``.
        """
        return {
            "losses": list(self._losses),
            "suspects": [dict(suspect) for suspect in self._suspects],
            "n_rollbacks": self.n_rollbacks,
        }

    def load_state(self, state: JSON) -> None:
        """Take on the state of another guard; verdicts go on as its would.

        Args:
            state: What ``state_dict`` gave.
        """
        self._losses = deque(state["losses"], maxlen=_WINDOW)
        self._suspects = [dict(suspect) for suspect in state["suspects"]]
        self.n_rollbacks = state["n_rollbacks"]

    def _limit(self) -> float:
        """Loss above which a step is a spike, at least the highest in the window."""
        median = statistics.median(self._losses)
        deviation = statistics.median(abs(loss - median) for loss in self._losses)
        reach = max(self._losses) - median
        return median + max(_N_DEVIATIONS * deviation, 2.0 * reach, _MIN_RISE)

    def _is_spike(self, loss: float) -> bool:
        """Judge a finite loss; nothing is a spike until enough losses are known."""
        if len(self._losses) < _MIN_WINDOW or loss <= max(self._losses):
            return False
        return loss > self._limit()

    def _clear_suspects(self) -> None:
        """Put suspects that came to nothing into the window, cut to the limit: one outlier must not hide a spike."""
        spikes = [suspect["loss"] for suspect in self._suspects if suspect["loss"] is not None]
        if spikes:
            limit = self._limit()
            self._losses.extend([min(loss, limit) for loss in spikes])
        self._suspects.clear()

    def _diverged(self) -> ResourceError:
        losses = ["not finite" if s["loss"] is None else f"{s['loss']:.4g}" for s in self._suspects]
        rows = sorted({row for suspect in self._suspects for row in suspect["rows"]})
        places = self._places or Places.of("", np.arange(1 + rows[-1]), unit="row")
        return ResourceError(
            "training-diverged",
            f"the training went wrong again after {counted(self.n_rollbacks, 'roll back')}, "
            "each with a halved learning rate",
            where=f"steps {self._suspects[0]['number']} to {self._suspects[-1]['number']}",
            found=f"losses {', '.join(losses)}; {places.told(rows)}",
            advice="look at these rows, or train with a lower learning rate",
        )
