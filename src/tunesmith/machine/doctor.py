"""What this machine is, how fast it is, and which ways of computing are tested on it: plain data for ``doctor``."""

from __future__ import annotations

import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

from tunesmith.machine.describe import describe
from tunesmith.machine.device import DEVICES, TESTED, choose_precision, is_present
from tunesmith.machine.memory import current_mib
from tunesmith.machine.rates import matmul_rate, memory_bandwidth
from tunesmith.machine.threads import available_cores, busy_cores, choose_threads

_GIB = 1024.0**3
_LIBRARIES = (
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "numpy",
    "scikit-learn",
    "pyarrow",
    "pydantic",
    "onnxruntime",
    "openvino",
)
_ALL_COUNTS_UP_TO = 4


def examine(*, base_model: str, bf16_speed: float, folder: Path = Path()) -> dict[str, Any]:
    """Examine this machine; takes about a third of a second for each number of threads, and 128 MiB meanwhile.

    Args:
        base_model: What the caller found out about the default base model, passed on as it is.
        bf16_speed: What the caller knows of it, see ``rates``.
        folder: Where models would be written, for the room on its disk.

    Returns:
        What ``describe`` gives, and ``threads_chosen``, ``busy_cores`` (used by others while we watched),
        ``memory_used_mib``, ``disk_free_gib``, ``libraries`` (name to version, None where not installed),
        ``base_model``, ``matmul_gflops`` (number of threads, as text, to rate), ``bf16_speed`` (of products, in
        those of float32), ``precision`` (what training on the CPU multiplies), ``memory_gb_s``, and ``devices`` (name
        to ``present`` and ``tested``).
    """
    busy, chosen = busy_cores(), choose_threads()
    return {
        **describe(),
        "threads_chosen": chosen,
        "busy_cores": round(busy, 1),
        "memory_used_mib": round(current_mib()),
        "disk_free_gib": round(shutil.disk_usage(folder).free / _GIB, 1),
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "base_model": base_model,
        "matmul_gflops": {str(n): round(matmul_rate(threads=n), 1) for n in _counts(available_cores())},
        "bf16_speed": round(bf16_speed, 2),
        "precision": choose_precision("auto", "cpu", lambda: bf16_speed),
        "memory_gb_s": round(memory_bandwidth(), 1),
        "devices": {name: {"present": is_present(name), "tested": name in TESTED} for name in DEVICES},
    }


def _counts(cores: int) -> list[int]:
    """List the numbers of threads to measure: each up to four, then doubling, and the last one always."""
    counts = list(range(1, min(cores, _ALL_COUNTS_UP_TO) + 1))
    while counts[-1] < cores:
        counts.append(min(2 * counts[-1], cores))
    return counts


def _version(name: str) -> str | None:
    """Give the version of an installed library without importing it."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
