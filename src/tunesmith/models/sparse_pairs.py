"""The features of pairs of texts whose terms are counted: what both share, how they differ, and how alike they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tunesmith.models.sparse_rows import SparseRows


def n_pair_columns(n_columns: int) -> int:
    """Count the features of a pair.

    Args:
        n_columns: Features of a text.

    Returns:
        Twice as many and one.
    """
    return 2 * n_columns + 1


def paired(one: SparseRows, other: SparseRows, n_columns: int) -> SparseRows:
    """Combine the rows of two matrices.

    The square of the first part's length is the cosine of two rows of length 1, so that both parts are about as long.

    Args:
        one: B rows of first texts, columns ascending and none twice.
        other: B rows of second texts.
        n_columns: Columns of both.

    Returns:
        B rows: the root of the product of each column that both have; behind those the size of each column's
        difference; and last the sum of all products, the cosine of rows of length 1.

    Example:
        >>> one = SparseRows(np.array([0, 1], np.int32), np.array([0.6, 0.8], np.float32), np.array([0], np.int32))
        >>> other = SparseRows(np.array([1], np.int32), np.array([1.0], np.float32), np.array([0], np.int32))
        >>> rows = paired(one, other, 2)
        >>> rows.columns, rows.values.round(3)
        (array([1, 2, 3, 4], dtype=int32), array([0.894, 0.6  , 0.2  , 0.8  ], dtype=float32))
    """
    n_rows = len(one.starts)
    cells, values = _cells(one, n_columns), one.values.astype(np.float64)
    other_cells = _cells(other, n_columns)
    _, at, shared = np.intersect1d(cells, other_cells, assume_unique=True, return_indices=True)
    products = values[at] * other.values[shared]
    difference = np.concatenate([values, other.values])
    difference[at] = np.abs(values[at] - other.values[shared])
    both = np.concatenate([cells, other_cells])
    left = np.ones(len(both), dtype=np.bool_)
    left[len(cells) + shared] = False  # told where the first row has it
    cosine = np.bincount(cells[at] // max(n_columns, 1), products, minlength=n_rows)
    rows, columns = np.divmod(both[left], max(n_columns, 1))
    found_rows = np.concatenate([cells[at] // max(n_columns, 1), rows, np.arange(n_rows)])
    found_columns = np.concatenate([cells[at] % max(n_columns, 1), n_columns + columns, np.full(n_rows, 2 * n_columns)])
    found = np.concatenate([np.sqrt(products), difference[left], cosine])
    order = np.argsort(found_rows * n_pair_columns(n_columns) + found_columns)
    starts = np.searchsorted(found_rows[order], np.arange(n_rows)).astype(np.int32)
    return SparseRows(found_columns[order].astype(np.int32), found[order].astype(np.float32), starts)


def _cells(rows: SparseRows, n_columns: int) -> NDArray[np.int64]:
    """Number each entry by its row and column, ascending."""
    lengths = np.diff(rows.starts, append=np.int32(len(rows.columns)))
    return np.repeat(np.arange(len(rows.starts), dtype=np.int64), lengths) * n_columns + rows.columns
