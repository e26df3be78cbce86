"""Freed memory stays with the process between passes, and goes back when a phase is over."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

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
