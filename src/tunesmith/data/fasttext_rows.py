"""fastText's files to tables: a text a line, behind its label."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.bad_rows import BadRows
from tunesmith.data.places import Places
from tunesmith.data.table import Table
from tunesmith.errors import DataError, quote

PREFIX = "__label__"


def fasttext_tables(
    lines: Iterator[str], *, source: str, chunk_rows: int, bad_rows: BadRows | None = None
) -> Iterator[Table]:
    r"""Read one text a line, ``chunk_rows`` at a time.

    Args:
        lines: Lines with their ends, from the first line of the file.
        source: Name of the file for messages.
        chunk_rows: Most records a table holds.
        bad_rows: Takes the lines that have not one label; left out, they are refused.

    Yields:
        Tables of ``text`` and ``label``; at least one, of at least one record.

    Raises:
        DataError: ``file-empty`` or ``not-one-label``.

    Example:
        >>> lines = iter(["__label__cards where is it?\n"])
        >>> next(fasttext_tables(lines, source="a.txt", chunk_rows=9)).columns
        {'text': ['where is it?'], 'label': ['cards']}

    Source: Joulin et al. 2016, and the tutorial of fastText on text classification.
    """
    texts: list[str] = []
    labels: list[str] = []
    numbers: list[int] = []
    any_rows = False
    for number, line in enumerate(lines, start=1):
        words = line.split()
        found = [word for word in words if word.startswith(PREFIX)]
        if not words:
            continue
        if len(found) != 1 or found[0] == PREFIX:
            if bad_rows is None:
                raise _not_one_label(line, found, f"{source}:{number}")
            bad_rows.add(f"{source}:{number}")
            continue
        texts.append(line.replace(found[0], "", 1).strip())
        labels.append(found[0].removeprefix(PREFIX))
        numbers.append(number)
        if len(numbers) == chunk_rows:
            yield Table({"text": texts, "label": labels}, Places.of(source, numbers))
            texts, labels, numbers, any_rows = [], [], [], True
    if numbers:
        yield Table({"text": texts, "label": labels}, Places.of(source, numbers))
    elif not any_rows:
        raise DataError("file-empty", "no row can be read", where=source, advice="give a file of one text a line")


def _not_one_label(line: str, found: list[str], where: str) -> DataError:
    return DataError(
        "not-one-label",
        "the line has no label" if not found else f"the line has {len(found)} labels" if len(found) > 1 else "no name",
        where=where,
        found=quote(line.strip()[:80]),
        allowed="one label a line, such as __label__cards where is my card?",
        advice="mend this line, or leave such lines out with --skip-bad-rows",
    )
