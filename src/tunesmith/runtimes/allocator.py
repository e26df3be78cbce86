"""Keeping freed memory between the passes of a phase, and giving it back after the phase."""

from __future__ import annotations

import ctypes
import platform
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
_NEVER = 2**31 - 1
_LARGEST, _LARGEST_OF_OLD = 2**30, 2**25  # before 2.35, glibc refuses a threshold above 32 MiB


@cache
def keep_freed_memory() -> bool:
    """Let glibc hold on to the memory of freed tensors, for this process, from now on.

    By default it returns each large block at once, and the next pass pays for every page anew: 33,000 page faults and
    a tenth of the time of a pass over 4,096 tokens. The process then keeps the most it has needed.

    Returns:
        Whether the allocator took the setting; false where it is not glibc's.
    """
    libc = _glibc()
    if libc is None or not libc.mallopt(_TRIM_THRESHOLD, _NEVER):
        return False
    return bool(libc.mallopt(_MMAP_THRESHOLD, _LARGEST) or libc.mallopt(_MMAP_THRESHOLD, _LARGEST_OF_OLD))


def give_back_freed_memory() -> bool:
    """Return to the system what is free, after a phase that needed more than the next one will.

    Returns:
        Whether some memory was returned; false where the allocator is not glibc's.
    """
    libc = _glibc()
    return libc is not None and bool(libc.malloc_trim(0))


@cache
def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
