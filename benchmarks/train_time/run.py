"""tunesmith and its peers side by side, in one go; writes results/DATASET.json after every run.

python -m benchmarks.train_time.run banking77
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from benchmarks.provenance import provenance
from benchmarks.rows import Dataset
from benchmarks.train_time.ours import QUICK_RUNS, climbs, run_ours
from benchmarks.train_time.peers import OTHERS, other_runs, peer_runs, run_peer
from benchmarks.train_time.plot import draw
from benchmarks.train_time.setting import HERE, Setting, add_flags, setting_of
from benchmarks.train_time.table import table

PACKAGES = ("tunesmith", "torch", "transformers", "accelerate", "tokenizers", "scikit-learn", "numpy", "scipy")
CONTENDERS = ("tunesmith", "scikit-learn", *OTHERS, "trainer")


def warm_up() -> None:
    """Read every contender's libraries from the disk once, so that the first one does not pay for all."""
    subprocess.run(
        [sys.executable, "-c", "import torch, transformers, accelerate, sklearn.svm, joblib, pyarrow, matplotlib"],
        check=True,
        capture_output=True,
    )


def contest(
    dataset: Dataset, setting: Setting, wanted: Collection[str] = CONTENDERS, *, done: Collection[str] = ()
) -> Iterator[dict[str, Any]]:
    """Run every contender; ours again between and after the Trainer's long runs, since the machine's rate wavers.

    Args:
        dataset: Train and test file.
        setting: What all contenders share.
        wanted: Which contenders.
        done: Names of runs that need not be made again, but for our repeats.

    Yields:
        One record for each point of each curve; of a run that was repeated one each time.
    """
    ours = "tunesmith" in wanted
    if ours:
        yield from run_ours(dataset, setting, [run for run in (*QUICK_RUNS, *climbs(dataset)) if run[0] not in done])
    listed = [*other_runs(dataset, setting, wanted), *peer_runs(dataset, setting)]
    listed.sort(key=lambda run: CONTENDERS.index(run[0]))
    peers = [run for run in listed if run[0] in wanted and run[1] not in done]
    for run in peers:
        yield from run_peer(dataset, setting, run)
        if ours and run[0] == "trainer":
            yield from run_ours(dataset, setting, QUICK_RUNS)
    if ours and "trainer" in wanted:
        yield from run_ours(dataset, setting, climbs(dataset))


def cut_off(path: Path, now: dict[str, Any]) -> dict[str, Any]:
    """Read the results of a comparison that was cut off.

    Args:
        path: Where they lie.
        now: Results that would begin now.

    Returns:
        The results to add to.

    Raises:
        SystemExit: Machine, threads or versions are others: their seconds do not compare.
    """
    before: dict[str, Any] = json.loads(path.read_text("utf-8"))
    if changed := [key for key in ("machine", "threads", "versions") if before[key] != now[key]]:
        raise SystemExit(f"{path}: measured with other {', '.join(changed)}; start anew without --go-on")
    return before


def main() -> None:
    """Run every contender; keep the results, the plot and the table up to date as they land."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_flags(parser)
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=CONTENDERS, help="leave the others out")
    parser.add_argument("--name", help="write results/DATASET-NAME.json, where a part is measured on another machine")
    parser.add_argument("--go-on", action="store_true", help="add to the results of a comparison that was cut off")
    flags = parser.parse_args()
    dataset, setting = setting_of(flags)
    is_trial = setting.limit is not None or (setting.epochs is not None and not flags.name)
    folder = setting.scratch if is_trial else HERE / "results"
    folder.mkdir(exist_ok=True)
    path = folder / f"{'-'.join(filter(None, (dataset.name, flags.name)))}.json"
    origin = provenance("train_time", threads=setting.threads, packages=PACKAGES)
    result: dict[str, Any] = {"dataset": dataset.name, **origin, "points": []}
    if flags.go_on:
        result = cut_off(path, result)
    warm_up()
    for record in contest(dataset, setting, flags.only, done={point["name"] for point in result["points"]}):
        name = f"{record['name']} epoch {record['epoch']}" if record.get("epoch") else record["name"]
        took = f"{record['seconds']:9.1f} s {record['cpu_seconds']:9.1f} of processor"
        told = f"{took}  {record['accuracy']:7.2%}  {record['gflops_before']:5.0f} GFLOP/s"
        print(f"{name:<34}{told}", flush=True)
        result["points"].append(record)
        path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    draw(result, path.with_suffix(".svg"))
    print("\n" + table(result))


if __name__ == "__main__":
    main()
