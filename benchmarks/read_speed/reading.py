"""One CSV file read again and again by tunesmith and its peers, in turns; prints JSON."""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv

from tunesmith.data.read import read_chunks

CHUNK_ROWS = 8192


def by_tunesmith(path: Path) -> int:
    """Read tables as ``tunesmith predict`` does.

    Returns:
        Number of rows.
    """
    return sum(table.n_rows for table in read_chunks(path, chunk_rows=CHUNK_ROWS))


def by_csv_reader(path: Path) -> int:
    """Read records with the standard library and drop them.

    Returns:
        Number of rows.
    """
    with path.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def by_pyarrow(path: Path) -> int:
    """Read with Arrow, on as many threads as it likes, and turn the cells into Python's strings.

    Returns:
        Number of rows.
    """
    with path.open(encoding="utf-8", newline="") as file:
        names = next(csv.reader(file))
    n_rows = 0
    reader = pyarrow.csv.open_csv(
        path,
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, null_values=[]
        ),
    )
    for batch in reader:
        _ = [column.to_pylist() for column in batch.columns]
        n_rows += batch.num_rows
    return n_rows


CONTENDERS: dict[str, Callable[[Path], int]] = {
    "tunesmith": by_tunesmith,
    "csv.reader": by_csv_reader,
    "pyarrow.csv": by_pyarrow,
}


def measured(path: Path, rounds: int) -> dict[str, Any]:
    """Let every contender read the file, in turns so that a busy minute of the machine meets all of them.

    Args:
        path: The file.
        rounds: How often.

    Returns:
        Rows, and by contender MB a second of every round: of the clock, and of the processor's time of all threads.
    """
    megabytes = path.stat().st_size / 1e6
    found: dict[str, Any] = {}
    for _ in range(rounds):
        for name, read in CONTENDERS.items():
            started, started_cpu = time.perf_counter(), time.process_time()
            n_rows = read(path)
            seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - started_cpu
            of = found.setdefault(name, {"rows": n_rows, "mb_per_second": [], "mb_per_cpu_second": []})
            of["mb_per_second"].append(round(megabytes / seconds, 1))
            of["mb_per_cpu_second"].append(round(megabytes / cpu_seconds, 1))
    for of in found.values():
        of |= {f"median_{key}": statistics.median(of[key]) for key in ("mb_per_second", "mb_per_cpu_second")}
    return found


def main() -> None:
    """Read and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    flags = parser.parse_args()
    print(json.dumps(measured(flags.data, flags.rounds)))


if __name__ == "__main__":
    main()
