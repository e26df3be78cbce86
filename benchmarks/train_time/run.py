"""tunesmith and its peers side by side, in one go; writes results/DATASET.json after every run.

python -m benchmarks.train_time.run banking77
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
from typing import Any

from benchmarks.provenance import provenance
from benchmarks.train_time.ours import run_ours
from benchmarks.train_time.peers import run_peers
from benchmarks.train_time.plot import draw
from benchmarks.train_time.setting import HERE, add_flags, setting_of
from benchmarks.train_time.table import table

PACKAGES = ("tunesmith", "torch", "transformers", "accelerate", "tokenizers", "scikit-learn", "numpy", "scipy")
CONTENDERS = ("tunesmith", "scikit-learn", "trainer")


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
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=CONTENDERS, help="leave the others out")
    flags = parser.parse_args()
    dataset, setting = setting_of(flags)
    is_trial = setting.limit is not None or setting.epochs is not None
    folder = setting.scratch if is_trial else HERE / "results"
    folder.mkdir(exist_ok=True)
    origin = provenance("train_time", threads=setting.threads, packages=PACKAGES)
    result: dict[str, Any] = {"dataset": dataset.name, **origin, "points": []}
    warm_up()
    ours = run_ours(dataset, setting) if "tunesmith" in flags.only else iter(())
    peers = run_peers(dataset, setting, flags.only)
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
