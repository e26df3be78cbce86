"""Measuring a bundle on labelled rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tunesmith.bundle.load import Bundle
from tunesmith.bundle.predict import outputs_of
from tunesmith.data.places import Places
from tunesmith.tasks import load_task
from tunesmith.types import JSON


def evaluate_bundle(
    bundle: Bundle,
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    places: Places,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, JSON]:
    """Measure a bundle with intervals.

    Args:
        bundle: Loaded.
        texts: One a row.
        labels: The right ones, prepared.
        places: Where each row is, for messages.
        progress: Told work done and work in all.

    Returns:
        ``{"rows", "metrics"}`` as ``evaluate --json`` prints it.

    Raises:
        DataError: Some labels are not among the model's.
    """
    facts = bundle.facts
    task = load_task(facts.task)
    targets = task.read_targets(labels, facts.labels, places=places)
    logits = outputs_of(bundle, texts, progress=progress).logits
    return {"rows": len(texts), "metrics": task.metrics(logits, targets, facts.labels, temperature=facts.temperature)}
