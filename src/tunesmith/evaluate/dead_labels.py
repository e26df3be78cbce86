"""Labels that a model never gets right, which a high accuracy hides."""

from __future__ import annotations

from collections.abc import Mapping

from tunesmith.types import JSON

_LEAST_ROWS = 5
"""Fewer rows are missed by chance."""


def dead_labels(metrics: Mapping[str, JSON]) -> list[str]:
    """List the labels of which no row is answered right, though there are enough to tell.

    Args:
        metrics: METRICS.

    Returns:
        Those of most rows first.

    Example:
        >>> rows = {"common": {"recall": 0.9, "rows": 90}, "rare": {"recall": 0.0, "rows": 9}}
        >>> dead_labels({"per_class": rows})
        ['rare']
    """
    found = [
        (-int(row["rows"]), label)
        for label, row in metrics.get("per_class", {}).items()
        if row["recall"] == 0.0 and row["rows"] >= _LEAST_ROWS
    ]
    return [label for _, label in sorted(found)]
