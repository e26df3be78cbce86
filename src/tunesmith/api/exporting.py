"""Handing a model on to other libraries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.api.columns import remembered
from tunesmith.api.model import open_bundle
from tunesmith.api.run import Run
from tunesmith.bundle.predict import other_texts
from tunesmith.config.recipe import DataSection
from tunesmith.data.columns import choose_columns, find_column
from tunesmith.data.labelled import inputs_of
from tunesmith.data.prepare import prepare_label
from tunesmith.data.read import Source, read_table
from tunesmith.data.source import read_rows
from tunesmith.errors import DataError
from tunesmith.ladder.prepare import digest
from tunesmith.machine.threads import choose_threads, set_threads
from tunesmith.sample import sample_file
from tunesmith.types import JSON, Text, as_one

if TYPE_CHECKING:
    from tunesmith.bundle.schema import Facts
    from tunesmith.export.trial import Given

MAX_LOSS = 0.5
"""Points."""


def export(
    bundle: str | Path,
    to: str,
    out: str | Path | None = None,
    *,
    data: Source | None = None,
    section: DataSection | None = None,
    max_loss: float = MAX_LOSS,
    run: Run | None = None,
) -> dict[str, JSON]:
    """Write a model in a format that others load, after comparing what it answers there with what it answers here.

    Args:
        bundle: The model folder.
        to: ``transformers``, ``sentence-transformers``, ``onnx`` or ``openvino``.
        out: The folder to write; left out, the model folder's name with the format behind it.
        data: Rows of your own to compare, and where the format has no exact form, to fit and to measure on.
        section: Columns and encoding of the rows.
        max_loss: Points of accuracy (of agreement, where the rows have no labels) that such a fit may lose.
        run: Threads, seed, who is told what is done, and whether an export that is there is replaced.

    Returns:
        What ``export --json`` prints.

    Raises:
        TunesmithError: The model, the rows or the format cannot be used, or the export is not as good as the model.
    """
    from tunesmith.export.exporter import export_bundle
    from tunesmith.export.place import Place

    run = run or Run()
    opened = open_bundle(bundle)
    folder = Path(out) if out is not None else _usual_place(opened.folder, to)
    section = section or DataSection()
    if section.pair is not None and not opened.facts.reads_pairs:
        raise other_texts(opened, "a second text: --pair")
    given = _given(data, section, opened.facts, told=run.narrator.say)
    set_threads(run.threads or choose_threads())
    found = export_bundle(
        opened,
        to.replace("-", "_"),
        Place(folder, force=run.force),
        given=given,
        max_loss=max_loss,
        seed=run.seed,
        told=run.narrator.say,
    )
    return {"out": str(folder), **found}


def _usual_place(folder: Path, to: str) -> Path:
    return folder.with_name(f"{folder.name.removesuffix('.model')}-{to}")


def _given(data: Source | None, section: DataSection, facts: Facts, *, told: Callable[[str], None]) -> Given:
    """Read the rows, with their labels where the file has those of the model; without a file, the sample's."""
    from tunesmith.export.trial import Given

    if data is None:
        sample = read_table(sample_file()).columns["text"]
        rows: list[Text] = list(pairwise(sample)) if facts.reads_pairs else list(sample)
        return Given("the embedded sample", rows, is_file=False)
    table = read_rows(data, section)
    text = section.text or remembered(table, facts.data.text)
    pair = (section.pair or facts.data.pair) if facts.reads_pairs else None
    columns = choose_columns(table, text=text, pair=pair, need_label=False)
    if not facts.reads_pairs:
        columns = replace(columns, pair=None)
    texts = inputs_of(table, columns, facts.text.normalise)
    if not any(map(as_one, texts)):
        raise DataError(
            "text-missing",
            "every text is empty",
            where=table.source,
            advice="name the column that holds the texts with --text",
        )
    name = Path(str(table.source)).name
    label = section.label or remembered(table, facts.data.label)
    if label is None:
        return Given(name, texts)
    labels = [prepare_label(cell) for cell in table.columns[find_column(table, label, "--label")]]
    if digest(texts, labels) == facts.data.sha256:
        told(
            f"{name} holds the rows that the model was trained on and knows by heart: what an inexact export loses is "
            "told too high; other rows tell it better"
        )
    targets = facts.learnt.read_targets(labels, facts.coding, places=table.places)
    return Given(name, texts, targets)
