"""One of several levels in their order: stars, grades, severities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tunesmith.config import Settings
from tunesmith.config.recipe import Names
from tunesmith.data.places import Places
from tunesmith.data.prepare import prepare_label
from tunesmith.errors import DataError, quote
from tunesmith.evaluate.calibration import fit_temperature, mean_log_loss
from tunesmith.evaluate.ordinal_metrics import ordinal_figure, ordinal_gain, ordinal_metrics
from tunesmith.evaluate.paired import Gain
from tunesmith.tasks import Calibration, Coding
from tunesmith.tasks._classes import label_misfits, unseen_label
from tunesmith.tasks.score import is_number
from tunesmith.types import JSON

_SEED = 0

Levels = NDArray[np.int64]


class Options(Settings):
    """In which order the levels are."""

    order: Names = Field(())
    """Levels from the lowest to the highest; left out, by their numbers."""


class Ordinal:
    """Each text has one of C + 1 levels; targets are level numbers from 0, int64 ``[B]``.

    Args:
        order: Levels from the lowest to the highest; empty for the order of their numbers.
    """

    name = "ordinal"
    rungs = ("linear", "static", "cnn", "rnn", "gru", "lstm", "transformer", "probe", "finetune", "refine")
    objectives = ("spearman", "kappa", "accuracy")
    figures = ("spearman", "kappa", "accuracy", "within_one", "mae", "macro_f1")
    likelihood = "cumulative"
    loss = "binary_cross_entropy"
    tables = ("per_class", "confusion")
    columns = ("prediction", "probability")
    reads_empty = False

    def __init__(self, order: Sequence[str]) -> None:
        self._order = tuple(prepare_label(level) for level in order)

    def labels_in(self, cell: str) -> tuple[str, ...]:
        """List the level that a cell holds: see ``Task``."""
        return (cell,)

    def coding(self, cells: Sequence[str], *, places: Places) -> Coding:
        """Put the levels in their order: see ``Task``.

        Raises:
            DataError: ``order-unclear``, levels are no numbers and nobody says their order.
        """
        levels = sorted(set(cells))
        if self._order:
            strange = [row for row, cell in enumerate(cells) if cell not in self._order]
            if strange:
                raise unseen_label([cells[row] for row in strange], self._order, places=places.select(strange))
            return Coding(labels=self._order)
        if not all(map(is_number, levels)):
            shown = ", ".join(map(quote, levels[:8])) + (", ..." if len(levels) > 8 else "")
            raise DataError(
                "order-unclear",
                "the levels are no numbers, so their order is not plain",
                where=places.source,
                found=shown,
                allowed="numbers, or levels whose order is said",
                advice="say it, the lowest first: "
                f"--set 'task.ordinal.order=[{', '.join(map(quote, levels[:3]))}, ...]'",
            )
        return Coding(labels=tuple(sorted(levels, key=lambda level: (float(level), level))))

    def misfits(self, coding: Coding, calibration: Calibration) -> list[str]:
        """Tell what keeps facts from being of this task: see ``Task``."""
        stray = ["thresholds: a task of levels has none"] if calibration.thresholds else []
        return label_misfits(coding.labels) + stray

    def does(self, coding: Coding) -> str:
        """Say what a model gives: see ``Task``."""
        lowest, highest = quote(coding.labels[0]), quote(coding.labels[-1])
        return f"Gives a text one of {len(coding.labels)} levels, {lowest} to {highest}, with a calibrated probability."

    def caveat(self, coding: Coding) -> str:
        """Say what answers must not be taken for: see ``Task``."""
        del coding
        return "Every text gets a level, also one that has none: the middle of what is likely, not the likeliest."

    def n_outputs(self, coding: Coding) -> int:
        """One fewer than levels: see ``Task``."""
        return len(coding.labels) - 1

    def read_targets(self, cells: Sequence[str], coding: Coding, *, places: Places) -> Levels:
        """Turn levels into their numbers: see ``Task``.

        Raises:
            DataError: ``unseen-label``, some are not among the known ones.
        """
        number = {level: index for index, level in enumerate(coding.labels)}
        rows = [row for row, cell in enumerate(cells) if cell not in number]
        if rows:
            raise unseen_label([cells[row] for row in rows], coding.labels, places=places.select(rows))
        return np.array([number[cell] for cell in cells], dtype=np.int64)

    def strata(self, cells: Sequence[str]) -> list[str]:
        """Deal rows out by their level: see ``Task``."""
        return list(cells)

    def objective(self, name: str, logits: NDArray[np.float32], targets: Levels) -> float:
        """Score outputs by a figure: see ``Task``."""
        return ordinal_figure(name, targets, _given(logits))

    def held_out_loss(self, logits: NDArray[np.float32], targets: Levels) -> float:
        """Measure the mean log loss of a question at the best temperature: see ``Task``."""
        pairs, answers = _as_pairs(logits, targets)
        return mean_log_loss(pairs / np.float32(fit_temperature(pairs, answers)), answers)

    def raw_loss(self, logits: NDArray[np.float32], targets: Levels) -> float:
        """Measure the mean log loss of a question: see ``Task``."""
        return mean_log_loss(*_as_pairs(logits, targets))

    def gain(
        self,
        name: str,
        before: NDArray[np.float32],
        after: NDArray[np.float32],
        *,
        targets: Levels,
        level: float,
        seed: int,
        calibrations: tuple[Calibration, Calibration] | None = None,
    ) -> Gain:
        """Compare by a figure: see ``Task``."""
        del calibrations  # a temperature moves no answer
        one, other = map(_given, (before, after))
        return ordinal_gain(name, targets, before=one, after=other, level=level, seed=seed)

    def calibrate(self, logits: NDArray[np.float32], targets: Levels) -> Calibration:
        """Fit the temperature: see ``Task``."""
        return Calibration(temperature=fit_temperature(*_as_pairs(logits, targets)))

    def metrics(
        self, logits: NDArray[np.float32], targets: Levels, coding: Coding, *, calibration: Calibration | None
    ) -> dict[str, JSON]:
        """Measure outputs with 95 % intervals, errors in levels: see ``Task``."""
        del calibration  # a temperature moves no answer
        return ordinal_metrics(targets, _given(logits), labels=coding.labels, seed=_SEED)

    def answers(
        self, logits: NDArray[np.float32], coding: Coding, calibration: Calibration, *, everything: bool
    ) -> list[dict[str, JSON]]:
        """Say the level that as many lie below as above, and its probability: see ``Task``.

        Returns:
            ``{"label", "probability"}`` a row, and ``"probabilities"`` where everything was asked for.
        """
        shares = _of_levels(logits / np.float32(calibration.temperature))
        answers: list[dict[str, JSON]] = []
        for row, place in enumerate(_answered(logits).tolist()):
            answer: dict[str, JSON] = {"label": coding.labels[place], "probability": float(shares[row, place])}
            if everything:
                answer["probabilities"] = dict(zip(coding.labels, shares[row].tolist(), strict=True))
            answers.append(answer)
        return answers

    def margins(self, logits: NDArray[np.float32], calibration: Calibration) -> NDArray[np.float64]:
        """Measure how far the nearest question of "above this level?" is from its other answer: see ``Task``."""
        shares = _above(logits / np.float32(calibration.temperature))
        margins: NDArray[np.float64] = np.abs(2 * shares - 1).min(axis=1)
        return margins

    def row_of(self, answer: Mapping[str, JSON]) -> tuple[str, ...]:
        """Write the level and its probability: see ``Task``."""
        return str(answer["label"]), f"{answer['probability']:.6f}"


def _above(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probability of being above each of the first levels, never rising from one to the next, ``[B, C]``."""
    shares = (np.tanh(logits.astype(np.float64) / 2) + 1) / 2
    falling: NDArray[np.float64] = -np.sort(-shares, axis=1)  # questions answered apart may cross; sorted, none is lost
    return falling


def _of_levels(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probability of each level, ``[B, C + 1]``."""
    above = _above(logits)
    ends = np.ones((len(above), 1)), np.zeros((len(above), 1))
    shares: NDArray[np.float64] = -np.diff(np.concatenate([ends[0], above, ends[1]], axis=1), axis=1)
    return shares


def _answered(logits: NDArray[np.float32]) -> Levels:
    """The median level, ``[B]``."""
    answered: Levels = (logits > 0).sum(axis=1).astype(np.int64)
    return answered


def _expected(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """The mean level, ``[B]``."""
    expected: NDArray[np.float64] = _above(logits).sum(axis=1)
    return expected


def _given(logits: NDArray[np.float32]) -> tuple[NDArray[np.float64], Levels]:
    """Expected and answered level of each row."""
    return _expected(logits), _answered(logits)


def _as_pairs(logits: NDArray[np.float32], targets: Levels) -> tuple[NDArray[np.float32], Levels]:
    """Write each question of each row as a row of two classes, no and yes: ``[B C, 2]`` and ``[B C]``."""
    flat = logits.reshape(-1)
    above = targets[:, None] > np.arange(logits.shape[1])
    return np.stack([np.zeros_like(flat), flat], axis=1), above.reshape(-1).astype(np.int64)


def build(options: Options) -> Ordinal:
    """Build the task.

    Args:
        options: The order of the levels.

    Returns:
        The task.
    """
    return Ordinal(options.order)
