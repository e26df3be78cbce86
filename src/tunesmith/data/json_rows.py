"""JSON lines to tables: one object a line, its values as text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import NoReturn

from tunesmith.data.bad_rows import BadRows
from tunesmith.data.places import Places
from tunesmith.data.table import Table
from tunesmith.errors import DataError, counted, quote
from tunesmith.types import JSON


def json_tables(
    lines: Iterator[str],
    *,
    source: str,
    chunk_rows: int,
    known: Sequence[str] = (),
    bad_rows: BadRows | None = None,
) -> Iterator[Table]:
    r"""Read one object a line, ``chunk_rows`` at a time; columns are the keys in the order they are first met.

    Args:
        lines: Lines with their ends, from the first line of the file.
        source: Name of the file for messages.
        chunk_rows: Most records a table holds.
        known: Columns of files before this one; they come first, and are empty where this one has no such key.
        bad_rows: Takes the lines that are no object; left out, they are refused.

    Yields:
        Tables; a later one has the columns of the earlier ones and maybe new ones behind. At least one record.

    Raises:
        DataError: ``file-empty`` or ``json-line-damaged``.

    Example:
        >>> next(json_tables(iter(['{"text": "hi", "label": true}\n']), source="a.jsonl", chunk_rows=9)).columns
        {'text': ['hi'], 'label': ['true']}
    """
    columns: dict[str, list[str]] = {name: [] for name in known}
    starts: list[int] = []
    n_short, any_rows = 0, False
    for number, line in enumerate(lines, start=1):
        if line.isspace():
            continue
        try:
            record = _record(line, number, source)
        except DataError:
            if bad_rows is None:
                raise
            bad_rows.add(f"{source}:{number}")
            continue
        names = set()  # fewer than the keys where some are equal once trimmed
        for key, value in record.items():
            name = key.strip() or "unnamed"
            names.add(name)
            column = columns.setdefault(name, [""] * len(starts))
            column[len(starts) :] = [_cell(value)]
        starts.append(number)
        if len(names) < len(columns):
            n_short += 1
            _fill(columns, len(starts))
        if len(starts) == chunk_rows:
            yield Table(columns, Places.of(source, starts), _notes(n_short))
            columns, starts, n_short, any_rows = {name: [] for name in columns}, [], 0, True
    if starts:
        yield Table(columns, Places.of(source, starts), _notes(n_short))
    elif not any_rows:
        raise DataError("file-empty", "the file is empty", where=source, advice="give a file with one object a line")


def _fill(columns: dict[str, list[str]], n_rows: int) -> None:
    for column in columns.values():
        if len(column) < n_rows:
            column.append("")


def _notes(n_short: int) -> tuple[str, ...]:
    return (f"{counted(n_short, 'row lacks', 'rows lack')} some of the keys; those cells are empty",) if n_short else ()


def _record(line: str, number: int, source: str) -> dict[str, JSON]:
    """Read one line, which must be an object."""
    try:
        value = _DECODER.decode(line.strip())
    except json.JSONDecodeError as error:
        problem, column = error.msg[0].lower() + error.msg[1:], error.colno
    except (ValueError, RecursionError) as error:
        problem, column = f"not readable ({type(error).__name__})", 1
    else:
        if isinstance(value, dict):
            return value
        problem, column = f"not an object but {_KINDS.get(type(value), 'a number')}", 1
    raise DataError(
        "json-line-damaged",
        f"the line is not a JSON object: {problem}",
        where=f"{source}:{number}",
        found=f"{quote(line.strip()[:80])}, at character {column}",
        allowed='one object a line, such as {"text": "Where is my card?", "label": "card_arrival"}',
        advice="mend this line; a list or an indented file becomes lines with: jq -c '.[]' or jq -c .; "
        "--skip-bad-rows leaves such lines out",
    )


_KINDS: dict[type, str] = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}


def _refuse(constant: str) -> NoReturn:
    raise json.JSONDecodeError(f"The value {constant} is not JSON", constant, 0)


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def _cell(value: JSON) -> str:
    """Give a value as text: a number as JSON writes it, true and false in small letters, null as nothing."""
    if isinstance(value, str):
        # half of a surrogate pair is no character: no encoding can write it again
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "" if value is None else json.dumps(value, ensure_ascii=False)
