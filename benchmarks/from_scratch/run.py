"""Networks trained from scratch: how long, how good, and what word vectors of the base are worth to them.

python -m benchmarks.from_scratch.run [--only all sst2_glue/lstm/random …]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.cells import Results, origin_of, places, put_table, read_results
from benchmarks.fresh import run_fresh
from benchmarks.provenance import available_cores, provenance, told
from benchmarks.rows import find_dataset

README = Path(__file__).resolve().with_name("README.md")
PACKAGES = ("tunesmith", "torch", "tokenizers", "numpy")
NETWORKS = ("cnn", "rnn", "gru", "lstm", "transformer")
EMBEDDINGS = ("random", "base")

EVERY_RUNG = "banking77/all"
"""The whole ladder, networks among it, in twenty minutes; it is drawn too."""
LANGUAGES = ("en", "zh")
BUDGET = "20m"
QUICK = tuple(f"sst2_glue/{name}/random" for name in ("cnn", "gru", "lstm"))
"""What is to take five minutes at most: all 67,349 rows."""
CELLS = (
    EVERY_RUNG,
    *QUICK,
    *(f"banking77/{name}/{embeddings}" for name in NETWORKS for embeddings in EMBEDDINGS),
    *(f"sst2_glue/{name}/base" for name in ("cnn", "gru", "lstm")),
)

_MUST_AGREE = ("threads", "versions")
"""Not the machine: a limit in minutes holds on any, and vectors are compared on one."""


def results_of(cell: str) -> str:
    """Name the file that holds a cell: the whole ladder has one of its own, with its own threads and machine.

    Args:
        cell: Its name.

    Returns:
        The file's name.
    """
    return "ladder.json" if cell == EVERY_RUNG else "networks.json"


def command_of(cell: str, out: Path, *, threads: int) -> list[str]:
    """Build the command that gives a cell.

    Args:
        cell: Its name.
        out: Where the model goes.
        threads: To compute with.

    Returns:
        The command.
    """
    dataset, rung, *embeddings = cell.split("/")
    data = find_dataset(dataset)
    flags = ["--rungs", rung, "--budget", BUDGET if rung == "all" else "none"]
    flags += [part for value in embeddings for part in ("--set", f"rung.{rung}.embeddings={value}")]
    files = [str(data.train), "--text", "text", "--label", "label", "--test", str(data.test), "--out", str(out)]
    program = str(Path(sys.executable).with_name("tunesmith"))
    return [program, "train", *files, *flags, "--offline", "--json", "--quiet", "--force", "--threads", str(threads)]


def measured(cell: str, scratch: Path, *, threads: int) -> dict[str, Any]:
    """Train in a process of its own.

    Args:
        cell: What is trained.
        scratch: Folder to write to.
        threads: To compute with.

    Returns:
        Seconds of the process, its peak memory, the figures of the test rows, and what each rung took and reached.
    """
    load = os.getloadavg()[0]
    done = run_fresh(
        command_of(cell, scratch / "model", threads=threads), threads=threads, log=scratch / "tunesmith.log"
    )
    report = json.loads(done.output)
    return {
        "seconds": round(done.seconds, 1),
        "cpu_s": round(done.cpu_s, 1),
        "load_before": round(load, 2),
        "kept": report["kept"],
        "stopped_because": report["stopped_because"],
        "test": report["test"]["accuracy"],
        "rungs": [
            {
                **{key: rung[key] for key in ("name", "seconds", "peak_mib", "tflop")},
                "validation": rung["validation"]["accuracy"],
            }
            for rung in report["rungs"]
        ],
    }


def draw(model: Path, folder: Path) -> None:
    """Draw what each rung reached against what it cost.

    Args:
        model: What the whole ladder wrote.
        folder: The pictures go there, one in English and one in Chinese.
    """
    program = str(Path(sys.executable).with_name("tunesmith"))
    for language in LANGUAGES:
        picture = str(folder / f"{EVERY_RUNG.replace('/', '-')}.{language}.svg")
        command = [program, "compare", str(model), "--plot", picture, "--language", language, "--quiet"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def markdown(networks: Mapping[str, Mapping[str, Any]]) -> str:
    """Lay out what each network gave by itself.

    Args:
        networks: Cell to figures.

    Returns:
        A Markdown table.
    """
    lines = [
        "| trained alone | random vectors | seconds | vectors of the base | seconds |",
        "|---|---:|---:|---:|---:|",
    ]
    for dataset in ("sst2_glue", "banking77"):
        for name in NETWORKS:
            found = [networks.get(f"{dataset}/{name}/{embeddings}") for embeddings in EMBEDDINGS]
            if any(found):
                shown = [f"{_share(cell['test'])} | {cell['seconds']:.0f}" if cell else " | " for cell in found]
                lines.append(f"| {dataset}, `{name}` | {' | '.join(shown)} |")
    return "\n".join(lines)


def ladder_markdown(ladder: Mapping[str, Any]) -> str:
    """Lay out the whole ladder.

    Args:
        ladder: Its figures.

    Returns:
        What was kept, and a Markdown table with a line a rung.
    """
    kept = f"kept: `{ladder['kept']}`, test {_share(ladder['test'])}; {ladder['seconds']:.0f} s in all"
    lines = [f"`--rungs all --budget {BUDGET}` on banking77 ({kept}):", ""]
    lines += ["| rung | validation | seconds | TFLOP | MiB |", "|---|---:|---:|---:|---:|"]
    lines += [
        f"| `{rung['name']}` | {_share(rung['validation'])} | {rung['seconds']:.0f} | {rung['tflop']:.1f} "
        f"| {rung['peak_mib']:.0f} |"
        for rung in ladder["rungs"]
    ]
    return "\n".join(lines)


def write_table(folder: Path, readme: Path) -> str:
    """Put what has been measured into the text about it.

    Args:
        folder: Holds the results.
        readme: Has a place for the tables.

    Returns:
        The tables, each with the machine that gave it.
    """
    parts = []
    for name in ("networks", "ladder"):
        for whole in read_results(folder, [name]).values():
            cells = whole["cells"]
            table = markdown(cells) if name == "networks" else ladder_markdown(cells[EVERY_RUNG])
            parts.append(f"{table}\n\n{told(origin_of({name: whole}))}")
    put_table(readme, "\n\n".join(parts))
    return "\n\n".join(parts)


def _share(interval: Mapping[str, float]) -> str:
    return "{:.1f} % ({:.1f} to {:.1f})".format(*(100 * interval[end] for end in ("value", "low", "high")))


def main(arguments: list[str] | None = None) -> None:
    """Measure what is missing and put the tables into the text.

    Args:
        arguments: Those of the command line where left out.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=list(CELLS), choices=CELLS, metavar="CELL")
    parser.add_argument("--threads", type=int, help="every core for the whole ladder, one for a network, unless given")
    flags = parser.parse_args(arguments)
    folder, readme, scratch = places(README, is_trial=False)
    for cell in flags.only:
        threads = flags.threads or (available_cores() if cell == EVERY_RUNG else 1)
        here = provenance("from_scratch", threads=threads, packages=PACKAGES)
        results = Results(folder / results_of(cell), here, must_agree=_MUST_AGREE)
        if not results.has(cell):
            found = {**measured(cell, scratch, threads=threads), "cpu": here["machine"]["cpu"]}
            results.add(cell, found)
            print(cell, json.dumps(found), flush=True)
            if cell == EVERY_RUNG:
                draw(scratch / "model", folder)
    print(write_table(folder, readme))


if __name__ == "__main__":
    main()
