"""Who is compared: each trains in a fresh process on the same rows, and answers the same test rows afterwards."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.few_labels.draws import pairs_of_all
from benchmarks.fresh import run_fresh
from benchmarks.rows import read_rows
from benchmarks.train_time.peers import base_model_folder

OURS = {"tunesmith": (), "tunesmith --rungs probe": ("--rungs", "probe")}
"""Name to the flags of ``train``."""

SETFIT = ("SetFit", "SetFit, fewer pairs", "SetFit, all pairs")

_ITERATIONS = 20
"""Of SetFit's paper and of its own script for few labels: for each row as many alike and as many unlike pairs."""
_FEWER_PAIRS = 10_000
"""Ten minutes to half an hour of one core, whatever the rows: two pairs of each row at least."""
_MOST_PAIRS = 10_000
"""Of which all are taken: four minutes of two cores."""
_FEW_ROWS, _SOME_ROWS = 1300, 2500
"""Up to which SetFit has every draw, and two of them: about 15 and 30 minutes of two cores each."""


@dataclass(frozen=True)
class Cell:
    """One draw."""

    dataset: str
    n_labels: int
    per_label: int
    seed: int

    @property
    def n_rows(self) -> int:
        """Rows to learn from, at most."""
        return self.n_labels * self.per_label

    def key(self, contender: str = "") -> str:
        """Name what is measured on this draw.

        Args:
            contender: Who; left out, the beginning that the names of all have.

        Returns:
            Rows of a label, seed, contender.
        """
        return f"{self.per_label}/{self.seed}/{contender}"

    def iterations(self, contender: str) -> int | None:
        """Tell how many pairs of each row SetFit trains on.

        Args:
            contender: One of ``SETFIT``.

        Returns:
            Its ``num_iterations``, half the pairs of a row; None where every pair is taken.
        """
        fewer = max(1, _FEWER_PAIRS // (2 * self.n_rows))
        return {"SetFit": _ITERATIONS, "SetFit, fewer pairs": fewer, "SetFit, all pairs": None}[contender]

    def contenders(self) -> list[str]:
        """List who runs on this draw.

        Returns:
            Names, the quick ones first.
        """
        names = list(OURS)
        if 2 * _ITERATIONS * self.n_rows > _FEWER_PAIRS:
            names.append("SetFit, fewer pairs")
        draws = 10**6 if self.n_rows <= _FEW_ROWS else 2 if self.n_rows <= _SOME_ROWS else 1
        if self.seed < draws:
            names.append("SetFit")
        if pairs_of_all(self.n_labels, self.per_label) <= _MOST_PAIRS:
            names.append("SetFit, all pairs")
        return names


def run_contender(
    name: str, cell: Cell, train: Path, *, test: Path, setfit_python: Path, scratch: Path, threads: int
) -> dict[str, Any]:
    """Train one contender and have it answer the test rows.

    Args:
        name: Who.
        cell: The draw, which also seeds the training.
        train: Its rows.
        test: All test rows.
        setfit_python: Python of SetFit's environment.
        scratch: Folder to write to.
        threads: To compute with.

    Returns:
        Seconds of the process and of training alone, peak memory, accuracy, and for each test row whether it is right,
        four to a hexadecimal digit.
    """
    out = scratch / "out"
    shutil.rmtree(out, ignore_errors=True)
    if name in OURS:
        told, answers = _ours(OURS[name], train, test, out=out, threads=threads, seed=cell.seed)
    else:
        flags = {"train": train, "test": test, "out": out, "threads": threads, "seed": cell.seed}
        told, answers = _setfit(flags, iterations=cell.iterations(name), python=setfit_python)
    right = [answer == label for answer, label in zip(answers, read_rows(test).labels, strict=True)]
    return {**told, "accuracy": round(sum(right) / len(right), 6), "right": packed(right)}


def packed(right: list[bool]) -> str:
    """Write marks down, four to a hexadecimal digit; the last digit is filled up with wrong ones.

    Args:
        right: One a row.

    Returns:
        The digits.

    Example:
        >>> packed([True, False, False, True, True])
        '98'
    """
    bits = "".join("01"[mark] for mark in right)
    fours = [bits[start : start + 4].ljust(4, "0") for start in range(0, len(bits), 4)]
    return "".join(f"{int(four, 2):x}" for four in fours)


def _ours(
    flags: tuple[str, ...], train: Path, test: Path, *, out: Path, threads: int, seed: int
) -> tuple[dict[str, Any], list[str]]:
    """Run ``train``, its clock from start to exit, then ``predict``."""
    program = str(Path(sys.executable).with_name("tunesmith"))
    columns = ["--text", "text", "--label", "label"]
    common = ["--json", "--quiet", "--threads", str(threads)]
    command = [program, "train", str(train), *columns, *flags, "--seed", str(seed), "--offline", "--out", str(out)]
    log = out.with_name("tunesmith.log")
    trained = run_fresh([*command, *common, "--force"], threads=threads, log=log)
    answered = run_fresh([program, "predict", str(out), str(test), *common], threads=threads, log=log)
    report = json.loads(trained.output)
    rungs = report["rungs"]
    told = {
        "seconds": round(trained.seconds, 2),
        "cpu_seconds": round(trained.cpu_s, 2),
        "train_seconds": round(sum(rung["seconds"] for rung in rungs), 2),
        "peak_mib": round(max(trained.peak_mib, *(rung["peak_mib"] for rung in rungs)), 1),
        "kept": report["kept"],
        "rungs": {rung["name"]: round(rung["seconds"], 2) for rung in rungs},
    }
    return told, [str(json.loads(line)["label"]) for line in answered.output.splitlines()]


def _setfit(flags: Mapping[str, Any], *, iterations: int | None, python: Path) -> tuple[dict[str, Any], list[str]]:
    """Run SetFit; its clock stops when the model is on disk, before its process ends."""
    asked = {"base": base_model_folder(), **flags, **({} if iterations is None else {"iterations": iterations})}
    command = [str(python), "-m", "benchmarks.few_labels.setfit_peer"]
    command += [part for name, value in asked.items() for part in (f"--{name}", str(value))]
    ended = run_fresh(command, threads=flags["threads"], log=flags["out"].with_name("setfit.log"))
    told = json.loads(ended.output.splitlines()[-1])
    answers = told.pop("answers")
    return {name: round(value, 2) for name, value in told.items()} | {"iterations": iterations}, answers
