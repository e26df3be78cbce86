"""Measuring bundles beside one another: the same rows answered by each, and what one gains over another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.bundle.evaluate import rows_by_value
from tunesmith.bundle.load import Bundle
from tunesmith.bundle.predict import outputs_of
from tunesmith.bundle.schema import Facts
from tunesmith.data.places import Places
from tunesmith.errors import ConfigError, quote
from tunesmith.evaluate.intervals import mean_interval
from tunesmith.evaluate.paired import Gain, holm
from tunesmith.tasks import Calibration, Task
from tunesmith.types import JSON, Text

_LEVEL = 0.95
_SEED = 0
_SHOWN_LABELS = 5


@dataclass(frozen=True)
class _Answered:
    """What one model made of the rows."""

    name: str
    logits: NDArray[np.float32]
    """In the coding of the reference."""
    calibration: Calibration
    held: list[frozenset[str]] | None
    """Labels of each row; None where answers are numbers."""


def compare_bundles(
    bundles: Sequence[Bundle],
    texts: Sequence[Sequence[Text]],
    labels: Sequence[str],
    *,
    places: Places,
    by: Sequence[str] | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> dict[str, JSON]:
    """Measure what each of several models gains over the first on the same rows.

    Args:
        bundles: Loaded, at least two that learn the same (see ``refuse_unlike``); the first is the reference.
        texts: Of each model, what it reads of the rows.
        labels: The right ones, prepared.
        places: Where each row is, for messages.
        by: What to compare the rows apart by, one value a row.
        progress: Told the share of the work that is done.

    Returns:
        As ``compare --json`` prints it.

    Raises:
        DataError: Some labels are not among the models', or ``too-many-slices``.
    """
    facts = bundles[0].facts
    task, coding = facts.learnt, facts.coding
    targets = task.read_targets(labels, coding, places=places)
    slices = rows_by_value(by, places)
    shares = [_share_of(progress, number, len(bundles)) for number in range(len(bundles))]
    first, *others = (
        _answered(bundle, rows, facts, progress=share)
        for bundle, rows, share in zip(bundles, texts, shares, strict=True)
    )
    names = sorted(task.objectives, key=lambda name: name != facts.headline)
    right = [frozenset(task.labels_in(cell)) for cell in labels]

    def figures(answered: _Answered) -> dict[str, JSON]:
        metrics = task.metrics(answered.logits, targets, coding, calibration=answered.calibration)
        return {name: metrics[name] for name in names}

    gains = {name: [_gain(task, name, (first, other), targets=targets) for other in others] for name in names}
    adjusted = {name: holm([gain.p_value for gain in found]) for name, found in gains.items()}
    found: dict[str, JSON] = {
        "rows": len(labels),
        "task": task.name,
        "reference": {"model": first.name, "figures": figures(first)},
        "models": [
            {
                "model": other.name,
                "figures": figures(other),
                "gains": {name: _told(gains[name][place], adjusted[name][place]) for name in names},
                **_row_by_row(first, other, right),
            }
            for place, other in enumerate(others)
        ],
    }
    if by is not None:
        found["slices"] = [
            _slice(value, rows, [_gain(task, names[0], (first, other), targets=targets, rows=rows) for other in others])
            for value, rows in slices.items()
        ]
    return found


def _answered(
    bundle: Bundle, texts: Sequence[Text], wanted: Facts, *, progress: Callable[[int, int], None]
) -> _Answered:
    """Run a model and bring its outputs to the coding of the reference."""
    facts = bundle.facts
    logits = outputs_of(bundle, texts, progress=progress).logits
    answers = facts.learnt.answers(logits, facts.coding, facts.calibration, everything=False)
    own, other = facts.coding, wanted.coding
    if (own.mean, own.spread) != (other.mean, other.spread):
        values = own.mean + own.spread * logits.astype(np.float64)
        logits = ((values - other.mean) / other.spread).astype(np.float32)
    return _Answered(str(bundle.folder), logits, facts.calibration, _held(answers) if facts.labels else None)


def _share_of(progress: Callable[[float], None], number: int, n_models: int) -> Callable[[int, int], None]:
    """Tell the work of one model as its share of all."""
    return lambda done, total: progress((number + done / max(total, 1)) / n_models)


def _held(answers: Sequence[dict[str, JSON]]) -> list[frozenset[str]]:
    return [
        frozenset([answer["label"]] if "label" in answer else [each["label"] for each in answer["labels"]])
        for answer in answers
    ]


def _gain(
    task: Task,
    name: str,
    both: tuple[_Answered, _Answered],
    *,
    targets: NDArray[np.generic],
    rows: Sequence[int] | None = None,
) -> Gain:
    """Measure what the other gains, on all rows or on some."""
    some = slice(None) if rows is None else list(rows)
    first, other = both
    return task.gain(
        name,
        first.logits[some],
        other.logits[some],
        targets=targets[some],
        level=_LEVEL,
        seed=_SEED,
        calibrations=(first.calibration, other.calibration),
    )


def _told(gain: Gain, adjusted: float) -> dict[str, JSON]:
    return {**gain.interval.as_dict(), "p_value": gain.p_value, "p_adjusted": adjusted, "test": gain.test}


def _row_by_row(first: _Answered, other: _Answered, right: Sequence[frozenset[str]]) -> dict[str, JSON]:
    """Count the rows that both answer alike, and those that one alone answers with exactly their labels."""
    if first.held is None or other.held is None:
        return dict.fromkeys(("agreement", "only_right", "only_reference_right"))
    alike = np.array([one == two for one, two in zip(first.held, other.held, strict=True)])
    hits = [np.array([one == two for one, two in zip(held, right, strict=True)]) for held in (first.held, other.held)]
    return {
        "agreement": mean_interval(alike.astype(np.float64), seed=_SEED, level=_LEVEL).as_dict(),
        "only_right": int((hits[1] & ~hits[0]).sum()),
        "only_reference_right": int((hits[0] & ~hits[1]).sum()),
    }


def _slice(value: str, rows: Sequence[int], gains: Sequence[Gain]) -> dict[str, JSON]:
    """Tell of a slice the figure that chose; so many looks at once are told without tests."""
    return {"value": value, "rows": len(rows), "gains": [gain.interval.as_dict() for gain in gains]}


def refuse_unlike(first: Bundle, other: Bundle) -> None:
    """Refuse a model whose answers mean something else than those of the first.

    Args:
        first: Loaded.
        other: Loaded.

    Raises:
        ConfigError: ``models-differ``, they do not learn the same, so that no figure compares them.
    """
    one, two = first.facts, other.facts
    if one.task != two.task:
        found = f"{one.task} here, {two.task} in {other.folder}"
    elif one.reads_pairs != two.reads_pairs:
        found = f"{'pairs' if one.reads_pairs else 'single texts'} here, the other way in {other.folder}"
    elif set(one.labels) != set(two.labels):
        found = f"only here: {_shown(one, two)}; only in {other.folder}: {_shown(two, one)}"
    elif one.labels != two.labels:
        found = f"the same labels in another order: {_shown(one)} here, {_shown(two)} in {other.folder}"
    else:
        return
    raise ConfigError(
        "models-differ",
        "these models do not learn the same, so no figure compares them",
        where=str(first.folder),
        found=found,
        allowed="models of one task, with the same labels in the same order, that read the same kind of rows",
        advice="measure each on its own with tunesmith evaluate, or train one anew as the other was",
    )


def _shown(facts: Facts, less: Facts | None = None) -> str:
    labels = [label for label in facts.labels if less is None or label not in less.labels]
    more = f" and {len(labels) - _SHOWN_LABELS} more" if len(labels) > _SHOWN_LABELS else ""
    return ", ".join(map(quote, labels[:_SHOWN_LABELS])) + more if labels else "none"
