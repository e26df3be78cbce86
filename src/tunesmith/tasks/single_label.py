"""One label a text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from tunesmith.config import Settings
from tunesmith.data.places import Places
from tunesmith.errors import DataError, quote
from tunesmith.evaluate.calibration import apply_temperature, cross_fitted_probabilities, softmax
from tunesmith.evaluate.metrics import classification_metrics, macro_f1
from tunesmith.evaluate.paired import Gain, mcnemar, paired_gain, paired_macro_f1_gain, paired_macro_f1_p
from tunesmith.types import JSON

_SEED = 0
_N_FOLDS = 5
_SHOWN_UNSEEN = 5
_LONGEST_LIST = 400
"""Characters of known labels: enough to see how they look, and few enough to leave the advice on the screen."""


class Options(Settings):
    """One label a text has no options."""


class SingleLabel:
    """Each text belongs to exactly one of C classes."""

    name = "single_label"
    rungs = ("linear", "probe", "finetune", "refine")
    objectives = ("accuracy", "macro_f1")

    def label_order(self, labels: Sequence[str]) -> tuple[str, ...]:
        """List the distinct labels in the order of the outputs.

        Args:
            labels: One a row.

        Returns:
            The labels, sorted by code points, so that the order depends on the set alone.
        """
        return tuple(sorted(set(labels)))

    def read_targets(self, labels: Sequence[str], known: Sequence[str], *, places: Places) -> NDArray[np.int64]:
        """Turn labels into class numbers.

        Args:
            labels: One a row.
            known: Labels in the order of the outputs.
            places: Where each row is, for messages.

        Returns:
            int64 ``[B]``.

        Raises:
            DataError: Some labels are not among the known ones.
        """
        number = {label: index for index, label in enumerate(known)}
        rows = [row for row, label in enumerate(labels) if label not in number]
        if rows:
            raise _unseen_label([labels[row] for row in rows], known, places=places.select(rows))
        return np.array([number[label] for label in labels], dtype=np.int64)

    def objective(self, name: str, logits: NDArray[np.float32], targets: NDArray[np.int64]) -> float:
        """Score outputs by one figure.

        Args:
            name: ``accuracy`` or ``macro_f1``.
            logits: ``[B, C]``.
            targets: ``[B]``.

        Returns:
            The figure, 0..1.
        """
        predicted = logits.argmax(axis=1)
        if name == "macro_f1":
            return float(macro_f1(targets, predicted, logits.shape[1]))
        return float((predicted == targets).mean())

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
            name: ``accuracy``, tested by McNemar's test, or ``macro_f1``, tested by randomisation.
            before: One model's logits, ``[B, C]``.
            after: The other's, ``[B, C]``.
            targets: ``[B]``.
            level: Of the interval, 0..1.
            seed: Of the resampling.

        Returns:
            By how much the other is better, -1..1.
        """
        answers = before.argmax(axis=1), after.argmax(axis=1)
        if name == "macro_f1":
            n_classes = before.shape[1]
            interval = paired_macro_f1_gain(targets, *answers, n_classes=n_classes, seed=seed, level=level)
            p_value = paired_macro_f1_p(targets, *answers, n_classes=n_classes, seed=seed)
            return Gain(interval, p_value, "randomisation")
        right = tuple(predicted == targets for predicted in answers)
        return Gain(paired_gain(*right, seed=seed, level=level), mcnemar(*right), "McNemar")

    def metrics(
        self,
        logits: NDArray[np.float32],
        targets: NDArray[np.int64],
        labels: Sequence[str],
        *,
        temperature: float | None,
    ) -> dict[str, JSON]:
        """Measure outputs with 95 % intervals.

        Args:
            logits: ``[B, C]``.
            targets: ``[B]``.
            labels: In the order of the outputs.
            temperature: The model's; None for rows it was fitted on, which are then calibrated cross-fitted.

        Returns:
            METRICS of the machine output; ``ece`` after calibration, ``ece_uncalibrated`` before.
        """
        if temperature is None:
            calibrated = cross_fitted_probabilities(logits, targets, folds=_N_FOLDS, seed=_SEED)
        else:
            calibrated = apply_temperature(logits, temperature)
        return classification_metrics(targets, softmax(logits), labels, seed=_SEED, calibrated=calibrated)

    def answers(
        self, logits: NDArray[np.float32], labels: Sequence[str], *, temperature: float, everything: bool
    ) -> list[dict[str, JSON]]:
        """Say the most probable label of each row.

        Args:
            logits: ``[B, C]``.
            labels: In the order of the outputs.
            temperature: Divides the logits.
            everything: Give every label's probability too.

        Returns:
            ``{"label", "probability"}`` a row, and ``"probabilities"`` where everything was asked for.
        """
        probabilities = apply_temperature(logits, temperature)
        best = probabilities.argmax(axis=1)
        answers: list[dict[str, JSON]] = []
        for row, index in enumerate(best.tolist()):
            answer: dict[str, JSON] = {"label": labels[index], "probability": float(probabilities[row, index])}
            if everything:
                answer["probabilities"] = dict(zip(labels, probabilities[row].tolist(), strict=True))
            answers.append(answer)
        return answers


def _unseen_label(labels: Sequence[str], known: Sequence[str], *, places: Places) -> DataError:
    """Make the error for rows whose labels no output stands for."""
    unseen = sorted(set(labels))
    several = len(unseen) > 1
    more = f" and {len(unseen) - _SHOWN_UNSEEN} more" if len(unseen) > _SHOWN_UNSEEN else ""
    return DataError(
        "unseen-label",
        f"{len(unseen)} label{'s' * several} of this file {'are' if several else 'is'} not among the model's",
        where=places.source,
        found=f"{', '.join(map(quote, unseen[:_SHOWN_UNSEEN]))}{more} in {len(labels)} "
        f"row{'s' * (len(labels) > 1)} ({places.told(range(len(places)))})",
        allowed=_listed(known),
        advice="correct these rows or leave them out; a label must occur in the training rows to be learnt",
    )


def _listed(known: Sequence[str]) -> str:
    """List the first of the known labels, and say how many more there are."""
    ends = accumulate(len(quote(label)) + 2 for label in known)
    n_shown = max(1, sum(end <= _LONGEST_LIST for end in ends))
    more = f" and {len(known) - n_shown} more" if len(known) > n_shown else ""
    return ", ".join(map(quote, known[:n_shown])) + more


def build() -> SingleLabel:
    """Build the task.

    Returns:
        It has no state.
    """
    return SingleLabel()
