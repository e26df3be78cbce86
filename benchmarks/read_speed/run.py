"""How fast CSV is read, and whether predicting from a large file takes more memory; writes results/DATASET.json.

python -m benchmarks.read_speed.run
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import sys
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from benchmarks.fresh import module_command, run_fresh
from benchmarks.provenance import available_cores, provenance
from benchmarks.rows import find_dataset

HERE = Path(__file__).resolve().parent
PACKAGES = ("tunesmith", "pyarrow", "numpy", "torch")
ROWS = (1_000_000, 10_000_000)
MEGABYTES = 200


def write_again(path: Path, train: Path, *, n_rows: int | None = None, n_bytes: int | None = None) -> int:
    """Write a file's lines again and again; each line of it must be a row, which ends in a line feed.

    Args:
        path: The file to write.
        train: The file whose lines are taken, header first.
        n_rows: How many rows.
        n_bytes: Instead, how many bytes at least.

    Returns:
        Rows written.
    """
    header, *lines = io.BytesIO(train.read_bytes()).readlines()  # at line feeds only: a cell may hold a return
    if n_rows is None:
        size = sum(map(len, lines))
        n_rows = len(lines) * -(-(n_bytes or 0) // size)
    with path.open("wb") as file:
        file.write(header)
        file.writelines(islice(cycle(lines), n_rows))
    return n_rows


def predicted(model: Path, data: Path, scratch: Path, *, threads: int) -> dict[str, Any]:
    """Answer a file by the command line.

    Args:
        model: The bundle.
        data: The file.
        scratch: Where the answers go.
        threads: To compute with.

    Returns:
        Seconds of the whole process and the peak of its memory.
    """
    program, answers = Path(sys.executable).with_name("tunesmith"), scratch / "answers.csv"
    command = [str(program), "predict", str(model), str(data), "--out", str(answers), "-q", "--threads", str(threads)]
    load = os.getloadavg()[0]
    done = run_fresh(command, threads=threads, log=scratch / "tunesmith.log")
    n_bytes = answers.stat().st_size
    answers.unlink()
    return {
        "seconds": round(done.seconds, 1),
        "peak_mib": round(done.peak_mib, 1),
        "load_before": load,
        "mb_read": round(data.stat().st_size / 1e6, 1),
        "mb_written": round(n_bytes / 1e6, 1),
    }


def main() -> None:
    """Measure, print a line for each, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", nargs="?", default="sms_spam")
    parser.add_argument("--rows", type=int, nargs="+", help="sizes to predict (default: 1,000,000 and 10,000,000)")
    parser.add_argument("--megabytes", type=float, default=MEGABYTES, help="size of the file to read")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=available_cores())
    flags = parser.parse_args()
    dataset = find_dataset(flags.dataset)
    scratch = HERE / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    result: dict[str, Any] = {
        "dataset": dataset.name,
        **provenance("read_speed", threads=flags.threads, packages=PACKAGES),
        "load_before": os.getloadavg()[0],
    }
    data = scratch / "reading.csv"
    write_again(data, dataset.train, n_bytes=int(flags.megabytes * 1e6))
    command = module_command("read_speed.reading", data=data, rounds=flags.rounds)
    done = run_fresh(command, threads=flags.threads, log=scratch / "reading.log")
    result["reading"] = {"mb": round(data.stat().st_size / 1e6, 1), **json.loads(done.output)}
    data.unlink()
    for name in ("tunesmith", "csv.reader", "pyarrow.csv"):
        of = result["reading"][name]
        print(f"{name:<12} {of['median_mb_per_second']:7.1f} MB/s  {of['median_mb_per_cpu_second']:7.1f} MB/CPU-s")
    result["predicting"] = []
    program, model = Path(sys.executable).with_name("tunesmith"), scratch / "model"
    train = [str(program), "train", str(dataset.train), "--rungs", "linear", "--out", str(model), "--offline", "-q"]
    run_fresh([*train, "--threads", str(flags.threads)], threads=flags.threads, log=scratch / "train.log")
    for n_rows in sorted(flags.rows or ROWS):
        data = scratch / "rows.csv"
        write_again(data, dataset.train, n_rows=n_rows)
        point = {"rows": n_rows, **predicted(model, data, scratch, threads=flags.threads)}
        point["rows_per_second"] = round(n_rows / point["seconds"], 1)
        data.unlink()
        result["predicting"].append(point)
        print(f"{n_rows:>12,} rows {point['rows_per_second']:9,.0f} rows/s {point['peak_mib']:7.0f} MiB", flush=True)
    folder = scratch if flags.rows else HERE / "results"
    folder.mkdir(exist_ok=True)
    text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    (folder / f"{dataset.name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
