"""What training and answering cost by number of rows and by length of text; writes results/DATASET.json.

python -m benchmarks.scaling.run [DATASET] [--only STEP …] [--rows 1000 …] [--tokens 16 …]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cells import Results, places, put_table, read_results
from benchmarks.fresh import Finished, module_command, run_fresh
from benchmarks.provenance import available_cores, provenance, told
from benchmarks.rows import find_dataset
from benchmarks.scaling.files import counter, write_lengths, write_rows
from benchmarks.scaling.fit import COLOURS, draw, markdown
from benchmarks.train_time.peers import base_model_folder

README = Path(__file__).resolve().with_name("README.md")
PACKAGES = ("tunesmith", "torch", "tokenizers", "numpy")
DATASETS = ("sst2_glue", "clinc150", "banking77")
ROWS = (1_000, 3_000, 10_000, 30_000, 100_000)
TOKENS = (16, 64, 256, 512, 1024, 2048)
ROWS_OF_A_LENGTH = 120
EPOCHS = 0.3
"""Of fine-tuning: its cost is that of its passes, and a part of one tells what a pass costs."""


@dataclass(frozen=True)
class Bench:
    """Steps in processes of their own."""

    train: Path
    scratch: Path
    threads: int
    n_rows: int
    """Texts of each length."""

    def file(self, by: str, size: int) -> Path:
        """Write a file of a size.

        Args:
            by: ``rows`` or ``tokens``.
            size: How many.

        Returns:
            The file.
        """
        out = self.scratch / f"{by}-{size}.csv"
        if by == "rows":
            return write_rows(self.train, out, size)
        tokenizer = counter(base_model_folder())
        return write_lengths(self.train, out, tokenizer=tokenizer, n_rows=self.n_rows, n_tokens=size)

    def measured(self, step: str, by: str, size: int) -> dict[str, Any]:
        """Run one step on one file.

        Args:
            step: ``probe``, ``finetune`` or ``predict``.
            by: ``rows`` or ``tokens``.
            size: How many.

        Returns:
            What it took, above what is there without a row.
        """
        load = round(os.getloadavg()[0], 2)
        file = self.file(by, size)
        found = self._predict(file) if step == "predict" else self._step(step, file)
        return {**found, "load_before": load}

    def _step(self, rung: str, file: Path) -> dict[str, Any]:
        flags = {"train": file, "out": self.scratch / "climb", "rung": rung, "epochs": EPOCHS, "threads": self.threads}
        ended = run_fresh(module_command("scaling.step", **flags), threads=self.threads, log=self.scratch / "step.log")
        found: dict[str, Any] = json.loads(ended.output.splitlines()[-1])
        return found

    def _predict(self, file: Path) -> dict[str, Any]:
        model = self.scratch / "probe.model"
        if not model.is_dir():
            rows = write_rows(self.train, self.scratch / "learnt.csv", 1_000)
            self._tunesmith("train", rows, "--rungs", "probe", "--out", model, "--offline", "--budget", "none")
        one = self._tunesmith("predict", model, "--text", "well", "--out", self.scratch / "one.csv")
        ended = self._tunesmith("predict", model, file, "--column", "text", "--out", self.scratch / "answers.csv")
        return {
            "cpu_s": round(max(ended.cpu_s - one.cpu_s, 1e-3), 3),
            "above_mib": round(max(ended.peak_mib - one.peak_mib, 0.0), 1),
            "peak_mib": round(ended.peak_mib, 1),
        }

    def _tunesmith(self, *arguments: str | Path) -> Finished:
        program = Path(sys.executable).with_name("tunesmith")
        command = [str(program), *map(str, arguments), "--quiet", "--threads", str(self.threads)]
        return run_fresh(command, threads=self.threads, log=self.scratch / "tunesmith.log")


def keys(flags: argparse.Namespace) -> Iterator[tuple[str, str, int]]:
    """List the cells, the small sizes of all steps first.

    Args:
        flags: Steps, rows, lengths.

    Yields:
        Step, ``rows`` or ``tokens``, and the size.
    """
    for by, sizes in (("rows", flags.rows), ("tokens", flags.tokens)):
        for size in sorted(sizes):
            yield from ((step, by, size) for step in flags.only)


def write_table(folder: Path, readme: Path) -> str:
    """Put the tables of what has been measured into the text about it, and draw the plots.

    Args:
        folder: Holds the cells.
        readme: Has a place for the tables.

    Returns:
        The tables.
    """
    wholes = read_results(folder, DATASETS)
    parts = [f"{name}:\n\n{markdown(whole)}\n\n{told(whole)}" for name, whole in wholes.items()]
    for name, whole in wholes.items():
        draw(whole, folder / f"{name}.svg")
    put_table(readme, "\n\n".join(parts))
    return "\n\n".join(parts)


def main(arguments: list[str] | None = None) -> None:
    """Measure what is missing, fit, print.

    Args:
        arguments: Those of the command line where left out.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", nargs="?", default=DATASETS[0], choices=DATASETS)
    parser.add_argument("--only", nargs="+", default=list(COLOURS), choices=list(COLOURS), metavar="STEP")
    parser.add_argument("--rows", type=int, nargs="*", default=list(ROWS))
    parser.add_argument("--tokens", type=int, nargs="*", default=list(TOKENS))
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--limit", type=int, help="texts of each length: a trial, which writes to scratch/ only")
    flags = parser.parse_args(arguments)
    folder, readme, scratch = places(README, is_trial=flags.limit is not None)
    (scratch / "files").mkdir(exist_ok=True)
    bench = Bench(find_dataset(flags.dataset).train, scratch / "files", flags.threads, flags.limit or ROWS_OF_A_LENGTH)
    where = {"dataset": flags.dataset, **provenance("scaling", threads=flags.threads, packages=PACKAGES)}
    results = Results(folder / f"{flags.dataset}.json", where)
    for step, by, size in keys(flags):
        key = f"{step}/{by}/{size}"
        if not results.has(key):
            results.add(key, bench.measured(step, by, size))
            print(key, json.dumps(results.whole["cells"][key]), flush=True)
    print(write_table(folder, readme))


if __name__ == "__main__":
    main()
