"""What labels chosen by ``tunesmith next`` are worth beside as many drawn at random; writes results/NAME.json.

python -m benchmarks.next_rows.run [banking77] [clinc150] [sst2_glue] [--seeds 5]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks.next_rows.learning import RANDOM, Material, first_labels, learning_curve, read_material
from benchmarks.provenance import available_cores, provenance
from numpy.typing import NDArray
from scipy.stats import t

from tunesmith.select.strategies import STRATEGIES

HERE = Path(__file__).resolve().parent
PACKAGES = ("tunesmith", "torch", "tokenizers", "numpy")
SETS = ("banking77", "clinc150", "sst2_glue")
N_FIRST, N_ROUNDS, BATCH, MOST_ROWS = 200, 6, 100, 15_000
_LEVEL = 0.95


def compared(material: Material, *, n_seeds: int, n_rounds: int = N_ROUNDS, batch: int = BATCH) -> dict[str, Any]:
    """Label a set by each strategy and in random order, from the same first rows under each seed.

    Args:
        material: The set.
        n_seeds: Draws of the first rows.
        n_rounds: Batches of labels.
        batch: Rows of each.

    Returns:
        Of random order and each strategy the mean curve, and of each strategy what it gains, with 95 % intervals.
    """
    curves: dict[str, list[list[float]]] = {name: [] for name in (RANDOM, *STRATEGIES.names())}
    for seed in range(n_seeds):
        first = first_labels(material, N_FIRST, seed=seed)
        for name, found in curves.items():
            found.append(learning_curve(material, name, first, n_rounds=n_rounds, batch=batch, seed=seed))
    arrays = {name: np.array(found) for name, found in curves.items()}
    return {
        "rows_to_label": len(material.labels),
        "test_rows": len(material.test_labels),
        "labels": [N_FIRST + batch * number for number in range(n_rounds + 1)],
        "seeds": n_seeds,
        "mean_accuracy": {name: _rounded(found.mean(axis=0)) for name, found in arrays.items()},
        "gains": {
            name: {
                "area": _interval((found - arrays[RANDOM])[:, 1:].mean(axis=1)),
                "rounds": [_interval(column) for column in (found - arrays[RANDOM])[:, 1:].T],
            }
            for name, found in arrays.items()
            if name != RANDOM
        },
        "curves": curves,
    }


def _interval(differences: NDArray[np.float64]) -> dict[str, float]:
    """Mean of paired differences with Student's interval over the seeds."""
    half = t.ppf((1 + _LEVEL) / 2, len(differences) - 1) * differences.std(ddof=1) / len(differences) ** 0.5
    mean = differences.mean()
    return {"value": round(float(mean), 4), "low": round(float(mean - half), 4), "high": round(float(mean + half), 4)}


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [round(value, 4) for value in values.tolist()]


def main() -> None:
    """Run what is asked for and print what is gained."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(SETS), metavar="NAME")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=available_cores())
    flags = parser.parse_args()
    torch.set_num_threads(flags.threads)
    (HERE / "results").mkdir(exist_ok=True)
    for name in flags.names:
        started = time.monotonic()
        found = compared(read_material(name, HERE / "scratch", most_rows=MOST_ROWS), n_seeds=flags.seeds)
        seconds = round(time.monotonic() - started, 1)
        result = {**provenance("next_rows", threads=flags.threads, packages=PACKAGES), "seconds": seconds, **found}
        (HERE / "results" / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        for strategy, gain in found["gains"].items():
            print(name, strategy, *(f"{100 * gain['area'][key]:+.1f}" for key in ("value", "low", "high")))


if __name__ == "__main__":
    main()
