"""Tasks: what is learnt from a file, how it is scored and how an answer looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from tunesmith.config import Family
from tunesmith.types import JSON

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tunesmith.data.places import Places
    from tunesmith.evaluate.paired import Gain

TASKS = Family("task", __name__, __path__)


class Task(Protocol):
    """What the ladder, a bundle and the report ask of a task."""

    name: str
    rungs: tuple[str, ...]
    """Rungs that can climb it, cheapest first."""
    objectives: tuple[str, ...]
    """Figures that may decide which rung is kept; the first is the default."""

    def label_order(self, labels: Sequence[str]) -> tuple[str, ...]:
        """List the distinct labels in the order of the outputs.

        Args:
            labels: One a row.

        Returns:
            The labels; the order depends on the set alone.
        """
        ...

    def read_targets(self, labels: Sequence[str], known: Sequence[str], *, places: Places) -> NDArray[np.int64]:
        """Turn labels into targets.

        Args:
            labels: One a row.
            known: Labels in the order of the outputs.
            places: Where each row is, for messages.

        Returns:
            ``[B]``.
        """
        ...

    def objective(self, name: str, logits: NDArray[np.float32], targets: NDArray[np.int64]) -> float:
        """Score outputs by one figure.

        Args:
            name: One of ``objectives``.
            logits: ``[B, C]``.
            targets: ``[B]``.

        Returns:
            The figure, 0..1.
        """
        ...

    def gain(
        self,
        name: str,
        before: NDArray[np.float32],
        after: NDArray[np.float32],
        *,
        targets: NDArray[np.int64],
        level: float,
        seed: int,
    ) -> Gain:
        """Compare two models' outputs on the same rows by one figure.

        Args:
            name: One of ``objectives``.
            before: One model's logits, ``[B, C]``.
            after: The other's, ``[B, C]``.
            targets: ``[B]``.
            level: Of the interval, 0..1.
            seed: Of the resampling.

        Returns:
            By how much the other is better, -1..1.
        """
        ...

    def metrics(
        self,
        logits: NDArray[np.float32],
        targets: NDArray[np.int64],
        labels: Sequence[str],
        *,
        temperature: float | None,
    ) -> dict[str, JSON]:
        """Measure outputs with intervals.

        Args:
            logits: ``[B, C]``.
            targets: ``[B]``.
            labels: In the order of the outputs.
            temperature: The model's; None for rows it was fitted on, which are then calibrated cross-fitted.

        Returns:
            METRICS of the machine output.
        """
        ...

    def answers(
        self, logits: NDArray[np.float32], labels: Sequence[str], *, temperature: float, everything: bool
    ) -> list[dict[str, JSON]]:
        """Say what the outputs mean.

        Args:
            logits: ``[B, C]``.
            labels: In the order of the outputs.
            temperature: Divides the logits.
            everything: Give every label's probability too.

        Returns:
            One object a row.
        """
        ...


def load_task(name: str) -> Task:
    """Build a task by its name.

    Raises:
        ConfigError: There is no such task.

    Returns:
        The task.
    """
    task: Task = TASKS.member(name).build()
    return task
