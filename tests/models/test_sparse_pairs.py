"""The features of pairs are those that dense arithmetic gives."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tunesmith.models.sparse_pairs import n_pair_columns, paired
from tunesmith.models.sparse_rows import SparseRows


def sparse(dense: NDArray[np.float32]) -> SparseRows:
    """Lay a dense matrix out by its entries."""
    rows, columns = dense.nonzero()
    starts = np.searchsorted(rows, np.arange(len(dense))).astype(np.int32)
    return SparseRows(columns.astype(np.int32), dense[rows, columns], starts)


def dense(rows: SparseRows, n_columns: int) -> NDArray[np.float32]:
    """Fill a dense matrix."""
    found = np.zeros((len(rows.starts), n_columns), np.float32)
    lengths = np.diff(rows.starts, append=np.int32(len(rows.columns)))
    found[np.repeat(np.arange(len(rows.starts)), lengths), rows.columns] = rows.values
    return found


def test_pairs_are_what_dense_arithmetic_gives() -> None:
    """Empty rows, rows that share nothing and rows that are the same among them."""
    generator = np.random.default_rng(0)
    one, other = (generator.random((40, 9)).astype(np.float32) * (generator.random((40, 9)) < 0.3) for _ in range(2))
    one[3], other[4], one[5], other[5] = 0, 0, 0, 0
    other[6] = one[6]
    found = dense(paired(sparse(one), sparse(other), 9), n_pair_columns(9))
    expected = np.concatenate(
        [np.sqrt(one * other), np.abs(one - other), (one * other).sum(axis=1, keepdims=True)], axis=1
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_columns_ascend_and_either_order_is_the_same() -> None:
    """So that the same pair gives the same bits."""
    generator = np.random.default_rng(1)
    one, other = (sparse(generator.random((5, 7)).astype(np.float32)) for _ in range(2))
    there, back = paired(one, other, 7), paired(other, one, 7)
    np.testing.assert_array_equal(there.columns, back.columns)
    np.testing.assert_array_equal(there.values, back.values)
    for start, end in zip(there.starts, [*there.starts[1:], len(there.columns)], strict=True):
        assert (np.diff(there.columns[start:end]) > 0).all()


def test_no_terms_at_all_leave_the_cosine() -> None:
    """Of nothing."""
    nothing = SparseRows(np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(2, np.int32))
    found = paired(nothing, nothing, 0)
    assert found.columns.tolist() == [0, 0]
    assert found.values.tolist() == [0.0, 0.0]
