"""Label by label: which are learnt well, which not, and which are taken for which."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tunesmith.types import JSON, Interval

_Z = 1.959963984540054
"""Half the width of a 95 % interval in standard deviations."""


@dataclass(frozen=True)
class LabelLine:
    """One label's figures, each 0..1 with a 95 % interval; None where no row can tell."""

    label: str
    rows: int
    f1: Interval | None
    precision: Interval | None
    recall: Interval | None


@dataclass(frozen=True)
class Confusion:
    """Rows of one label that were answered as another."""

    label: str
    answered: str
    count: int
    rows: int
    """Rows of the label."""
    share: Interval
    """Of the label's rows, 0..1 with its 95 % interval."""


@dataclass(frozen=True)
class Confusions:
    """The most frequent confusions, and all of them in numbers."""

    most_frequent: tuple[Confusion, ...]
    n_pairs: int
    """Pairs of labels that were confused at all."""
    n_wrong: int
    """Rows answered wrongly."""
    n_rows: int


def wilson(hits: int, total: int) -> Interval:
    """Bound a share of independent rows.

    Args:
        hits: Rows that count.
        total: Rows in all, at least one.

    Returns:
        The share with its 95 % score interval, which stays inside 0..1 and is not empty for 0 or all hits.

    Example:
        >>> share = wilson(9, 10)
        >>> [round(end, 4) for end in (share.value, share.low, share.high)]
        [0.9, 0.5958, 0.9821]

    Source: Wilson 1927; Brown, Cai and DasGupta 2001, equation 4.
    """
    share, room = hits / total, _Z * _Z / total
    middle = (share + room / 2.0) / (1.0 + room)
    half = _Z / (1.0 + room) * math.sqrt(share * (1.0 - share) / total + room / (4.0 * total))
    return Interval(share, max(0.0, min(middle - half, share)), min(1.0, max(middle + half, share)))


def label_lines(per_class: Mapping[str, JSON]) -> list[LabelLine]:
    """Bound the figures of each label.

    Args:
        per_class: Of METRICS: recall, and the rows that have the label and that are answered with it.

    Returns:
        The lowest F1 first; labels without figures last.
    """
    lines = []
    for label, told in per_class.items():
        rows, answered = int(told["rows"]), int(told["answered"])
        hits = round(told["recall"] * rows)
        lines.append(
            LabelLine(
                label=label,
                rows=rows,
                f1=_f1(hits, rows + answered - hits) if rows else None,
                precision=wilson(hits, answered) if answered else None,
                recall=wilson(hits, rows) if rows else None,
            )
        )
    return sorted(lines, key=lambda line: (line.f1 is None, line.f1.value if line.f1 else 0.0, -line.rows))


def _f1(hits: int, total: int) -> Interval:
    """F1 from the share ``j`` that is right among the rows that have the label or are answered with it."""
    share = wilson(hits, total)
    # F1 is 2 j / (1 + j), which rises with j: the ends of the interval go the same way.
    return Interval(*(2.0 * end / (1.0 + end) for end in (share.value, share.low, share.high)))


def confusions(confusion: Mapping[str, JSON], *, most: int = 10) -> Confusions:
    """Find the pairs of labels that are confused most often.

    Args:
        confusion: ``labels`` and ``counts`` ``[C, C]``, rows of the right label, columns of the answer.
        most: Pairs to list.

    Returns:
        The most frequent first; among equals, the one that takes the larger share of its label's rows.
    """
    labels, counts = confusion["labels"], confusion["counts"]
    found = [
        Confusion(labels[right], labels[answer], count, sum(row), wilson(count, sum(row)))
        for right, row in enumerate(counts)
        for answer, count in enumerate(row)
        if answer != right and count
    ]
    found.sort(key=lambda pair: (-pair.count, -pair.share.value, pair.label, pair.answered))
    return Confusions(
        most_frequent=tuple(found[:most]),
        n_pairs=len(found),
        n_wrong=sum(pair.count for pair in found),
        n_rows=sum(map(sum, counts)),
    )
