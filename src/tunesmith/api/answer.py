"""Answering files and texts: streamed in chunks, so that memory stays flat in the number of rows."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TextIO, TypeAlias

from tunesmith.bundle.load import Bundle, load_bundle
from tunesmith.bundle.predict import predict_texts
from tunesmith.data.columns import choose_columns
from tunesmith.data.labelled import joined_texts
from tunesmith.data.read import read_chunks
from tunesmith.data.table import Table
from tunesmith.errors import ConfigError
from tunesmith.files.atomic import replacing
from tunesmith.machine.threads import choose_threads, set_threads
from tunesmith.types import JSON

Style: TypeAlias = Literal["csv", "jsonl", "table"]

_CHUNK_ROWS = 8192
_FORMULA_LEADS = ("=", "+", "-", "@", "\t", "\r")


def answer_texts(
    bundle: str | Path, texts: Sequence[str], *, everything: bool = False, threads: int | None = None
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
    opened = load_bundle(bundle)
    set_threads(threads or choose_threads())
    return predict_texts(opened, texts, everything=everything)


def answer_file(
    bundle: str | Path,
    data: str,
    *,
    column: str | None = None,
    everything: bool = False,
    target: Path | Style = "csv",
    encoding: str | None = None,
    threads: int | None = None,
) -> int:
    """Answer every row of a file, in its order.

    Args:
        bundle: The model folder.
        data: CSV, TSV or JSONL, or ``-`` for stdin.
        column: Column of the text; that of the training file where the file has it.
        everything: Give every label's probability.
        target: File to write, ``.csv`` or ``.jsonl``; or how to print to stdout: ``csv``, ``jsonl`` or ``table``.
        encoding: Where the file is neither UTF-8 nor UTF-16 with a mark.
        threads: To compute with; left out, measured.

    Returns:
        Number of rows answered.

    Raises:
        TunesmithError: The model or the file cannot be used, or the ending of the target is not known.
    """
    out = target if isinstance(target, Path) else None
    style = _style_of(target) if isinstance(target, Path) else target
    opened = load_bundle(bundle)
    set_threads(threads or choose_threads())
    n_rows = 0
    with _writer(out) as stream:
        for table in read_chunks(data, encoding=encoding, chunk_rows=_CHUNK_ROWS):
            texts = _texts_of(table, opened.facts.data.text, column)
            answers = predict_texts(opened, texts, everything=everything, first_row=n_rows + 1)
            _write(stream, table, answers, style=style, labels=_labels(opened, everything), header=n_rows == 0)
            n_rows += table.n_rows
    return n_rows


def _style_of(out: Path) -> Style:
    styles: dict[str, Style] = {".csv": "csv", ".jsonl": "jsonl"}
    if out.suffix.lower() not in styles:
        raise ConfigError(
            "unknown-format", "cannot tell the format from the ending", where=str(out), allowed=".csv, .jsonl"
        )
    return styles[out.suffix.lower()]


@contextmanager
def _writer(out: Path | None) -> Iterator[TextIO]:
    if out is None:
        yield sys.stdout
        sys.stdout.flush()
    else:
        with replacing(out) as file:
            stream = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
            yield stream
            stream.detach()


def _texts_of(table: Table, trained_on: str, asked: str | None) -> list[str]:
    """Take the column asked for, or the training file's where this file has it, else find one."""
    known = all(name.strip() in table.columns for name in trained_on.split(","))
    chosen = choose_columns(table, text=asked or (trained_on if known else None), need_label=False)
    return joined_texts(table, chosen.text)


def _labels(bundle: Bundle, everything: bool) -> tuple[str, ...]:
    return bundle.facts.labels if everything else ()


def _write(
    stream: TextIO, table: Table, answers: list[dict[str, JSON]], *, style: Style, labels: Sequence[str], header: bool
) -> None:
    if style == "jsonl":
        stream.writelines(json.dumps(answer, ensure_ascii=False) + "\n" for answer in answers)
        return
    if style == "table":
        width = os.get_terminal_size().columns if sys.stdout.isatty() else 100
        cells = next(iter(table.columns.values())) if len(table.columns) == 1 else None
        for index, answer in enumerate(answers):
            text = cells[index] if cells else "  ".join(column[index] for column in table.columns.values())
            line = f"{answer['row']:>6}  {answer['label']!s:<28} {answer['probability']:.3f}  "
            stream.write((line + "".join(c if c.isprintable() else " " for c in text))[:width] + "\n")
        return
    _write_csv(stream, table, answers, labels=labels, header=header)


def _write_csv(
    stream: TextIO, table: Table, answers: list[dict[str, JSON]], *, labels: Sequence[str], header: bool
) -> None:
    """Write input columns, prediction and probability; cells a spreadsheet would run as a formula are disarmed."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    names = [*table.columns, "prediction", "probability", *(f"probability:{label}" for label in labels)]
    if header:
        writer.writerow([_disarmed(name) for name in names])
    columns = list(table.columns.values())
    for index, answer in enumerate(answers):
        cells = [_disarmed(column[index]) for column in columns]
        shares = [f"{answer['probabilities'][label]:.6f}" for label in labels]
        writer.writerow([*cells, _disarmed(str(answer["label"])), f"{answer['probability']:.6f}", *shares])
    stream.write(buffer.getvalue())


def _disarmed(cell: str) -> str:
    return "'" + cell if cell.startswith(_FORMULA_LEADS) else cell
