"""Scores, several labels and pairs, each beside what needs less; writes results/NAME.json.

python -m benchmarks.tasks.run [similarity] [several_labels] [pairs]
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.fresh import run_fresh
from benchmarks.provenance import available_cores, provenance
from benchmarks.rows import data_folder
from benchmarks.tasks.peers import best_cut, cosines, one_against_the_rest
from benchmarks.tasks.sets import SEPARATOR, joined_messages, pair_folds, read_columns
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

HERE = Path(__file__).resolve().parent
PACKAGES = ("tunesmith", "torch", "tokenizers", "numpy", "scikit-learn")


def trained(data: Path, out: Path, *flags: str, threads: int) -> dict[str, Any]:
    """Train in a fresh process.

    Args:
        data: Train file.
        out: Where the model goes.
        flags: More of the command.
        threads: To compute with.

    Returns:
        Seconds, peak memory, the rung kept, each rung's validation figures and those of the test rows.
    """
    program = Path(sys.executable).with_name("tunesmith")
    command = [str(program), "train", str(data), "--out", str(out), "--force", "--offline", "--json", "-q", *flags]
    done = run_fresh([*command, "--threads", str(threads)], threads=threads, log=out.parent / "tunesmith.log")
    report = json.loads(done.output)
    return {
        "seconds": round(done.seconds, 1),
        "peak_mib": round(done.peak_mib, 1),
        "kept": report["kept"],
        "stopped_because": report["stopped_because"],
        "rungs": [{"name": rung["name"], "seconds": rung["seconds"], **_figures(rung)} for rung in report["rungs"]],
        "test": _only_figures(report["test"] or {}),
    }


def similarity(scratch: Path, *, threads: int) -> dict[str, Any]:
    """How alike two sentences are, 0 to 5: the STS benchmark with its own validation and test rows.

    Args:
        scratch: Folder to write to.
        threads: To compute with.

    Returns:
        Spearman's rank correlation of the untrained encoder's cosine, and of tunesmith in ten minutes.
    """
    folder = data_folder() / "stsb"
    files = {part: folder / f"{part}.csv" for part in ("valid", "test")}
    untrained = {
        part: round(float(spearmanr(cosines(path), [float(cell) for cell in read_columns(path, "score")[0]])[0]), 4)
        for part, path in files.items()
    }
    flags = ["--validation", str(files["valid"]), "--test", str(files["test"]), "--budget", "10m"]
    return {
        "cosine_spearman": untrained,
        "tunesmith": trained(folder / "train.csv", scratch / "similarity", *flags, threads=threads),
    }


def several_labels(scratch: Path, *, threads: int) -> dict[str, Any]:
    """Messages with one to three of 150 intents, joined from real ones.

    Args:
        scratch: Folder to write to.
        threads: To compute with.

    Returns:
        Micro-F1 of word counts one label against the rest, and of tunesmith in five minutes.
    """
    train, test = joined_messages(scratch)
    flags = ["--task", "multi_label", "--separator", SEPARATOR, "--test", str(test), "--budget", "5m"]
    return {
        "one_against_the_rest": one_against_the_rest(train, test),
        "tunesmith": trained(train, scratch / "several_labels", *flags, threads=threads),
    }


def pairs(scratch: Path, *, threads: int) -> dict[str, Any]:
    """Whether two questions ask the same: 488 pairs in five folds, no first question in two of them.

    Args:
        scratch: Folder to write to.
        threads: To compute with.

    Returns:
        Accuracy of the cosine with the best threshold of the train rows and of tunesmith in a minute, over all rows
        out of fold, and the area under the curve in the mean of the folds.
    """
    cosine_right: list[bool] = []
    right: list[bool] = []
    areas: dict[str, list[float]] = {"cosine": [], "tunesmith": []}
    for fold, (train, test) in enumerate(pair_folds(scratch)):
        positive = {path: np.array([cell == "1" for cell in read_columns(path, "label")[0]]) for path in (train, test)}
        scores = {path: cosines(path) for path in (train, test)}
        cut = best_cut(scores[train], positive[train])
        cosine_right += ((scores[test] >= cut) == positive[test]).tolist()
        areas["cosine"].append(float(roc_auc_score(positive[test], scores[test])))
        model = scratch / f"pairs-{fold}"
        flags = ["--positive", "1", "--group", "text_a", "--budget", "1m"]
        trained(train, model, *flags, threads=threads)
        shares = _shares(model, test, threads=threads)
        right += ((shares >= 0.5) == positive[test]).tolist()
        areas["tunesmith"].append(float(roc_auc_score(positive[test], shares)))
    return {
        "rows": len(right),
        "accuracy": {"cosine": round(float(np.mean(cosine_right)), 4), "tunesmith": round(float(np.mean(right)), 4)},
        "only_tunesmith_right": int(np.sum(np.array(right) & ~np.array(cosine_right))),
        "only_cosine_right": int(np.sum(np.array(cosine_right) & ~np.array(right))),
        "roc_auc": {name: round(float(np.mean(found)), 4) for name, found in areas.items()},
    }


def _shares(model: Path, test: Path, *, threads: int) -> Any:
    """Probability of the positive label for each row of a file."""
    program = Path(sys.executable).with_name("tunesmith")
    command = [str(program), "predict", str(model), str(test), "--all", "--json", "-q", "--threads", str(threads)]
    answers = run_fresh(command, threads=threads, log=model.parent / "tunesmith.log").output.splitlines()
    return np.array([json.loads(answer)["probabilities"]["1"] for answer in answers])


def _figures(rung: dict[str, Any]) -> dict[str, Any]:
    return _only_figures(rung["validation"])


def _only_figures(metrics: dict[str, Any]) -> dict[str, Any]:
    """Leave the tables by label out."""
    return {name: value for name, value in metrics.items() if name not in ("per_class", "confusion")}


BENCHMARKS: dict[str, Callable[..., dict[str, Any]]] = {
    "similarity": similarity,
    "several_labels": several_labels,
    "pairs": pairs,
}


def main() -> None:
    """Run what is asked for and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(BENCHMARKS), metavar="NAME")
    parser.add_argument("--threads", type=int, default=available_cores())
    flags = parser.parse_args()
    scratch = HERE / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    (HERE / "results").mkdir(exist_ok=True)
    for name in flags.names:
        result = {
            **provenance("tasks", threads=flags.threads, packages=PACKAGES),
            **BENCHMARKS[name](scratch, threads=flags.threads),
        }
        (HERE / "results" / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        print(name, json.dumps({key: value for key, value in result.items() if key not in ("machine", "versions")}))


if __name__ == "__main__":
    main()
