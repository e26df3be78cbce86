"""Tasks: what is learnt from a file, how it is scored and how an answer looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from tunesmith.config import Family
from tunesmith.types import JSON

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tunesmith.data.places import Places
    from tunesmith.evaluate.paired import Gain

TASKS = Family("task", __name__, __path__)

Targets: TypeAlias = "NDArray[Any]"
"""Of B rows: class numbers int64 ``[B]``, labels had or not uint8 ``[B, C]``, or numbers float32 ``[B]``."""


@dataclass(frozen=True, slots=True)
class Coding:
    """How answers are coded as numbers: learnt from the rows to train on, kept with the model."""

    labels: tuple[str, ...] = ()
    """Labels in the order of the outputs; none where answers are numbers."""
    mean: float = 0.0
    spread: float = 1.0
    """Of numbers: an output of 0 stands for the mean, each 1 more for one spread more."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How outputs become answers: fitted on rows that the model was not fitted on, kept with it."""

    temperature: float = 1.0
    """Divides the outputs, so that probabilities mean what they say."""
    thresholds: tuple[float, ...] | None = None
    """Probability from which on each label is answered; None where the most probable one is."""


class Task(Protocol):
    """What the ladder, a bundle and the report ask of a task."""

    name: str
    rungs: tuple[str, ...]
    """Rungs that can climb it, cheapest first."""
    objectives: tuple[str, ...]
    """Figures that may decide which rung is kept; the first is the default."""
    figures: tuple[str, ...]
    """Figures to tell, the most telling first."""
    likelihood: str
    """What a row's outputs say of its target."""
    loss: str
    """What training minimises, where nothing else is asked for."""
    tables: tuple[str, ...]
    """Parts of METRICS that are more than a figure: ``per_class``, ``confusion``."""
    columns: tuple[str, ...]
    """Columns of an answer in a table."""
    reads_empty: bool
    """Whether an empty cell is an answer: none of the labels."""

    def labels_in(self, cell: str) -> tuple[str, ...]:
        """List the labels that a cell holds.

        Args:
            cell: Of the label column.

        Returns:
            Prepared labels; none where answers are numbers.
        """
        ...

    def coding(self, cells: Sequence[str], *, places: Places) -> Coding:
        """Learn how answers are coded.

        Args:
            cells: Of the label column, one a row to train on.
            places: Where each row is, for messages.

        Returns:
            The coding; it depends on the set of cells, not on their order.

        Raises:
            DataError: Some cells cannot be read as answers.
        """
        ...

    def misfits(self, coding: Coding, calibration: Calibration) -> list[str]:
        """Tell what keeps facts read from a bundle from being of this task.

        Args:
            coding: As read.
            calibration: As read.

        Returns:
            One sentence a problem.
        """
        ...

    def does(self, coding: Coding) -> str:
        """Say what a model of this task gives.

        Args:
            coding: How answers are coded.

        Returns:
            A sentence.
        """
        ...

    def caveat(self, coding: Coding) -> str:
        """Say what its answers must not be taken for.

        Args:
            coding: How answers are coded.

        Returns:
            A sentence.
        """
        ...

    def n_outputs(self, coding: Coding) -> int:
        """Count the outputs of a model.

        Args:
            coding: How answers are coded.

        Returns:
            C.
        """
        ...

    def read_targets(self, cells: Sequence[str], coding: Coding, *, places: Places) -> Targets:
        """Turn cells into targets.

        Args:
            cells: Of the label column, one a row.
            coding: How answers are coded.
            places: Where each row is, for messages.

        Returns:
            Of B rows.

        Raises:
            DataError: Some cells cannot be read, or hold a label that the model does not know.
        """
        ...

    def strata(self, cells: Sequence[str]) -> list[str]:
        """Name the kind of row that each is, to hold rows of every kind out in proportion.

        Args:
            cells: Of the label column, one a row.

        Returns:
            One name a row.
        """
        ...

    def objective(self, name: str, logits: NDArray[np.float32], targets: Targets) -> float:
        """Score outputs by one figure.

        Args:
            name: One of ``objectives``.
            logits: ``[B, C]``.
            targets: Of B rows.

        Returns:
            The figure, at most 1; higher is better.
        """
        ...

    def held_out_loss(self, logits: NDArray[np.float32], targets: Targets) -> float:
        """Measure how far outputs are from the targets once they are calibrated: tells rungs apart that score alike.

        Args:
            logits: ``[B, C]``.
            targets: Of B rows.

        Returns:
            The mean loss of a row; lower is better.
        """
        ...

    def raw_loss(self, logits: NDArray[np.float32], targets: Targets) -> float:
        """Measure the same without calibration.

        Args:
            logits: ``[B, C]``.
            targets: Of B rows.

        Returns:
            The mean loss of a row; lower is better.
        """
        ...

    def gain(
        self,
        name: str,
        before: NDArray[np.float32],
        after: NDArray[np.float32],
        *,
        targets: Targets,
        level: float,
        seed: int,
        calibrations: tuple[Calibration, Calibration] | None = None,
    ) -> Gain:
        """Compare two models' outputs on the same rows by one figure.

        Args:
            name: One of ``objectives``.
            before: One model's logits, ``[B, C]``.
            after: The other's, ``[B, C]``.
            targets: Of B rows.
            level: Of the interval, 0..1.
            seed: Of the resampling.
            calibrations: Those that both models answer with; None for rows to choose by, on which decisions are made by
                what the other rows of them suggest.

        Returns:
            By how much the other is better.
        """
        ...

    def calibrate(self, logits: NDArray[np.float32], targets: Targets) -> Calibration:
        """Fit how outputs become answers.

        Args:
            logits: ``[B, C]`` of rows that the model was not fitted on.
            targets: Of B rows.

        Returns:
            The calibration.
        """
        ...

    def metrics(
        self,
        logits: NDArray[np.float32],
        targets: Targets,
        coding: Coding,
        *,
        calibration: Calibration | None,
    ) -> dict[str, JSON]:
        """Measure outputs with intervals.

        Args:
            logits: ``[B, C]``.
            targets: Of B rows.
            coding: How answers are coded.
            calibration: The model's; None for rows it was fitted on, which are then calibrated cross-fitted.

        Returns:
            METRICS of the machine output.
        """
        ...

    def answers(
        self, logits: NDArray[np.float32], coding: Coding, calibration: Calibration, *, everything: bool
    ) -> list[dict[str, JSON]]:
        """Say what the outputs mean.

        Args:
            logits: ``[B, C]``.
            coding: How answers are coded.
            calibration: How outputs become answers.
            everything: Give every label's probability too.

        Returns:
            One object a row.
        """
        ...

    def margins(self, logits: NDArray[np.float32], calibration: Calibration) -> NDArray[np.float64] | None:
        """Measure how far each answer is from turning into another.

        Args:
            logits: ``[B, C]``.
            calibration: How outputs become answers.

        Returns:
            From 0, a toss-up, to 1, certainty, ``[B]``; None where outputs do not say how sure they are.
        """
        ...

    def row_of(self, answer: Mapping[str, JSON]) -> tuple[str, ...]:
        """Write an answer as cells of a table.

        Args:
            answer: One of ``answers``.

        Returns:
            One cell for each of ``columns``.
        """
        ...


def load_task(name: str, options: Mapping[str, Any] | None = None) -> Task:
    """Build a task by its name.

    Args:
        name: The member.
        options: Plain values; absent keys take the member's defaults.

    Raises:
        ConfigError: There is no such task, or an option is wrong.

    Returns:
        The task.
    """
    task: Task = TASKS.member(name).build(TASKS.options(name, options, where=f"task.{name}"))
    return task
