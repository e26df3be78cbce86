"""When rows were made: read from a column, so that later rows can be held out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.places import Places
from tunesmith.errors import DataError, counted, plural, quote

_SHOWN = 5


def read_times(cells: Sequence[str], *, places: Places, column: str) -> NDArray[np.float64]:
    """Read the times of rows.

    Args:
        cells: Numbers all of them, or dates as ISO 8601 writes them, with or without a time of day; a time without a
            zone is taken for UTC.
        places: Where each row is, for messages.
        column: Name of the column, for messages.

    Returns:
        ``[N]``, later rows have more; seconds where cells are dates.

    Raises:
        DataError: ``time-unclear``, some cells are neither.

    Example:
        >>> read_times(["2026-03-01", "2026-03-01T12:00Z"], places=Places.of("a.csv", [2, 3]), column="day").tolist()
        [1772323200.0, 1772366400.0]
    """
    numbers = [_number(cell) for cell in cells]
    times = numbers if None not in numbers else [_date(cell) for cell in cells]
    rows = [row for row, time in enumerate(times) if time is None]
    if rows:
        shown = ", ".join(quote(cells[row]) for row in rows[:_SHOWN])
        raise DataError(
            "time-unclear",
            f"{len(rows)} of {counted(len(cells), 'cell')} {plural(len(rows), 'is no time', 'are no times')}",
            where=places.at(rows[0]),
            found=f"column {quote(column)}: {shown} ({places.told(rows)})",
            allowed="2026-11-28, 2026-11-28 07:26, 2026-11-28T07:26:48+01:00; or numbers throughout, as 1764314808",
            advice="write dates as year-month-day; fill empty cells, or leave those rows out",
        )
    return np.array(times, dtype=np.float64)


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _date(cell: str) -> float | None:
    try:
        date = datetime.fromisoformat(cell)
    except ValueError:
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
