"""Looking without training: measure a model on a file, check a file, examine the machine."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from pathlib import Path

from tunesmith.api.columns import remembered
from tunesmith.api.model import open_bundle
from tunesmith.bundle.evaluate import evaluate_bundle
from tunesmith.config.recipe import DataSection, Recipe
from tunesmith.data.check import check
from tunesmith.data.columns import choose_columns, find_column
from tunesmith.data.labelled import Labelled, labelled, unlabelled_rows
from tunesmith.data.near_duplicates import near_duplicate_groups
from tunesmith.data.read import Source
from tunesmith.data.source import read_rows, source_given
from tunesmith.data.table import Table
from tunesmith.errors import ArtifactError, ConfigError
from tunesmith.ladder.asked_columns import asked_columns
from tunesmith.ladder.resolve import resolve
from tunesmith.ladder.settle import settle
from tunesmith.machine.doctor import examine
from tunesmith.machine.threads import choose_threads, set_threads
from tunesmith.models.base import find_base
from tunesmith.run.known_machine import known_bf16_speed
from tunesmith.types import JSON, as_one


def evaluate_file(
    bundle: str | Path,
    data: Source | None,
    section: DataSection | None = None,
    *,
    by: str | None = None,
    threads: int | None = None,
    progress: Callable[[str, float], None] | None = None,
    told: Callable[[str], None] | None = None,
) -> dict[str, JSON]:
    """Measure a model on a labelled file.

    Args:
        bundle: The model folder.
        data: CSV, TSV, JSONL or Parquet, one file or several with the same columns; ``-`` is stdin; None
            where the section has a query.
        section: Query, columns, encoding, and whether rows without a label are left out; where no column is named,
            that of the training file where the file has it.
        by: Column whose values are measured apart as well.
        threads: To compute with; left out, measured.
        progress: Told the stage and the share done.
        told: Told what the reader had to decide, and which rows were left out.

    Returns:
        ``{"rows", "metrics"}`` as ``evaluate --json`` prints it, and ``"slices"`` where ``by`` is named.

    Raises:
        TunesmithError: The model or the file cannot be used.
    """
    section = section or DataSection()
    opened = open_bundle(bundle)
    table, trained = read_rows(source_given(data, section), section), opened.facts.data
    text, label = section.text or remembered(table, trained.text), section.label
    pair = section.pair or trained.pair
    columns = choose_columns(table, text=text, label=label or remembered(table, trained.label), pair=pair)
    rows = labelled(
        table,
        columns,
        drop_unlabelled=section.drop_unlabelled,
        may_be_uniform=True,
        may_be_empty=opened.facts.learnt.reads_empty,
        normalise=opened.facts.text.normalise,
    )
    left_out = set() if opened.facts.learnt.reads_empty else set(unlabelled_rows(table, columns))
    values = None if by is None else values_of(table, find_column(table, by, "--by"), left_out)
    _tell(told, (*table.notes, *rows.notes))
    set_threads(threads or choose_threads())

    def advanced(done: int, total: int) -> None:
        if progress:
            progress("evaluating", done / max(total, 1))

    return evaluate_bundle(opened, rows.texts, rows.labels, places=rows.places, by=values, progress=advanced)


def values_of(table: Table, by: str, left_out: Container[int]) -> list[str]:
    """Give the cells of a column in the rows that are measured.

    Args:
        table: The user's table.
        by: The column.
        left_out: Rows that are not measured.

    Returns:
        One value a row, without the space around it.
    """
    return [cell.strip() for row, cell in enumerate(table.columns[by]) if row not in left_out]


def check_file(
    data: Source | None,
    recipe: Recipe | None = None,
    *,
    told: Callable[[str], None] | None = None,
) -> dict[str, JSON]:
    """Say what is wrong with a labelled file, what training would refuse among it.

    Args:
        data: CSV, TSV, JSONL or Parquet, one file or several with the same columns; ``-`` is stdin; None
            where the section has a query.
        recipe: Its section of the data says query, columns, encoding, and whether rows without a label are left out;
            columns that are not named are found, and so is the task.
        told: Told what the reader had to decide, why the columns were chosen, and which rows were left out.

    Returns:
        ``{"rows", "findings"}`` as ``check --json`` prints it.

    Raises:
        DataError: The file cannot be read as a labelled table at all.
    """
    recipe = recipe or Recipe()
    section = recipe.data
    table = read_rows(source_given(data, section), section)
    columns = asked_columns(table, section)
    recipe, notes = settle(recipe, table, climbs=False)
    task = resolve(recipe).task
    missing = [] if task.reads_empty else unlabelled_rows(table, columns)
    if len(missing) == table.n_rows:
        rows = Labelled([], [], table.places.select([]))
    else:
        rows = labelled(
            table,
            columns,
            drop_unlabelled=True,
            may_be_uniform=True,
            may_be_empty=task.reads_empty,
            normalise=section.normalise,
        )
    may_drop = section.drop_unlabelled and rows.texts
    unlabelled = table.places.select([] if may_drop else missing)
    groups = near_duplicate_groups(list(map(as_one, rows.texts)))
    findings = check(rows, groups=groups, unlabelled=unlabelled, labels_in=task.labels_in)
    _tell(told, (*table.notes, *columns.reasons, *notes, *(rows.notes if may_drop else ())))
    return {"rows": len(rows.texts) + len(unlabelled), "findings": [finding.as_dict() for finding in findings]}


def examine_machine(*, base: str) -> dict[str, JSON]:
    """Look at this machine.

    Args:
        base: Name or folder of the pretrained encoder to look for.

    Returns:
        Plain data as ``doctor --json`` prints it.
    """
    try:
        there = find_base(base, offline=True)
        found = f"{there.name} ({there.source}, {there.licence})"
    except ConfigError as error:
        found = f"missing: {error.message}"
    except ArtifactError as error:
        found = f"unusable: {error.message}"
    return examine(base_model=found, bf16_speed=known_bf16_speed())


def _tell(told: Callable[[str], None] | None, notes: Iterable[str]) -> None:
    if told is not None:
        for note in notes:
            told(note)
