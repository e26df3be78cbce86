"""Models beside one another: the same rows answered by each, and what is gained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tunesmith.api.columns import remembered
from tunesmith.api.measure import values_of
from tunesmith.api.model import Model, open_bundle
from tunesmith.bundle.compare import compare_bundles, refuse_unlike
from tunesmith.bundle.load import Bundle
from tunesmith.config.recipe import DataSection
from tunesmith.data.columns import Columns, choose_columns, find_column
from tunesmith.data.files_given import are_paths
from tunesmith.data.frames import table_of
from tunesmith.data.labelled import labelled, unlabelled_rows
from tunesmith.data.source import read_rows, source_given
from tunesmith.data.sql_rows import Query
from tunesmith.data.table import Table
from tunesmith.errors import ConfigError, quote
from tunesmith.ladder.narrate import Narrator, Silent
from tunesmith.machine.threads import choose_threads, set_threads
from tunesmith.types import JSON


def compare(
    models: Sequence[Model | str | Path],
    data: Any,
    *,
    text: str | Sequence[str] | None = None,
    pair: str | None = None,
    label: str | None = None,
    by: str | None = None,
    reference: Model | str | Path | None = None,
) -> dict[str, JSON]:
    """Measure what models gain over one of them on the same labelled rows.

    Args:
        models: At least two, or their folders.
        data: Path of a labelled file or several paths, or a frame.
        text: Column of the text; left out, that of each model's training file where the file has it.
        pair: Column of the second text, where rows are pairs.
        label: Column of the label.
        by: Column whose values are compared apart as well.
        reference: The one that the others are held against; left out, the first.

    Returns:
        As ``compare --json`` prints it: of each other model its figures, and their gains with 95 % intervals and
        p-values.

    Raises:
        ConfigError: ``models-differ``, ``too-few-models``, ``same-model`` or ``no-such-reference``.
        TunesmithError: A model or the file cannot be used.
    """
    section = DataSection(text=(text,) if isinstance(text, str) else tuple(text or ()), pair=pair, label=label)
    return compare_file(models, data, section, by=by, reference=reference)


def compare_file(
    models: Sequence[Model | str | Path],
    data: Any,
    section: DataSection | None = None,
    *,
    by: str | None = None,
    reference: Model | str | Path | None = None,
    threads: int | None = None,
    narrator: Narrator | None = None,
) -> dict[str, JSON]:
    """Measure what models gain over one of them, as a recipe says.

    Args:
        models: At least two, or their folders.
        data: Path of a labelled file or several paths, or a frame; None where the section has a query.
        section: Query, columns, encoding, and whether rows without a label are left out; where no column is named,
            those of each model's training file where the file has them.
        by: Column whose values are compared apart as well.
        reference: The one that the others are held against; left out, the first.
        threads: To compute with; left out, measured.
        narrator: Told what happens.

    Returns:
        As ``compare --json`` prints it.

    Raises:
        TunesmithError: The models do not fit together, or the file cannot be used.
    """
    section, narrator = section or DataSection(), narrator or Silent()
    bundles = _in_order([each.bundle if isinstance(each, Model) else open_bundle(each) for each in models], reference)
    for bundle in bundles[1:]:
        refuse_unlike(bundles[0], bundle)
    source = source_given(data, section)
    table = read_rows(source, section) if are_paths(source) or isinstance(source, Query) else table_of(source)
    task = bundles[0].facts.learnt
    chosen = [_columns(table, section, bundle, label=bundles[0].facts.data.label) for bundle in bundles]
    rows = [
        labelled(
            table,
            columns,
            drop_unlabelled=section.drop_unlabelled,
            may_be_uniform=True,
            may_be_empty=task.reads_empty,
        )
        for columns in chosen
    ]
    left_out = set() if task.reads_empty else set(unlabelled_rows(table, chosen[0]))
    values = None if by is None else values_of(table, find_column(table, by, "--by"), left_out)
    for note in (*table.notes, *rows[0].notes, *_notes(bundles, chosen)):
        narrator.say(note)
    set_threads(threads or choose_threads())
    return compare_bundles(
        bundles,
        [each.texts for each in rows],
        rows[0].labels,
        places=rows[0].places,
        by=values,
        progress=lambda share: narrator.progress("comparing", share),
    )


def _in_order(bundles: list[Bundle], reference: Model | str | Path | None) -> list[Bundle]:
    """Put the reference first."""
    folders = [bundle.folder.resolve() for bundle in bundles]
    if len(bundles) < 2:
        raise ConfigError(
            "too-few-models",
            "two models are wanted, or more",
            found=", ".join(map(str, folders)) or "none",
            advice="tunesmith compare one.model other.model held_out.csv; one alone is measured by tunesmith evaluate",
        )
    twice = next((folder for folder in folders if folders.count(folder) > 1), None)
    if twice is not None:
        raise ConfigError("same-model", "the same model is named twice", where=str(twice), advice="name each once")
    if reference is None:
        return bundles
    wanted = reference.bundle.folder.resolve() if isinstance(reference, Model) else Path(reference).resolve()
    if wanted not in folders:
        raise ConfigError(
            "no-such-reference",
            "the reference is none of the models",
            where=str(reference),
            allowed=", ".join(str(bundle.folder) for bundle in bundles),
            advice="name it among them as well",
        )
    return sorted(bundles, key=lambda bundle: bundle.folder.resolve() != wanted)


def _columns(table: Table, section: DataSection, bundle: Bundle, *, label: str) -> Columns:
    """Take the columns asked for, else those that the model learnt from; the label is the same for all."""
    trained = bundle.facts.data
    return choose_columns(
        table,
        text=section.text or remembered(table, trained.text),
        label=section.label or remembered(table, label),
        pair=section.pair or trained.pair,
    )


def _notes(bundles: Sequence[Bundle], chosen: Sequence[Columns]) -> list[str]:
    """Tell which columns each model reads where they do not all read the same."""
    read = [(*columns.text, *([columns.pair] if columns.pair else [])) for columns in chosen]
    if len(set(read)) == 1:
        return []
    return [
        f"{bundle.folder} reads {', '.join(map(quote, names))}" for bundle, names in zip(bundles, read, strict=True)
    ]
