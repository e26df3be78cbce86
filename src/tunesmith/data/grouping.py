"""Groups that rows are kept together by, for several reasons at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


_GIANT_SHARE = 0.2


def is_giant(groups: Ints) -> bool:
    """Tell whether one group is too large to be kept together: it has more than a fifth of all rows.

    Args:
        groups: Group of each row, ``[N]``.

    Returns:
        Whether there is one.

    Example:
        >>> is_giant(np.array([0, 0, 1, 2, 3]))
        True
    """
    return int(np.unique(groups, return_counts=True)[1].max(initial=0)) > _GIANT_SHARE * len(groups)


class Joined:
    """Things that have been found to belong together (union-find).

    Args:
        n_things: How many there are, each alone at first.
    """

    def __init__(self, n_things: int) -> None:
        self._parent = list(range(n_things))

    def join(self, one: int, other: int) -> None:
        """Put the groups of two things together.

        Args:
            one: Its number.
            other: Its number.
        """
        first, second = self.root(one), self.root(other)
        self._parent[max(first, second)] = min(first, second)

    def root(self, thing: int) -> int:
        """Name the group of a thing.

        Args:
            thing: Its number.

        Returns:
            The smallest number in its group.
        """
        parent = self._parent
        while parent[thing] != thing:
            parent[thing] = parent[parent[thing]]
            thing = parent[thing]
        return thing

    def names(self) -> Ints:
        """Name the group of each thing.

        Returns:
            Smallest numbers, ``[N]``.
        """
        names = np.array(self._parent, dtype=np.int64)
        while True:
            further = names[names]
            if np.array_equal(further, names):
                return names
            names = further


def groups_of_cells(cells: Sequence[str]) -> Ints:
    """Number rows by the cells of a group column; a row with an empty cell is a group of its own.

    Args:
        cells: One a row.

    Returns:
        Group of each row, ``[N]``.

    Example:
        >>> groups_of_cells(["ann", "", "bob", "", "ann"]).tolist()
        [0, 1, 2, 3, 0]
    """
    number: dict[str | int, int] = {}
    return np.array([number.setdefault(cell or row, len(number)) for row, cell in enumerate(cells)], dtype=np.int64)


def joined_groups(one: Ints, other: Ints) -> Ints:
    """Keep rows together that either grouping does, and what hangs together through them.

    Args:
        one: Group of each row, ``[N]``.
        other: Group of each row, ``[N]``.

    Returns:
        Group of each row, numbered by its first row, ``[N]``.

    Example:
        >>> joined_groups(np.array([0, 0, 1, 2]), np.array([5, 6, 6, 7])).tolist()
        [0, 0, 0, 3]
    """
    joined = Joined(len(one))
    for groups in (one, other):
        first: dict[int, int] = {}
        for row, group in enumerate(groups.tolist()):
            joined.join(row, first.setdefault(group, row))
    return joined.names()
