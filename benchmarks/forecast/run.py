"""Whether what ``train --dry-run`` foresees comes true, on ten data sets; writes results/forecasts.json.

python -m benchmarks.forecast.run [--only CELL …]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cells import Results, cells_of, origin_of, places, put_table, read_results
from benchmarks.fresh import run_fresh
from benchmarks.provenance import available_cores, provenance, told
from benchmarks.rows import data_folder

README = Path(__file__).resolve().with_name("README.md")
PACKAGES = ("tunesmith", "torch", "tokenizers", "numpy")
NAME = "forecasts"
WANTED = 8
"""Of ten forecasts that hold the truth."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A file and how it is trained on."""

    file: str
    """Below the folder of real data."""
    columns: tuple[str, ...] = ()
    how: tuple[str, ...] = ("--budget", "5m")


CELLS: Mapping[str, Cell] = {
    "banking77": Cell("banking77/train.csv"),
    "clinc150": Cell("clinc150/train.csv"),
    "financial_phrasebank": Cell("financial_phrasebank/train.csv"),
    "sms_spam": Cell("sms_spam/train.csv"),
    "bitext_support": Cell("bitext_support/train.csv", ("--text", "text", "--label", "label")),
    "emoji_image_text": Cell("emoji_image_text/train.csv", ("--text", "text", "--label", "label")),
    "covid_faq": Cell("covid_faq/faq.csv", ("--text", "question", "--label", "category", "--drop-unlabelled")),
    "stsb": Cell("stsb/train.csv", ("--text", "text_a", "--pair", "text_b", "--label", "score")),
    "chnsenticorp": Cell("chnsenticorp/train.csv", how=("--rungs", "linear,probe")),
    "sst2_glue": Cell("sst2_glue/train.csv", how=("--budget", "15m")),
}


def command_of(cell: Cell, *, threads: int) -> list[str]:
    """Build the command that trains on a file.

    Args:
        cell: The file.
        threads: To compute with.

    Returns:
        Program and arguments, without the place to write to.
    """
    program = str(Path(sys.executable).with_name("tunesmith"))
    asked = [*cell.columns, *cell.how, "--threads", str(threads), "--offline", "--json", "-q"]
    return [program, "train", str(data_folder() / cell.file), *asked]


def measured(cell: Cell, scratch: Path, *, threads: int) -> dict[str, Any]:
    """Let a run be foreseen, then run it.

    Args:
        cell: The file.
        scratch: Where the model goes.
        threads: To compute with.

    Returns:
        What was foreseen, and what the process took.
    """
    command, log = command_of(cell, threads=threads), scratch / "tunesmith.log"
    load = os.getloadavg()[0]
    foreseen = json.loads(run_fresh([*command, "--dry-run"], threads=threads, log=log).output)["forecast"]
    whole = [*command, "--out", str(scratch / "model"), "--force"]
    done = run_fresh(whole, threads=threads, log=log)
    return {
        "how": " ".join(cell.how),
        "load_before": load,
        "forecast": foreseen,
        "seconds": round(done.seconds, 1),
        "peak_mib": round(done.peak_mib),
        "stopped_because": json.loads(done.output)["stopped_because"],
    }


def holds(cell: Mapping[str, Any], figure: str) -> bool:
    """Tell whether a figure lies within what was foreseen.

    Args:
        cell: As measured.
        figure: ``seconds`` or ``peak_mib``.

    Returns:
        Whether it does.
    """
    foreseen = cell["forecast"][figure]
    return bool(foreseen["low"] <= cell[figure] <= foreseen["high"])


def markdown(cells: Mapping[str, Mapping[str, Any]]) -> str:
    """Lay the cells out, and count the forecasts that held.

    Args:
        cells: By data set.

    Returns:
        A Markdown table with a sentence.
    """
    lines = [
        "| data | run | foreseen | took | ended by | within: time | memory |",
        "|---|---|---|---:|---|---|---|",
    ]
    for name, cell in cells.items():
        within = " | ".join("yes" if holds(cell, figure) else "**no**" for figure in ("seconds", "peak_mib"))
        took = f"{cell['seconds']:.0f} s, {cell['peak_mib'] * 2**20 / 1e9:.2f} GB"
        lines.append(
            f"| {name} | `{cell['how']}` | {cell['forecast']['told']} | {took} | {cell['stopped_because']} | {within} |"
        )
    kept = {figure: sum(holds(cell, figure) for cell in cells.values()) for figure in ("seconds", "peak_mib")}
    lines += ["", f"Within: time {kept['seconds']} of {len(cells)}, memory {kept['peak_mib']} of {len(cells)}."]
    return "\n".join(lines)


def write_table(folder: Path, readme: Path) -> str:
    """Put the table of what has been measured into the text about it.

    Args:
        folder: Holds the cells.
        readme: Has a place for the table.

    Returns:
        The table.
    """
    wholes = read_results(folder, [NAME])
    table = markdown(cells_of(wholes[NAME]))
    put_table(readme, f"{table}\n\n{told(origin_of(wholes))}")
    return table


def main(arguments: list[str] | None = None) -> None:
    """Measure what is missing, print.

    Args:
        arguments: Those of the command line where left out.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=list(CELLS), choices=CELLS, metavar="CELL")
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--trial", action="store_true", help="write to scratch/ only")
    flags = parser.parse_args(arguments)
    folder, readme, scratch = places(README, is_trial=flags.trial)
    where = provenance(scratch.parent.name, threads=flags.threads, packages=PACKAGES)
    results = Results(folder / f"{NAME}.json", where)
    for name in flags.only:
        if not results.has(name):
            results.add(name, measured(CELLS[name], scratch, threads=flags.threads))
    print(write_table(folder, readme))


if __name__ == "__main__":
    main()
