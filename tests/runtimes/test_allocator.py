"""Freed memory stays with the process between passes, and goes back when a phase is over."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from tunesmith.runtimes import allocator

PROGRAM = """
import torch
from tunesmith.machine.memory import current_mib
from tunesmith.runtimes.allocator import give_back_freed_memory, keep_freed_memory

assert keep_freed_memory() and keep_freed_memory()
before = current_mib()
blocks = [torch.ones(2**20) for _ in range(100)]
last = torch.ones(1)  # lies above them, so that the heap cannot simply end lower
used = current_mib()
del blocks
kept = current_mib()
assert give_back_freed_memory()
print(before, used, kept, current_mib())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_freed_memory_is_kept_until_it_is_given_back() -> None:
    """In a process of its own: the setting is the process's."""
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    before, used, kept, given_back = map(float, ended.stdout.split())
    assert used - before > 390
    assert used - kept < 10
    assert given_back - before < 40


@pytest.mark.parametrize(
    ("held", "given_back"),
    [
        ([100, 250, 250, 250], 0),
        ([100, 250, 270, 100, 250, 270, 100], 2),
        ([100, 300, 100, 300, 100, 300, 300, 300], 2),
        ([100, 300, 180, 330], 1),
    ],
    ids=["within the room", "grown", "a pass takes more than the room", "less came back"],
)
def test_memory_is_given_back_where_passes_have_grown(
    monkeypatch: pytest.MonkeyPatch, held: list[int], given_back: int
) -> None:
    """Not after each pass, nor ever again and again for passes that need as much; after it, less is held."""
    told, times = iter(held), []
    monkeypatch.setattr(allocator, "current_mib", lambda: float(next(told)))
    monkeypatch.setattr(allocator, "give_back_freed_memory", lambda: times.append(1) or True)
    trimming = allocator.Trimming()
    for _ in range(len(held) - given_back):
        trimming.between_passes()
    assert len(times) == given_back
    assert next(told, None) is None
