"""A process that has loaded one model and answers questions, one line of JSON each, until there are no more.

python -m benchmarks.inference.worker --job JSON
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from benchmarks.fresh import current_mib
from benchmarks.inference.engines import Answerer, Batching, Sources, engine, loaded


@dataclass(frozen=True)
class Job:
    """What a process is to load, and which texts it will be asked about."""

    engine: str
    variant: str
    made: str
    checkpoint: str
    train: str
    threads: int
    texts: str
    """A file of JSON: of each set ``all``, ``many`` and ``tune``."""
    imports: tuple[str, ...]

    @property
    def sources(self) -> Sources:
        """What the model was made from."""
        return Sources(Path(self.checkpoint), Path(self.train), self.threads)

    def load(self, batching: Batching) -> Answerer:
        """Load the model."""
        return loaded(self.engine, self.variant, Path(self.made), sources=self.sources, batching=batching)


def peak_mib() -> float:
    """Read the most memory that this process has held; unlike ``ru_maxrss`` not what its parent held before.

    Returns:
        MiB; what is held now where the system does not tell.
    """
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    peak = next((line for line in lines if line.startswith("VmHWM:")), None)
    return current_mib() if peak is None else int(peak.split()[1]) / 1024


def timed(act: Callable[[], object]) -> tuple[float, float]:
    """Do something.

    Args:
        act: What.

    Returns:
        Seconds of the clock and of the processors, which also count threads that only wait by spinning.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - wall, time.process_time() - cpu


def tuned(job: Job, texts: list[str], batchings: list[Batching]) -> dict[str, Any]:
    """Find the batching that answers some texts fastest.

    Args:
        job: What is loaded.
        texts: To try it on.
        batchings: Which.

    Returns:
        The best, and seconds of each.
    """
    seconds = []
    model = job.load(batchings[0])
    for batching in batchings:
        model.batching = batching
        model.answers(texts)
        seconds.append(timed(lambda: model.answers(texts))[1])
    best = batchings[seconds.index(min(seconds))]
    return {"size": best.size, "equal": best.equal, "seconds": [round(each, 4) for each in seconds]}


class Desk:
    """Answers questions about one loaded model.

    Args:
        job: What is loaded.
        batching: How texts are put together.
    """

    def __init__(self, job: Job, batching: Batching) -> None:
        self._texts = json.loads(Path(job.texts).read_text("utf-8"))
        engine(job.engine)
        for name in job.imports:
            importlib.import_module(name)
        self._libraries_mib = current_mib()
        self._model = job.load(batching)

    def whole(self, name: str) -> dict[str, Any]:
        """Answer all texts of a set once.

        Returns:
            The answers, and memory at its highest above the libraries.
        """
        answers = self._model.answers(self._texts[name]["all"])
        memory = peak_mib() - self._libraries_mib
        told = {"libraries_mib": self._libraries_mib, "memory_mib": memory}
        return {"answers": answers, **{key: round(value, 1) for key, value in told.items()}}

    def round(self, name: str, first: int, n_single: int) -> dict[str, Any]:
        """Answer many texts at once, and some one by one.

        Returns:
            Seconds of the many and milliseconds of a single one, median and 95th percentile; by the clock, then of the
            processors.
        """
        many = self._texts[name]["many"]
        wall, cpu = timed(lambda: self._model.answers(many))
        chosen = [many[(first + number) % len(many)] for number in range(n_single)]
        self._model.answers(chosen[:1])
        singles = [timed(lambda text=text: self._model.answers([text])) for text in chosen]  # type: ignore[misc]
        return {
            "many_s": [round(wall, 5), round(cpu, 5)],
            "one_ms": [quantiles(each) for each in zip(*singles, strict=True)],
        }


def quantiles(seconds: Sequence[float]) -> list[float]:
    """Sum up how long single texts took.

    Args:
        seconds: Of each.

    Returns:
        Median and 95th percentile, in milliseconds.

    Example:
        >>> quantiles([0.001, 0.002, 0.003])
        [2.0, 3.0]
    """
    ordered = sorted(seconds)
    return [round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 4) for share in (0.5, 0.95)]


def questions(lines: TextIO) -> Iterator[dict[str, Any]]:
    """Read questions until there are no more.

    Args:
        lines: One a line.

    Yields:
        ``ask`` and what belongs to it.
    """
    for line in lines:
        yield json.loads(line)


def main() -> None:
    """Answer; what libraries print goes to the standard error, so that it is in nobody's way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--job", type=json.loads, required=True)
    job = Job(**parser.parse_args().job)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    desk: Desk | None = None
    for question in questions(sys.stdin):
        ask = question.pop("ask")
        told: dict[str, Any] = {}
        if ask == "tune":
            texts = json.loads(Path(job.texts).read_text("utf-8"))[question["name"]]["tune"]
            told = tuned(job, texts, [Batching(**each) for each in question["batchings"]])
        elif ask == "open":
            desk = Desk(job, Batching(**question["batching"]))
        elif desk is not None:
            told = getattr(desk, ask)(**question)
        answers.write(json.dumps(told) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
