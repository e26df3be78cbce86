"""The machine in a few words, for reports and for the record beside every figure."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from tunesmith.machine.memory import machine_mib
from tunesmith.machine.threads import available_cores

_CPUINFO = Path("/proc/cpuinfo")
_KEYS = ("cpu family", "model", "stepping")


def describe() -> dict[str, Any]:
    """Describe this machine; imports torch.

    Returns:
        ``cpu`` model, ``cores`` that may be used, ``threads`` torch is set to, ``memory_gib`` that may be used, ``os``,
        and the versions ``python`` and ``torch``.
    """
    import torch

    return {
        "cpu": cpu_model(),
        "cores": available_cores(),
        "threads": torch.get_num_threads(),
        "memory_gib": round(machine_mib() / 1024.0, 1),
        "os": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": metadata.version("torch"),
    }


def cpu_model() -> str:
    """Name the CPU closely enough that two of one name compute the same bytes.

    Returns:
        The maker's name and, where the system tells them, family, model and stepping: virtual machines often show
        no more than "AMD EPYC" as a name.
    """
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5).stdout.strip()
        return told or platform.machine()
    return _linux_model(_CPUINFO) or platform.processor() or platform.machine()


def _linux_model(cpuinfo: Path) -> str | None:
    """Put the model together from the first core's entry; ARM tells an implementer and a part instead of a name."""
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    pairs = (line.partition(":")[::2] for line in text.split("\n\n")[0].splitlines())
    found = {key.strip(): value.strip() for key, value in pairs}
    if "model name" in found:
        numbers = ", ".join(f"{key} {found[key]}" for key in _KEYS if key in found)
        return f"{found['model name']} ({numbers})" if numbers else found["model name"]
    if "CPU part" in found:
        return f"{platform.machine()} implementer {found.get('CPU implementer', '?')} part {found['CPU part']}"
    return None
