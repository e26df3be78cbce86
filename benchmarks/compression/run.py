"""What each technique of compression loses and saves, on test rows that chose nothing; writes results/SET.json.

python -m benchmarks.compression.run [--sets SET …] [--rungs RUNG …]
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.cells import Results, cells_of, origin_of, places, put_table, read_results
from benchmarks.compression.plot import draw
from benchmarks.fresh import run_fresh
from benchmarks.provenance import available_cores, provenance, told
from benchmarks.rows import find_dataset, write_part

README = Path(__file__).resolve().with_name("README.md")
PACKAGES = ("tunesmith", "torch", "tokenizers", "numpy")
SETS = ("banking77", "clinc150", "sst2_glue", "financial_phrasebank")
RUNGS = ("probe", "finetune")
NARROW: Mapping[str, str] = {"narrow": "student", "narrow+pruned+int8": "student+pruned+int8"}
"""Techniques whose student has half the width and all layers, and what they are called on the command line."""
CHAINS = ("student+int8", "student+pruned+int8", *NARROW)
"""Techniques one after the other that are measured beside each alone."""
ANYTHING = "100"
"""Points that a technique may lose here: the benchmark is to tell what is lost, not to refuse."""
TECHNIQUES = ("int8", "cascade", "static", "student", "pruned", "student+int8", "student+pruned+int8", "auto")
HOW: Mapping[str, tuple[str, ...]] = {
    "cascade": ("--set", "technique.cascade.changed=1.0"),
    "auto": ("--max-loss", "0.5", "--budget", "30m"),
    **dict.fromkeys(NARROW, ("--set", "technique.student.width=192")),
}
"""What a technique is told beside that: what may be lost tunes a cascade and a search, and here it is 0.5 points."""
_PLACES = ("out", "parent")
"""Of ``compress --json``: where the models lay on the machine that measured."""


class Bench:
    """Commands of tunesmith in processes of their own.

    Args:
        scratch: Where models and logs go.
        threads: To compute with.
        limit: Rows of each file at most; None for all.
    """

    def __init__(self, scratch: Path, *, threads: int, limit: int | None) -> None:
        self._scratch = scratch
        self._threads = threads
        self._limit = limit

    def measured(self, label: str, rung: str, to: str) -> dict[str, Any]:
        """Train, compress, and hold both models to the test rows.

        Args:
            label: Name of the data set.
            rung: What is trained.
            to: The technique, or a chain of them.

        Returns:
            What ``compress`` told, and of the test rows the accuracy of both, what is gained and how often both agree.
        """
        train, test = (self._head(path) for path in (find_dataset(label).train, find_dataset(label).test))
        parent, small = self._scratch / f"{label}-{rung}.model", self._scratch / f"{label}-{rung}-{to}.model"
        if not parent.is_dir():
            rungs = ["--rungs", "probe" if rung == "probe" else f"probe,{rung}", "--set", "ladder.min_gain=0.0"]
            self._tunesmith("train", train, "--out", parent, *rungs, "--budget", "none", "--offline", "-q", "--force")
        shutil.rmtree(small, ignore_errors=True)
        how: list[str | Path] = [
            "--data",
            train,
            "--to",
            NARROW.get(to, to),
            "--out",
            small,
            "--max-loss",
            ANYTHING,
            "--json",
            "-q",
            *HOW.get(to, ()),
        ]
        compressed = json.loads(self._tunesmith("compress", parent, *how))
        compared = json.loads(self._tunesmith("compare", parent, small, test, "--json", "-q"))
        (other,) = compared["models"]
        name = next(iter(other["gains"]))
        return {
            "kept": json.loads((parent / "tunesmith.json").read_text("utf-8"))["rung"],
            "compress": {key: value for key, value in compressed.items() if key not in _PLACES},
            "test": {
                "rows": compared["rows"],
                "figure": name,
                "before": compared["reference"]["figures"][name],
                "after": other["figures"][name],
                "gain": other["gains"][name],
                "agreement": other["agreement"],
            },
        }

    def _head(self, path: Path) -> Path:
        if self._limit is None:
            return path
        return write_part(path, self._scratch / f"{path.parent.name}-{path.name}", n_rows=self._limit)

    def _tunesmith(self, command: str, *arguments: str | Path) -> str:
        program = Path(sys.executable).with_name("tunesmith")
        line = [str(program), command, *map(str, arguments), "--threads", str(self._threads)]
        return run_fresh(line, threads=self._threads, log=self._scratch / "tunesmith.log").output


def markdown(wholes: Mapping[str, Mapping[str, Any]]) -> str:
    """Lay the cells out.

    Args:
        wholes: Results of each data set.

    Returns:
        A Markdown table.
    """
    lines = [
        "| data | model | technique | size, MiB | of it | on test rows | gained, points | the same answer "
        "| texts a second | one text, ms | memory, MiB |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for label, whole in wholes.items():
        for key, cell in cells_of(whole).items():
            rung, to = key.split("/")
            lines.append(f"| {label} | `{rung}` | `{to}` | {_told(cell)} |")
    return "\n".join(lines)


def _told(cell: Mapping[str, Any]) -> str:
    before, after, test = cell["compress"]["before"], cell["compress"]["after"], cell["test"]
    gain, figure = test["gain"], test["after"]
    points = f"{100 * gain['value']:+.2f} ({100 * gain['low']:+.2f} to {100 * gain['high']:+.2f})"
    between = f"{100 * figure['low']:.1f} to {100 * figure['high']:.1f}"
    memory = [part["memory_mib"] for part in (before, after)]
    return " | ".join(
        [
            f"{after['size_mib']:.1f}",
            f"{100 * after['size_mib'] / before['size_mib']:.1f} %",
            f"{100 * figure['value']:.1f} % ({between})",
            points,
            f"{100 * test['agreement']['value']:.1f} %",
            f"{before['texts_per_second']:.0f} to {after['texts_per_second']:.0f}",
            f"{before['latency_ms']['p50']:.2f} to {after['latency_ms']['p50']:.2f}",
            "" if None in memory else f"{memory[0]:.0f} to {memory[1]:.0f}",
        ]
    )


def write_table(folder: Path, readme: Path) -> str:
    """Put the table of what has been measured into the text about it, and draw the plots.

    Args:
        folder: Holds the cells.
        readme: Has a place for the table.

    Returns:
        The table.
    """
    wholes = read_results(folder, list(SETS))
    table = markdown(wholes)
    for label, whole in wholes.items():
        draw(whole, label, folder / f"{label}.svg")
    put_table(readme, f"{table}\n\n{told(origin_of(wholes))}")
    return table


def main(arguments: list[str] | None = None) -> None:
    """Measure what is missing, print.

    Args:
        arguments: Those of the command line where left out.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS, metavar="SET")
    parser.add_argument("--rungs", nargs="+", default=list(RUNGS), choices=RUNGS, metavar="RUNG")
    every = [*TECHNIQUES, *CHAINS]
    parser.add_argument("--to", nargs="+", default=every, choices=every, metavar="TECHNIQUE")
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--limit", type=int, help="rows of each file at most: a trial, which writes to scratch/ only")
    flags = parser.parse_args(arguments)
    folder, readme, scratch = places(README, is_trial=flags.limit is not None)
    bench = Bench(scratch, threads=flags.threads, limit=flags.limit)
    where = provenance(scratch.parent.name, threads=flags.threads, packages=PACKAGES)
    for label in flags.sets:
        results = Results(folder / f"{label}.json", where)
        for key in (f"{rung}/{to}" for rung in flags.rungs for to in flags.to):
            if not results.has(key):
                results.add(key, bench.measured(label, *key.split("/")))
    print(write_table(folder, readme))


if __name__ == "__main__":
    main()
