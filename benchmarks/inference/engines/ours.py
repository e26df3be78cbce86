"""tunesmith, as a user of its Python interface has it: ``tunesmith.load(folder).predict(texts)``."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.inference.engines import Batching, Sources

import tunesmith
from tunesmith.machine.threads import set_threads

BUNDLE = "model"
HOW = {"static": ["--max-loss", "100"]}
"""Averaged vectors may lose what they lose, which is told; the others are held to half a point, as by default."""


def make(variant: str, sources: Sources, out: Path) -> None:
    """Compress the parent, which lies beside the checkpoint; see ``Engine``."""
    parent = sources.checkpoint.parent / "parent.model"
    if variant == "fp32":
        shutil.copytree(parent, out / BUNDLE)
        return
    program = str(Path(sys.executable).with_name("tunesmith"))
    flags = ["--data", str(sources.train), "--to", variant, "--out", str(out / BUNDLE)]
    flags += [*HOW.get(variant, []), "--quiet", "--threads", str(sources.threads)]
    subprocess.run([program, "compress", str(parent), *flags], check=True)


class Ours:
    """Answers with a bundle.

    Args:
        made: Holds the bundle.
        labels: Their names in the order of the numbers.
        batching: Not used: it puts texts together itself.
    """

    def __init__(self, made: Path, labels: list[str], batching: Batching) -> None:
        self.batching = batching
        self._model = tunesmith.load(made / BUNDLE)
        self._numbers = {label: number for number, label in enumerate(labels)}

    def answers(self, texts: Sequence[str]) -> list[int]:
        """Answer texts; see ``Answerer``. What was answered in an earlier round is computed anew."""
        self._model.bundle.remembering.forget()
        return [self._numbers[each.label] for each in self._model.predict(list(texts))]


def load(variant: str, made: Path, *, sources: Sources, batching: Batching) -> Ours:
    """Load a bundle; see ``Engine``."""
    if variant != "static":  # which needs no torch; numpy's threads are in the environment
        set_threads(sources.threads)
    return Ours(made, json.loads((sources.checkpoint / "labels.json").read_text("utf-8")), batching)
