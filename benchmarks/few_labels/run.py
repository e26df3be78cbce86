"""tunesmith beside SetFit where few rows of each label are there; writes results/SET.json, cell by cell, and the table.

python -m benchmarks.few_labels.run [--sets SET …] [--rows-a-label 8 …] [--draws 5]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.few_labels.compare import compared, markdown
from benchmarks.few_labels.contenders import OURS, SETFIT, Cell, run_contender
from benchmarks.few_labels.draws import ROWS_A_LABEL, draw_rows
from benchmarks.few_labels.environment import make_environment, pinned_versions
from benchmarks.provenance import available_cores, provenance, told
from benchmarks.rows import ROOT, find_dataset, read_rows, write_part

HERE = Path(__file__).resolve().parent
README = HERE / "README.md"
ENVIRONMENT = ROOT / "build" / "setfit"
"""Outside this folder, whose every file is the project's own."""

SETS = {"sst2_glue": 2, "banking77": 77, "clinc150": 150}
"""Data sets and their labels."""

PACKAGES = ("tunesmith", "torch", "tokenizers", "numpy")
TABLE = "table.json"
TABLE_BEGINS, TABLE_ENDS = "<!-- table -->", "<!-- end of table -->"
_MUST_AGREE = ("machine", "threads", "versions", "setfit_versions", "test_rows")


def ordered(sets: list[str], sizes: list[int], draws: int) -> Iterator[Cell]:
    """Put the draws in the order in which they say the most for their time.

    Args:
        sets: Data sets.
        sizes: Rows of each label.
        draws: Draws of each.

    Yields:
        Draws of few rows in all before those of many, all draws of one size together.
    """
    of_sizes = [(SETS[name] * size, name, size) for name in sets for size in sizes]
    for _, name, size in sorted(of_sizes):
        for seed in range(draws):
            yield Cell(name, SETS[name], size, seed)


class Results:
    """The cells of one data set on the disk; each is written as soon as it is measured.

    Args:
        path: The file; it need not be there.
        told: Where the figures come from.

    Raises:
        SystemExit: The file holds figures of another machine or other versions: they do not compare.
    """

    def __init__(self, path: Path, told: Mapping[str, Any]) -> None:
        self._path = path
        self._whole: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {**told, "cells": {}}
        differing = [name for name in _MUST_AGREE if self._whole[name] != told[name]]
        if differing:
            raise SystemExit(f"{path.name} is of another {' and '.join(differing)}; move it away to measure anew")

    def has(self, key: str) -> bool:
        """Tell whether a cell is measured.

        Args:
            key: Rows of each label, seed and contender, with slashes between.

        Returns:
            Whether it is there.
        """
        return key in self._whole["cells"]

    def add(self, key: str, cell: Mapping[str, Any]) -> None:
        """Write a cell.

        Args:
            key: As for ``has``.
            cell: What was measured.
        """
        self._whole["cells"][key] = cell
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(self._whole, indent=1) + "\n", encoding="utf-8")
        fresh.replace(self._path)


def write_table(folder: Path, readme: Path) -> dict[str, Any]:
    """Compare what has been measured, and put the table into the text about it.

    Args:
        folder: Holds the cells; the comparison is written there too.
        readme: Has a place for the table.

    Returns:
        The comparison.
    """
    paths = {name: folder / f"{name}.json" for name in SETS}
    wholes = {name: json.loads(path.read_text("utf-8")) for name, path in paths.items() if path.is_file()}
    first: Mapping[str, Any] = next(iter(wholes.values()))
    origin = ("date", "command", "machine", "threads", "versions", "setfit_versions")
    table = {
        **{name: first[name] for name in origin},
        "sets": {name: list(compared(whole)) for name, whole in wholes.items()},
    }
    (folder / TABLE).write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    versions = ", ".join(f"{name} {version}" for name, version in table["setfit_versions"].items())
    before, _, rest = readme.read_text("utf-8").partition(TABLE_BEGINS)
    after = rest.partition(TABLE_ENDS)[2]
    text = f"{TABLE_BEGINS}\n{markdown(table)}\n\n{told(table)} SetFit's environment: {versions}.\n{TABLE_ENDS}"
    readme.write_text(f"{before}{text}{after}", encoding="utf-8")
    return table


def measure_all(flags: argparse.Namespace, folder: Path, scratch: Path) -> None:
    """Measure every cell that is asked for and not there yet.

    Args:
        flags: Data sets, sizes, draws, contenders, threads, and the test rows of a trial.
        folder: Holds the cells.
        scratch: Folder to write to.
    """
    wants_setfit = any(name in SETFIT for name in flags.only)
    python = make_environment(ENVIRONMENT) if wants_setfit else Path()
    origin = provenance("few_labels", threads=flags.threads, packages=PACKAGES)
    origin["setfit_versions"] = pinned_versions()
    for cell in ordered(flags.sets, flags.rows_a_label, flags.draws):
        test = find_dataset(cell.dataset).test
        if flags.test_rows:
            test = write_part(test, scratch / "test.csv", n_rows=flags.test_rows)
        results = Results(folder / f"{cell.dataset}.json", {**origin, "test_rows": len(read_rows(test).texts)})
        train = scratch / "train.csv"
        draw_rows(cell.dataset, train, per_label=cell.per_label, seed=cell.seed)
        for name in cell.contenders():
            key = f"{cell.per_label}/{cell.seed}/{name}"
            if name not in flags.only or results.has(key):
                continue
            load = os.getloadavg()[0]
            run = {"setfit_python": python, "scratch": scratch, "threads": flags.threads, "seed": cell.seed}
            found = {**run_contender(name, train, test, **run), "load_before": round(load, 2)}
            results.add(key, found)
            shown = {part: value for part, value in found.items() if part != "right"}
            print(cell.dataset, key, json.dumps(shown), flush=True)


def main(arguments: list[str] | None = None) -> None:
    """Measure what is missing, compare, print.

    Args:
        arguments: Those of the command line where left out.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    contenders = [*OURS, *SETFIT]
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS), metavar="SET")
    parser.add_argument("--rows-a-label", nargs="+", type=int, default=list(ROWS_A_LABEL), metavar="ROWS")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--only", nargs="+", default=contenders, choices=contenders, metavar="CONTENDER")
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--test-rows", type=int, help="test rows at most: a trial, which writes to scratch/ only")
    flags = parser.parse_args(arguments)
    scratch = HERE / "scratch"
    scratch.mkdir(exist_ok=True)
    is_trial = flags.test_rows is not None
    folder, readme = (scratch, scratch / README.name) if is_trial else (HERE / "results", README)
    folder.mkdir(exist_ok=True)
    if is_trial:
        shutil.copy(README, readme)
    measure_all(flags, folder, scratch)
    print(markdown(write_table(folder, readme)))


if __name__ == "__main__":
    main()
