"""tunesmith beside SetFit where few rows of each label are there; writes results/SET.json, cell by cell, and the table.

python -m benchmarks.few_labels.run [--sets SET …] [--rows-a-label 8 …] [--draws 5]
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.cells import Results, cpu_of, origin_of, places, put_table, read_results
from benchmarks.few_labels.compare import compared, markdown
from benchmarks.few_labels.contenders import OURS, SETFIT, Cell, run_contender
from benchmarks.few_labels.draws import ROWS_A_LABEL, draw_rows
from benchmarks.few_labels.environment import make_environment, pinned_versions
from benchmarks.provenance import available_cores, provenance, told
from benchmarks.rows import ROOT, find_dataset, read_rows, write_part

README = Path(__file__).resolve().with_name("README.md")
ENVIRONMENT = ROOT / "build" / "setfit"
"""Outside this folder, whose every file is the project's own."""

SETS = {"sst2_glue": 2, "banking77": 77, "clinc150": 150}
"""Data sets and their labels."""

PACKAGES = ("tunesmith", "torch", "tokenizers", "numpy")
TABLE = "table.json"
_MUST_AGREE = ("threads", "versions", "setfit_versions", "test_rows")
"""Not the machine: what is compared are the contenders on one draw, and these are all of one."""


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


def write_table(folder: Path, readme: Path) -> dict[str, Any]:
    """Compare what has been measured, and put the table into the text about it.

    Args:
        folder: Holds the cells; the comparison is written there too.
        readme: Has a place for the table.

    Returns:
        The comparison.
    """
    wholes = read_results(folder, list(SETS))
    table = {
        **origin_of(wholes),
        "setfit_versions": next(iter(wholes.values()))["setfit_versions"],
        "sets": {name: list(compared(whole)) for name, whole in wholes.items()},
    }
    (folder / TABLE).write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    versions = ", ".join(f"{name} {version}" for name, version in table["setfit_versions"].items())
    put_table(readme, f"{markdown(table)}\n\n{told(table)} SetFit's environment: {versions}.")
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
    cpu = origin["machine"]["cpu"]
    for cell in ordered(flags.sets, flags.rows_a_label, flags.draws):
        test = find_dataset(cell.dataset).test
        if flags.test_rows:
            test = write_part(test, scratch / "test.csv", n_rows=flags.test_rows)
        results = Results(
            folder / f"{cell.dataset}.json", {**origin, "test_rows": len(read_rows(test).texts)}, must_agree=_MUST_AGREE
        )
        missing = [name for name in cell.contenders() if name in flags.only and not results.has(cell.key(name))]
        if not missing:
            continue
        if is_of_another(cpu, results.whole, cell):
            print(cell.dataset, cell.key(), "was begun on another machine: left as it is", flush=True)
            continue
        train = scratch / "train.csv"
        draw_rows(cell.dataset, train, per_label=cell.per_label, seed=cell.seed)
        for name in missing:
            load = os.getloadavg()[0]
            run = {"test": test, "setfit_python": python, "scratch": scratch, "threads": flags.threads}
            found = {**run_contender(name, cell, train, **run), "load_before": round(load, 2), "cpu": cpu}
            results.add(cell.key(name), found)
            shown = {part: value for part, value in found.items() if part != "right"}
            print(cell.dataset, cell.key(name), json.dumps(shown), flush=True)


def is_of_another(cpu: str, whole: Mapping[str, Any], cell: Cell) -> bool:
    """Tell whether a draw was begun on another machine, so that what is measured here does not compare with it.

    Args:
        cpu: The processor of this machine.
        whole: Results of the draw's data set.
        cell: The draw.

    Returns:
        Whether any contender on it was measured elsewhere.
    """
    return any(cpu_of(whole, key) != cpu for key in whole["cells"] if key.startswith(cell.key()))


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
    folder, readme, scratch = places(README, is_trial=flags.test_rows is not None)
    measure_all(flags, folder, scratch)
    print(markdown(write_table(folder, readme)))


if __name__ == "__main__":
    main()
