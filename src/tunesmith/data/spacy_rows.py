"""spaCy's training data to tables: a ``.spacy`` file of documents, each with its categories."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tunesmith.data.places import Places
from tunesmith.data.table import Table
from tunesmith.errors import ConfigError, DataError

if TYPE_CHECKING:
    from spacy.tokens import DocBin


def spacy_tables(file: str, *, chunk_rows: int) -> Iterator[Table]:
    """Read the documents of a ``DocBin``, ``chunk_rows`` at a time.

    Args:
        file: Its name.
        chunk_rows: Most records a table holds.

    Yields:
        Tables of ``text`` and ``cats``, as spaCy's JSON lines have them.

    Raises:
        ConfigError: ``missing-package``, spaCy itself is not installed.
        DataError: ``spacy-damaged``, or ``file-empty``.
    """
    if importlib.util.find_spec("spacy") is None:
        raise ConfigError(
            "missing-package",
            "spaCy's own files are read by spaCy, which is not installed",
            where=file,
            advice="pip install spacy, or write the texts as JSON lines: text and label",
        )
    import spacy

    documents = _documents(file).get_docs(spacy.blank("xx").vocab)
    number = 0
    rows: list[tuple[str, str]] = []
    for document in documents:
        number += 1
        rows.append((document.text, json.dumps(document.cats, ensure_ascii=False)))
        if len(rows) == chunk_rows:
            yield _table(rows, file, number)
            rows = []
    if rows:
        yield _table(rows, file, number)
    if not number:
        raise DataError("file-empty", "the file holds no documents", where=file, advice="give a file with documents")


def _documents(file: str) -> DocBin:
    from spacy.tokens import DocBin

    try:
        return DocBin().from_disk(file)
    except Exception as error:  # zlib, msgpack and spaCy each have their own
        raise DataError(
            "spacy-damaged",
            "the file is not one that spaCy wrote",
            where=file,
            found=f"{type(error).__name__}: {error}",
            advice="write it again with DocBin.to_disk",
        ) from error


def _table(rows: list[tuple[str, str]], file: str, last: int) -> Table:
    places = Places.of(file, range(last - len(rows) + 1, last + 1), unit="row")
    return Table({"text": [text for text, _ in rows], "cats": [cats for _, cats in rows]}, places)
