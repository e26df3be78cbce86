"""tunesmith on one dataset: each run a fresh process of its command line, evaluated outside the clock."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.fresh import module_command, run_fresh
from benchmarks.machine_rate import matmul_gflops
from benchmarks.rows import Dataset
from benchmarks.train_time.setting import Setting

Run = tuple[str, list[str]]
"""Name of a point of the curve and the flags of ``train`` that make it."""

QUICK_RUNS: tuple[Run, ...] = tuple((f"tunesmith --rungs {name}", ["--rungs", name]) for name in ("linear", "probe"))


def climbs(dataset: Dataset) -> list[Run]:
    """List the climbs with a budget.

    Args:
        dataset: Gives the budgets.

    Returns:
        One run a budget.
    """
    return [(f"tunesmith --budget {budget}", ["--budget", budget]) for budget in dataset.budgets]


def run_ours(dataset: Dataset, setting: Setting, runs: Iterable[Run]) -> Iterator[dict[str, Any]]:
    """Train with each list of flags, then evaluate what is kept on the test file.

    Args:
        dataset: Train and test file.
        setting: What all contenders share.
        runs: What to run, one after the other.

    Yields:
        One record a run; its seconds are those of the whole process, exit included.
    """
    program = Path(sys.executable).with_name("tunesmith")
    log = setting.scratch / "tunesmith.log"
    loaded = run_fresh(module_command("train_time.loaded"), threads=setting.threads, log=log)
    loaded_mib = json.loads(loaded.output)["loaded_mib"]
    common = ["--json", "--quiet", "--threads", str(setting.threads)]
    for name, flags in runs:
        before = {"load_before": os.getloadavg()[0], "gflops_before": matmul_gflops(setting.threads, log)}
        out = setting.scratch / f"{name.removeprefix('tunesmith ').replace(' ', '-').strip('-')}.model"
        columns = ["--text", "text", "--label", "label", "--seed", str(setting.seed), "--offline", "--out", str(out)]
        trained = run_fresh(
            [str(program), "train", str(dataset.train), *columns, *flags, *common, "--force"],
            threads=setting.threads,
            log=log,
        )
        evaluated = run_fresh(
            [str(program), "evaluate", str(out), str(dataset.test), *common], threads=setting.threads, log=log
        )
        report = json.loads(trained.output)
        # a rung starts the system's count of the peak anew, so the process's own figure is that of its last phase
        peak_mib = max(trained.peak_mib, *(rung["peak_mib"] for rung in report["rungs"]))
        yield {
            "peer": "tunesmith",
            "name": name,
            "dataset": dataset.name,
            **before,
            "settings": {"flags": " ".join(flags), "threads": setting.threads, "seed": setting.seed},
            "loaded_mib": loaded_mib,
            "seconds": round(trained.seconds, 3),
            "cpu_seconds": round(trained.cpu_s, 3),
            "evaluation_seconds": 0.0,
            "peak_mib": round(peak_mib, 1),
            **told(report, json.loads(evaluated.output)["metrics"]),
        }


def told(report: dict[str, Any], metrics: dict[str, Any]) -> dict[str, Any]:
    """Take from tunesmith's own reports what the comparison keeps.

    Args:
        report: Output of ``train --json``.
        metrics: Metrics of ``evaluate --json``, each with its interval.

    Returns:
        Scores on the test file, the rung that was kept and what each rung took.
    """
    accuracy = metrics["accuracy"]
    return {
        "accuracy": round(accuracy["value"], 6),
        "accuracy_interval": [round(accuracy["low"], 6), round(accuracy["high"], 6)],
        "macro_f1": round(metrics["macro_f1"]["value"], 6),
        "kept": report["kept"],
        "stopped_because": report["stopped_because"],
        "rungs": [{key: rung.get(key) for key in ("name", "seconds", "peak_mib", "tflop")} for rung in report["rungs"]],
    }
