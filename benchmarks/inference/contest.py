"""All runners on the same texts: each in a process of its own that stays open, asked in turns, one at a time."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from benchmarks.fresh import run_fresh
from benchmarks.inference.runners import Runner
from benchmarks.inference.texts import SETS, some, texts_of
from benchmarks.rows import ROOT, Dataset, Rows

_OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "TOKENIZERS_PARALLELISM": "true"}
HEAD_FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "head.safetensors")
TEXTS = "texts.json"


@dataclass(frozen=True)
class Hall:
    """Where a contest takes place."""

    scratch: Path
    """Everything that is made lies here, and is used again."""
    dataset: Dataset
    threads: int
    peers_python: Path
    """Of the environment of the peers."""
    n_many: dict[str, int]
    """Texts of a round, by set."""
    n_single: int
    """Texts that are asked one by one in a round."""

    @property
    def checkpoint(self) -> Path:
        """The encoder and head that all answer with."""
        return self.scratch / "checkpoint"

    def python(self, *, apart: bool) -> str:
        """Give the Python of an environment."""
        return str(self.peers_python if apart else sys.executable)

    def made(self, runner: Runner) -> Path:
        """Give the folder of a runner's model."""
        return self.scratch / "made" / runner.slug

    def job(self, runner: Runner) -> dict[str, Any]:
        """Describe what a runner's process loads; see ``worker.Job``."""
        return {
            "engine": runner.engine,
            "variant": runner.variant,
            "made": str(self.made(runner)),
            "checkpoint": str(self.checkpoint),
            "train": str(self.dataset.train),
            "threads": self.threads,
            "texts": str(self.scratch / TEXTS),
            "imports": list(runner.imports),
        }


class Worker:
    """A process that has loaded one runner's model, or will.

    Args:
        process: It reads questions and writes answers.
        log: Takes what it writes to its standard error.
    """

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._questions: IO[str] = process.stdin
        self._answers: IO[str] = process.stdout
        self._log = log

    def ask(self, what: str, **more: Any) -> dict[str, Any]:
        """Ask, and wait for the answer.

        Args:
            what: The question.
            **more: What belongs to it.

        Returns:
            The answer.
        """
        self.begin(what, **more)
        return self.answer()

    def begin(self, what: str, **more: Any) -> None:
        """Ask without waiting for the answer.

        Args:
            what: The question.
            **more: What belongs to it.
        """
        self._questions.write(json.dumps({"ask": what, **more}) + "\n")
        self._questions.flush()

    def answer(self) -> dict[str, Any]:
        """Wait for the answer to the last question.

        Returns:
            The answer.

        Raises:
            SystemExit: The process has ended; the end of its log is shown.
        """
        line = self._answers.readline()
        if not line:
            tail = "\n".join(self._log.read_text("utf-8").splitlines()[-12:])
            raise SystemExit(f"{self._log.stem}: ended without an answer\n{tail}")
        told: dict[str, Any] = json.loads(line)
        return told


@contextmanager
def worker(hall: Hall, runner: Runner) -> Iterator[Worker]:
    """Start a runner's process, and end it afterwards.

    Args:
        hall: Where.
        runner: Whose.

    Yields:
        The process.
    """
    log = hall.scratch / f"{runner.slug}.log"
    environment = {**os.environ, **_OFFLINE, "OMP_NUM_THREADS": str(hall.threads), "PYTHONWARNINGS": "ignore"}
    command = [
        hall.python(apart=runner.apart),
        "-m",
        "benchmarks.inference.worker",
        "--job",
        json.dumps(hall.job(runner)),
    ]
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        yield Worker(process, log)
        assert process.stdin is not None
        process.stdin.close()


def prepare(hall: Hall) -> dict[str, Rows]:
    """Train the checkpoint and lay out the texts, where an earlier run has not.

    Args:
        hall: Where.

    Returns:
        Texts and labels of each set.
    """
    parent = hall.scratch / "parent.model"
    if not parent.is_dir():
        program = str(Path(sys.executable).with_name("tunesmith"))
        flags = ["--rungs", "probe", "--budget", "none", "--offline", "--quiet", "--threads", str(hall.threads)]
        command = [program, "train", str(hall.dataset.train), *flags, "--out", str(parent)]
        run_fresh(command, threads=hall.threads, log=hall.scratch / "train.log")
    hall.checkpoint.mkdir(exist_ok=True)
    for name in HEAD_FILES:
        shutil.copy(parent / name, hall.checkpoint / name)
    labels = json.loads((parent / "tunesmith.json").read_text("utf-8"))["labels"]
    (hall.checkpoint / "labels.json").write_text(json.dumps(labels), encoding="utf-8")
    rows = {name: texts_of(hall.dataset, name) for name in SETS}
    parts = {
        name: {"all": of.texts, "many": some(of, hall.n_many[name]), "tune": some(of, hall.n_many[name] // 4)}
        for name, of in rows.items()
    }
    (hall.scratch / TEXTS).write_text(json.dumps(parts), encoding="utf-8")
    return rows


def make(hall: Hall, runner: Runner) -> float:
    """Make a runner's model, where an earlier run has not.

    Args:
        hall: Where.
        runner: Whose.

    Returns:
        MiB of what it loads.
    """
    out = hall.made(runner)
    if not out.is_dir():
        fresh = out.with_name(f"{out.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        given = {"engine": runner.engine, "variant": runner.variant, "checkpoint": hall.checkpoint, "out": fresh}
        given |= {"train": hall.dataset.train, "threads": hall.threads}
        command = [hall.python(apart=runner.made_apart), "-m", "benchmarks.inference.make"]
        command += [part for name, value in given.items() for part in (f"--{name}", str(value))]
        run_fresh(command, threads=hall.threads, log=hall.scratch / f"make-{runner.slug}.log")
        fresh.rename(out)
    return size_mib(out, hall.checkpoint)


def size_mib(made: Path, checkpoint: Path) -> float:
    """Measure what a model takes on the disk, without what is told about it.

    Args:
        made: What was made of it; empty where the checkpoint is loaded as it is.
        checkpoint: The encoder and its head.

    Returns:
        MiB.
    """
    told = {"README.md", "report.html", "costs.json", "manifest.json", "labels.json"}
    files = [path for path in made.rglob("*") if path.is_file() and path.name not in told]
    if not files:
        files = [path for path in checkpoint.iterdir() if path.name not in told]
    elif all(path.name != "tokenizer.json" for path in files):
        files.append(checkpoint / "tokenizer.json")
    return round(sum(path.stat().st_size for path in files) / 2**20, 2)


def tuned(hall: Hall, runner: Runner, name: str) -> dict[str, Any]:
    """Find a runner's best batching for a set, in a process that ends afterwards.

    Args:
        hall: Where.
        runner: Who.
        name: The set.

    Returns:
        The best, and seconds of each that was tried.
    """
    tried = [asdict(each) for each in runner.batchings]
    if len(tried) == 1:
        return dict(tried[0])
    known = hall.scratch / f"tuned-{name}-{runner.slug}.json"
    if not known.is_file():
        with worker(hall, runner) as process:
            found = {**process.ask("tune", name=name, batchings=tried), "tried": tried}
        known.write_text(json.dumps(found), encoding="utf-8")
    told: dict[str, Any] = json.loads(known.read_text("utf-8"))
    return told


def contest(
    hall: Hall, runners: Sequence[Runner], name: str, *, n_rounds: int, tunings: Mapping[str, Mapping[str, Any]]
) -> Iterator[dict[str, dict[str, Any]]]:
    """Open all runners, have each answer every text once, then ask them in turns.

    Args:
        hall: Where.
        runners: Who; the order is drawn anew each round.
        name: The set.
        n_rounds: How often.
        tunings: Batching of each.

    Yields:
        What each told, by its name: of the whole set first, then of each round.
    """
    with ExitStack() as stack:
        open_ones = {}
        load = round(os.getloadavg()[0], 2)
        for runner in runners:
            process = stack.enter_context(worker(hall, runner))
            process.ask("open", batching={key: tunings[runner.name][key] for key in ("size", "equal")})
            process.begin("whole", name=name)  # all at once: nothing is timed yet
            open_ones[runner.name] = process
        yield {who: {"load_before": load, **process.answer()} for who, process in open_ones.items()}
        drawn = random.Random(0)
        for number in range(n_rounds):
            order = sorted(open_ones)
            drawn.shuffle(order)
            place = {"name": name, "first": number * hall.n_single, "n_single": hall.n_single}
            yield {who: open_ones[who].ask("round", **place) for who in order}
