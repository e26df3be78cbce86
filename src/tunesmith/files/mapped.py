"""Arrays that live on the disk: all their room is taken first, since a full disk ends a mapped write by a signal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from tunesmith.files.atomic import write_error

Mapped: TypeAlias = "np.memmap[Any, np.dtype[np.float32]]"


def new_array(path: Path, shape: tuple[int, ...]) -> Mapped:
    """Make a file that holds an array, to be filled in place.

    Args:
        path: The file, in NumPy's format; its folder exists. What is there is replaced.
        shape: Of the array.

    Returns:
        The array, mapped; ``np.load`` with ``mmap_mode`` reads it again.

    Raises:
        ResourceError: ``disk-full`` or ``write-failed``; nothing is left at ``path``.
    """
    n_bytes = 4 * int(np.prod(shape))
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.float32)), "fortran_order": False, "shape": shape}
    try:
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            file.flush()
            _take_room(file.fileno(), file.tell(), n_bytes)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise write_error(path, error, expected_bytes=n_bytes) from error
    found: Mapped = np.lib.format.open_memmap(path, mode="r+")
    return found


def _take_room(descriptor: int, start: int, n_bytes: int) -> None:
    """Have the file system set the bytes aside; where it knows no such call, write zeros."""
    if not n_bytes:
        return
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, start, n_bytes)
        return
    block = bytes(1 << 20)
    for done in range(0, n_bytes, len(block)):
        os.write(descriptor, block[: n_bytes - done])
