"""Making a model smaller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tunesmith.api.columns import remembered
from tunesmith.api.model import open_bundle
from tunesmith.api.run import Run
from tunesmith.bundle.card import card
from tunesmith.bundle.predict import other_texts
from tunesmith.config.recipe import DataSection, Recipe
from tunesmith.config.settings import problems_of
from tunesmith.data.balance import balanced_weights
from tunesmith.data.columns import Columns, choose_columns
from tunesmith.data.labelled import labelled
from tunesmith.data.read import Source
from tunesmith.data.source import read_rows
from tunesmith.data.table import Table
from tunesmith.errors import DataError, TunesmithError, counted
from tunesmith.ladder.prepare import Prepared, prepare
from tunesmith.ladder.unlabelled import read_unlabelled
from tunesmith.machine.threads import choose_threads, set_threads
from tunesmith.report.compression import compression_page
from tunesmith.run.clock import parse_budget
from tunesmith.types import JSON

if TYPE_CHECKING:
    from tunesmith.bundle.schema import Facts
    from tunesmith.compress.source import Rows

MAX_LOSS = 0.5
"""Points."""

_MOST_HELD = 5_000
_FEWEST = 20
_SOLVED = ("linear", "probe", "selftrain", "contrast")
"""Rungs whose head is fitted on all rows in the end."""
_FROZEN = ("probe",)
"""Those of them whose head can be solved anew on labelled rows alone, under an encoder that has seen no labels."""


def compress(
    bundle: str | Path,
    data: Source,
    out: str | Path | None = None,
    *,
    to: str = "int8",
    max_loss: float = MAX_LOSS,
    recipe: Recipe | None = None,
    run: Run | None = None,
) -> dict[str, JSON]:
    """Make a model smaller and faster, and write it only where it loses no more than is allowed.

    Args:
        bundle: The model folder.
        data: Labelled rows: those it was trained on, of which the validation rows are held out, or others.
        out: The folder to write; left out, the model folder's name with the technique behind it.
        to: The technique; several that follow one another are joined by ``+``.
        max_loss: Points that may be lost.
        recipe: Columns and encoding of the rows, a file of further texts without labels, options of the technique, and
            the budget that learning may take.
        run: Threads, seed, who is told what is done, and whether a compressed model that is there is replaced.

    Returns:
        What ``compress --json`` prints.

    Raises:
        TunesmithError: The model or the rows cannot be used, or the smaller model loses too much.
    """
    from tunesmith.compress.chain import steps_of
    from tunesmith.compress.compressor import Asked, compress_bundle
    from tunesmith.compress.source import Work

    run = run or Run()
    opened = open_bundle(bundle)
    recipe, steps = recipe or Recipe(), steps_of(to)
    folder = Path(out) if out is not None else _usual_place(opened.folder, steps)
    section = recipe.data
    if section.pair is not None and not opened.facts.reads_pairs:
        raise other_texts(opened, "a second text: --pair")
    set_threads(run.threads or choose_threads())
    work = Work(max_loss, run.seed, parse_budget(recipe.ladder.budget), run.narrator, recipe.technique)
    asked = Asked(steps, folder, work, force=run.force)

    def rows() -> Rows:
        return _rows(data, section, opened.facts, run=run)

    return compress_bundle(opened, asked, rows, pages=_pages)


def _pages(facts: Facts, costs: Mapping[str, Any]) -> dict[str, str]:
    return {"README.md": card(facts, costs), "report.html": compression_page(facts, costs)}


def _usual_place(folder: Path, steps: Sequence[str]) -> Path:
    return folder.with_name(f"{folder.name.removesuffix('.model')}-{'-'.join(steps)}.model")


def _rows(data: Source, section: DataSection, facts: Facts, *, run: Run) -> Rows:
    """Read the rows: of those the model was trained on, its validation rows are held out, of others one half."""
    table = read_rows(data, section)
    trained = _trained_on(table, section, facts)
    if trained is None:
        rows, columns = _others(table, section, facts, seed=run.seed)
    else:
        rows, columns = _of_training(trained, facts, seed=run.seed), trained.columns
    more = read_unlabelled(section, columns, known=[*rows.fitted, *rows.held])
    for note in more.notes:
        run.narrator.say(note)
    return replace(rows, more=more.texts)


def _trained_on(table: Table, section: DataSection, facts: Facts) -> Prepared | None:
    """Split the rows as the model's own run did; None where they are not the rows that it was trained on."""
    asked = {name: value for name in ("text", "label", "pair", "encoding") if (value := getattr(section, name))}
    told, run = facts.recipe.get("data"), facts.recipe.get("run")
    if not isinstance(told, dict) or not isinstance(run, dict):  # another version's recipe may say other things
        return None
    values, seed = {**told, **asked, "unlabelled": None}, run.get("seed")
    if problems_of(DataSection, values) or not isinstance(seed, int):
        return None
    try:
        prepared = prepare(table, DataSection.model_validate(values), facts.learnt, seed=seed)
    except TunesmithError:  # what is wrong with the rows is told where they are read as others
        return None
    return prepared if prepared.sha256 == facts.data.sha256 else None


def _of_training(prepared: Prepared, facts: Facts, *, seed: int) -> Rows:
    from tunesmith.compress.source import Rows
    from tunesmith.models.likelihoods import load_likelihood
    from tunesmith.models.supervision import Supervision

    held = prepared.split.validation
    fitted = np.random.default_rng(seed).permutation(prepared.split.train)
    weights = balanced_weights(prepared.strata[fitted]) if facts.recipe["data"].get("imbalance") == "weights" else None
    wanted = Supervision(load_likelihood(facts.learnt.likelihood), facts.n_outputs, prepared.targets[fitted], weights)
    note = "the validation rows, which chose the model"
    learnt_without = facts.compression is not None and facts.compression.source == facts.data.source
    has_seen = facts.rung in _SOLVED and not learnt_without
    if has_seen:
        note += " and which its head has seen in the end"
    return Rows(
        source=facts.data.source,
        fitted=[prepared.texts[row] for row in fitted],
        held=[prepared.texts[row] for row in held],
        targets=prepared.targets[held],
        note=note,
        solved=wanted if has_seen and facts.rung in _FROZEN else None,
    )


def _others(table: Table, section: DataSection, facts: Facts, *, seed: int) -> tuple[Rows, Columns]:
    from tunesmith.compress.source import Rows

    trained = facts.data
    columns = choose_columns(
        table,
        text=section.text or remembered(table, trained.text),
        label=section.label or remembered(table, trained.label),
        pair=section.pair or trained.pair,
    )
    rows = labelled(
        table,
        columns,
        drop_unlabelled=section.drop_unlabelled,
        may_be_uniform=True,
        may_be_empty=facts.learnt.reads_empty,
        normalise=facts.text.normalise,
    )
    if len(rows.texts) < _FEWEST:
        raise DataError(
            "too-few-rows",
            "too few rows to hold a compressed model to its parent on",
            where=table.source,
            found=counted(len(rows.texts), "row"),
            allowed=f"{_FEWEST} or more, better a thousand",
            advice="give the file that the model was trained on, or one of that kind",
        )
    targets = facts.learnt.read_targets(rows.labels, facts.coding, places=rows.places)
    order = np.random.default_rng(seed).permutation(len(rows.texts))
    n_held = min(_MOST_HELD, -(-len(order) // 2))
    held, fitted = np.sort(order[:n_held]), order[n_held:]
    name = Path(str(table.source)).name
    halves = Rows(
        source=name,
        fitted=[rows.texts[row] for row in fitted],
        held=[rows.texts[row] for row in held],
        targets=targets[held],
        note=f"a random part of {name}",
    )
    return halves, columns
