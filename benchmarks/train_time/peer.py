"""What the peers have in common that learn in one go: flags, the clock, and the one line of JSON that each prints."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.fresh import current_mib, peak_mib, seconds_since_start
from benchmarks.rows import Rows, read_rows
from benchmarks.train_time.scores import scores

Predict = Callable[[list[str]], Sequence[str]]
Learn = Callable[[Rows, argparse.Namespace], Predict]
"""Train rows and flags to what answers; the model is on the disk when it returns."""


def parser_of(text: str) -> argparse.ArgumentParser:
    """Begin the flags of a peer.

    Args:
        text: What it is.

    Returns:
        A parser with those that all share.
    """
    parser = argparse.ArgumentParser(description=text)
    for name in ("--train", "--test", "--model", "--out"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    return parser


def run(learn: Learn, flags: argparse.Namespace, settings: dict[str, Any]) -> None:
    """Learn, stop the clock, answer the test rows, print.

    Args:
        learn: The peer.
        flags: Parsed.
        settings: What the result keeps of them.
    """
    flags.out.mkdir(parents=True, exist_ok=True)
    loaded_mib = current_mib()
    with contextlib.redirect_stdout(sys.stderr):  # where libraries tell of their steps
        predict = learn(read_rows(flags.train), flags)
    seconds, cpu_seconds, peak = seconds_since_start(), time.process_time(), peak_mib()
    test = read_rows(flags.test)
    answers = [str(answer) for answer in predict(test.texts)]
    measured = {
        "settings": {**settings, "threads": flags.threads, "seed": flags.seed},
        "loaded_mib": round(loaded_mib, 1),
        "epoch": None,
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu_seconds, 3),
        "evaluation_seconds": 0.0,
        "peak_mib": round(peak, 1),
        "tokens": None,
    }
    print(json.dumps({**measured, **scores(answers, test.labels)}))
