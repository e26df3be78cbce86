"""What tasks whose answers are labels have in common: the order of labels, and errors about those that are unknown."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from tunesmith.data.places import Places
from tunesmith.errors import DataError, counted, quote

_SHOWN_UNSEEN = 5
_LONGEST_LIST = 400
"""Characters of known labels: enough to see how they look, and few enough to leave the advice on the screen."""


def label_order(labels: Sequence[str]) -> tuple[str, ...]:
    """List the distinct labels in the order of the outputs.

    Args:
        labels: Of any number of rows.

    Returns:
        The labels, sorted by code points, so that the order depends on the set alone.
    """
    return tuple(sorted(set(labels)))


def label_misfits(labels: Sequence[str], *, least: int = 2) -> list[str]:
    """Tell what is wrong with labels read from a bundle.

    Args:
        labels: In the order of the outputs.
        least: How many there must be.

    Returns:
        One sentence a problem.
    """
    if len(labels) >= least and len(set(labels)) == len(labels):
        return []
    return [f"labels: at least {'two' if least == 2 else 'one'} are wanted, all different"]


def unseen_label(labels: Sequence[str], known: Sequence[str], *, places: Places) -> DataError:
    """Make the error for rows whose labels no output stands for.

    Args:
        labels: Those of the rows that are not known, one a row.
        known: In the order of the outputs.
        places: Where each of these rows is.

    Returns:
        ``unseen-label``, to be raised.
    """
    unseen = sorted(set(labels))
    more = f" and {len(unseen) - _SHOWN_UNSEEN} more" if len(unseen) > _SHOWN_UNSEEN else ""
    return DataError(
        "unseen-label",
        f"{counted(len(unseen), 'label of this file is', 'labels of this file are')} not among the model's",
        where=places.source,
        found=f"{', '.join(map(quote, unseen[:_SHOWN_UNSEEN]))}{more} in "
        f"{counted(len(labels), 'row')} ({places.told(range(len(places)))})",
        allowed=_listed(known),
        advice="correct these rows or leave them out; a label must occur in the training rows to be learnt",
    )


def _listed(known: Sequence[str]) -> str:
    """List the first of the known labels, and say how many more there are."""
    ends = accumulate(len(quote(label)) + 2 for label in known)
    n_shown = max(1, sum(end <= _LONGEST_LIST for end in ends))
    more = f" and {len(known) - n_shown} more" if len(known) > n_shown else ""
    return ", ".join(map(quote, known[:n_shown])) + more
