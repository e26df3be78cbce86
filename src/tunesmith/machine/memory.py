"""Memory of this process and of this machine, in MiB."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

from tunesmith.machine import cgroup

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"
_MIB = 1024.0 * 1024.0


def peak_mib() -> float:
    """Measure the most memory this process has held at once since it started or since ``reset_peak``.

    Returns:
        MiB of resident memory.
    """
    peak = _status_kib("VmHWM")
    if peak is not None:
        return peak / 1024.0
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest / _MIB if sys.platform == "darwin" else largest / 1024.0


def current_mib() -> float:
    """Measure the memory this process holds now.

    Returns:
        MiB of resident memory; where the system does not tell it, the peak, which is never less.
    """
    now = _status_kib("VmRSS")
    return peak_mib() if now is None else now / 1024.0


def reset_peak() -> bool:
    """Let ``peak_mib`` start again from what is held now.

    Returns:
        Whether the system allows it; if not, the old peak stays.
    """
    try:
        _CLEAR_REFS.write_text(_RESET_PEAK, encoding="ascii")
    except OSError:
        return False
    return True


def machine_mib() -> float:
    """Tell how much memory this process could hold at most.

    Returns:
        MiB: the machine's memory, or the limit of the control groups (containers) where that is lower.
    """
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    groups = cgroup.limits("memory", v1=("memory.limit_in_bytes",), v2=("memory.max",))
    return min([physical, *(int(limit) for (limit,) in groups if limit.isdecimal())]) / _MIB


def _status_kib(key: str) -> float | None:
    """Read one line of the process's status, or None where there is none."""
    try:
        lines = _STATUS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return next((float(line.split()[1]) for line in lines if line.startswith(f"{key}:")), None)
