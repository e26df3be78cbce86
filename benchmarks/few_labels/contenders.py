"""Who is compared: each trains in a fresh process on the same rows, and answers the same test rows afterwards."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.few_labels.draws import pairs_of_all
from benchmarks.fresh import run_fresh
from benchmarks.rows import read_rows
from benchmarks.train_time.peers import base_model_folder

OURS = {"tunesmith": (), "tunesmith --rungs probe": ("--rungs", "probe")}
"""Name to the flags of ``train``."""

SETFIT = {"SetFit": "iterations", "SetFit, all pairs": "all"}
"""Name to the pairs that it trains on."""

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

    def contenders(self) -> list[str]:
        """List who runs on this draw.

        Returns:
            Names, the quick ones first.
        """
        names = list(OURS)
        draws = 10**6 if self.n_rows <= _FEW_ROWS else 2 if self.n_rows <= _SOME_ROWS else 1
        if self.seed < draws:
            names.append("SetFit")
        if pairs_of_all(self.n_labels, self.per_label) <= _MOST_PAIRS:
            names.append("SetFit, all pairs")
        return names


def run_contender(
    name: str, train: Path, test: Path, *, setfit_python: Path, scratch: Path, threads: int, seed: int
) -> dict[str, Any]:
    """Train one contender and have it answer the test rows.

    Args:
        name: Who.
        train: The draw.
        test: All test rows.
        setfit_python: Python of SetFit's environment.
        scratch: Folder to write to.
        threads: To compute with.
        seed: Of the training.

    Returns:
        Seconds of the process and of training alone, peak memory, accuracy, and for each test row whether it is right,
        four to a hexadecimal digit.
    """
    out = scratch / "out"
    shutil.rmtree(out, ignore_errors=True)
    if name in OURS:
        told, answers = _ours(OURS[name], train, test, out=out, threads=threads, seed=seed)
    else:
        told, answers = _setfit(SETFIT[name], train, test, python=setfit_python, out=out, threads=threads, seed=seed)
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


def _setfit(
    pairs: str, train: Path, test: Path, *, python: Path, out: Path, threads: int, seed: int
) -> tuple[dict[str, Any], list[str]]:
    """Run SetFit; its clock stops when the model is on disk, before its process ends."""
    flags = {
        "base": base_model_folder(),
        "train": train,
        "test": test,
        "out": out,
        "pairs": pairs,
        "threads": threads,
        "seed": seed,
    }
    command = [str(python), "-m", "benchmarks.few_labels.setfit_peer"]
    command += [part for name, value in flags.items() for part in (f"--{name}", str(value))]
    ended = run_fresh(command, threads=threads, log=out.with_name("setfit.log"))
    told = json.loads(ended.output.splitlines()[-1])
    answers = told.pop("answers")
    return {name: round(value, 2) for name, value in told.items()}, answers
