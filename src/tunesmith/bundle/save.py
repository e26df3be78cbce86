"""Saving: the whole bundle in a new folder, read back and compared before anything says done."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.bundle.kinds import KINDS
from tunesmith.bundle.load import load_bundle
from tunesmith.bundle.schema import FACTS_FILE, Facts
from tunesmith.errors import ArtifactError
from tunesmith.files.atomic import write_json, write_text
from tunesmith.files.manifest import write_manifest

RECORD = ("README.md", "costs.json", "report.html")
"""Files that hold measured costs: outside "the same bytes"."""

_TOLERANCE = 1e-4


def save_bundle(
    folder: Path,
    model: Any,
    facts: Facts,
    *,
    probe_texts: Sequence[str],
    probe_logits: NDArray[np.float32],
    extra_files: Mapping[str, str],
    costs: Mapping[str, Any],
) -> None:
    """Write a bundle into a folder of its own, then load it and compare what it answers.

    Args:
        folder: Made new; whatever an unfinished attempt left there is removed.
        model: What the bundle's kind saves.
        facts: Becomes ``tunesmith.json``.
        probe_texts: Prepared texts to compare on.
        probe_logits: What the model in memory says of them, ``[B, C]``.
        extra_files: File name to text: the card and the report.
        costs: Becomes ``costs.json``.

    Raises:
        ArtifactError: The model read back answers differently.
    """
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    KINDS.member(facts.kind).save(folder, model)
    for name, text in extra_files.items():
        write_text(folder / name, text)
    write_json(folder / "costs.json", dict(costs))
    write_json(folder / FACTS_FILE, facts.model_dump(mode="json"))
    write_manifest(folder, record=[name for name in RECORD if (folder / name).exists()])
    _compare(folder, probe_texts, probe_logits)


def _compare(folder: Path, texts: Sequence[str], expected: NDArray[np.float32]) -> None:
    """Load what was written and hold its answers to those of the model in memory."""
    if not len(texts):
        return
    found = load_bundle(folder).predictor.outputs(texts).logits
    # Batches of other shapes sum in another order: equal weights still differ in the last bits.
    scale = max(1.0, float(np.abs(expected).max()))
    worst = float(np.abs(found - expected).max()) / scale
    if not worst <= _TOLERANCE:
        raise ArtifactError(
            "save-differs",
            "the saved model answers differently from the trained one; nothing was replaced",
            where=str(folder),
            found=f"largest relative difference of a logit {worst:.2e}",
            allowed=f"{_TOLERANCE:.0e}",
            advice="please report this with the log beside the model",
        )
