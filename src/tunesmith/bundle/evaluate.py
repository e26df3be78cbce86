"""Measuring a bundle on labelled rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tunesmith.bundle.load import Bundle
from tunesmith.bundle.predict import outputs_of
from tunesmith.data.places import Places
from tunesmith.errors import DataError, quote
from tunesmith.types import JSON, Text

_MOST_SLICES = 100


def evaluate_bundle(
    bundle: Bundle,
    texts: Sequence[Text],
    labels: Sequence[str],
    *,
    places: Places,
    by: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, JSON]:
    """Measure a bundle with intervals.

    Args:
        bundle: Loaded.
        texts: One a row, or a pair.
        labels: The right ones, prepared.
        places: Where each row is, for messages.
        by: What to measure the rows apart by, one value a row; left out, they are measured together alone.
        progress: Told work done and work in all.

    Returns:
        ``{"rows", "metrics"}`` as ``evaluate --json`` prints it, and ``"slices"`` where they are measured apart.

    Raises:
        DataError: Some labels are not among the model's, or ``too-many-slices``.
    """
    facts = bundle.facts
    task, coding = facts.learnt, facts.coding
    targets = task.read_targets(labels, coding, places=places)
    slices = rows_by_value(by, places)
    logits = outputs_of(bundle, texts, progress=progress).logits

    def measured(rows: Sequence[int]) -> dict[str, JSON]:
        return task.metrics(logits[rows], targets[rows], coding, calibration=facts.calibration)

    found: dict[str, JSON] = {"rows": len(texts), "metrics": measured(range(len(texts)))}
    if by is not None:
        found["slices"] = [
            _slice(value, measured(rows), len(rows), names=task.objectives) for value, rows in slices.items()
        ]
    return found


def _slice(value: str, metrics: dict[str, JSON], n_rows: int, *, names: Sequence[str]) -> dict[str, JSON]:
    """Keep of a slice's figures those that choose between models."""
    return {"value": value, "rows": n_rows, **{name: metrics[name] for name in names}}


def rows_by_value(by: Sequence[str] | None, places: Places) -> dict[str, list[int]]:
    """List the rows of each value of a column to measure by.

    Args:
        by: One value a row; None where nothing is measured apart.
        places: Where each row is, for messages.

    Returns:
        Rows by value, those of most rows first.

    Raises:
        DataError: ``too-many-slices``.
    """
    rows_of: dict[str, list[int]] = {}
    for row, value in enumerate(by or ()):
        rows_of.setdefault(value, []).append(row)
    if len(rows_of) > _MOST_SLICES:
        raise DataError(
            "too-many-slices",
            f"the column to measure by has {len(rows_of)} different values",
            where=places.source,
            found=f"{', '.join(map(quote, list(rows_of)[:5]))}, ...",
            allowed=f"at most {_MOST_SLICES}",
            advice="name a column of a few values that come back, such as a channel or a language, with --by",
        )
    return dict(sorted(rows_of.items(), key=lambda item: (-len(item[1]), item[0])))
