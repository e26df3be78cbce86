"""What each choice of training is worth: ``finetune`` with one of them changed at a time; writes results/SET.json.

python -m benchmarks.training_choices.run [--only CHOICE …] [--sets SET …] [--seeds 3]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.cells import Results, cells_of, cpu_of, origin_of, places, put_table, read_results
from benchmarks.provenance import available_cores, provenance, told
from benchmarks.training_choices.cell import measured_alone
from benchmarks.training_choices.choices import CHOICES, Choice
from benchmarks.training_choices.compare import compared, markdown
from benchmarks.training_choices.sets import SETS, Set, files_of

README = Path(__file__).resolve().with_name("README.md")
PACKAGES = ("tunesmith", "torch", "tokenizers", "numpy")
TABLE = "table.json"
_MUST_AGREE = ("threads", "versions")
"""Not the machine: accuracy is of the rows, and what costs are compared are of one machine."""


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
        "sets": list(SETS),
        "choices": compared({name: cells_of(wholes[name]) if name in wholes else {} for name in SETS}),
    }
    (folder / TABLE).write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    put_table(readme, f"{markdown(table)}\n\n{told(table)}")
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
    names = [default, *(name for name in flags.only if name != default and not named[name].is_dropped)]
    for seed in range(flags.seeds):
        for label in flags.sets:
            chosen = sets[label]
            results = Results(folder / f"{label}.json", where, must_agree=_MUST_AGREE)
            missing = [name for name in names if not results.has(f"{name}/{seed}")]
            if not missing:
                continue
            cpu = where["machine"]["cpu"]
            if results.has(f"{default}/{seed}") and not is_held_to(cpu, results.whole, default):
                print(label, seed, "was begun on another machine: left as it is", flush=True)
                continue
            train, test = files_of(chosen, scratch, n_rows=flags.rows)
            for name in missing:
                cell = measured_alone(
                    train,
                    test,
                    scratch / label,
                    choice=named[name],
                    seed=seed,
                    threads=flags.threads,
                    epochs=flags.epochs or chosen.epochs,
                )
                results.add(f"{name}/{seed}", {**cell, "cpu": cpu})
                shown = {key: value for key, value in cell.items() if key != "right"}
                print(label, seed, name, json.dumps(shown), flush=True)


def is_held_to(cpu: str, whole: Mapping[str, Any], default: str) -> bool:
    """Tell whether what is measured here has the default's costs of the same machine to be held to.

    Args:
        cpu: The processor of this machine.
        whole: Results of one data set.
        default: Name of the choice that the others are held to.

    Returns:
        Whether any seed of the default was measured here.
    """
    return any(key.startswith(f"{default}/") and cpu_of(whole, key) == cpu for key in whole["cells"])


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
    folder, readme, scratch = places(README, is_trial=flags.rows is not None or flags.epochs is not None)
    measure_all(flags, folder, scratch, choices=CHOICES, sets=SETS)
    print(markdown(write_table(folder, readme)))


if __name__ == "__main__":
    main()
