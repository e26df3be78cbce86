"""How many threads to compute with: the cores we may use, less those that neighbours keep busy, by measurement.

torch is imported only where threads are set or probed, so that counting cores costs nothing.
"""

from __future__ import annotations

import importlib
import math
import os
import time
from pathlib import Path

from tunesmith.machine import cgroup

_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
_SET_BY_USER = {name: os.environ[name] for name in _VARIABLES if os.environ.get(name)}  # before ``set_threads`` adds
_STAT = Path("/proc/stat")
_WATCH_S = 0.06
_PROBE_S = 0.2
_IDLE_CORES = 0.25  # one tick on one core within the watch is 0.17
_NO_SLOWER = 0.95


def available_cores() -> int:
    """Count the cores this process may use.

    Returns:
        The smaller of the affinity mask (``taskset``) and the quota of the control groups (containers), at least 1.
        A quota of 2.5 cores counts as 2: a third thread would use up the quota of all and stop them together.
    """
    return max(1, math.floor(min(len(_affinity()), _quota())))


def choose_threads() -> int:
    """Choose the number of threads that compute fastest now: in 0.06 s on a quiet machine, in 0.3 s beside others.

    Where others keep our cores busy, a matrix product is timed with one thread, with as many as cores are left, and
    with all: beside a busy neighbour two threads can be ten times slower than one.

    Returns:
        1 to ``available_cores``; never more than ``OMP_NUM_THREADS`` where the user has set it.
    """
    cores = _bounded(available_cores(), _SET_BY_USER.get("OMP_NUM_THREADS", ""))
    if cores == 1:
        return 1
    busy = busy_cores()
    left = len(_affinity()) - busy
    if busy < _IDLE_CORES or left >= cores:
        return cores
    return _fastest(sorted({1, max(1, round(left)), cores}))


def set_threads(n: int) -> None:
    """Let the numeric libraries compute with ``n`` threads: torch, those loaded already, and those loaded later.

    Args:
        n: Number of threads, at least 1. Environment variables that the user set are left as they are.
    """
    import torch

    torch.set_num_threads(n)
    # comes with sklearn, which we require; numpy's and scipy's OpenBLAS do not hear torch's setting
    importlib.import_module("threadpoolctl").threadpool_limits(limits=n)
    for name in _VARIABLES:
        if name not in _SET_BY_USER:
            os.environ[name] = str(n)


def busy_cores(*, seconds: float = _WATCH_S) -> float:
    """Watch for a moment how much of our cores others use, time stolen by other virtual machines included.

    Args:
        seconds: How long to watch; this thread sleeps meanwhile.

    Returns:
        Cores kept busy, from 0 to the number in the affinity mask; where the system does not tell it by core, the
        load average of the last minute.
    """
    cores = _affinity()
    before, own_before = _ticks(_STAT, cores), time.process_time()
    if not before:
        return min(os.getloadavg()[0], float(len(cores)))
    time.sleep(seconds)
    after, own = _ticks(_STAT, cores), time.process_time() - own_before
    busy = 0.0
    for core in before.keys() & after.keys():
        used, passed = (now - then for now, then in zip(after[core], before[core], strict=True))
        busy += used / max(passed, 1)
    return max(0.0, busy - own / seconds)


def _affinity() -> set[int]:
    """Give the numbers of the cores that the scheduler may put us on."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def _quota() -> float:
    """Give the cores that the tightest quota of our control groups pays for, infinity where there is none."""
    cores = math.inf
    for quota, period in cgroup.limits("cpu", v1=("cpu.cfs_quota_us", "cpu.cfs_period_us"), v2=("cpu.max",)):
        if quota not in ("max", "-1"):
            cores = min(cores, int(quota) / int(period))
    return cores


def _bounded(cores: int, variable: str) -> int:
    """Lower ``cores`` to the outermost number of ``OMP_NUM_THREADS``, where that is one."""
    first = variable.partition(",")[0].strip()
    return min(cores, int(first)) if first.isdecimal() and int(first) > 0 else cores


def _ticks(stat: Path, cores: set[int]) -> dict[int, tuple[int, int]]:
    """Read for each of these cores the ticks that were used and all that have passed, as ``proc(5)`` describes."""
    try:
        lines = stat.read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        name, *fields = line.split()
        if name.startswith("cpu") and name[3:].isdecimal() and int(name[3:]) in cores:
            user, nice, system, idle, waiting, *rest = map(int, fields[:8])  # guests' time is within the user's
            used = user + nice + system + sum(rest)
            found[int(name[3:])] = (used, used + idle + waiting)
    return found


def _fastest(candidates: list[int]) -> int:
    """Time all candidates, in ascending order, and take the smallest that is no slower than the best."""
    from tunesmith.machine.rates import sustained_rates

    rates = sustained_rates(candidates, seconds=_PROBE_S)
    return next(n for n, rate in zip(candidates, rates, strict=True) if rate >= _NO_SLOWER * max(rates))
