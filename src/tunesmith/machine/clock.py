"""The age of this process: the budget's clock starts when the user pressed Enter, not when our code was loaded."""

from __future__ import annotations

import os
import time
from pathlib import Path

_IMPORTED = time.monotonic()
_STAT = Path("/proc/self/stat")
_START_FIELD = 22  # ``starttime`` of proc(5), counted from 1


def process_age_s() -> float:
    """Tell how long ago this process started.

    Returns:
        Seconds, to a hundredth; where the system does not tell it, seconds since this module was imported.
    """
    since_import = time.monotonic() - _IMPORTED
    started = _started_s(_STAT)
    if started is None or not hasattr(time, "CLOCK_BOOTTIME"):
        return since_import
    return max(since_import, time.clock_gettime(time.CLOCK_BOOTTIME) - started)


def _started_s(stat: Path) -> float | None:
    """Read when the process started, in seconds after the machine did; its name may hold spaces and brackets."""
    try:
        fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return int(fields[_START_FIELD - 3]) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return None
