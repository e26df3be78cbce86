"""Cells that a spreadsheet would run: written with an apostrophe before them, and read back without it."""

from __future__ import annotations

import re
from collections.abc import Iterable

_LEADS = frozenset("=+-@\t\r\0")
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,]*(?:[eE][+-]?[0-9]+)?%?")


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
    return ["'" + cell if _is_run(cell) else cell for cell in cells]


def rearmed(cells: Iterable[str]) -> list[str]:
    """Take the apostrophes away again.

    Args:
        cells: As ``disarmed`` gave them.

    Returns:
        As they were.

    Example:
        >>> rearmed(["'=1+1", '-3.5', "'tis"])
        ['=1+1', '-3.5', "'tis"]
    """
    return [cell[1:] if cell[:1] == "'" and _is_run(cell[1:]) else cell for cell in cells]


def _is_run(cell: str) -> bool:
    return cell[:1] in _LEADS and not _NUMBER.fullmatch(cell)
