"""Looking without training: measure a model on a file, check a file, examine the machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tunesmith.api.columns import remembered
from tunesmith.api.model import open_bundle
from tunesmith.bundle.evaluate import evaluate_bundle
from tunesmith.data.check import check
from tunesmith.data.columns import choose_columns
from tunesmith.data.labelled import Labelled, labelled
from tunesmith.data.near_duplicates import near_duplicate_groups
from tunesmith.data.read import read_table
from tunesmith.data.table import Table
from tunesmith.errors import ConfigError
from tunesmith.machine.doctor import examine
from tunesmith.machine.threads import choose_threads, set_threads
from tunesmith.models.base import find_base
from tunesmith.types import JSON


def evaluate_file(
    bundle: str | Path,
    data: str | Path,
    *,
    text: str | None = None,
    label: str | None = None,
    encoding: str | None = None,
    threads: int | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> dict[str, JSON]:
    """Measure a model on a labelled file.

    Args:
        bundle: The model folder.
        data: CSV, TSV or JSONL.
        text: Column of the text; that of the training file where the file has it.
        label: Column of the label; likewise.
        encoding: Where the file is neither UTF-8 nor UTF-16 with a mark.
        threads: To compute with; left out, measured.
        progress: Told the stage and the share done.

    Returns:
        ``{"rows", "metrics"}`` as ``evaluate --json`` prints it.

    Raises:
        TunesmithError: The model or the file cannot be used.
    """
    opened = open_bundle(bundle)
    table, trained = read_table(data, encoding=encoding), opened.facts.data
    rows = _labelled_rows(
        table, text=text or remembered(table, trained.text), label=label or remembered(table, trained.label)
    )
    set_threads(threads or choose_threads())

    def told(done: int, total: int) -> None:
        if progress:
            progress("evaluating", done / max(total, 1))

    return evaluate_bundle(opened, rows.texts, rows.labels, source=rows.source, progress=told)


def check_file(
    data: str | Path, *, text: str | None = None, label: str | None = None, encoding: str | None = None
) -> dict[str, JSON]:
    """Say what is wrong with a labelled file.

    Args:
        data: CSV, TSV or JSONL.
        text: Column of the text; found by itself when left out.
        label: Column of the label; found by itself when left out.
        encoding: Where the file is neither UTF-8 nor UTF-16 with a mark.

    Returns:
        ``{"rows", "findings"}`` as ``check --json`` prints it.

    Raises:
        DataError: The file cannot be read as a labelled table at all.
    """
    rows = _labelled_rows(read_table(data, encoding=encoding), text=text, label=label)
    groups = near_duplicate_groups(rows.texts)
    findings = check(rows, groups=groups)
    return {"rows": len(rows.texts), "findings": [finding.as_dict() for finding in findings]}


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
    return examine(base_model=found)


def _labelled_rows(table: Table, *, text: str | None, label: str | None) -> Labelled:
    columns = choose_columns(table, text=text, label=label)
    return labelled(table, columns, may_be_uniform=True)
