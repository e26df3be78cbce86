"""What answering costs, of a model and of its smaller form side by side: time, size, memory."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

from tunesmith.bundle.kinds import COMMON_FILES, KINDS, Predictor
from tunesmith.bundle.schema import Facts
from tunesmith.bundle.shared_bases import find_shared_base
from tunesmith.models.weights import weights_file
from tunesmith.types import JSON, Text

_N_SINGLE = 100
_WARM_UP = 5
_N_ROUNDS = 3
_MOST_ROWS = 1_000
_MEMORY = """
import json, sys
from tunesmith.bundle.load import load_bundle
from tunesmith.machine.memory import current_mib, peak_mib
import tunesmith.bundle.encoder_model
before = current_mib()
predictor = load_bundle(sys.argv[1]).predictor
texts = json.loads(sys.stdin.read())
predictor.outputs([text if isinstance(text, str) else tuple(text) for text in texts])
print(peak_mib() - before)
"""
"""Run in a process of its own: memory that another model has used before would not show."""
_LONGEST_S = 600


def costs_of(
    predictors: Sequence[Predictor], texts: Sequence[Text], *, most_rows: int = _MOST_ROWS
) -> list[dict[str, JSON]]:
    """Time models on the same texts, in turns, so that what else the machine does meets all of them.

    Args:
        predictors: The models.
        texts: Prepared; at least one.
        most_rows: Texts that are answered at once.

    Returns:
        Of each model ``latency_ms`` of one text, median and 95th percentile, and ``texts_per_second`` of many at once,
        the median of three rounds.
    """
    singles: list[list[float]] = [[] for _ in predictors]
    for number in range(_WARM_UP + _N_SINGLE):
        for seconds, predictor in zip(singles, predictors, strict=True):
            seconds.append(_seconds(predictor, [texts[number % len(texts)]]))
    many = texts[:most_rows]
    rounds = [[_seconds(predictor, many) for predictor in predictors] for _ in range(_N_ROUNDS)]
    return [
        {
            "latency_ms": {
                "p50": 1000.0 * float(np.quantile(seconds[_WARM_UP:], 0.5)),
                "p95": 1000.0 * float(np.quantile(seconds[_WARM_UP:], 0.95)),
            },
            "texts_per_second": len(many) / median(each[place] for each in rounds),
        }
        for place, seconds in enumerate(singles)
    ]


def size_mib(folder: Path, facts: Facts) -> float:
    """Measure what a bundle's model takes on the disk, without what is told about it.

    Args:
        folder: The bundle.
        facts: Its description.

    Returns:
        MiB, with the weights of a base model that lies beside it: it does not answer without them.
    """
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in COMMON_FILES]
    if KINDS.member(facts.kind).SHARES_BASE and facts.base is not None:
        files.append(weights_file(find_shared_base(facts.base, folder)))
    return sum(path.stat().st_size for path in files) / 2**20


def memory_mib(folder: Path, texts_json: str) -> float | None:
    """Measure what a process holds at most for loading a bundle and answering some texts.

    Args:
        folder: The bundle, whole.
        texts_json: Prepared texts as a JSON list.

    Returns:
        MiB above what the libraries alone take; None where such a process does not come to its end.
    """
    command = [sys.executable, "-W", "ignore", "-c", _MEMORY, str(folder)]
    try:
        ran = subprocess.run(command, input=texts_json, capture_output=True, text=True, timeout=_LONGEST_S, check=True)
    except subprocess.SubprocessError:
        return None
    return float(ran.stdout)


def _seconds(predictor: Predictor, texts: Sequence[Text]) -> float:
    started = time.perf_counter()
    predictor.outputs(texts)
    return time.perf_counter() - started
