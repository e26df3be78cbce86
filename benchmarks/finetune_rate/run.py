"""At which share of the machine's matrix rate a rung of fine-tuning runs; writes results/banking77.json.

python -m benchmarks.finetune_rate.run
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.fresh import module_command, run_fresh
from benchmarks.machine_rate import matmul_gflops
from benchmarks.provenance import available_cores, provenance
from benchmarks.rows import find_dataset

HERE = Path(__file__).resolve().parent
PACKAGES = ("tunesmith", "torch", "numpy")
BATCH_TOKENS = 1024
STEPS = 80


def rung_run(train: Path, scratch: Path, *, epochs: float, threads: int) -> dict[str, Any]:
    """Climb to ``finetune`` and hold what its rung computed against the machine's rate around it.

    Args:
        train: Labelled file.
        scratch: Where model and log go.
        epochs: Passes over its rows.
        threads: To compute with.

    Returns:
        Both rates and their ratio.
    """
    log = scratch / "tunesmith.log"
    program = Path(sys.executable).with_name("tunesmith")
    flags = ["--rungs", "probe,finetune", "--budget", "none", "--set", f"rung.finetune.epochs={epochs}"]
    flags += ["--out", str(scratch / "model"), "--force", "--offline", "--json", "-q", "--threads", str(threads)]
    load = os.getloadavg()[0]
    before = matmul_gflops(threads, log)
    report = json.loads(run_fresh([str(program), "train", str(train), *flags], threads=threads, log=log).output)
    after = matmul_gflops(threads, log)
    rung = next(rung for rung in report["rungs"] if rung["name"] == "finetune")
    gflops = 1e3 * rung["tflop"] / rung["seconds"]
    return measured(gflops, [before, after], load)


def loop_run(train: Path, scratch: Path, *, steps: int, threads: int) -> dict[str, Any]:
    """Run the loop alone.

    Args:
        train: Labelled file.
        scratch: Where the log goes.
        steps: Optimiser steps.
        threads: To compute with.

    Returns:
        Both rates and their ratio.
    """
    command = module_command("finetune_rate.loop", train=train, threads=threads, steps=steps, batch_tokens=BATCH_TOKENS)
    load = os.getloadavg()[0]
    found = json.loads(run_fresh(command, threads=threads, log=scratch / "loop.log").output)
    return measured(found["gflops"], found["matmul_gflops"], load)


def measured(gflops: float, around: list[float], load: float) -> dict[str, Any]:
    """Hold a rate against the machine's before and after.

    Args:
        gflops: Of the run.
        around: The machine's.
        load: Of the machine when the run began.

    Returns:
        What the result keeps of a run.
    """
    return {
        "gflops": round(gflops, 1),
        "matmul_gflops": [round(rate, 1) for rate in around],
        "share": round(gflops / statistics.mean(around), 3),
        "load_before": load,
    }


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=available_cores())
    flags = parser.parse_args()
    is_trial = (flags.epochs, flags.runs) != (parser.get_default("epochs"), parser.get_default("runs"))
    scratch = HERE / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    train = find_dataset("banking77").train
    steps = 8 if is_trial else STEPS
    result: dict[str, Any] = provenance("finetune_rate", threads=flags.threads, packages=PACKAGES)
    rungs, loops = [], []
    for _ in range(flags.runs):
        loops.append(loop_run(train, scratch, steps=steps, threads=flags.threads))
        rungs.append(rung_run(train, scratch, epochs=flags.epochs, threads=flags.threads))
        print(f"loop {loops[-1]['share']:.1%}   rung {rungs[-1]['share']:.1%} of the matrix rate", flush=True)
    for name, runs in (("loop", loops), ("rung", rungs)):
        result[name] = {"median_share": statistics.median(run["share"] for run in runs), "runs": runs}
        print(f"{name}: {result[name]['median_share']:.1%}, median of {len(runs)}")
    folder = scratch if is_trial else HERE / "results"
    folder.mkdir(exist_ok=True)
    (folder / "banking77.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
