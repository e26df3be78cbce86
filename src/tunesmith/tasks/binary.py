"""Yes or no: one of two labels counts as positive, and is answered from a probability on that suits the need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tunesmith.config import Settings
from tunesmith.data.places import Places
from tunesmith.data.prepare import prepare_label
from tunesmith.errors import DataError, plural, quote
from tunesmith.evaluate.binary_metrics import binary_figure, binary_gain, binary_metrics, needed_threshold
from tunesmith.evaluate.calibration import apply_temperature, cross_fitted_probabilities, fit_temperature
from tunesmith.evaluate.paired import Gain
from tunesmith.evaluate.thresholds import held_out_decisions, threshold_margins
from tunesmith.tasks import Calibration, Coding
from tunesmith.tasks.single_label import SingleLabel
from tunesmith.types import JSON

_SEED = 0
_N_FOLDS = 5


class Options(Settings):
    """Which label is positive, and what its answers are needed for."""

    positive: str | None = Field(None, min_length=1)
    """The label that counts as positive; left out, the rarer one."""

    precision: float | None = Field(None, gt=0.0, le=1.0)
    """Share of the rows answered positive that should be; the threshold is the lowest that reaches it."""

    recall: float | None = Field(None, gt=0.0, le=1.0)
    """Share of the positive rows that should be answered so; the threshold is the highest that reaches it."""


class Binary(SingleLabel):
    """Each text is positive or not; targets are 1 or 0, int64 ``[B]``, of two outputs the second is positive.

    Args:
        options: Which label is positive, and what its answers are needed for.
    """

    name = "binary"
    objectives = ("accuracy", "f1", "roc_auc", "pr_auc")
    figures = ("accuracy", "f1", "precision", "recall", "roc_auc", "pr_auc", "mcc", "log_loss", "ece")

    def __init__(self, options: Options) -> None:
        self._options = options

    def coding(self, cells: Sequence[str], *, places: Places) -> Coding:
        """Put the positive label last: see ``Task``.

        Raises:
            DataError: ``not-binary``, there are not two labels, or none of them is the positive one.
        """
        counts = {label: cells.count(label) for label in sorted(set(cells))}
        asked = self._options.positive
        positive = min(counts, key=lambda label: counts[label]) if asked is None else prepare_label(asked)
        if len(counts) != 2 or positive not in counts:
            shown = ", ".join(map(quote, list(counts)[:5])) + (", ..." if len(counts) > 5 else "")
            raise DataError(
                "not-binary",
                f"the positive label {quote(positive)} is in no row"
                if len(counts) == 2
                else f"{plural(len(counts), 'there is one label', f'there are {len(counts)} labels')}, "
                "and yes or no needs two",
                where=places.source,
                found=shown,
                allowed="two labels, one of them positive",
                advice=f"name one of {shown} with --positive"
                if len(counts) == 2
                else "leave out --positive, or --task binary: then each text gets one of these labels",
            )
        return Coding(labels=(next(label for label in counts if label != positive), positive))

    def misfits(self, coding: Coding, calibration: Calibration) -> list[str]:
        """Tell what keeps facts from being of this task: see ``Task``."""
        problems = [] if len(set(coding.labels)) == len(coding.labels) == 2 else ["labels: two are wanted"]
        if calibration.thresholds is not None and len(calibration.thresholds) != 1:
            problems.append("thresholds: one is wanted")
        return problems

    def does(self, coding: Coding) -> str:
        """Say what a model gives: see ``Task``."""
        return f"Tells whether a text is {quote(coding.labels[1])}, with a calibrated probability."

    def caveat(self, coding: Coding) -> str:
        """Say what answers must not be taken for: see ``Task``."""
        return f"Whatever is not {quote(coding.labels[1])} is answered {quote(coding.labels[0])}, whatever it is."

    def objective(self, name: str, logits: NDArray[np.float32], targets: NDArray[np.int64]) -> float:
        """Score outputs by a figure of their order, or of decisions by a threshold tuned on others: see ``Task``."""
        return binary_figure(name, targets, (_scores(logits), self._decided(logits, targets)))

    def gain(
        self,
        name: str,
        before: NDArray[np.float32],
        after: NDArray[np.float32],
        *,
        targets: NDArray[np.int64],
        level: float,
        seed: int,
        calibrations: tuple[Calibration, Calibration] | None = None,
    ) -> Gain:
        """Compare by ``accuracy``, by McNemar's test, or another figure, by randomisation: see ``Task``."""
        decided = [
            self._decided(logits, targets) if calibration is None else _decisions(logits, calibration)
            for logits, calibration in zip((before, after), calibrations or (None, None), strict=True)
        ]
        one, other = zip(map(_scores, (before, after)), decided, strict=True)
        return binary_gain(name, targets, before=one, after=other, level=level, seed=seed)

    def calibrate(self, logits: NDArray[np.float32], targets: NDArray[np.int64]) -> Calibration:
        """Fit the temperature, and the threshold that is needed: see ``Task``."""
        temperature = fit_temperature(logits, targets)
        threshold = self._threshold(apply_temperature(logits, temperature)[:, 1], targets)
        return Calibration(temperature, (threshold,))

    def metrics(
        self,
        logits: NDArray[np.float32],
        targets: NDArray[np.int64],
        coding: Coding,
        *,
        calibration: Calibration | None,
    ) -> dict[str, JSON]:
        """Measure outputs with 95 % intervals: see ``Task``."""
        if calibration is None:
            probabilities = cross_fitted_probabilities(logits, targets, folds=_N_FOLDS, seed=_SEED)
            decisions = self._decided(logits, targets)
        else:
            probabilities = apply_temperature(logits, calibration.temperature)
            decisions = _decisions(logits, calibration)
        return binary_metrics(
            targets,
            (_scores(logits), decisions),
            probabilities=probabilities,
            uncalibrated=apply_temperature(logits, 1.0),
            labels=coding.labels,
            seed=_SEED,
        )

    def answers(
        self, logits: NDArray[np.float32], coding: Coding, calibration: Calibration, *, everything: bool
    ) -> list[dict[str, JSON]]:
        """Say the positive label from the threshold on, and the probability of what is said: see ``Task``.

        Returns:
            ``{"label", "probability"}`` a row, and ``"probabilities"`` where everything was asked for.
        """
        probabilities = apply_temperature(logits, calibration.temperature)
        said = _decisions(logits, calibration).astype(int).tolist()
        answers: list[dict[str, JSON]] = []
        for shares, place in zip(probabilities.tolist(), said, strict=True):
            answer: dict[str, JSON] = {"label": coding.labels[place], "probability": shares[place]}
            if everything:
                answer["probabilities"] = dict(zip(coding.labels, shares, strict=True))
            answers.append(answer)
        return answers

    def margins(self, logits: NDArray[np.float32], calibration: Calibration) -> NDArray[np.float64]:
        """Measure how far the probability of the positive label is from its threshold: see ``Task``."""
        shares = apply_temperature(logits, calibration.temperature)[:, 1:]
        return threshold_margins(shares, np.array([_threshold_of(calibration)]))[:, 0]

    def row_of(self, answer: Mapping[str, JSON]) -> tuple[str, ...]:
        """Write the label and its probability: see ``Task``."""
        return str(answer["label"]), f"{answer['probability']:.6f}"

    def _threshold(self, probabilities: NDArray[np.float64], targets: NDArray[np.int64]) -> float:
        """The probability of the positive label from which on it is answered."""
        asked = self._options
        if asked.precision is None and asked.recall is None:
            return 0.5
        return needed_threshold(targets, probabilities, precision=asked.precision, recall=asked.recall)

    def _decided(self, logits: NDArray[np.float32], targets: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Decide each row by a threshold tuned on others."""
        shares = apply_temperature(logits, 1.0)[:, 1:]
        return held_out_decisions(
            shares,
            targets[:, None],
            lambda probabilities, hits: np.array([self._threshold(probabilities[:, 0], hits[:, 0])]),
            n_folds=_N_FOLDS,
            seed=_SEED,
        )[:, 0]


def _scores(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """What orders rows: the log odds of the positive label, ``[B]``."""
    return logits[:, 1].astype(np.float64) - logits[:, 0]


def _decisions(logits: NDArray[np.float32], calibration: Calibration) -> NDArray[np.bool_]:
    """Whether each row is answered positive."""
    probabilities: NDArray[np.float64] = apply_temperature(logits, calibration.temperature)[:, 1]
    return probabilities >= _threshold_of(calibration)


def _threshold_of(calibration: Calibration) -> float:
    return 0.5 if calibration.thresholds is None else calibration.thresholds[0]


def build(options: Options) -> Binary:
    """Build the task.

    Args:
        options: Which label is positive, and what its answers are needed for.

    Returns:
        The task.
    """
    return Binary(options)
