"""Texts without labels beside the training file: read alike, less those that are among its rows already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tunesmith.config.recipe import DataSection
from tunesmith.data.columns import Columns, choose_columns
from tunesmith.data.fold import folded
from tunesmith.data.labelled import inputs_of
from tunesmith.data.names import plain_name
from tunesmith.data.source import read_rows
from tunesmith.data.table import Table
from tunesmith.errors import DataError, counted, plural, quote
from tunesmith.types import Text, as_one


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """Prepared texts or pairs, one a row; ``notes`` tells what was left out."""

    texts: tuple[Text, ...] = ()
    notes: tuple[str, ...] = ()


def read_unlabelled(section: DataSection, columns: Columns, *, known: Sequence[Text]) -> Unlabelled:
    """Read texts without labels, each once and none that is to be learnt from, chosen by or tested on.

    Args:
        section: Names the file, if there is one; encoding, normal form, whether rows that cannot be read are left out.
        columns: Those of the training file; a label column is not read.
        known: Prepared texts or pairs of all rows with labels.

    Returns:
        The texts, in the order of the file. Two are the same where they differ in case, spaces and punctuation alone.

    Raises:
        DataError: ``nothing-unlabelled``, none is left; ``no-such-column``, it lacks columns of the training file, but
            for the one column of texts, which may have another name; or the file cannot be read.
    """
    if section.unlabelled is None:
        return Unlabelled()
    path = Path(section.unlabelled)
    table = read_rows(section.unlabelled, section)
    chosen = _chosen(table, columns)
    texts = inputs_of(table, chosen, section.normalise)
    filled = [text for text in texts if as_one(text).strip()]
    plain = folded([as_one(text) for text in (*known, *filled)])
    labelled, seen = set(plain[: len(known)]), set[str]()
    left: list[Text] = []
    n_labelled = 0
    for text, same in zip(filled, plain[len(known) :], strict=True):
        if same in labelled:
            n_labelled += 1
        elif same not in seen:
            seen.add(same)
            left.append(text)
    out = [
        (len(texts) - len(filled), "without a text", "without a text"),
        (n_labelled, "that is among the rows with labels", "that are among the rows with labels"),
        (len(filled) - n_labelled - len(left), "that repeats an earlier one", "that repeat an earlier one"),
    ]
    reasons = "; ".join(counted(n, one, many) for n, one, many in out if n)
    if not left:
        raise DataError(
            "nothing-unlabelled",
            "no text without a label is left to learn from",
            where=table.source,
            found=f"{counted(len(texts), 'row')}: {reasons or 'none'}",
            allowed="at least one text that is not among the rows with labels",
            advice="name a file of other texts, or leave out --unlabelled",
        )
    came = f"texts without labels come from {path.name} ({counted(len(left), 'row')})"
    is_same = tuple(map(plain_name, chosen.text)) == tuple(map(plain_name, columns.text))
    named = () if is_same else (f"texts without labels: {', '.join(chosen.reasons)}",)
    return Unlabelled(
        tuple(left),
        (
            f"{came}; left out: {reasons}" if reasons else came,
            *named,
            *(
                f"the column {quote(name)} of {path.name} is not read"
                for name in table.columns
                if columns.label is not None and plain_name(name) == plain_name(columns.label)
            ),
            *(f"texts without labels: {note}" for note in table.notes),
        ),
    )


def _chosen(table: Table, columns: Columns) -> Columns:
    """Take the columns of the training file; a single one of texts may have another name here."""
    wanted = (*columns.text, *([columns.pair] if columns.pair else []))
    there = set(map(plain_name, table.columns))
    missing = [name for name in wanted if plain_name(name) not in there]
    if len(wanted) == 1 and missing:
        return choose_columns(table, need_label=False)
    if missing:
        raise DataError(
            "no-such-column",
            f"there is no column {', '.join(map(quote, missing))}, from which the training file has its texts",
            where=table.source,
            found=f"{plural(len(table.columns), 'column')} {', '.join(map(quote, table.columns))}"[:200],
            advice="name its columns as the training file does",
        )
    return choose_columns(table, text=columns.text, pair=columns.pair, need_label=False)
