"""CSV as spreadsheets read it: no record is cut at a bare CR, no column has the name of another."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from itertools import count


def write_records(buffer: io.StringIO, columns: Sequence[Sequence[str]]) -> None:
    """Write lines of CSV; older csv modules leave a bare CR unquoted, and readers end a record there.

    Args:
        buffer: Takes the lines.
        columns: Cells of each, all of one length.
    """
    plain = csv.writer(buffer, lineterminator="\n")
    if not any("\r" in "".join(column) for column in columns):
        plain.writerows(zip(*columns, strict=True))
        return
    quoted = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for record in zip(*columns, strict=True):
        has_return = any("\r" in cell for cell in record)
        (quoted if has_return else plain).writerow(record)


def free_names(wanted: Sequence[str], taken: Sequence[str]) -> list[str]:
    """Name the columns we add so that none has the name of an input column.

    Args:
        wanted: The names that they should have.
        taken: Names of the input columns.

    Returns:
        The wanted names, with underscores behind those that are taken.

    Example:
        >>> free_names(["prediction"], ["text", "prediction"])
        ['prediction_']
    """
    return [next(name for name in (f"{want}{'_' * n}" for n in count()) if name not in taken) for want in wanted]
