"""CSV that spreadsheets open without harm: no cell is run as a formula, no record is cut at a bare CR."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from itertools import count

_FORMULA_LEADS = frozenset("=+-@\t\r\0")
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,]*(?:[eE][+-]?[0-9]+)?%?")


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


def disarmed(cells: Iterable[str]) -> list[str]:
    """Keep a spreadsheet from running cells as formulas; plain numbers are none.

    Args:
        cells: As they are.

    Returns:
        The same, an apostrophe before those that a spreadsheet would run.

    Example:
        >>> disarmed(["=1+1", "-3.5", "fine"])
        ["'=1+1", '-3.5', 'fine']
    """
    return ["'" + cell if cell[:1] in _FORMULA_LEADS and not _NUMBER.fullmatch(cell) else cell for cell in cells]
