"""The rate at which this machine multiplies matrices right now: neighbours on a shared machine change it."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.fresh import run_fresh


def matmul_gflops(threads: int, log: Path) -> float:
    """Measure the rate in a process of its own.

    Args:
        threads: To compute with.
        log: File that takes what the process writes to its standard error.

    Returns:
        GFLOP/s in float32.
    """
    code = (
        "from tunesmith.machine.threads import set_threads; from tunesmith.machine.rates import matmul_rate; "
        f"set_threads({threads}); print(matmul_rate(seconds=1.0))"
    )
    return round(float(run_fresh([sys.executable, "-c", code], threads=threads, log=log).output), 1)
