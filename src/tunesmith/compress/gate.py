"""The gate: what a smaller model loses on rows held out, and whether that is too much to be written.

Both models answer the same rows. The loss is the drop of the task's figure, told with its paired interval; a label is
lost where its recall falls by more than 5 points and by more than chance alone makes likely, all labels considered.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from tunesmith.compress.source import Both, Parent, Rows
from tunesmith.errors import GateError, counted, plural, quote
from tunesmith.evaluate.figures import figure_of, style_of
from tunesmith.evaluate.intervals import mean_interval
from tunesmith.evaluate.paired import holm, mcnemar
from tunesmith.models.likelihoods import load_likelihood
from tunesmith.tasks import Calibration
from tunesmith.types import JSON, Interval

_LEVEL = 0.95
_SEED = 0
_MOST_RECALL_LOST = 0.05
_CHANCE = 0.05
_SHOWN_LABELS = 3
_WIDEST = 4.0
"""Most that a temperature is changed by, as a factor."""


@dataclass(frozen=True)
class Judged:
    """What both models say of the rows held out, and what that comes to."""

    calibration: Calibration
    """Of the smaller model: its temperature fitted again."""
    figures: dict[str, JSON]
    """As ``compress --json`` prints them."""
    lost_labels: tuple[str, ...]
    """Labels whose recall has fallen beyond chance."""


def matched_calibration(parent: Parent, calibration: Calibration, both: Both) -> Calibration:
    """Fit a temperature under which a smaller model is as sure as its parent.

    Not under which the labels are most probable: the rows may be those that the parent's head was fitted on, and its
    own temperature was fitted out of fold.

    Args:
        parent: Says of what likelihood its outputs are.
        calibration: The parent's.
        both: Its logits and those of the smaller model.

    Returns:
        The same thresholds with another temperature; of numbers the same.
    """
    if not parent.coding.labels:
        return calibration
    likelihood = load_likelihood(parent.task.likelihood)
    ours, theirs = (torch.from_numpy(part).double() for part in both)

    def apart(log_temperature: float) -> float:
        return float(likelihood.divergence(ours / calibration.temperature, theirs / math.exp(log_temperature)).mean())

    middle = math.log(calibration.temperature)
    bounds = (middle - math.log(_WIDEST), middle + math.log(_WIDEST))
    return replace(calibration, temperature=math.exp(minimize_scalar(apart, bounds=bounds, method="bounded").x))


def judge(parent: Parent, rows: Rows, both: Both, *, calibrations: tuple[Calibration, Calibration]) -> Judged:
    """Measure what the smaller model loses.

    Args:
        parent: The task and the labels.
        rows: Those held out.
        both: The parent's logits of them and those of the smaller model.
        calibrations: Of both.

    Returns:
        The figures.
    """
    task, coding = parent.task, parent.coding
    metrics = [
        task.metrics(part, rows.targets, coding, calibration=calibration)
        for part, calibration in zip(both, calibrations, strict=True)
    ]
    gains = {
        name: task.gain(name, *both, targets=rows.targets, level=_LEVEL, seed=_SEED, calibrations=calibrations).interval
        for name in task.objectives
    }
    answers = [
        [_labels(answer) for answer in task.answers(part, coding, calibration, everything=False)]
        for part, calibration in zip(both, calibrations, strict=True)
    ]
    recalls = _recalls(parent, rows, answers) if coding.labels else []
    lost = tuple(each.label for each in recalls if each.is_lost)
    figures: dict[str, JSON] = {
        "rows": len(rows.held),
        "agreement": _agreement(*answers) if coding.labels else None,
        "loss": {name: _points(gain) for name, gain in gains.items()},
        "figures": {name: _both(name, metrics) for name in task.figures if figure_of(metrics[0], name) is not None},
        "worst_labels": [each.as_json() for each in recalls[:_SHOWN_LABELS]],
        "lost_labels": list(lost),
    }
    return Judged(calibrations[1], figures, lost)


def refuse_loss(judged: Judged, parent: Parent, *, max_loss: float, where: str) -> None:
    """Refuse a model that loses too much.

    Args:
        judged: Its figures.
        parent: Names the figure that counts.
        max_loss: Points that may be lost.
        where: What is refused, for the message.

    Raises:
        GateError: ``compressed-loses`` or ``label-lost``; nothing has been written.
    """
    name = parent.task.objectives[0]
    loss = judged.figures["loss"][name]
    if not loss["value"] <= max_loss:
        raise GateError(
            "compressed-loses",
            "the compressed model loses more than is allowed; nothing was written",
            where=where,
            found=f"{loss['value']:.2f} points of {style_of(name).words} ({loss['low']:.2f} to {loss['high']:.2f}) on "
            f"{counted(judged.figures['rows'], 'row')}",
            allowed=f"{max_loss:g} {plural(max_loss, 'point')} (--max-loss)",
            advice="allow more with --max-loss, or keep the model as it is",
        )
    if judged.lost_labels:
        worst = judged.figures["worst_labels"][0]
        raise GateError(
            "label-lost",
            "the compressed model no longer finds some labels; nothing was written",
            where=where,
            found=f"{', '.join(quote(label) for label in judged.lost_labels[:_SHOWN_LABELS])}: of "
            f"{counted(worst['rows'], 'row')} the first was found in {worst['before']}, now in {worst['after']}",
            allowed=f"{100 * _MOST_RECALL_LOST:g} points of recall, and what chance alone makes likely",
            advice="keep the model as it is, or give more rows of these labels",
        )


@dataclass(frozen=True, slots=True)
class _Recall:
    """In how many of a label's rows both models answer it."""

    label: str
    rows: int
    before: int
    after: int
    is_lost: bool

    def as_json(self) -> dict[str, JSON]:
        return {"label": self.label, "rows": self.rows, "before": self.before, "after": self.after}


def _recalls(parent: Parent, rows: Rows, answers: Sequence[Sequence[frozenset[str]]]) -> list[_Recall]:
    """Count for each label that has rows, the one that lost the largest share first."""
    counted_of: dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]] = {}
    for number, label in enumerate(parent.coding.labels):
        holds = rows.targets[:, number] > 0 if rows.targets.ndim > 1 else rows.targets == number
        places = np.flatnonzero(holds).tolist()
        if places:
            one, other = (np.array([label in part[place] for place in places]) for part in answers)
            counted_of[label] = (one, other)
    chances = holm([mcnemar(*both) for both in counted_of.values()])
    found = [
        _Recall(
            label,
            len(one),
            int(one.sum()),
            int(other.sum()),
            is_lost=bool((one.sum() - other.sum()) / len(one) > _MOST_RECALL_LOST and chance < _CHANCE),
        )
        for (label, (one, other)), chance in zip(counted_of.items(), chances, strict=True)
    ]
    return sorted(found, key=lambda each: (not each.is_lost, (each.after - each.before) / each.rows))


def _labels(answer: Mapping[str, JSON]) -> frozenset[str]:
    """The label of an answer, or its labels; none where it is a number."""
    if "label" in answer:
        return frozenset([answer["label"]])
    return frozenset(each["label"] for each in answer.get("labels", ()))


def _agreement(before: Sequence[frozenset[str]], after: Sequence[frozenset[str]]) -> dict[str, float]:
    same = np.array([one == other for one, other in zip(before, after, strict=True)], dtype=np.float64)
    return mean_interval(same, seed=_SEED, level=_LEVEL).as_dict()


def _points(gain: Interval) -> dict[str, float]:
    """A gain of shares as a loss in points."""
    return Interval(*(0.0 - 100.0 * end for end in (gain.value, gain.high, gain.low))).as_dict()


def _both(name: str, metrics: Sequence[Mapping[str, JSON]]) -> dict[str, JSON]:
    return dict(zip(("before", "after"), _figures(name, metrics), strict=True))


def _figures(name: str, metrics: Sequence[Mapping[str, JSON]]) -> Iterator[dict[str, float]]:
    for part in metrics:
        figure = figure_of(part, name)
        assert figure is not None, "both models were measured alike"
        yield figure.as_dict()
