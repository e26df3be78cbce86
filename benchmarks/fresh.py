"""Fresh processes: each contender runs alone in one, and its clock starts when the process does."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rows import ROOT

_STARTED = "TRAIN_TIME_STARTED"
_MIB = 2**20


@dataclass(frozen=True)
class Finished:
    """What a process printed and took, by the clock and of the processors; the peak is of its resident memory."""

    output: str
    seconds: float
    cpu_s: float
    peak_mib: float


def run_fresh(command: list[str], *, threads: int, log: Path) -> Finished:
    """Run a command in a process of its own, without network and with a set number of threads.

    Linux counts the peak of the process that calls this in the new one's: call it from a small one.

    Args:
        command: Program and arguments.
        threads: Threads of the numerical libraries.
        log: File that takes what the process writes to its standard error.

    Returns:
        Its output, and the seconds from start to exit.

    Raises:
        SystemExit: The process failed; the end of its log is shown.
    """
    offline = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "TOKENIZERS_PARALLELISM": "true"}
    environment = {**os.environ, **offline, "OMP_NUM_THREADS": str(threads), "PYTHONWARNINGS": "ignore"}
    started = time.monotonic()
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**environment, _STARTED: repr(started)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        assert process.stdout is not None
        with process.stdout:
            output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        tail = "\n".join(log.read_text("utf-8").splitlines()[-12:])
        raise SystemExit(f"exit {process.returncode}: {' '.join(command)}\n{tail}")
    cpu_s = usage.ru_utime + usage.ru_stime
    return Finished(output, seconds, cpu_s, usage.ru_maxrss * _maxrss_unit() / _MIB)


def module_command(name: str, **options: object) -> list[str]:
    """Build the command that runs a module of ``benchmarks``.

    Args:
        name: The module, as in ``train_time.loaded``.
        **options: Its flags, underscores for hyphens.

    Returns:
        The command.
    """
    flags = [part for key, value in options.items() for part in (f"--{key.replace('_', '-')}", str(value))]
    return [sys.executable, "-m", f"benchmarks.{name}", *flags]


def seconds_since_start() -> float:
    """Read the clock that was started when this process was.

    Returns:
        Seconds, the interpreter's own start and the imports among them.
    """
    return time.monotonic() - float(os.environ[_STARTED])


def peak_mib() -> float:
    """Read the largest resident memory that this process has had.

    Returns:
        MiB.
    """
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _maxrss_unit() / _MIB


def current_mib() -> float:
    """Read the resident memory of this process.

    Returns:
        MiB; the peak where the system does not tell the present.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return peak_mib()
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def _maxrss_unit() -> int:
    """Bytes of one unit of ``ru_maxrss``: Linux counts KiB, macOS bytes."""
    return 1 if sys.platform == "darwin" else 1024
