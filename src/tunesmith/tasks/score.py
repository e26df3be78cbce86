"""A number a text: a similarity, a price, a grade on a scale without steps."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tunesmith.config import Settings
from tunesmith.data.places import Places
from tunesmith.errors import DataError, counted, plural, quote
from tunesmith.evaluate.paired import Gain
from tunesmith.evaluate.score_metrics import correlation, correlation_gain, score_metrics
from tunesmith.tasks import Calibration, Coding
from tunesmith.types import JSON

_SEED = 0
_N_STRATA = 10
_ROWS_OF_A_STRATUM = 20
_LARGEST = 1e30  # float32 takes it, and float64 the sum of squares of any number of rows
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


class Options(Settings):
    """A number a text has no options."""


class Score:
    """Each text has a number; targets are in spreads from the mean of the rows to train on, float32 ``[B]``."""

    name = "score"
    rungs = ("linear", "static", "cnn", "rnn", "gru", "lstm", "transformer", "probe", "finetune", "refine")
    objectives = ("spearman", "pearson", "r2")
    figures = ("spearman", "pearson", "r2", "mae", "rmse")
    likelihood = "squared_error"
    loss = "squared_error"
    tables: tuple[str, ...] = ()
    columns = ("prediction",)
    reads_empty = False

    def labels_in(self, cell: str) -> tuple[str, ...]:
        """Numbers are no labels: see ``Task``."""
        del cell
        return ()

    def coding(self, cells: Sequence[str], *, places: Places) -> Coding:
        """Measure mean and spread of the numbers: see ``Task``.

        Raises:
            DataError: ``not-a-number``, some cells are none.
        """
        numbers = _numbers(cells, places)
        return Coding(mean=float(numbers.mean()), spread=float(numbers.std()) or 1.0)

    def misfits(self, coding: Coding, calibration: Calibration) -> list[str]:
        """Tell what keeps facts from being of this task: see ``Task``."""
        problems = ["labels: a task of numbers has none"] if coding.labels else []
        return problems + (["thresholds: a task of numbers has none"] if calibration.thresholds else [])

    def does(self, coding: Coding) -> str:
        """Say what a model gives: see ``Task``."""
        del coding
        return "Gives a text a number."

    def caveat(self, coding: Coding) -> str:
        """Say what answers must not be taken for: see ``Task``."""
        del coding
        return "Every text gets a number, also one that has none, and none says how sure it is."

    def n_outputs(self, coding: Coding) -> int:
        """One: see ``Task``."""
        del coding
        return 1

    def read_targets(self, cells: Sequence[str], coding: Coding, *, places: Places) -> NDArray[np.float32]:
        """Turn numbers into spreads from the mean: see ``Task``.

        Raises:
            DataError: ``not-a-number``, some cells are none.
        """
        return ((_numbers(cells, places) - coding.mean) / coding.spread).astype(np.float32)

    def strata(self, cells: Sequence[str]) -> list[str]:
        """Deal rows out by tenths of their order, fewer where there are few rows: see ``Task``."""
        n_strata = max(1, min(_N_STRATA, len(cells) // _ROWS_OF_A_STRATUM))
        order = np.argsort([float(cell) for cell in cells], kind="stable")
        place = np.empty(len(cells), dtype=np.int64)
        place[order] = np.arange(len(cells)) * n_strata // max(len(cells), 1)
        return [f"part {number + 1} of {n_strata} by its number" for number in place.tolist()]

    def objective(self, name: str, logits: NDArray[np.float32], targets: NDArray[np.float32]) -> float:
        """Score outputs by a correlation or the spread explained, which the coding does not change: see ``Task``."""
        return correlation(name, targets, logits[:, 0])

    def held_out_loss(self, logits: NDArray[np.float32], targets: NDArray[np.float32]) -> float:
        """Measure half the squared error, in spreads: see ``Task``."""
        return self.raw_loss(logits, targets)

    def raw_loss(self, logits: NDArray[np.float32], targets: NDArray[np.float32]) -> float:
        """Measure half the squared error, in spreads: see ``Task``."""
        return float(np.square(logits[:, 0].astype(np.float64) - targets).mean() / 2)

    def gain(
        self,
        name: str,
        before: NDArray[np.float32],
        after: NDArray[np.float32],
        *,
        targets: NDArray[np.float32],
        level: float,
        seed: int,
        calibrations: tuple[Calibration, Calibration] | None = None,
    ) -> Gain:
        """Compare by a figure, tested by randomisation: see ``Task``."""
        del calibrations  # there is none
        return correlation_gain(name, targets, before=before[:, 0], after=after[:, 0], level=level, seed=seed)

    def calibrate(self, logits: NDArray[np.float32], targets: NDArray[np.float32]) -> Calibration:
        """Leave numbers as they are: see ``Task``."""
        del logits, targets
        return Calibration()

    def metrics(
        self,
        logits: NDArray[np.float32],
        targets: NDArray[np.float32],
        coding: Coding,
        *,
        calibration: Calibration | None,
    ) -> dict[str, JSON]:
        """Measure outputs with 95 % intervals, errors in the unit of the file: see ``Task``."""
        del calibration
        return score_metrics(_decoded(targets, coding), _decoded(logits[:, 0], coding), seed=_SEED)

    def answers(
        self, logits: NDArray[np.float32], coding: Coding, calibration: Calibration, *, everything: bool
    ) -> list[dict[str, JSON]]:
        """Say the number of each row: see ``Task``.

        Returns:
            ``{"value"}`` a row.
        """
        del calibration, everything
        return [{"value": value} for value in _decoded(logits[:, 0], coding).tolist()]

    def margins(self, logits: NDArray[np.float32], calibration: Calibration) -> None:
        """Give none, for a number comes without its doubt: see ``Task``."""
        del logits, calibration

    def row_of(self, answer: Mapping[str, JSON]) -> tuple[str, ...]:
        """Write the number: see ``Task``."""
        return (f"{answer['value']:.6g}",)


def _decoded(values: NDArray[np.float32], coding: Coding) -> NDArray[np.float64]:
    """Turn spreads from the mean back into numbers."""
    return coding.mean + coding.spread * values.astype(np.float64)


def _numbers(cells: Sequence[str], places: Places) -> NDArray[np.float64]:
    """Read cells as numbers."""
    rows = [row for row, cell in enumerate(cells) if not is_number(cell)]
    if not rows:
        return np.array([float(cell) for cell in cells])
    comma = sum(is_number(cells[row].replace(",", ".")) for row in rows) > len(rows) / 2
    raise DataError(
        "not-a-number",
        f"{len(rows)} of {counted(len(cells), 'cell')} {plural(len(rows), 'is no number', 'are no numbers')}, "
        "and a score is one",
        where=places.at(rows[0]),
        found=f"{', '.join(quote(cells[row]) for row in rows[:5])} ({places.told(rows)})",
        allowed="numbers such as 3, 4.5 or 1e-3, up to 1e30, without units or separators of thousands",
        advice="write decimals with a point, not a comma"
        if comma
        else "correct these rows, or learn labels instead of numbers with --task single_label",
    )


def is_number(cell: str) -> bool:
    """Tell whether a cell is a number as a program writes it, and not too large to be reckoned with.

    Args:
        cell: Prepared.

    Returns:
        True where it is.

    Example:
        >>> [is_number(cell) for cell in ("3.8", "-1e-3", "1,5", "nan", "1e31")]
        [True, True, False, False, False]
    """
    return _NUMBER.fullmatch(cell) is not None and abs(float(cell)) <= _LARGEST


def build(options: Options) -> Score:
    """Build the task.

    Args:
        options: None to set.

    Returns:
        It has no state.
    """
    del options
    return Score()
