"""One cell of the comparison: ``finetune`` from a probe that all choices share, measured on the test rows."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.training_choices.choices import Choice
from numpy.typing import NDArray

from tunesmith.config.recipe import load_recipe
from tunesmith.data.read import read_table
from tunesmith.errors import ResourceError
from tunesmith.evaluate.calibration import mean_log_loss
from tunesmith.ladder.camp import Lives, open_site
from tunesmith.ladder.fit import checkpoint_names
from tunesmith.ladder.narrate import Silent
from tunesmith.ladder.resolve import resolve
from tunesmith.ladder.rungs import RUNGS
from tunesmith.ladder.rungs.finetune import Finetune
from tunesmith.ladder.site import Site
from tunesmith.machine.memory import current_mib, peak_mib, reset_peak
from tunesmith.runtimes.allocator import give_back_freed_memory
from tunesmith.runtimes.torch import logits as logits_of


@contextmanager
def probed(train: Path, test: Path, out: Path, *, seed: int, threads: int) -> Iterator[Site]:
    """Open a climb and land its probe; features are kept, so that another seed encodes no text again.

    Args:
        train: Train file.
        test: Test file.
        out: A name for what is written beside it.
        seed: Of the split, the draws and dropout.
        threads: To compute with.

    Yields:
        The site, its probe landed.
    """
    settings = {
        "data.test": str(test),
        "data.imbalance": "none",
        "ladder.rungs": ("probe", "finetune"),
        "ladder.budget": "none",
        "run.task": "single_label",
        "run.offline": True,
        "run.seed": seed,
        "run.threads": threads,
    }
    resolved = resolve(load_recipe(None, [], settings))
    with open_site(resolved, read_table(train), out, lives=Lives(force=True), narrator=Silent()) as site:
        assert site is not None, "a forced run has no earlier life"
        site.features = out.with_name(f"{out.name}-features")
        site.landings["probe"] = resolved.rungs[0].climb(site)
        yield site


def measured(site: Site, choice: Choice, *, epochs: float | None) -> dict[str, Any]:
    """Train by one choice and answer the test rows.

    Args:
        site: Its probe has landed.
        choice: What differs from the default.
        epochs: Passes that the default takes; None leaves them to the rung.

    Returns:
        What a result keeps of a cell; of a training that diverged only that it did.
    """
    passes = {} if epochs is None else {"epochs": epochs * choice.passes}
    options = RUNGS.options("finetune", {**passes, **choice.changes})
    rung = Finetune(options)
    rung.name = choice.name  # plan, checkpoints and log of each choice lie apart
    load = os.getloadavg()[0]
    give_back_freed_memory()
    reset_peak()
    before_mib, before_s = current_mib(), time.process_time()
    try:
        landing = rung.climb(site)
    except ResourceError as error:
        return {"diverged": error.code}
    finally:
        for name in checkpoint_names(choice.name):
            site.checkpoints.remove(name)
    above_mib, cpu_s = peak_mib() - before_mib, time.process_time() - before_s
    rows = site.data.split.test
    logits = logits_of(landing.model.classifier, site.encoded.tokens.select(rows))
    targets = site.data.targets[rows]
    temperature = site.task.calibrate(landing.logits, landing.targets).temperature
    right = logits.argmax(axis=1) == targets
    return {
        "accuracy": round(float(right.mean()), 5),
        "validation": round(landing.objective, 5),
        "log_loss": round(mean_log_loss(logits / temperature, targets), 5),
        "seconds": round(landing.seconds, 1),
        "cpu_seconds": round(cpu_s, 1),
        "load_before": load,
        "above_mib": round(above_mib, 1),
        "trained_weights": landing.facts["trained_weights"],
        "layer_weights": landing.facts["layer_weights"],
        "steps": landing.facts["steps"],
        "best_step": landing.facts["best_step"],
        "right": packed(right),
        "rows": len(rows),
    }


def packed(right: NDArray[np.bool_]) -> str:
    """Write which rows are answered right.

    Args:
        right: ``[B]``.

    Returns:
        Eight rows in two hexadecimal digits.
    """
    return np.packbits(right).tobytes().hex()


def unpacked(text: str, n_rows: int) -> NDArray[np.bool_]:
    """Read which rows are answered right.

    Args:
        text: As ``packed`` wrote it.
        n_rows: B.

    Returns:
        ``[B]``.
    """
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), dtype=np.uint8), count=n_rows).astype(bool)
