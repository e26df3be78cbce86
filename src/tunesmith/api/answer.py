"""Answering files and texts: streamed in chunks, so that memory stays flat in the number of rows."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import Literal, TextIO, TypeAlias

from tunesmith.api.columns import remembered
from tunesmith.api.model import open_bundle
from tunesmith.api.sheets import free_names, write_records
from tunesmith.bundle.predict import other_texts, predict_texts
from tunesmith.bundle.schema import Facts
from tunesmith.data.bad_rows import BadRows
from tunesmith.data.columns import Columns, choose_columns, find_column
from tunesmith.data.formulas import disarmed
from tunesmith.data.labelled import inputs_of
from tunesmith.data.read import Source, read_chunks
from tunesmith.data.table import Table
from tunesmith.errors import ConfigError, DataError, quote
from tunesmith.files.atomic import replacing
from tunesmith.machine.threads import choose_threads, set_threads
from tunesmith.tasks import Task
from tunesmith.types import JSON, Text

Style: TypeAlias = Literal["csv", "jsonl", "table"]

_CHUNK_ROWS = 8192
_ENCODER = json.JSONEncoder(ensure_ascii=False)  # json.dumps would make one for every row


@dataclass(frozen=True, slots=True)
class Asked:
    """How a file is to be answered."""

    column: str | Sequence[str] | None = None
    """Column of the text; left out, that of the training file where the file has it, else found by itself."""
    pair: str | None = None
    """Column of the second text, where the model reads pairs; left out, that of the training file."""
    everything: bool = False
    """Give every label's probability."""
    encoding: str | None = None
    """Where the file is neither UTF-8 nor UTF-16 with a mark."""
    threads: int | None = None
    """To compute with; left out, measured."""
    keep: Sequence[str] | None = None
    """Input columns to hand on with the answers; left out, all of them in CSV and as a table, none in JSON lines."""
    bad_rows: BadRows | None = None
    """Takes the rows that cannot be read; left out, they are refused."""


def answer_texts(
    bundle: str | Path, texts: Sequence[Text], *, everything: bool = False, threads: int | None = None
) -> list[dict[str, JSON]]:
    """Answer a few texts.

    Args:
        bundle: The model folder.
        texts: As the user wrote them.
        everything: Give every label's probability.
        threads: To compute with; left out, measured.

    Returns:
        One object a text as ``predict --json`` prints it.
    """
    opened = open_bundle(bundle)
    set_threads(threads or choose_threads())
    return predict_texts(opened, texts, everything=everything)


def told_answer(answer: Mapping[str, JSON]) -> str:
    """Write an answer for a reader.

    Args:
        answer: As ``predict --json`` prints it.

    Returns:
        A label or several with their probabilities, or a number; in columns where it has one.

    Example:
        >>> told_answer({"labels": [{"label": "late", "probability": 0.91}, {"label": "damaged", "probability": 0.7}]})
        'late 0.910, damaged 0.700'
    """
    if "value" in answer:
        return f"{answer['value']:<10.6g}"
    if "labels" in answer:
        told = ", ".join(f"{each['label']} {each['probability']:.3f}" for each in answer["labels"])
        return told or "(no label)"
    return f"{answer['label']!s:<28} {answer['probability']:.3f}"


def answer_file(
    bundle: str | Path,
    data: Source | Table,
    asked: Asked | None = None,
    *,
    target: Path | Style = "csv",
    told: Callable[[int], None] | None = None,
) -> int:
    """Answer every row of a file, in its order.

    Args:
        bundle: The model folder.
        data: CSV, TSV, JSONL or Parquet, ``-`` for stdin, one file or several, or a query; or a table.
        asked: Column, encoding and the like; all found out where left out.
        target: File to write, ``.csv`` or ``.jsonl``; or how to print to stdout: ``csv``, ``jsonl`` or ``table``.
        told: Told after each part how many rows are answered.

    Returns:
        Number of rows answered.

    Raises:
        TunesmithError: The model or the file cannot be used, or the ending of the target is not known.
    """
    asked = asked or Asked()
    out = target if isinstance(target, Path) else None
    style = _style_of(target) if isinstance(target, Path) else target
    opened = open_bundle(bundle)
    if asked.pair is not None and not opened.facts.reads_pairs:
        raise other_texts(opened, "a second text: --pair")
    set_threads(asked.threads or choose_threads())
    tables = [data] if isinstance(data, Table) else _chunks(data, asked)
    n_rows, columns, kept = 0, None, None
    with _stream(out) as stream:
        labels = opened.facts.labels if asked.everything else ()
        writer = _WRITERS[style](stream, opened.facts.learnt, labels, keeps=asked.keep is not None)
        for table in tables:
            if columns is None:  # chosen by the first part, for all of them
                columns = _text_columns(table, opened.facts, asked)
                kept = None if asked.keep is None else [find_column(table, name, "--keep") for name in asked.keep]
            texts = inputs_of(table, columns, opened.facts.text.normalise)
            answers = predict_texts(opened, texts, everything=asked.everything, first_row=n_rows + 1)
            writer.write(table if kept is None else _some_columns(table, kept), answers)
            n_rows += table.n_rows
            if told:
                told(n_rows)
    return n_rows


def _some_columns(table: Table, names: Sequence[str]) -> Table:
    return Table({name: table.columns[name] for name in names}, table.places)


def _chunks(data: Source, asked: Asked) -> Iterator[Table]:
    return read_chunks(data, encoding=asked.encoding, chunk_rows=_CHUNK_ROWS, bad_rows=asked.bad_rows)


def _style_of(out: Path) -> Style:
    styles: dict[str, Style] = {".csv": "csv", ".jsonl": "jsonl"}
    if out.suffix.lower() not in styles:
        raise ConfigError(
            "unknown-format", "cannot tell the format from the ending", where=str(out), allowed=".csv, .jsonl"
        )
    return styles[out.suffix.lower()]


@contextmanager
def _stream(out: Path | None) -> Iterator[TextIO]:
    if out is None:
        yield sys.stdout
        sys.stdout.flush()
    else:
        with replacing(out) as file:
            stream = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
            yield stream
            stream.detach()


def _text_columns(table: Table, facts: Facts, asked: Asked) -> Columns:
    """Take the columns asked for, or the training file's where this file has them, else find some."""
    text = asked.column or remembered(table, facts.data.text)
    if not facts.reads_pairs:
        return replace(choose_columns(table, text=text, need_label=False), pair=None)
    return choose_columns(table, text=text, pair=asked.pair or facts.data.pair, need_label=False)


def _records(table: Table) -> Iterator[tuple[str, ...]]:
    """Give the cells of each row; of a table without columns nothing, but for every row."""
    return zip(*table.columns.values(), strict=True) if table.columns else repeat((), table.n_rows)


class _JsonLines:
    """One object a line, with the input columns where some are to be kept."""

    def __init__(self, stream: TextIO, task: Task, labels: Sequence[str], *, keeps: bool) -> None:
        del task, labels  # the answers hold all there is
        self._stream = stream
        self._keeps = keeps

    def write(self, table: Table, answers: list[dict[str, JSON]]) -> None:
        if self._keeps:
            kept = (dict(zip(table.columns, cells, strict=True)) for cells in _records(table))
            answers = [{**answer, "columns": columns} for answer, columns in zip(answers, kept, strict=True)]
        self._stream.write("".join(f"{line}\n" for line in map(_ENCODER.encode, answers)))


class _Lines:
    """One line a row, as wide as the terminal."""

    def __init__(self, stream: TextIO, task: Task, labels: Sequence[str], *, keeps: bool) -> None:
        del task, keeps  # the table has what is kept
        self._stream = stream
        self._labels = labels
        self._width = shutil.get_terminal_size((100, 24)).columns

    def write(self, table: Table, answers: list[dict[str, JSON]]) -> None:
        for answer, cells in zip(answers, _records(table), strict=True):
            lines = [f"{answer['row']:>6}  {told_answer(answer)}  {'  '.join(cells)}"]
            lines += [f"{'':>8}{label:<28} {answer['probabilities'][label]:.3f}" for label in self._labels]
            for line in lines:
                shown = "".join(char if char.isprintable() else " " for char in line[: self._width])
                self._stream.write(shown + "\n")


class _Csv:
    """Input columns and answers; cells a spreadsheet would run as a formula are disarmed."""

    def __init__(self, stream: TextIO, task: Task, labels: Sequence[str], *, keeps: bool) -> None:
        del keeps  # the table has what is kept
        self._stream = stream
        self._task = task
        self._labels = labels
        self._names: list[str] = []
        self._begun = False

    def write(self, table: Table, answers: list[dict[str, JSON]]) -> None:
        buffer = io.StringIO()
        if not self._begun:
            self._begun, self._names = True, list(table.columns)
            added = (*self._task.columns, *(f"probability:{label}" for label in self._labels))
            header = disarmed([*self._names, *free_names(added, self._names)])
            write_records(buffer, [[name] for name in header])
        if list(table.columns) != self._names:
            raise _new_column(table, self._names)
        told = zip(*map(self._task.row_of, answers), strict=True)
        shares = ([answer["probabilities"][label] for answer in answers] for label in self._labels)
        columns = [
            *(disarmed(cells) for cells in table.columns.values()),
            *(disarmed(list(cells)) for cells in told),
            *([f"{share:.6f}" for share in column] for column in shares),
        ]
        write_records(buffer, columns)
        self._stream.write(buffer.getvalue())


_WRITERS: dict[Style, type[_JsonLines | _Lines | _Csv]] = {"jsonl": _JsonLines, "table": _Lines, "csv": _Csv}


def _new_column(table: Table, names: list[str]) -> DataError:
    """Make the error for JSON lines with a key that came too late for the header of a CSV."""
    new = next(name for name in table.columns if name not in names)
    return DataError(
        "new-column",
        f"the key {quote(new)} comes up only after {_CHUNK_ROWS} rows, when the header of the answers is written",
        where=table.places.at(0),
        found=f"columns so far: {', '.join(map(quote, names[:10]))}",
        advice="ask for JSON lines (--json, or --out FILE.jsonl), or give the first row every key",
    )
