"""Groups: rows that hang together through any chain of reasons stay together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.grouping import groups_of_cells, joined_groups

Ints = NDArray[np.int64]


def linked(one: Ints, other: Ints) -> NDArray[np.bool_]:
    """Which rows hang together, by walking to the end."""
    near = (one[:, None] == one[None, :]) | (other[:, None] == other[None, :])
    for _ in range(len(one)):
        near = near @ near
    return near


def test_chains_of_both_kinds_hang_together() -> None:
    """Held against a walk from row to row, over many draws from none to all in one group."""
    for seed in range(60):
        lot = np.random.default_rng(seed)
        n_rows = int(lot.integers(1, 30))
        one, other = lot.integers(0, 1 + seed, n_rows), lot.integers(0, 40, n_rows)
        joined = joined_groups(one, other)
        np.testing.assert_array_equal(joined[:, None] == joined[None, :], linked(one, other))
        assert all(joined[row] <= row for row in range(n_rows))


def test_empty_cells_keep_nothing_together() -> None:
    """A row without a customer is not of the same customer as another one."""
    groups = groups_of_cells(["", "ann", "", "ann", "0"])
    assert len(set(groups.tolist())) == 4
    assert groups[1] == groups[3]
