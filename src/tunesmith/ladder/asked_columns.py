"""The columns of a recipe: asked for or found, the same wherever the training file is looked at."""

from __future__ import annotations

from tunesmith.config.recipe import DataSection
from tunesmith.data.columns import Columns, choose_columns
from tunesmith.data.table import Table


def asked_columns(table: Table, section: DataSection) -> Columns:
    """Choose the columns of a training file.

    Args:
        table: The file as read.
        section: Names those that are asked for; none of them is taken for another.

    Returns:
        The columns, a label among them.

    Raises:
        DataError: ``no-such-column``; ``columns-unclear`` where a column is not asked for and not plain to see.
    """
    return choose_columns(
        table,
        text=section.text or None,
        label=section.label,
        group=section.group,
        pair=section.pair,
        time=section.time,
    )
