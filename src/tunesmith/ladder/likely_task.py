"""What is to be learnt where nobody says: told by the cells of the label column, and always said."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tunesmith.config.recipe import Recipe
from tunesmith.data.columns import choose_columns
from tunesmith.data.prepare import prepare_label
from tunesmith.data.table import Table
from tunesmith.errors import quote
from tunesmith.ladder.resolve import task_named
from tunesmith.tasks.score import is_number

_LEAST_NUMBERS = 20
"""Different numbers that are more likely a scale than classes."""


def with_likely_task(recipe: Recipe, table: Table) -> tuple[Recipe, tuple[str, ...]]:
    """Name the task in a recipe that leaves it to the rows.

    Args:
        recipe: Common sections already checked.
        table: The training file as read.

    Returns:
        The recipe with its task, and a sentence that says why where it is not the usual one.

    Raises:
        DataError: The columns are not plain to see.
    """
    if task_named(recipe) is not None:
        return recipe, ()
    section = recipe.data
    columns = choose_columns(
        table, text=section.text or None, label=section.label, group=section.group, pair=section.pair
    )
    assert columns.label is not None, "a label column is asked for"
    name, why = likely_task([prepare_label(cell) for cell in table.columns[columns.label]])
    notes = (f"task: {name}, since {quote(columns.label)} {why}; --task names another",) if why else ()
    return recipe.model_copy(update={"run": recipe.run.model_copy(update={"task": name})}), notes


def likely_task(cells: Sequence[str]) -> tuple[str, str]:
    """Tell the task by the cells of the label column.

    Args:
        cells: Prepared, empty ones among them.

    Returns:
        The name of a task, and why it is that; nothing where it is the usual one.

    Example:
        >>> likely_task(["a", "b"]), likely_task(['["a", "b"]', "[]"])
        (('single_label', ''), ('multi_label', 'holds lists'))
    """
    filled = [cell for cell in cells if cell]
    if filled and all(map(_is_list, filled)):
        return "multi_label", "holds lists"
    distinct = set(filled)
    if len(distinct) > _LEAST_NUMBERS and all(map(is_number, distinct)) and not all(map(_is_whole, distinct)):
        return "score", f"holds {len(distinct)} different numbers, not all whole"
    return "single_label", ""


def _is_list(cell: str) -> bool:
    if not cell.startswith("["):
        return False
    try:
        return isinstance(json.loads(cell), list)
    except ValueError:
        return False


def _is_whole(cell: str) -> bool:
    return float(cell).is_integer()
