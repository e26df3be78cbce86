"""What is said of a climb's result: the bundle's facts, its costs, and the answer of ``train --json``."""

from __future__ import annotations

import math
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith.bundle.schema import FORMAT, BaseFacts, DataFacts, Facts, LabelType, ScaleFacts, TextFacts, TokenFacts
from tunesmith.ladder.climb import Outcome
from tunesmith.ladder.coverage import token_counts
from tunesmith.ladder.prepare import Prepared
from tunesmith.ladder.site import Site
from tunesmith.machine.describe import describe
from tunesmith.types import JSON

_LIBRARIES = ("tunesmith", "torch", "transformers", "tokenizers", "numpy", "scikit-learn", "safetensors")


def versions() -> dict[str, str]:
    """Name what computes.

    Returns:
        Python and the libraries that decide numbers.
    """
    return {"python": platform.python_version(), **{name: _version(name) for name in _LIBRARIES}}


_version = cache(version)  # which reads a file and takes it apart each time


def facts_of(site: Site, outcome: Outcome, *, label_type: LabelType) -> Facts:
    """Describe the kept model.

    Args:
        site: The climb.
        outcome: What it brought.
        label_type: Type the labels came in.

    Returns:
        The content of ``tunesmith.json``: nothing in it depends on a clock.
    """
    kept, data = outcome.kept, site.data
    tokens = base = None
    if kept.kind != "bag_of_words":
        tokens = TokenFacts(
            max_seq_length=kept.model.max_seq_length,
            pooling=kept.model.pooling,
            unit_length=kept.model.unit_length,
            pairing=kept.model.pairing,
        )
    if kept.kind in ("encoder", "adapter", "static") or kept.facts.get("embeddings") == "base":
        base = BaseFacts(
            name=site.base.name,
            licence=site.base.licence,
            sha256=site.base_sha256,
        )
    recipe = site.recipe.model_dump(mode="json")
    recipe["run"].pop("out")  # where a model lies, and who looked on, is no part of what it is
    recipe.pop("track")
    return Facts(
        format=FORMAT,
        kind=kept.kind,
        task=site.task.name,
        task_options=site.recipe.task.get(site.task.name, {}),
        rung=kept.rung,
        labels=data.coding.labels,
        scale=None if data.coding.labels else ScaleFacts(mean=data.coding.mean, spread=data.coding.spread),
        label_type=label_type,
        text=TextFacts(normalise=site.recipe.data.normalise),
        tokens=tokens,
        temperature=outcome.calibration.temperature,
        thresholds=outcome.calibration.thresholds,
        measured_on=kept.measured_on,
        metrics=outcome.metrics,
        test_metrics=outcome.test,
        data=DataFacts(
            source=Path(data.source).name,
            sha256=data.sha256,
            text=", ".join(data.columns.text),
            pair=data.columns.pair,
            label=data.columns.label or "",
            rows=len(data.texts),
            train=len(data.split.train),
            validation=len(data.split.validation),
            test=len(data.split.test),
            unlabelled=len(data.unlabelled),
            tokens=token_counts(site) if site.uses_base else None,
            labels={label: data.label_rows.get(label, 0) for label in data.coding.labels},
            numbers=None if data.coding.labels else _quartiles(data),
            scripts=site.scripts,
            notes=site.notes,
        ),
        base=base,
        method=kept.model.method if kept.kind == "adapter" else None,
        versions=versions(),
        recipe=recipe,
    )


def _quartiles(data: Prepared) -> tuple[float, ...]:
    """Lowest, quartiles and highest of the numbers, in the unit of the file."""
    numbers = data.coding.mean + data.coding.spread * data.targets.astype(np.float64)
    decimals = 5 - math.floor(math.log10(data.coding.spread))  # targets are float32, whose further digits are noise
    return tuple(round(value, decimals) + 0.0 for value in np.quantile(numbers, (0.0, 0.25, 0.5, 0.75, 1.0)).tolist())


def costs_of(site: Site, outcome: Outcome) -> dict[str, Any]:
    """Tell what the climb cost.

    Args:
        site: The climb.
        outcome: What it brought.

    Returns:
        The content of ``costs.json``: all that differs from run to run.
    """
    return {
        "seconds": round(site.clock.elapsed(), 2),
        "stopped_because": outcome.stopped_because,
        "rungs": rungs_of(outcome),
        "machine": describe(),
    }


def rungs_of(outcome: Outcome) -> list[dict[str, JSON]]:
    """List the rungs as ``train --json`` does.

    Args:
        outcome: What the climb brought.

    Returns:
        One object a rung, in the order they landed.
    """
    return [
        {
            "name": landing.rung,
            "seconds": round(landing.seconds, 2),
            "peak_mib": round(landing.peak_mib, 1),
            "tflop": round(landing.tflop, 4),
            "validation": outcome.validation[landing.rung],
            "kept": landing.rung == outcome.kept.rung,
        }
        for landing in outcome.landings
    ]
