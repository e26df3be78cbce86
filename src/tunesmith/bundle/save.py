"""Saving and copying: the whole bundle in a new folder, read back before anything says done."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.bundle.kinds import KINDS, Predictor
from tunesmith.bundle.load import Bundle, load_bundle
from tunesmith.bundle.schema import FACTS_FILE, Facts
from tunesmith.bundle.shared_bases import find_shared_base, share_base
from tunesmith.errors import ArtifactError
from tunesmith.files.atomic import write_error, write_json, write_text
from tunesmith.files.exchange import exchange_folders
from tunesmith.files.manifest import MANIFEST, verify_manifest, write_manifest
from tunesmith.types import Text

RECORD = ("README.md", "costs.json", "report.html")
"""Files that hold measured costs: outside "the same bytes"."""

_TOLERANCE = 1e-4


def save_bundle(
    folder: Path,
    model: Any,
    facts: Facts,
    *,
    probe_texts: Sequence[Text],
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
    _compare(folder, facts, probe_texts, expected=probe_logits)  # a folder without manifest is never put in place
    write_manifest(folder, record=_recorded(folder))
    load_bundle(folder)


def copy_bundle(bundle: Bundle, folder: Path) -> None:
    """Copy a bundle to another place, where it appears whole or not at all.

    Args:
        bundle: Verified.
        folder: Nothing is there yet.

    Raises:
        ArtifactError: The bundle was replaced or changed since it was verified.
        ResourceError: The disk is full or refuses the write.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)
        for name in (*verify_manifest(bundle.folder), MANIFEST):
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(bundle.folder / name, partial / name)
        if KINDS.member(bundle.facts.kind).SHARES_BASE and bundle.facts.base is not None:
            share_base(find_shared_base(bundle.facts.base, bundle.folder), folder.absolute().parent)
        load_bundle(partial)
        bundle.refuse_replaced()
        write_manifest(partial, record=_recorded(partial))  # the same again: it puts every file on the disk first
        exchange_folders(partial, folder)
    except OSError as error:
        raise write_error(folder, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _recorded(folder: Path) -> list[str]:
    return [name for name in RECORD if (folder / name).exists()]


def _compare(folder: Path, facts: Facts, texts: Sequence[Text], *, expected: NDArray[np.float32]) -> None:
    """Load what was written and hold its answers to those of the model in memory."""
    if not len(texts):
        return
    predictor: Predictor = KINDS.member(facts.kind).load(folder, facts)
    found = predictor.outputs(texts).logits
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
