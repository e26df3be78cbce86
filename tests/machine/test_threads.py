"""The number of threads follows affinity, quota and OMP_NUM_THREADS, and yields to busy neighbours by measurement."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch

from tunesmith.machine import cgroup, rates, threads
from tunesmith.machine.threads import available_cores, busy_cores, choose_threads, set_threads


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Eight quiet cores, no quota, nothing set by the user; probing is an error unless a test allows it."""
    monkeypatch.setattr(threads, "_affinity", lambda: set(range(8)))
    monkeypatch.setattr(cgroup, "limits", lambda *_, **__: [])
    monkeypatch.setattr(threads, "_SET_BY_USER", {})
    monkeypatch.setattr(threads, "busy_cores", lambda: 0.0)
    monkeypatch.delattr(rates, "sustained_rates")
    return monkeypatch


def neighbours(machine: pytest.MonkeyPatch, busy: float, gflops: dict[int, float]) -> None:
    """Let others keep ``busy`` cores, and the probe find these rates by number of threads."""

    def probe(numbers: Sequence[int], *, seconds: float) -> list[float]:
        assert seconds <= 0.2
        assert list(numbers) == list(gflops)
        return list(gflops.values())

    machine.setattr(threads, "busy_cores", lambda: busy)
    machine.setattr(rates, "sustained_rates", probe, raising=False)


def test_a_quiet_machine_gives_all_its_cores_without_a_probe(machine: pytest.MonkeyPatch) -> None:
    """A little foreign work, such as a desktop's, is no reason to measure."""
    assert available_cores() == choose_threads() == 8
    machine.setattr(threads, "busy_cores", lambda: 0.2)
    assert choose_threads() == 8


@pytest.mark.parametrize(
    ("limits", "cores"),
    [
        ([["max", "100000"]], 8),
        ([["-1", "100000"]], 8),
        ([["400000", "100000"]], 4),
        ([["250000", "100000"]], 2),
        ([["50000", "100000"]], 1),
        ([["max", "100000"], ["600000", "100000"], ["30000", "10000"]], 3),
        ([["9900000", "100000"]], 8),
    ],
)
def test_the_tightest_quota_bounds_the_cores(machine: pytest.MonkeyPatch, limits: list[list[str]], cores: int) -> None:
    """Quotas of all groups count, part cores do not, and one core is always there."""
    machine.setattr(cgroup, "limits", lambda *_, **__: limits)
    assert available_cores() == cores
    assert choose_threads() == cores


@pytest.mark.parametrize(
    ("variable", "expected"), [("3", 3), ("2,4", 2), ("1", 1), ("99", 8), ("", 8), ("0", 8), ("many", 8), ("-2", 8)]
)
def test_omp_num_threads_is_an_upper_bound(machine: pytest.MonkeyPatch, variable: str, expected: int) -> None:
    """The user's bound is kept; what is no number of threads is no bound."""
    machine.setattr(threads, "_SET_BY_USER", {"OMP_NUM_THREADS": variable})
    assert choose_threads() == expected


@pytest.mark.parametrize(
    ("busy", "gflops", "expected"),
    [
        (1.1, {1: 80.0, 7: 520.0, 8: 60.0}, 7),
        (1.1, {1: 80.0, 7: 520.0, 8: 540.0}, 7),
        (1.1, {1: 80.0, 7: 520.0, 8: 600.0}, 8),
        (7.9, {1: 80.0, 8: 40.0}, 1),
        (0.4, {1: 80.0, 8: 500.0}, 8),
    ],
)
def test_beside_neighbours_the_probe_decides(
    machine: pytest.MonkeyPatch, busy: float, gflops: dict[int, float], expected: int
) -> None:
    """One thread, the cores left, and all are timed; the fewest that are as good as the best are taken."""
    neighbours(machine, busy, gflops)
    assert choose_threads() == expected


def test_neighbours_that_leave_us_our_share_cost_no_probe(machine: pytest.MonkeyPatch) -> None:
    """With a quota of 2 of 8 cores, five busy ones leave enough."""
    machine.setattr(cgroup, "limits", lambda *_, **__: [["200000", "100000"]])
    machine.setattr(threads, "busy_cores", lambda: 5.0)
    assert choose_threads() == 2


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity of processes")
def test_affinity_is_counted_for_real() -> None:
    """A process bound to one core, as by taskset, has one core and one thread, and needs no torch to know it."""
    code = (
        "import os, sys; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from tunesmith.machine.threads import available_cores, choose_threads\n"
        "print(available_cores(), choose_threads(), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1", "False"]


def test_omp_num_threads_is_read_for_real() -> None:
    """The variable of the environment reaches the choice."""
    code = "from tunesmith.machine.threads import choose_threads; print(choose_threads())"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "1"


@pytest.fixture
def neighbour() -> Iterator[None]:
    """A process that keeps one core busy."""
    with subprocess.Popen(
        [sys.executable, "-c", "print(flush=True)\nwhile True: pass"], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield
        child.kill()


@pytest.mark.usefixtures("neighbour")
@pytest.mark.skipif(not Path("/proc/stat").is_file(), reason="this system does not tell its load by core")
def test_a_real_neighbour_is_seen() -> None:
    """One endless loop beside us is at least most of a busy core, and never more than there are."""
    assert 0.6 < busy_cores(seconds=0.2) <= len(os.sched_getaffinity(0))


def test_ticks_are_read_by_core(tmp_path: Path) -> None:
    """Idle and waiting are not used, stolen time is; guests are not counted twice; cores that are not ours are out."""
    stat = tmp_path / "stat"
    stat.write_text("cpu 9 9 9 9\ncpu0 1 2 3 40 5 6 7 8 1 2\ncpu1 1 1 1 1 1 1 1 1 0 0\ncpu12 2 0 0 8 0\nintr 1 2\n")
    assert threads._ticks(stat, {0, 12}) == {0: (27, 72), 12: (2, 10)}


def test_our_own_work_is_no_neighbour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process itself computes while it watches is subtracted."""
    ticks = iter([{0: (0, 0)}, {0: (10, 10)}])
    monkeypatch.setattr(threads, "_ticks", lambda *_: next(ticks))
    processor = iter([5.0, 5.02])
    monkeypatch.setattr(time, "process_time", lambda: next(processor))
    assert busy_cores(seconds=0.04) == pytest.approx(0.5)


def test_without_ticks_the_load_average_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On systems without /proc/stat the last minute's load stands in, bounded by the cores."""
    monkeypatch.setattr(threads, "_STAT", tmp_path / "missing")
    monkeypatch.setattr(os, "getloadavg", lambda: (1.5, 0.0, 0.0))
    monkeypatch.setattr(threads, "_affinity", lambda: {0, 1, 2})
    assert busy_cores() == 1.5
    monkeypatch.setattr(os, "getloadavg", lambda: (99.0, 0.0, 0.0))
    assert busy_cores() == 3.0


def test_set_threads_reaches_every_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch, OpenBLAS that numpy loaded, and what loads later; variables of the user stay."""
    import threadpoolctl

    monkeypatch.setattr(threads, "_SET_BY_USER", {"RAYON_NUM_THREADS": "7"})
    for name in threads._VARIABLES:
        monkeypatch.setenv(name, "7")
    before = torch.get_num_threads()
    with threadpoolctl.threadpool_limits():
        set_threads(1)
        assert torch.get_num_threads() == 1
        assert {pool["num_threads"] for pool in threadpoolctl.threadpool_info()} == {1}
    assert [os.environ[name] for name in threads._VARIABLES] == ["1", "1", "1", "7"]
    torch.set_num_threads(before)
