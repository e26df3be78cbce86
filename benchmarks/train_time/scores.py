"""The two figures that every contender is compared by."""

from __future__ import annotations

from collections.abc import Sequence


def scores(predicted: Sequence[str], expected: Sequence[str]) -> dict[str, float]:
    """Compare predicted with expected labels.

    Args:
        predicted: One label a row.
        expected: The true label of each row.

    Returns:
        ``accuracy``, and ``macro_f1`` over the labels that are expected or predicted.

    Example:
        >>> scores(["a", "b", "b"], ["a", "a", "b"])
        {'accuracy': 0.666667, 'macro_f1': 0.666667}
    """
    pairs = list(zip(predicted, expected, strict=True))
    right = sum(one == other for one, other in pairs)
    f1 = []
    for label in {*predicted, *expected}:
        hits = sum(one == label == other for one, other in pairs)
        named = sum((one == label) + (other == label) for one, other in pairs)
        f1.append(2 * hits / named)
    return {"accuracy": round(right / len(pairs), 6), "macro_f1": round(sum(f1) / len(f1), 6)}
