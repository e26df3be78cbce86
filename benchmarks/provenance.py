"""Where a benchmark's figures come from: day, command, machine, threads and versions."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tunesmith.errors import counted


def provenance(name: str, *, threads: int, packages: Sequence[str]) -> dict[str, Any]:
    """Describe what gives the figures.

    Args:
        name: Folder of the benchmark.
        threads: That every contender computes with.
        packages: Whose versions count.

    Returns:
        What every result begins with.
    """
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "command": f"python -m benchmarks.{name}.run {' '.join(sys.argv[1:])}".rstrip(),
        "machine": machine(),
        "threads": threads,
        "versions": {package: importlib.metadata.version(package) for package in packages},
    }


def told(result: dict[str, Any]) -> str:
    """Tell where the figures come from.

    Args:
        result: What a benchmark wrote.

    Returns:
        One sentence with machine, threads, date and versions.
    """
    machine = result["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    cores, threads = counted(machine["cores"], "core"), counted(result["threads"], "thread")
    where = f"{machine['cpu']}, {cores}, {machine['memory_gib']:.0f} GiB, {threads}"
    return f"{result['date']}: {where}, Python {machine['python']}; {versions}."


def machine() -> dict[str, Any]:
    """Describe the machine that gave the figures.

    Returns:
        Processor, cores that may be used, memory, system and Python.
    """
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": cpu_model(),
        "cores": available_cores(),
        "memory_gib": round(memory_gib, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def cpu_model() -> str:
    """Name the processor, with family, model and vector width: clouds call several generations by one name.

    Returns:
        For example ``"AMD EPYC (family 26, model 2, avx512)"``; the architecture where the system names nothing.
    """
    listing = Path("/proc/cpuinfo")
    return cpu_named(listing.read_text() if listing.exists() else "") or platform.processor() or platform.machine()


def cpu_named(listing: str) -> str:
    """Read a processor's name from the system's listing of processors.

    Args:
        listing: Lines ``field : value``, as Linux writes them; the first of each field counts.

    Returns:
        Name, family, model and vector width; empty where the listing has no name.
    """
    fields: dict[str, str] = {}
    for line in listing.splitlines():
        field, _, value = line.partition(":")
        fields.setdefault(field.strip(), value.strip())
    flags = fields.get("flags", "").split()
    vectors = next((width for width in ("avx512", "avx2") if any(flag.startswith(width) for flag in flags)), "")
    numbers = [f"{field.split()[-1]} {fields[field]}" for field in ("cpu family", "model") if field in fields]
    details = ", ".join([*numbers, *filter(None, [vectors])])
    name = fields.get("model name", "")
    return f"{name} ({details})" if name and details else name


def available_cores() -> int:
    """Count the cores that this process may use.

    Returns:
        At least 1.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
