"""What each choice of training is worth: ``finetune`` with one of them changed at a time; writes results/SET.json.

python -m benchmarks.training_choices.run [--only CHOICE …] [--sets SET …] [--seeds 3]
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.provenance import available_cores, provenance, told
from benchmarks.training_choices.choices import CHOICES, Choice
from benchmarks.training_choices.compare import compared, markdown
from benchmarks.training_choices.measure import measured, probed
from benchmarks.training_choices.sets import SETS, Set, files_of

HERE = Path(__file__).resolve().parent
README = HERE / "README.md"
PACKAGES = ("tunesmith", "torch", "tokenizers", "numpy")
TABLE = "table.json"
TABLE_BEGINS, TABLE_ENDS = "<!-- table -->", "<!-- end of table -->"
_MUST_AGREE = ("machine", "threads", "versions")


class Results:
    """The cells of one data set on the disk; each is written as soon as it is measured.

    Args:
        path: The file; it need not be there.
        told: Where the figures come from.

    Raises:
        SystemExit: The file holds figures of another machine or other versions: they do not compare.
    """

    def __init__(self, path: Path, told: dict[str, Any]) -> None:
        self._path = path
        self._whole = json.loads(path.read_text("utf-8")) if path.is_file() else {**told, "cells": {}}
        differing = [name for name in _MUST_AGREE if self._whole[name] != told[name]]
        if differing:
            raise SystemExit(f"{path.name} is of another {' and '.join(differing)}; move it away to measure anew")

    def missing(self, names: list[str], seed: int) -> list[str]:
        """List choices that are not measured yet.

        Args:
            names: To look for.
            seed: Of the cells.

        Returns:
            Names in their order.
        """
        return [name for name in names if f"{name}/{seed}" not in self._whole["cells"]]

    def add(self, name: str, seed: int, cell: dict[str, Any]) -> None:
        """Write a cell.

        Args:
            name: The choice.
            seed: Of the training.
            cell: What was measured.
        """
        self._whole["cells"][f"{name}/{seed}"] = cell
        text = json.dumps(self._whole, indent=1) + "\n"
        fresh = self._path.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
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
    table = {
        **{name: first[name] for name in ("date", "command", "machine", "threads", "versions")},
        "sets": list(SETS),
        "choices": compared({name: wholes[name]["cells"] if name in wholes else {} for name in SETS}),
    }
    (folder / TABLE).write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    before, _, rest = readme.read_text("utf-8").partition(TABLE_BEGINS)
    after = rest.partition(TABLE_ENDS)[2]
    readme.write_text(
        f"{before}{TABLE_BEGINS}\n{markdown(table)}\n\n{told(table)}\n{TABLE_ENDS}{after}", encoding="utf-8"
    )
    return table


def measure_all(
    flags: argparse.Namespace, folder: Path, scratch: Path, *, choices: Sequence[Choice], sets: Mapping[str, Set]
) -> None:
    """Measure every cell that is asked for and not there yet, all of one seed before those of the next.

    Args:
        flags: Choices, data sets, seeds, threads, and the rows and passes of a trial.
        folder: Holds the cells.
        scratch: Folder to write to.
        choices: All there are; the first is the one that the others are held to.
        sets: All data sets by their names.
    """
    where = provenance(scratch.parent.name, threads=flags.threads, packages=PACKAGES)
    named = {choice.name: choice for choice in choices}
    default = choices[0].name
    names = [default, *(name for name in flags.only if name != default)]
    for seed in range(flags.seeds):
        for label in flags.sets:
            chosen = sets[label]
            results = Results(folder / f"{label}.json", where)
            missing = results.missing(names, seed)
            if not missing:
                continue
            train, test = files_of(chosen, scratch, n_rows=flags.rows)
            with probed(train, test, scratch / label, seed=seed, threads=flags.threads) as site:
                for name in missing:
                    cell = measured(site, named[name], epochs=flags.epochs or chosen.epochs)
                    results.add(name, seed, cell)
                    shown = {key: value for key, value in cell.items() if key != "right"}
                    print(label, seed, name, json.dumps(shown), flush=True)


def flags_of(
    text: str, arguments: list[str] | None, *, choices: Sequence[Choice], sets: Mapping[str, Set]
) -> argparse.Namespace:
    """Read the command line.

    Args:
        text: What the command does.
        arguments: Those of the command line where left out.
        choices: All there are.
        sets: All data sets by their names.

    Returns:
        Choices, data sets, seeds, threads, and the rows and passes of a trial.
    """
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [choice.name for choice in choices]
    parser.add_argument("--only", nargs="+", default=names, choices=names, metavar="CHOICE")
    parser.add_argument("--sets", nargs="+", default=list(sets), choices=list(sets), metavar="SET")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--rows", type=int, help="train rows at most: a trial, which writes to scratch/ only")
    parser.add_argument("--epochs", type=float, help="passes of the default: a trial")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Measure what is missing, compare, print.

    Args:
        arguments: Those of the command line where left out.
    """
    flags = flags_of(__doc__ or "", arguments, choices=CHOICES, sets=SETS)
    scratch = HERE / "scratch"
    scratch.mkdir(exist_ok=True)
    is_trial = flags.rows is not None or flags.epochs is not None
    folder, readme = (scratch, scratch / README.name) if is_trial else (HERE / "results", README)
    folder.mkdir(exist_ok=True)
    if is_trial:
        shutil.copy(README, readme)
    measure_all(flags, folder, scratch, choices=CHOICES, sets=SETS)
    print(markdown(write_table(folder, readme)))


if __name__ == "__main__":
    main()
