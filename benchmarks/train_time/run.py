"""tunesmith and its peers side by side, in one go; writes results/DATASET.json after every run.

python -m benchmarks.train_time.run banking77
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import itertools
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.train_time.ours import run_ours
from benchmarks.train_time.peers import run_peers
from benchmarks.train_time.plot import draw
from benchmarks.train_time.setting import HERE, add_flags, available_cores, setting_of
from benchmarks.train_time.table import table

VERSIONS = ("tunesmith", "torch", "transformers", "accelerate", "tokenizers", "scikit-learn", "numpy", "scipy")
CONTENDERS = ("tunesmith", "peers")


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
    """Name the processor.

    Returns:
        The name that the system gives, or the architecture where it gives none.
    """
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text().splitlines() if listing.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def warm_up() -> None:
    """Read every contender's libraries from the disk once, so that the first one does not pay for all."""
    subprocess.run(
        [sys.executable, "-c", "import torch, transformers, accelerate, sklearn.svm, joblib, pyarrow, matplotlib"],
        check=True,
        capture_output=True,
    )


def main() -> None:
    """Run every contender; keep the results, the plot and the table up to date as they land."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_flags(parser)
    parser.add_argument("--only", choices=CONTENDERS, help="leave the others out")
    flags = parser.parse_args()
    dataset, setting = setting_of(flags)
    is_trial = setting.limit is not None or setting.epochs is not None
    folder = setting.scratch if is_trial else HERE / "results"
    folder.mkdir(exist_ok=True)
    result: dict[str, Any] = {
        "dataset": dataset.name,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "command": f"python -m benchmarks.train_time.run {' '.join(sys.argv[1:])}",
        "machine": machine(),
        "threads": setting.threads,
        "versions": {name: importlib.metadata.version(name) for name in VERSIONS},
        "points": [],
    }
    warm_up()
    ours = run_ours(dataset, setting) if flags.only != "peers" else iter(())
    peers = run_peers(dataset, setting) if flags.only != "tunesmith" else iter(())
    for record in itertools.chain(ours, peers):
        epoch = f" epoch {record['epoch']}" if record.get("epoch") else ""
        print(f"{record['name'] + epoch:<34}{record['seconds']:9.1f} s  {record['accuracy']:7.2%}", flush=True)
        result["points"].append(record)
        text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
        (folder / f"{dataset.name}.json").write_text(text, encoding="utf-8")
    draw(result, folder / f"{dataset.name}.svg")
    print("\n" + table(result))


if __name__ == "__main__":
    main()
