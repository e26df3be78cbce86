"""How training time grows with the rows; writes results/DATASET.json.

python -m benchmarks.growth.run
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from benchmarks.fresh import run_fresh
from benchmarks.provenance import available_cores, provenance
from benchmarks.rows import find_dataset, read_rows, write_part

HERE = Path(__file__).resolve().parent
PACKAGES = ("tunesmith", "torch", "tokenizers", "numpy")


def climb(data: Path, scratch: Path, *, threads: int) -> dict[str, Any]:
    """Climb three rungs without a budget.

    Args:
        data: Train file.
        scratch: Where the model goes.
        threads: To compute with.

    Returns:
        Seconds of the whole process, its peak memory and what each rung took.
    """
    program = Path(sys.executable).with_name("tunesmith")
    flags = ["--text", "text", "--label", "label", "--rungs", "linear,probe,finetune", "--budget", "none"]
    command = [str(program), "train", str(data), *flags, "--out", str(scratch / data.stem), "--offline", "--json", "-q"]
    load = os.getloadavg()[0]
    done = run_fresh([*command, "--threads", str(threads)], threads=threads, log=scratch / "tunesmith.log")
    report = json.loads(done.output)
    return {
        "seconds": round(done.seconds, 2),
        "peak_mib": round(done.peak_mib, 1),
        "load_before": load,
        "kept": report["kept"],
        "stopped_because": report["stopped_because"],
        "rungs": [{key: rung[key] for key in ("name", "seconds", "peak_mib", "tflop")} for rung in report["rungs"]],
    }


def factor_per_tenfold(before: dict[str, Any], after: dict[str, Any]) -> float:
    """Scale the ratio of two times to ten times the rows.

    Args:
        before: The smaller run.
        after: The larger one.

    Returns:
        What ten times the rows would cost at this rate of growth.
    """
    ratio, rows = after["seconds"] / before["seconds"], after["rows"] / before["rows"]
    return float(ratio ** (1.0 / math.log10(rows)))


def main() -> None:
    """Run every size and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", nargs="?", default="sst2_glue")
    parser.add_argument("--rows", type=int, nargs="+", help="sizes (default: 1000, 10000 and the whole file)")
    parser.add_argument("--threads", type=int, default=available_cores())
    flags = parser.parse_args()
    dataset = find_dataset(flags.dataset)
    scratch = HERE / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    n_all = len(read_rows(dataset.train).texts)
    result: dict[str, Any] = {
        "dataset": dataset.name,
        **provenance("growth", threads=flags.threads, packages=PACKAGES),
        "points": [],
    }
    for n_rows in sorted(flags.rows or (1000, 10000, n_all)):
        data = write_part(dataset.train, scratch / f"rows-{n_rows}.csv", n_rows=n_rows)
        result["points"].append({"rows": min(n_rows, n_all), **climb(data, scratch, threads=flags.threads)})
    for before, after in itertools.pairwise(result["points"]):
        after["factor_per_tenfold"] = round(factor_per_tenfold(before, after), 2)
    for point in result["points"]:
        factor = point.get("factor_per_tenfold")
        growth = f"  ten times the rows: {factor:.1f} times the time" if factor else ""
        print(f"{point['rows']:>8,} rows {point['seconds']:9.1f} s {point['peak_mib']:7.0f} MiB{growth}", flush=True)
    folder = scratch if flags.rows else HERE / "results"
    folder.mkdir(exist_ok=True)
    text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    (folder / f"{dataset.name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
