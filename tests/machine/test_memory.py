"""Memory is told in MiB, the peak can be started again, and containers' limits count."""

from __future__ import annotations

import mmap
import resource
from pathlib import Path

import pytest

from tunesmith.machine import cgroup, memory
from tunesmith.machine.memory import current_mib, machine_mib, peak_mib, reset_peak

_BLOCK_MIB = 64


def test_a_block_of_memory_shows_in_the_peak_and_goes_from_the_current() -> None:
    """64 MiB written to raise both; given back, they leave the current figure, and the peak once it is reset."""
    if not reset_peak():
        pytest.skip("this system does not let a process reset its peak")
    before = current_mib()
    block = mmap.mmap(-1, _BLOCK_MIB * 2**20)  # not of the heap, which may have kept as much of an earlier test
    for start in range(0, len(block), mmap.PAGESIZE):
        block[start] = 1
    assert current_mib() > before + 0.9 * _BLOCK_MIB
    block.close()
    assert current_mib() < before + 0.5 * _BLOCK_MIB
    assert peak_mib() > before + 0.9 * _BLOCK_MIB
    assert reset_peak()
    assert current_mib() - 1.0 <= peak_mib() < before + 0.5 * _BLOCK_MIB


def test_without_proc_the_largest_size_of_the_process_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux tells KiB, macOS bytes; the reset says that it did nothing."""
    monkeypatch.setattr(memory, "_STATUS", tmp_path / "missing" / "status")
    monkeypatch.setattr(memory, "_CLEAR_REFS", tmp_path / "missing" / "clear_refs")
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    monkeypatch.setattr("sys.platform", "linux")
    assert peak_mib() == pytest.approx(usage / 1024, rel=0.01)
    assert current_mib() == peak_mib()
    monkeypatch.setattr("sys.platform", "darwin")
    assert peak_mib() == pytest.approx(usage / 1024 / 1024, rel=0.01)
    assert not reset_peak()


@pytest.mark.parametrize(
    ("limits", "expected"),
    [([], 2048.0), ([["max"]], 2048.0), ([["9223372036854771712"]], 2048.0), ([["max"], [str(512 << 20)]], 512.0)],
)
def test_the_limit_of_a_container_counts(
    monkeypatch: pytest.MonkeyPatch, limits: list[list[str]], expected: float
) -> None:
    """A machine of 2 GiB, and groups with and without a limit."""
    monkeypatch.setattr("os.sysconf", {"SC_PHYS_PAGES": 1 << 19, "SC_PAGE_SIZE": 1 << 12}.get)
    monkeypatch.setattr(cgroup, "limits", lambda *_, **__: limits)
    assert machine_mib() == expected
