"""How fast answers come: the first one, and many; writes results/predict.json.

python -m benchmarks.predict.run
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import statistics
import sys
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.fresh import Finished, module_command, run_fresh
from benchmarks.provenance import available_cores, provenance
from benchmarks.rows import find_dataset, read_rows

HERE = Path(__file__).resolve().parent
PACKAGES = ("tunesmith", "torch", "tokenizers", "numpy")
SOURCES = ("banking77", "clinc150", "sst2_glue", "bitext_support", "sms_spam")
N_COLD = 7


class Machine:
    """Fresh processes on this machine.

    Args:
        scratch: Where models, files and logs go.
        threads: To compute with.
    """

    def __init__(self, scratch: Path, *, threads: int) -> None:
        self.scratch = scratch
        self.threads = threads
        self.model = scratch / "model"

    def tunesmith(self, *arguments: str | Path) -> Finished:
        """Run a command of tunesmith."""
        program = Path(sys.executable).with_name("tunesmith")
        return run_fresh([str(program), *map(str, arguments)], threads=self.threads, log=self.scratch / "tunesmith.log")

    def cold_seconds(self, *arguments: str | Path) -> dict[str, float]:
        """Time a command again and again, the first time unseen.

        Returns:
            The median and the fastest of the seconds.
        """
        self.tunesmith(*arguments)
        seconds = [self.tunesmith(*arguments).seconds for _ in range(N_COLD)]
        return {"median_s": round(statistics.median(seconds), 3), "fastest_s": round(min(seconds), 3)}

    def bare(self, texts: Path) -> dict[str, float]:
        """Run the engine alone over texts."""
        command = module_command("predict.bare", model=self.model, texts=texts, threads=self.threads)
        measured: dict[str, float] = json.loads(
            run_fresh(command, threads=self.threads, log=self.scratch / "bare.log").output
        )
        return measured


def write_texts(path: Path, n_texts: int) -> int:
    """Write short texts of several files in a shuffled order.

    Args:
        path: The file to write, with the columns ``text`` and ``label``.
        n_texts: How many at most.

    Returns:
        How many.
    """
    all_texts = (text for name in SOURCES for text in read_rows(find_dataset(name).train).texts)
    texts = list(islice(all_texts, n_texts))
    random.Random(0).shuffle(texts)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows((text, "") for text in texts)
    return len(texts)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--threads", type=int, default=available_cores())
    flags = parser.parse_args()
    scratch = HERE / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    machine = Machine(scratch, threads=flags.threads)
    threads = ["--threads", str(flags.threads)]
    texts, answers = scratch / "texts.csv", scratch / "answers.csv"
    n_texts = write_texts(texts, flags.texts)
    train = find_dataset(SOURCES[0]).train
    machine.tunesmith("train", train, "--rungs", "probe", "--out", machine.model, "--offline", "-q", *threads)

    load = os.getloadavg()[0]
    before = machine.bare(texts)
    whole = machine.tunesmith("predict", machine.model, texts, "--column", "text", "--out", answers, "-q", *threads)
    after = machine.bare(texts)
    bare = statistics.mean([before["texts_per_second"], after["texts_per_second"]])
    result: dict[str, Any] = {
        **provenance("predict", threads=flags.threads, packages=PACKAGES),
        "load_before": load,
        "help": machine.cold_seconds("--help"),
        "one_text": machine.cold_seconds("predict", machine.model, "--text", "where is my parcel?"),
        "texts": n_texts,
        "tokens": before["tokens"],
        "bare_texts_per_second": [round(run["texts_per_second"], 1) for run in (before, after)],
        "predict_texts_per_second": round(n_texts / whole.seconds, 1),
        "predict_seconds": round(whole.seconds, 2),
        "predict_peak_mib": round(whole.peak_mib, 1),
        "share_of_bare_rate": round(n_texts / whole.seconds / bare, 4),
    }
    print(json.dumps(result, indent=1))
    folder = HERE / "results" if n_texts == 100_000 else scratch
    folder.mkdir(exist_ok=True)
    (folder / "predict.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
