"""Which rows of a file may be proposed: those with a text that is not labelled yet, of near-duplicates the first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.near_duplicates import exact_groups, near_duplicate_groups
from tunesmith.errors import counted
from tunesmith.types import Text, as_one

_GIANT_SHARE = 0.2
_LEAST_GIANT = 10


@dataclass(frozen=True, slots=True)
class Pool:
    """The rows that may be proposed, ascending, and how many may not for each reason."""

    rows: NDArray[np.int64]
    n_empty: int
    """Rows without a text."""
    n_labelled: int
    """Rows that are labelled, or nearly equal a labelled one."""
    n_repeated: int
    """Rows that nearly equal an earlier one."""

    def reasons(self) -> list[str]:
        """Say why rows may not be proposed.

        Returns:
            A part of a sentence for each reason that applies.

        Example:
            >>> Pool(np.array([0]), n_empty=1, n_labelled=0, n_repeated=2).reasons()
            ['1 without a text', '2 that are nearly an earlier row']
        """
        told = [
            (self.n_empty, "without a text", "without a text"),
            (
                self.n_labelled,
                "that is labelled, or nearly a labelled row",
                "that are labelled, or nearly a labelled row",
            ),
            (self.n_repeated, "that is nearly an earlier row", "that are nearly an earlier row"),
        ]
        return [counted(n, one, many) for n, one, many in told if n]


def open_rows(texts: Sequence[Text], labelled: Sequence[Text] = (), *, done: Collection[int] = ()) -> Pool:
    """Find the rows that may be proposed.

    Args:
        texts: Prepared, one a row; or pairs.
        labelled: Texts or pairs whose labels are known.
        done: Rows whose labels are known as well.

    Returns:
        The rows. Where near-duplicates hang together in one group of more than a fifth of all texts, as messages made
        from one template do, only exact ones count, as when rows are held out.

    Example:
        >>> open_rows(["my card?", "", "My card!", "my pin?", "hello"], ["My pin"]).rows.tolist()
        [0, 4]
    """
    written = [row for row, text in enumerate(texts) if as_one(text).strip()]
    known = [as_one(text) for text in (*labelled, *(texts[row] for row in done))]
    everything = known + [as_one(texts[row]) for row in written]
    groups = near_duplicate_groups(everything)
    if len(groups) and np.bincount(groups).max() > max(_LEAST_GIANT, _GIANT_SHARE * len(groups)):
        groups = exact_groups(everything)
    first_of_group = groups[len(known) :]
    is_labelled = first_of_group < len(known)
    is_first = first_of_group == np.arange(len(known), len(everything))
    return Pool(
        rows=np.array(written, dtype=np.int64)[is_first],
        n_empty=len(texts) - len(written),
        n_labelled=int(is_labelled.sum()),
        n_repeated=int((~is_labelled & ~is_first).sum()),
    )
