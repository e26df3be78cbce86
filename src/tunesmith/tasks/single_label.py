"""One label a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tunesmith.config import Settings
from tunesmith.data.places import Places
from tunesmith.evaluate.calibration import (
    apply_temperature,
    calibrated_log_loss,
    cross_fitted_probabilities,
    fit_temperature,
    mean_log_loss,
    softmax,
)
from tunesmith.evaluate.metrics import classification_metrics, macro_f1
from tunesmith.evaluate.paired import Gain, mcnemar, paired_gain, paired_macro_f1_gain, paired_macro_f1_p
from tunesmith.tasks import Calibration, Coding
from tunesmith.tasks._classes import label_misfits, label_order, unseen_label
from tunesmith.types import JSON

_SEED = 0
_N_FOLDS = 5


class Options(Settings):
    """One label a text has no options."""


class SingleLabel:
    """Each text belongs to exactly one of C classes; targets are class numbers, int64 ``[B]``."""

    name = "single_label"
    rungs = (
        "linear",
        "static",
        "cnn",
        "rnn",
        "gru",
        "lstm",
        "transformer",
        "probe",
        "selftrain",
        "contrast",
        "finetune",
        "refine",
    )
    objectives: tuple[str, ...] = ("accuracy", "macro_f1")
    figures: tuple[str, ...] = ("accuracy", "macro_f1", "weighted_f1", "macro_recall", "mcc", "log_loss", "ece")
    likelihood = "softmax"
    loss = "cross_entropy"
    tables = ("per_class", "confusion")
    columns = ("prediction", "probability")
    reads_empty = False

    def labels_in(self, cell: str) -> tuple[str, ...]:
        """List the labels that a cell holds: see ``Task``."""
        return (cell,)

    def coding(self, cells: Sequence[str], *, places: Places) -> Coding:
        """List the labels in the order of the outputs: see ``Task``."""
        del places
        return Coding(labels=label_order(cells))

    def misfits(self, coding: Coding, calibration: Calibration) -> list[str]:
        """Tell what keeps facts from being of this task: see ``Task``."""
        stray = ["thresholds: a task of one label a text has none"] if calibration.thresholds else []
        return label_misfits(coding.labels) + stray

    def does(self, coding: Coding) -> str:
        """Say what a model gives: see ``Task``."""
        return f"Gives a text one of {len(coding.labels)} labels, with a calibrated probability."

    def caveat(self, coding: Coding) -> str:
        """Say what answers must not be taken for: see ``Task``."""
        return f"Every text gets one of the {len(coding.labels)} labels, also one that belongs to none of them."

    def n_outputs(self, coding: Coding) -> int:
        """Count the labels: see ``Task``."""
        return len(coding.labels)

    def read_targets(self, cells: Sequence[str], coding: Coding, *, places: Places) -> NDArray[np.int64]:
        """Turn labels into class numbers: see ``Task``.

        Raises:
            DataError: ``unseen-label``, some are not among the known ones.
        """
        number = {label: index for index, label in enumerate(coding.labels)}
        rows = [row for row, label in enumerate(cells) if label not in number]
        if rows:
            raise unseen_label([cells[row] for row in rows], coding.labels, places=places.select(rows))
        return np.array([number[label] for label in cells], dtype=np.int64)

    def strata(self, cells: Sequence[str]) -> list[str]:
        """Deal rows out by their label: see ``Task``."""
        return list(cells)

    def objective(self, name: str, logits: NDArray[np.float32], targets: NDArray[np.int64]) -> float:
        """Score outputs by ``accuracy`` or ``macro_f1``: see ``Task``."""
        predicted = logits.argmax(axis=1)
        if name == "macro_f1":
            return float(macro_f1(targets, predicted, logits.shape[1]))
        return float((predicted == targets).mean())

    def held_out_loss(self, logits: NDArray[np.float32], targets: NDArray[np.int64]) -> float:
        """Measure the log loss at the best temperature: see ``Task``."""
        return calibrated_log_loss(logits, targets)

    def raw_loss(self, logits: NDArray[np.float32], targets: NDArray[np.int64]) -> float:
        """Measure the log loss as it is: see ``Task``."""
        return mean_log_loss(logits, targets)

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
        """Compare by ``accuracy``, tested by McNemar's test, or ``macro_f1``, tested by randomisation: see ``Task``."""
        del calibrations  # a temperature moves no answer
        answers = before.argmax(axis=1), after.argmax(axis=1)
        if name == "macro_f1":
            n_classes = before.shape[1]
            interval = paired_macro_f1_gain(targets, *answers, n_classes=n_classes, seed=seed, level=level)
            p_value = paired_macro_f1_p(targets, *answers, n_classes=n_classes, seed=seed)
            return Gain(interval, p_value, "randomisation")
        right = tuple(predicted == targets for predicted in answers)
        return Gain(paired_gain(*right, seed=seed, level=level), mcnemar(*right), "McNemar")

    def calibrate(self, logits: NDArray[np.float32], targets: NDArray[np.int64]) -> Calibration:
        """Fit the temperature: see ``Task``."""
        return Calibration(temperature=fit_temperature(logits, targets))

    def metrics(
        self,
        logits: NDArray[np.float32],
        targets: NDArray[np.int64],
        coding: Coding,
        *,
        calibration: Calibration | None,
    ) -> dict[str, JSON]:
        """Measure with 95 % intervals; ``ece`` is after calibration, ``ece_uncalibrated`` before: see ``Task``."""
        if calibration is None:
            calibrated = cross_fitted_probabilities(logits, targets, folds=_N_FOLDS, seed=_SEED)
        else:
            calibrated = apply_temperature(logits, calibration.temperature)
        return classification_metrics(targets, softmax(logits), coding.labels, seed=_SEED, calibrated=calibrated)

    def answers(
        self, logits: NDArray[np.float32], coding: Coding, calibration: Calibration, *, everything: bool
    ) -> list[dict[str, JSON]]:
        """Say the most probable label of each row: see ``Task``.

        Returns:
            ``{"label", "probability"}`` a row, and ``"probabilities"`` where everything was asked for.
        """
        probabilities = apply_temperature(logits, calibration.temperature)
        best = probabilities.argmax(axis=1)
        answers: list[dict[str, JSON]] = []
        for row, index in enumerate(best.tolist()):
            answer: dict[str, JSON] = {"label": coding.labels[index], "probability": float(probabilities[row, index])}
            if everything:
                answer["probabilities"] = dict(zip(coding.labels, probabilities[row].tolist(), strict=True))
            answers.append(answer)
        return answers

    def margins(self, logits: NDArray[np.float32], calibration: Calibration) -> NDArray[np.float64]:
        """Measure by how much the most probable label leads the second: see ``Task``."""
        second, first = np.partition(apply_temperature(logits, calibration.temperature), -2, axis=1)[:, -2:].T
        margins: NDArray[np.float64] = first - second
        return margins

    def row_of(self, answer: Mapping[str, JSON]) -> tuple[str, ...]:
        """Write the label and its probability: see ``Task``."""
        return str(answer["label"]), f"{answer['probability']:.6f}"


def build(options: Options) -> SingleLabel:
    """Build the task.

    Args:
        options: None to set.

    Returns:
        It has no state.
    """
    del options
    return SingleLabel()
