"""Proposing rows of a file to label next, and writing them ready to be filled in."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunesmith.api.columns import remembered
from tunesmith.api.model import open_bundle
from tunesmith.api.sheets import free_names, write_records
from tunesmith.bundle.predict import other_texts
from tunesmith.bundle.schema import Facts
from tunesmith.config.recipe import DataSection
from tunesmith.data.columns import Columns, choose_columns
from tunesmith.data.files_given import STDIN, are_paths, files_given, plain_stem
from tunesmith.data.formulas import disarmed
from tunesmith.data.frames import table_of
from tunesmith.data.labelled import inputs_of
from tunesmith.data.names import OURS
from tunesmith.data.prepare import prepare_label
from tunesmith.data.read import Source
from tunesmith.data.source import read_rows, source_given
from tunesmith.data.sql_rows import Query
from tunesmith.data.table import Table
from tunesmith.errors import ConfigError
from tunesmith.files.atomic import try_writing, write_text
from tunesmith.ladder.narrate import Narrator, Silent
from tunesmith.machine.threads import choose_threads, set_threads
from tunesmith.select.propose import Proposals, Wanted, chosen_strategy, propose
from tunesmith.types import JSON, Text

_ENDINGS = (".csv", ".jsonl")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is wanted of a file, and where it goes."""

    wanted: Wanted = field(default_factory=Wanted)
    """How many rows, and how they are chosen."""
    labelled: Source | None = None
    """Files of rows whose labels are known."""
    out: Path | None = None
    """File to write, ``.csv`` or ``.jsonl``; left out, beside the file of the rows, ``pool.next.csv`` for
    ``pool.csv``."""
    force: bool = False
    """Replace what is there."""
    threads: int | None = None
    """To compute with; left out, measured."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """Rows that were written, ready to be filled in."""

    out: Path
    label: str
    """Column to fill in."""
    texts: tuple[Text, ...]
    """Of the rows."""
    n_rows: int
    """Rows of the file."""
    found: Proposals
    flags: tuple[str, ...] = ()
    """Of ``train``, for rows of this file to be learnt as those of the model were."""

    def as_json(self) -> dict[str, JSON]:
        """Give it as ``next --json`` prints it.

        Returns:
            Plain data.
        """
        pool, answers = self.found.pool, zip(self.found.answers, self.found.margins, strict=True)
        shown = ("row", "label", "probability", "labels", "value")
        return {
            "out": str(self.out),
            "label_column": self.label,
            "by": self.found.by,
            "features": self.found.features,
            "rows": self.n_rows,
            "left_out": {
                "empty": pool.n_empty,
                "labelled": pool.n_labelled,
                "repeated": pool.n_repeated,
            },
            "proposed": [
                {**{name: answer[name] for name in shown if name in answer}, "margin": margin}
                for answer, margin in answers
            ],
        }


def propose_file(
    bundle: str | Path,
    data: Any,
    section: DataSection | None = None,
    *,
    asked: Asked | None = None,
    narrator: Narrator | None = None,
) -> Proposed:
    """Choose rows of a file to label next, and write them with an empty column for the label.

    Args:
        bundle: The model folder.
        data: Path of a file or several paths, or a frame; None where the section has a query.
        section: Query, columns, encoding; where no column is named, those of the training file where the file has them.
        asked: How many rows, how they are chosen, and where they go.
        narrator: Told what happens.

    Returns:
        What was written.

    Raises:
        ConfigError: ``out-exists`` or ``unknown-format``; the strategy is unknown or does not suit the model.
        TunesmithError: The model or a file cannot be used, or no row is left.
    """
    section, asked, narrator = section or DataSection(), asked or Asked(), narrator or Silent()
    source = source_given(data, section)
    out = _out_of(source, asked)
    opened = open_bundle(bundle)
    facts = opened.facts
    chosen_strategy(facts, asked.wanted)  # told before a large file is read
    if section.pair is not None and not facts.reads_pairs:
        raise other_texts(opened, "a second text: --pair")
    table = read_rows(source, section) if are_paths(source) or isinstance(source, Query) else table_of(source)
    columns = _text_columns(table, facts, section)
    texts = inputs_of(table, columns, facts.text.normalise)
    label = _label_column(table, facts, columns)
    filled = _filled(table, label)
    known = _labelled_texts(asked.labelled, facts, section)
    for note in table.notes:
        narrator.say(note)
    set_threads(asked.threads or choose_threads())
    found = propose(
        opened,
        texts,
        known,
        wanted=asked.wanted,
        done=filled,
        where=table.source,
        progress=narrator.progress,
    )
    _write(out, _sheet(table, facts, label=label, found=found))
    chosen = tuple(texts[row] for row in found.rows)
    return Proposed(out, label, chosen, table.n_rows, found=found, flags=_flags_of(facts))


def _flags_of(facts: Facts) -> tuple[str, ...]:
    """Name the task and the columns where the model's own command did, or the rows alone might not tell them."""
    data, tasks = facts.recipe.get("data", {}), facts.recipe.get("task", {})
    task = tasks.get(facts.task, {}) if isinstance(tasks, dict) else {}
    task = task if isinstance(task, dict) else {}  # another version's recipe may have other sections
    text = data.get("text")
    asked = {
        "--task": None if facts.task == "single_label" else facts.task,
        "--positive": task.get("positive"),
        "--separator": task.get("separator"),
        "--text": ",".join(map(str, text)) if isinstance(text, list) else None,
        "--pair": data.get("pair"),
        "--label": data.get("label"),
    }
    return tuple(part for flag, value in asked.items() if value for part in (flag, str(value)))


def _out_of(source: Any, asked: Asked) -> Path:
    """Name the file to write after the one that is read; several, standard input and a query have no one name."""
    files = files_given(source) if are_paths(source) else []
    named = len(files) == 1 and files[0] != STDIN
    beside = Path(files[0]).with_name(f"{plain_stem(files[0])}.next.csv") if named else Path("next.csv")
    out = asked.out or beside
    if out.suffix.lower() not in _ENDINGS:
        raise ConfigError(
            "unknown-format", "cannot tell the format from the ending", where=str(out), allowed=", ".join(_ENDINGS)
        )
    if out.exists() and not asked.force:
        raise ConfigError(
            "out-exists",
            "there is something at this place already, perhaps with labels that were filled in",
            where=str(out),
            advice="choose another place with --out, or replace it with --force",
        )
    try_writing(out)
    return out


def _text_columns(table: Table, facts: Facts, section: DataSection) -> Columns:
    """Take the columns asked for, or the training file's where this file has them, else find some."""
    text = section.text or remembered(table, facts.data.text)
    pair = (section.pair or facts.data.pair) if facts.reads_pairs else None
    return choose_columns(table, text=text, pair=pair, need_label=False)


def _label_column(table: Table, facts: Facts, columns: Columns) -> str:
    """Find the column to fill in, or name one."""
    wanted = facts.data.label
    same = (name for name in table.columns if name.strip().casefold() == wanted.strip().casefold())
    there = next(same, None)
    return there if there and there not in (*columns.text, columns.pair) else free_names([wanted], [*table.columns])[0]


def _filled(table: Table, label: str) -> list[int]:
    """Find the rows whose label is filled in."""
    return [row for row, cell in enumerate(table.columns.get(label, ())) if prepare_label(cell)]


def _labelled_texts(source: Source | None, facts: Facts, section: DataSection) -> list[Text]:
    """Read the texts whose labels are known; all count where the label column is not there or may be empty."""
    if source is None:
        return []
    table = read_rows(source, section)
    columns = _text_columns(table, facts, section)
    texts = inputs_of(table, columns, facts.text.normalise)
    label = _label_column(table, facts, columns)
    may_be_empty = facts.learnt.reads_empty or label not in table.columns
    return texts if may_be_empty else [texts[row] for row in _filled(table, label)]


def _sheet(table: Table, facts: Facts, *, label: str, found: Proposals) -> dict[str, list[str]]:
    """Lay the rows out: their columns, the one to fill in, and the model's answers under names that are ours."""
    kept = {name: cells for name, cells in table.columns.items() if not name.startswith(OURS)}
    sheet = {name: [cells[row] for row in found.rows] for name, cells in kept.items()}
    sheet[label] = [""] * len(found.rows)
    told = zip(*map(facts.learnt.row_of, found.answers), strict=True)
    sheet |= {f"{OURS}{name}": list(cells) for name, cells in zip(facts.learnt.columns, told, strict=True)}
    return {**sheet, f"{OURS}row": [str(row + 1) for row in found.rows]}


def _write(out: Path, sheet: Mapping[str, Sequence[str]]) -> None:
    if out.suffix.lower() == ".jsonl":
        records = (dict(zip(sheet, cells, strict=True)) for cells in zip(*sheet.values(), strict=True))
        write_text(out, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
        return
    buffer = io.StringIO()
    write_records(buffer, [disarmed([name, *cells]) for name, cells in sheet.items()])
    write_text(out, buffer.getvalue())
