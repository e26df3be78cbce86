"""Several labels a text, or none."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tunesmith.config import Settings
from tunesmith.data.places import Places
from tunesmith.data.prepare import prepare_label
from tunesmith.errors import counted
from tunesmith.evaluate.calibration import fit_temperature, mean_log_loss
from tunesmith.evaluate.multi_label_metrics import multi_label_figure, multi_label_gain, multi_label_metrics
from tunesmith.evaluate.paired import Gain
from tunesmith.evaluate.thresholds import held_out_decisions, threshold_margins, tuned_thresholds
from tunesmith.tasks import Calibration, Coding
from tunesmith.tasks._classes import label_misfits, label_order, unseen_label
from tunesmith.types import JSON

_SEED = 0
_N_FOLDS = 5
_USUAL_SEPARATORS = re.compile(r"[;|,]")

Hits = NDArray[np.uint8]


class Options(Settings):
    """How the labels of a text stand in one cell."""

    separator: str | None = Field(None, min_length=1)
    """What stands between two labels; left out, any of ; | and ,. Lists in JSON need none."""


class MultiLabel:
    """Each text has any number of C labels; targets are 1 for those it has, uint8 ``[B, C]``.

    Args:
        separator: What stands between two labels of a cell; None for any of the usual ones.
    """

    name = "multi_label"
    rungs = ("linear", "static", "cnn", "rnn", "gru", "lstm", "transformer", "probe", "finetune", "refine")
    objectives = ("micro_f1", "macro_f1", "subset_accuracy")
    figures = ("micro_f1", "macro_f1", "subset_accuracy", "lrap", "hamming_loss", "ece")
    likelihood = "sigmoid"
    loss = "binary_cross_entropy"
    tables = ("per_class",)
    columns = ("prediction", "probability")
    reads_empty = True

    def __init__(self, separator: str | None) -> None:
        self._separator = separator

    def labels_in(self, cell: str) -> tuple[str, ...]:
        """List the labels that a cell holds, each once: see ``Task``."""
        if cell.startswith("["):
            try:
                values = json.loads(cell)
            except ValueError:
                values = None
            if isinstance(values, list):
                return _distinct([value if isinstance(value, str) else json.dumps(value) for value in values])
        return _distinct(cell.split(self._separator) if self._separator else _USUAL_SEPARATORS.split(cell))

    def coding(self, cells: Sequence[str], *, places: Places) -> Coding:
        """List the labels in the order of the outputs: see ``Task``."""
        del places
        return Coding(labels=label_order([label for cell in cells for label in self.labels_in(cell)]))

    def misfits(self, coding: Coding, calibration: Calibration) -> list[str]:
        """Tell what keeps facts from being of this task: see ``Task``."""
        problems = label_misfits(coding.labels, least=1)
        if calibration.thresholds is not None and len(calibration.thresholds) != len(coding.labels):
            problems.append(f"thresholds: {len(calibration.thresholds)} for {counted(len(coding.labels), 'label')}")
        return problems

    def does(self, coding: Coding) -> str:
        """Say what a model gives: see ``Task``."""
        return (
            f"Gives a text any of {counted(len(coding.labels), 'label')}, or none, each with a calibrated probability."
        )

    def caveat(self, coding: Coding) -> str:
        """Say what answers must not be taken for: see ``Task``."""
        return "What belongs to none of the labels may still be given one."

    def n_outputs(self, coding: Coding) -> int:
        """Count the labels: see ``Task``."""
        return len(coding.labels)

    def read_targets(self, cells: Sequence[str], coding: Coding, *, places: Places) -> Hits:
        """Mark the labels of each row: see ``Task``.

        Raises:
            DataError: ``unseen-label``, some are not among the known ones.
        """
        number = {label: index for index, label in enumerate(coding.labels)}
        held = [self.labels_in(cell) for cell in cells]
        strange = [(row, label) for row, labels in enumerate(held) for label in labels if label not in number]
        if strange:
            rows, labels = zip(*strange, strict=True)
            raise unseen_label(labels, coding.labels, places=places.select(list(rows)))
        targets = np.zeros((len(cells), len(coding.labels)), dtype=np.uint8)
        for row, labels in enumerate(held):
            targets[row, [number[label] for label in labels]] = 1
        return targets

    def strata(self, cells: Sequence[str]) -> list[str]:
        """Deal rows out by the rarest label of each, so that rare labels are shared out first: see ``Task``.

        Source: Sechidis, Tsoumakas and Vlahavas 2011, who take the rarest label first.
        """
        held = [self.labels_in(cell) for cell in cells]
        counts = Counter(label for labels in held for label in labels)
        return [min(labels, key=lambda label: (counts[label], label), default="(no label)") for labels in held]

    def objective(self, name: str, logits: NDArray[np.float32], targets: Hits) -> float:
        """Score decisions by thresholds tuned on other rows: see ``Task``."""
        return multi_label_figure(name, targets, self._decided(logits, targets))

    def held_out_loss(self, logits: NDArray[np.float32], targets: Hits) -> float:
        """Measure the mean log loss of a label at the best temperature: see ``Task``."""
        pairs, hits = _as_pairs(logits, targets)
        return mean_log_loss(pairs / np.float32(fit_temperature(pairs, hits)), hits)

    def raw_loss(self, logits: NDArray[np.float32], targets: Hits) -> float:
        """Measure the mean log loss of a label: see ``Task``."""
        return mean_log_loss(*_as_pairs(logits, targets))

    def gain(
        self,
        name: str,
        before: NDArray[np.float32],
        after: NDArray[np.float32],
        *,
        targets: Hits,
        level: float,
        seed: int,
        calibrations: tuple[Calibration, Calibration] | None = None,
    ) -> Gain:
        """Compare by a figure, tested by randomisation: see ``Task``."""
        one, other = (
            self._decided(logits, targets) if calibration is None else _decisions(logits, calibration)
            for logits, calibration in zip((before, after), calibrations or (None, None), strict=True)
        )
        return multi_label_gain(name, targets, before=one, after=other, level=level, seed=seed)

    def calibrate(self, logits: NDArray[np.float32], targets: Hits) -> Calibration:
        """Fit the temperature, and the thresholds for micro-F1: see ``Task``."""
        temperature = fit_temperature(*_as_pairs(logits, targets))
        thresholds = tuned_thresholds(_sigmoid(logits, temperature), targets, seed=_SEED)
        return Calibration(temperature, tuple(thresholds.tolist()))

    def metrics(
        self, logits: NDArray[np.float32], targets: Hits, coding: Coding, *, calibration: Calibration | None
    ) -> dict[str, JSON]:
        """Measure outputs with 95 % intervals: see ``Task``."""
        if calibration is None:
            probabilities, decisions = _cross_fitted(logits, targets), self._decided(logits, targets)
        else:
            probabilities = _sigmoid(logits, calibration.temperature)
            decisions = _decisions(logits, calibration)
        return multi_label_metrics(targets, probabilities, decisions, labels=coding.labels, seed=_SEED)

    def answers(
        self, logits: NDArray[np.float32], coding: Coding, calibration: Calibration, *, everything: bool
    ) -> list[dict[str, JSON]]:
        """Say the labels of each row whose probability reaches their threshold: see ``Task``.

        Returns:
            ``{"labels": [{"label", "probability"}, ...]}`` a row, the most probable first, and ``"probabilities"``
            where everything was asked for.
        """
        probabilities = _sigmoid(logits, calibration.temperature)
        reached = _decisions(logits, calibration)
        answers: list[dict[str, JSON]] = []
        for shares, hit in zip(probabilities, reached, strict=True):
            order = sorted(np.flatnonzero(hit).tolist(), key=lambda place, shares=shares: -shares[place])  # type: ignore[misc]
            told = [{"label": coding.labels[place], "probability": float(shares[place])} for place in order]
            answer: dict[str, JSON] = {"labels": told}
            if everything:
                answer["probabilities"] = dict(zip(coding.labels, shares.tolist(), strict=True))
            answers.append(answer)
        return answers

    def margins(self, logits: NDArray[np.float32], calibration: Calibration) -> NDArray[np.float64]:
        """Measure how far the label nearest to its threshold is from it: see ``Task``.

        Source: Brinker 2006, the label that is least sure stands for the row.
        """
        shares = _sigmoid(logits, calibration.temperature)
        margins: NDArray[np.float64] = threshold_margins(shares, _thresholds(calibration, logits.shape[1])).min(axis=1)
        return margins

    def row_of(self, answer: Mapping[str, JSON]) -> tuple[str, ...]:
        """Write the labels and their probabilities with the separator between: see ``Task``."""
        between = self._separator or ";"
        labels = [each["label"] for each in answer["labels"]]
        if any(between in label for label in labels):
            return json.dumps(labels, ensure_ascii=False), ";".join(_shares(answer))
        return between.join(labels), ";".join(_shares(answer))

    def _decided(self, logits: NDArray[np.float32], targets: Hits) -> NDArray[np.bool_]:
        """Decide each row by thresholds tuned on others."""
        return held_out_decisions(
            _sigmoid(logits, 1.0),
            targets,
            lambda probabilities, hits: tuned_thresholds(probabilities, hits, seed=_SEED),
            n_folds=_N_FOLDS,
            seed=_SEED,
        )


def _distinct(labels: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(prepare_label, labels))))


def _shares(answer: Mapping[str, JSON]) -> list[str]:
    return [f"{each['probability']:.6f}" for each in answer["labels"]]


def _sigmoid(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    half = logits.astype(np.float64) / (2 * temperature)
    return (np.tanh(half) + 1) / 2


def _decisions(logits: NDArray[np.float32], calibration: Calibration) -> NDArray[np.bool_]:
    """Whether each label of each row is answered, ``[B, C]``."""
    return _sigmoid(logits, calibration.temperature) >= _thresholds(calibration, logits.shape[1])


def _thresholds(calibration: Calibration, n_labels: int) -> NDArray[np.float64]:
    return np.full(n_labels, 0.5) if calibration.thresholds is None else np.array(calibration.thresholds)


def _as_pairs(logits: NDArray[np.float32], targets: Hits) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Write each label of each row as a row of two classes, no and yes: ``[B C, 2]`` and ``[B C]``."""
    flat = logits.reshape(-1)
    return np.stack([np.zeros_like(flat), flat], axis=1), targets.reshape(-1).astype(np.int64)


def _cross_fitted(logits: NDArray[np.float32], targets: Hits) -> NDArray[np.float64]:
    """Calibrate each row by a temperature fitted on the other folds."""
    probabilities = np.empty(logits.shape, dtype=np.float64)
    shuffled = np.random.default_rng(_SEED).permutation(len(targets))
    for held in np.array_split(shuffled, min(_N_FOLDS, len(targets))):
        others = np.setdiff1d(shuffled, held)
        temperature = fit_temperature(*_as_pairs(logits[others], targets[others])) if len(others) else 1.0
        probabilities[held] = _sigmoid(logits[held], temperature)
    return probabilities


def build(options: Options) -> MultiLabel:
    """Build the task.

    Args:
        options: What stands between labels.

    Returns:
        The task.
    """
    return MultiLabel(options.separator)
