"""Arrays on the disk: NumPy reads them back, and a full disk is an error with a word."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from tunesmith.errors import ResourceError
from tunesmith.files.mapped import new_array


@pytest.mark.parametrize("shape", [(3, 4), (0, 4)])
@pytest.mark.parametrize("knows_the_call", [True, False])
def test_what_is_filled_in_is_read_back(
    shape: tuple[int, ...], knows_the_call: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By NumPy itself, and all of its room is taken at once."""
    if not knows_the_call:
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    array = new_array(tmp_path / "kept.npy", shape)
    size = (tmp_path / "kept.npy").stat()
    assert 512 * size.st_blocks >= size.st_size >= values.nbytes
    array[:] = values
    array.flush()
    np.testing.assert_array_equal(np.load(tmp_path / "kept.npy", mmap_mode="r"), values)


def test_a_full_disk_is_told_before_anything_is_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is needed and free is said, and nothing is left behind."""

    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(ResourceError, match=r"4\.0 MiB are needed") as caught:
        new_array(tmp_path / "kept.npy", (1024, 1024))
    assert caught.value.code == "disk-full"
    assert list(tmp_path.iterdir()) == []
