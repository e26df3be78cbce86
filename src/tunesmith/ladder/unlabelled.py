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
from tunesmith.errors import DataError, counted, quote
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
        DataError: ``nothing-unlabelled``, none is left; or the file cannot be read or has other columns.
    """
    if section.unlabelled is None:
        return Unlabelled()
    path = Path(section.unlabelled)
    table = read_rows(section.unlabelled, section)
    chosen = choose_columns(table, text=columns.text, pair=columns.pair, need_label=False)
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
    return Unlabelled(
        tuple(left),
        (
            f"{came}; left out: {reasons}" if reasons else came,
            *(
                f"the column {quote(name)} of {path.name} is not read"
                for name in table.columns
                if columns.label is not None and plain_name(name) == plain_name(columns.label)
            ),
            *(f"texts without labels: {note}" for note in table.notes),
        ),
    )
