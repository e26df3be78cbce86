"""Few numbers in place of many columns."""

from __future__ import annotations

import numpy as np
from tests.models.test_sparse_pairs import sparse

from tunesmith.models.sparse_rows import SparseRows


def test_hashed_rows_keep_their_products() -> None:
    """In the mean exactly, and each about as far off as random signs allow, however wide the rows are."""
    random = np.random.default_rng(0)
    dense = (random.normal(size=(60, 3000)) * (random.random((60, 3000)) < 0.02)).astype(np.float32)
    dense[::7] = 0.0
    dense /= np.maximum(np.linalg.norm(dense, axis=1, keepdims=True), 1e-12)
    hashed = sparse(dense).hashed(200)
    assert hashed.shape == (60, 200)
    assert hashed.dtype == np.float32
    assert not hashed[::7].any()
    error = hashed @ hashed.T - dense @ dense.T
    assert abs(error.mean()) < 0.005
    assert 0.5 / 200**0.5 < error.std() < 1.2 / 200**0.5


def test_neighbours_are_hashed_apart() -> None:
    """Columns next to each other, as terms of one beginning are, get places and signs as if drawn at random."""
    n_columns, width = 20_000, 64
    each = SparseRows(
        np.arange(n_columns, dtype=np.int32), np.ones(n_columns, np.float32), np.arange(n_columns, dtype=np.int32)
    ).hashed(width)
    at, signs = np.abs(each).argmax(axis=1), each.sum(axis=1)
    assert np.abs(each).sum() == n_columns
    assert abs((signs[1:] * signs[:-1]).mean()) < 0.03
    assert abs((at[1:] == at[:-1]).mean() - 1 / width) < 0.005
    assert np.bincount(at, minlength=width).std() < 3 * (n_columns / width) ** 0.5
