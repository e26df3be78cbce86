"""What a command or a call is to read: files, a query or a frame, whichever was given."""

from __future__ import annotations

from typing import Any

from tunesmith.config.recipe import DataSection
from tunesmith.data.read import Source, read_table
from tunesmith.data.sql_rows import Query
from tunesmith.data.table import Table
from tunesmith.errors import ConfigError


def source_given(data: Any, section: DataSection) -> Any:
    """Choose between what was named and the query of the recipe.

    Args:
        data: Files or a frame; None or an empty list where none was named.
        section: May hold a query and its database.

    Returns:
        The files, the frame, or the query.

    Raises:
        ConfigError: ``no-data``, ``two-inputs``, or ``bad-database`` where query or database is missing.
    """
    named = data is not None and not (isinstance(data, list | tuple) and not data)
    asked = section.sql is not None or section.db is not None
    if named and asked:
        raise ConfigError("two-inputs", "give either files or a query (--sql and --db), not both")
    if asked:
        if section.sql is None or section.db is None:
            given, missing = ("--db", "--sql") if section.sql is None else ("--sql", "--db")
            raise ConfigError(
                "bad-database",
                f"{given} is of no use without {missing}",
                advice="--sql 'select text, label from tickets' --db sqlite:///tickets.db",
            )
        return Query(section.sql, section.db.get_secret_value())
    if not named:
        raise ConfigError(
            "no-data", "no rows are given", advice="name a file (or - for stdin), or a query with --sql and --db"
        )
    return data


def read_rows(source: Source, section: DataSection) -> Table:
    """Read all rows as a recipe says.

    Args:
        source: Files or a query.
        section: Encoding, and whether rows that cannot be read are left out.

    Returns:
        The rows.

    Raises:
        TunesmithError: As for ``read_table``.
    """
    return read_table(source, encoding=section.encoding, skip_bad_rows=section.skip_bad_rows)
